//! `PutEvents`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::warn;

use crate::clock::Millis;
use crate::service::ServiceError;

use super::Core;
use super::event::{Event, Facts};
use super::names::{constraint, length};

/// Entries of a request at most.
const MAX_ENTRIES: usize = 10;
/// A request is shorter than this in bytes: 1 MB ("Calculating PutEvents event
/// entry size").
const MAX_BYTES: usize = 1 << 20;
/// What a time counts.
const TIME_BYTES: usize = 14;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutEvents {
    entries: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    time: Option<f64>,
    source: Option<String>,
    resources: Option<Vec<String>>,
    detail_type: Option<String>,
    detail: Option<String>,
    event_bus_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutEventsResult {
    failed_entry_count: usize,
    entries: Vec<EntryResult>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum EntryResult {
    #[serde(rename_all = "PascalCase")]
    Taken { event_id: String },
    #[serde(rename_all = "PascalCase")]
    Refused { error_code: &'static str, error_message: String },
}

impl Core {
    /// Takes events; each is accepted or refused by itself.
    pub(super) async fn put_events(
        &self,
        request: PutEvents,
    ) -> Result<PutEventsResult, ServiceError> {
        let count = request.entries.len();
        if !(1..=MAX_ENTRIES).contains(&count) {
            let (value, must) = (format!("[{count} entries]"), length(count, MAX_ENTRIES));
            return Err(constraint(&value, "entries", &must));
        }
        if request.entries.iter().map(Entry::size).sum::<usize>() >= MAX_BYTES {
            let message = "Total size of the entries in the request is over the limit.";
            return Err(ServiceError::validation(message));
        }
        let mut entries = Vec::with_capacity(count);
        for entry in request.entries {
            entries.push(self.put_entry(entry).await);
        }
        let refused = |entry: &&EntryResult| matches!(entry, EntryResult::Refused { .. });
        let failed_entry_count = entries.iter().filter(refused).count();
        Ok(PutEventsResult { failed_entry_count, entries })
    }

    async fn put_entry(&self, entry: Entry) -> EntryResult {
        let now = self.clock.now();
        let bus = self.bus_name(entry.event_bus_name.as_deref()).to_owned();
        let event = match entry.into_facts(now).map(|facts| Event::new(facts, &self.account, now)) {
            Ok(Ok(event)) => event,
            Ok(Err(_)) => return malformed(),
            Err(refused) => return refused,
        };
        if !self.kept.read().buses.contains_key(&bus) {
            // As on AWS the sender does not learn of it.
            warn!(bus, "an event is lost: there is no such bus");
            return EntryResult::Taken { event_id: event.id };
        }
        match self.dispatch(&bus, &event).await {
            Ok(()) => EntryResult::Taken { event_id: event.id },
            Err(error) => EntryResult::Refused {
                error_code: "InternalFailure",
                error_message: format!("the event can't be stored: {error}"),
            },
        }
    }
}

impl Entry {
    /// Bytes, as AWS counts them.
    fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let resources = self.resources.iter().flatten().map(String::len).sum::<usize>();
        let time = if self.time.is_some() { TIME_BYTES } else { 0 };
        time + text(&self.source) + text(&self.detail_type) + text(&self.detail) + resources
    }

    fn into_facts(self, now: Millis) -> Result<Facts, EntryResult> {
        let source = required(self.source, "Source")?;
        let detail_type = required(self.detail_type, "DetailType")?;
        let detail = required(self.detail, "Detail")?;
        if source.starts_with("aws.") {
            return Err(EntryResult::Refused {
                error_code: "NotAuthorizedForSourceException",
                error_message: "Not authorized for the source.".to_owned(),
            });
        }
        if serde_json::from_str::<Map<String, Value>>(&detail).is_err() {
            return Err(malformed());
        }
        let at = self.time.map_or(now, |seconds| (seconds * 1000.0) as Millis);
        let resources = self.resources.unwrap_or_default();
        Ok(Facts { source, detail_type, resources, at, detail })
    }
}

fn required(value: Option<String>, name: &str) -> Result<String, EntryResult> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| EntryResult::Refused {
        error_code: "InvalidArgument",
        error_message: format!(
            "Parameter {name} is not valid. Reason: {name} is a required argument."
        ),
    })
}

fn malformed() -> EntryResult {
    let error_message = "Detail is malformed.".to_owned();
    EntryResult::Refused { error_code: "MalformedDetail", error_message }
}
