//! Operations on schedules.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::page::page;
use crate::service::{self, ServiceError};

use super::rest::Query;
use super::state::{DEFAULT_GROUP, Definition, Schedule, ScheduleState, State};
use super::{Core, check};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutSchedule {
    group_name: Option<String>,
    client_token: Option<String>,
    #[serde(flatten)]
    definition: Definition,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownSchedule<'a> {
    arn: String,
    group_name: &'a str,
    name: &'a str,
    creation_date: f64,
    last_modification_date: f64,
    #[serde(flatten)]
    definition: &'a Definition,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'a> {
    arn: String,
    group_name: &'a str,
    name: &'a str,
    state: ScheduleState,
    creation_date: f64,
    last_modification_date: f64,
    target: serde_json::Value,
}

impl Core {
    pub(super) fn create_schedule(&self, name: &str, body: &[u8]) -> Result<Bytes, ServiceError> {
        let PutSchedule { group_name, client_token, definition } = self.read(name, body)?;
        let group = group_name.as_deref().unwrap_or(DEFAULT_GROUP);
        let now = self.clock.now();
        let key = key(group, name);
        self.kept.change(|state| {
            check_group(state, group)?;
            match state.schedules.get(&key) {
                Some(same) if client_token.is_some() && same.client_token == client_token => Ok(()),
                Some(_) => Err(conflict(format!("Schedule {name} already exists."))),
                None => {
                    let (created_at, modified_at) = (now, now);
                    let schedule = Schedule { definition, created_at, modified_at, client_token };
                    state.schedules.insert(key, schedule);
                    Ok(())
                }
            }
        })?;
        self.rescheduled.notify_one();
        service::write(&json!({"ScheduleArn": self.schedule_arn(group, name)}))
    }

    /// Everything is set anew; what is left out gets its default.
    pub(super) fn update_schedule(&self, name: &str, body: &[u8]) -> Result<Bytes, ServiceError> {
        let PutSchedule { group_name, definition, .. } = self.read(name, body)?;
        let group = group_name.as_deref().unwrap_or(DEFAULT_GROUP);
        let now = self.clock.now();
        self.kept.change(|state| {
            check_group(state, group)?;
            let schedule = state.schedules.get_mut(&key(group, name));
            let schedule = schedule.ok_or_else(|| no_schedule(name))?;
            schedule.definition = definition;
            schedule.modified_at = now;
            Ok::<_, ServiceError>(())
        })?;
        self.rescheduled.notify_one();
        service::write(&json!({"ScheduleArn": self.schedule_arn(group, name)}))
    }

    pub(super) fn get_schedule(&self, name: &str, query: &Query) -> Result<Bytes, ServiceError> {
        let group = query.get("groupName").unwrap_or(DEFAULT_GROUP);
        let state = self.kept.read();
        let schedule = state.schedules.get(&key(group, name)).ok_or_else(|| no_schedule(name))?;
        service::write(&ShownSchedule {
            arn: self.schedule_arn(group, name),
            group_name: group,
            name,
            creation_date: seconds(schedule.created_at),
            last_modification_date: seconds(schedule.modified_at),
            definition: &schedule.definition,
        })
    }

    pub(super) fn delete_schedule(&self, name: &str, query: &Query) -> Result<Bytes, ServiceError> {
        let group = query.get("groupName").unwrap_or(DEFAULT_GROUP);
        self.kept.change(|state| {
            let removed = state.schedules.remove(&key(group, name));
            removed.map(drop).ok_or_else(|| no_schedule(name))
        })?;
        self.rescheduled.notify_one();
        service::empty()
    }

    pub(super) fn list_schedules(&self, query: &Query) -> Result<Bytes, ServiceError> {
        let state = self.kept.read();
        let group = query.get("ScheduleGroup");
        if let Some(group) = group {
            check_group(&state, group)?;
        }
        let prefix = query.get("NamePrefix").unwrap_or_default();
        let after = query.get("NextToken").unwrap_or_default();
        let wanted = wanted_state(query)?;
        let schedules = state.schedules.iter().filter(|(key, schedule)| {
            let (in_group, name) = split(key);
            group.is_none_or(|group| group == in_group)
                && name.starts_with(prefix)
                && wanted.is_none_or(|wanted| wanted == schedule.definition.state)
                && key.as_str() > after
        });
        let (schedules, token) = page(schedules, query.page_size()?, |(key, _)| (*key).clone());
        let schedules = schedules.into_iter().map(|(key, schedule)| self.summary(key, schedule));
        let mut result = json!({"Schedules": schedules.collect::<Vec<_>>()});
        if let Some(token) = token {
            result["NextToken"] = json!(token);
        }
        service::write(&result)
    }

    /// `arn:aws:scheduler:<region>:<account>:schedule/<group>/<name>`
    pub(super) fn schedule_arn(&self, group: &str, name: &str) -> String {
        self.account.arn("scheduler", &format!("schedule/{group}/{name}"))
    }

    fn summary<'a>(&self, key: &'a str, schedule: &Schedule) -> Summary<'a> {
        let (group_name, name) = split(key);
        Summary {
            arn: self.schedule_arn(group_name, name),
            group_name,
            name,
            state: schedule.definition.state,
            creation_date: seconds(schedule.created_at),
            last_modification_date: seconds(schedule.modified_at),
            target: json!({"Arn": schedule.definition.target.arn}),
        }
    }

    fn read(&self, name: &str, body: &[u8]) -> Result<PutSchedule, ServiceError> {
        check::name(name, "name")?;
        let request: PutSchedule = serde_json::from_slice(body).map_err(|error| {
            ServiceError::validation(format!("the request is not what was expected: {error}"))
        })?;
        check::definition(&request.definition, self.clock.now())?;
        Ok(request)
    }
}

/// What a schedule is kept under.
fn key(group: &str, name: &str) -> String {
    format!("{group}/{name}")
}

/// The group and the name in a key.
pub(super) fn split(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or((DEFAULT_GROUP, key))
}

/// Seconds since the Unix epoch, as the protocol writes times.
pub(super) fn seconds(at: crate::clock::Millis) -> f64 {
    at as f64 / 1000.0
}

/// Something else has the name.
pub(super) fn conflict(message: String) -> ServiceError {
    ServiceError { status: 409, code: "ConflictException", message }
}

/// There is no such thing.
pub(super) fn not_found(message: String) -> ServiceError {
    ServiceError { status: 404, code: "ResourceNotFoundException", message }
}

fn no_schedule(name: &str) -> ServiceError {
    not_found(format!("Schedule {name} does not exist."))
}

fn check_group(state: &State, group: &str) -> Result<(), ServiceError> {
    match state.groups.contains_key(group) {
        true => Ok(()),
        false => Err(not_found(format!("Schedule group {group} does not exist."))),
    }
}

fn wanted_state(query: &Query) -> Result<Option<ScheduleState>, ServiceError> {
    match query.get("State") {
        None => Ok(None),
        Some("ENABLED") => Ok(Some(ScheduleState::Enabled)),
        Some("DISABLED") => Ok(Some(ScheduleState::Disabled)),
        Some(state) => {
            let must = "satisfy enum value set: [ENABLED, DISABLED]";
            Err(check::constraint(state, "state", must))
        }
    }
}
