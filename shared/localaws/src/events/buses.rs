//! Operations on buses.

use serde::{Deserialize, Serialize};

use crate::page::page;
use crate::service::ServiceError;

use super::Core;
use super::names::{Tag, by_key, check_length, check_name, page_size, seconds};
use super::state::{Bus, BusSettings, DEFAULT_BUS};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateEventBus {
    name: String,
    event_source_name: Option<String>,
    #[serde(flatten)]
    settings: BusSettings,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateEventBusResult {
    event_bus_arn: String,
    #[serde(flatten)]
    settings: BusSettings,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateEventBus {
    name: Option<String>,
    #[serde(flatten)]
    settings: BusSettings,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateEventBusResult {
    arn: String,
    name: String,
    #[serde(flatten)]
    settings: BusSettings,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BusName {
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListEventBuses {
    #[serde(default)]
    name_prefix: String,
    #[serde(default)]
    next_token: String,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListEventBusesResult {
    event_buses: Vec<ShownBus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// A bus as it is described and listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ShownBus {
    name: String,
    arn: String,
    #[serde(flatten)]
    settings: BusSettings,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    creation_time: f64,
    last_modified_time: f64,
}

impl Core {
    pub(super) fn create_event_bus(
        &self,
        request: CreateEventBus,
    ) -> Result<CreateEventBusResult, ServiceError> {
        let CreateEventBus { name, event_source_name, settings, tags } = request;
        check_name(&name, "name", 256, "/.-_")?;
        check_length(settings.description.as_deref(), "description", 512)?;
        if event_source_name.is_some() || name.contains('/') {
            let message = format!("Event source {name} does not exist.");
            return Err(ServiceError::new("ResourceNotFoundException", message));
        }
        let now = self.clock.now();
        let bus = Bus {
            settings: settings.clone(),
            tags: by_key(tags),
            created_at: now,
            modified_at: now,
            ..Bus::default()
        };
        let event_bus_arn = self.bus_arn(&name);
        self.kept.change(|state| match state.buses.contains_key(&name) {
            true => Err(ServiceError::new(
                "ResourceAlreadyExistsException",
                format!("Event bus {name} already exists."),
            )),
            false => {
                state.buses.insert(name, bus);
                Ok(())
            }
        })?;
        Ok(CreateEventBusResult { event_bus_arn, settings })
    }

    pub(super) fn update_event_bus(
        &self,
        request: UpdateEventBus,
    ) -> Result<UpdateEventBusResult, ServiceError> {
        let name = self.bus_name(request.name.as_deref()).to_owned();
        check_length(request.settings.description.as_deref(), "description", 512)?;
        let now = self.clock.now();
        let settings = self.kept.change(|state| {
            let bus = state.bus_mut(&name)?;
            bus.settings = request.settings;
            bus.modified_at = now;
            Ok::<_, ServiceError>(bus.settings.clone())
        })?;
        Ok(UpdateEventBusResult { arn: self.bus_arn(&name), name, settings })
    }

    /// A bus that is not there counts as deleted.
    pub(super) fn delete_event_bus(&self, request: &BusName) -> Result<(), ServiceError> {
        let name = self.bus_name(request.name.as_deref());
        if name == DEFAULT_BUS {
            return Err(ServiceError::validation("Cannot delete event bus default."));
        }
        self.kept.change(|state| {
            if state.buses.get(name).is_some_and(|bus| !bus.rules.is_empty()) {
                let message = "Event bus can't be deleted since it has rules.";
                return Err(ServiceError::validation(message));
            }
            state.buses.remove(name);
            Ok(())
        })
    }

    pub(super) fn describe_event_bus(&self, request: &BusName) -> Result<ShownBus, ServiceError> {
        let name = self.bus_name(request.name.as_deref());
        Ok(self.shown_bus(name, self.kept.read().bus(name)?))
    }

    pub(super) fn list_event_buses(
        &self,
        request: &ListEventBuses,
    ) -> Result<ListEventBusesResult, ServiceError> {
        let state = self.kept.read();
        let buses = state.buses.iter().filter(|(name, _)| {
            name.starts_with(&request.name_prefix) && **name > request.next_token
        });
        let (buses, next_token) =
            page(buses, page_size(request.limit)?, |(name, _)| (*name).clone());
        let event_buses = buses.into_iter().map(|(name, bus)| self.shown_bus(name, bus)).collect();
        Ok(ListEventBusesResult { event_buses, next_token })
    }

    fn shown_bus(&self, name: &str, bus: &Bus) -> ShownBus {
        ShownBus {
            name: name.to_owned(),
            arn: self.bus_arn(name),
            settings: bus.settings.clone(),
            policy: bus.policy.as_ref().map(ToString::to_string),
            creation_time: seconds(bus.created_at),
            last_modified_time: seconds(bus.modified_at),
        }
    }
}
