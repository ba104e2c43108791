//! How a message starts an export or a report: as a task, as an event of a rule or a
//! schedule, or as a JSON object of parameters that somebody made by hand.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::{DecodeError, Notice, Scheduled, TaskError, decode_event};

/// What EventBridge Scheduler puts the time in place of that a schedule was to
/// fire at, such as `2022-03-22T18:59:43Z`: the same for every attempt ("Adding
/// context attributes", EventBridge Scheduler User Guide).
pub const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// Values by name that a message brings.
pub type Parameters = BTreeMap<String, String>;

/// A message that starts nothing here.
#[derive(Debug, Error)]
pub enum OrderError {
    /// It is a task, and can't be read as one.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// It is no event that can be read.
    #[error(transparent)]
    Event(#[from] DecodeError),
    /// It is an event that starts nothing here.
    #[error("{what} starts no {wanted}: {why}")]
    Unrelated {
        /// What would be started: `export` or `report`.
        wanted: &'static str,
        /// What it is.
        what: String,
        /// Why it starts nothing.
        why: String,
    },
    /// It names none, or one that is not there.
    #[error("no {wanted} is named `{name}`; the {wanted}s are {known}")]
    Unknown {
        /// What would be started: `export` or `report`.
        wanted: &'static str,
        /// What it names.
        name: String,
        /// Those that are there.
        known: String,
    },
    /// It does not say which.
    #[error("the message does not say which of the {wanted}s {known} it is for; add \"{wanted}\"")]
    Which {
        /// What would be started: `export` or `report`.
        wanted: &'static str,
        /// Those that are there.
        known: String,
    },
    /// A parameter that is no text, number or boolean.
    #[error("parameter `{0}` has to be a text, a number, true or false")]
    Parameter(String),
    /// There is no time to name the run by.
    #[error("the message has no time; add \"scheduled_at\", such as \"2026-01-31T02:00:00Z\"")]
    NoTime,
}

/// What is to be done, for which time, with which values.
pub(crate) struct Order {
    pub(crate) name: String,
    pub(crate) scheduled_at: DateTime<Utc>,
    pub(crate) parameters: Parameters,
}

/// What is read, and what of.
pub(crate) struct Wanted<'a> {
    /// The word for it: `export` or `report`.
    pub(crate) word: &'static str,
    pub(crate) pipeline: &'a str,
    /// Those that there are.
    pub(crate) names: &'a [&'a str],
    /// Reads a task's message.
    pub(crate) task: fn(&str) -> Result<Order, TaskError>,
}

/// Reads whatever may start one of those.
pub(crate) fn read_order(
    body: &str,
    wanted: &Wanted<'_>,
    sent_at: Option<DateTime<Utc>>,
) -> Result<Order, OrderError> {
    let Wanted { word, pipeline, names, task } = *wanted;
    let reader = Reader { wanted: word, pipeline, names, sent_at };
    let order = match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(members)) if members.contains_key("task") => task(body)?,
        Ok(Value::Object(members)) if is_plain(&members) => reader.by_hand(members)?,
        Ok(_) | Err(_) => reader.event(body)?,
    };
    reader.check(&order.name)?;
    Ok(order)
}

/// Whether an object is nobody's envelope: only values by name.
fn is_plain(members: &Map<String, Value>) -> bool {
    let envelopes =
        ["Records", "Messages", "detail-type", "Type", "Sns", "body", "Body", "schedule_arn", "s3"];
    !envelopes.iter().any(|name| members.contains_key(*name)) && !members.contains_key("Event")
}

struct Reader<'a> {
    wanted: &'static str,
    pipeline: &'a str,
    names: &'a [&'a str],
    sent_at: Option<DateTime<Utc>>,
}

impl Reader<'_> {
    fn known(&self) -> String {
        self.names.join(", ")
    }

    fn check(&self, name: &str) -> Result<(), OrderError> {
        match self.names.contains(&name) {
            true => Ok(()),
            false => Err(OrderError::Unknown {
                wanted: self.wanted,
                name: name.to_owned(),
                known: self.known(),
            }),
        }
    }

    fn by_hand(&self, mut members: Map<String, Value>) -> Result<Order, OrderError> {
        let named = members.remove(self.wanted);
        let scheduled_at = members.remove("scheduled_at");
        match members.remove("parameters") {
            Some(Value::Object(inner)) => members.extend(inner),
            Some(_) => return Err(OrderError::Parameter("parameters".to_owned())),
            None => {}
        }
        let name = match (named.as_ref().and_then(Value::as_str), self.names) {
            (Some(name), _) => name.to_owned(),
            (None, [only]) => (*only).to_owned(),
            (None, _) => {
                return Err(OrderError::Which { wanted: self.wanted, known: self.known() });
            }
        };
        let scheduled_at = match scheduled_at {
            Some(said) => Some(serde_json::from_value(said).map_err(|_| OrderError::NoTime)?),
            None => self.sent_at,
        };
        self.order(name, scheduled_at, &members)
    }

    fn event(&self, body: &str) -> Result<Order, OrderError> {
        let notices = decode_event(body)?;
        match notices.into_iter().next() {
            Some(Notice::Scheduled(scheduled)) => self.scheduled(&scheduled),
            Some(Notice::Unrelated { what, why }) => {
                Err(OrderError::Unrelated { wanted: self.wanted, what, why })
            }
            Some(Notice::Object(_) | Notice::TestEvent) | None => Err(OrderError::Unrelated {
                wanted: self.wanted,
                what: "an event about objects".to_owned(),
                why: format!("{}s are started by schedules, rules and messages", self.wanted),
            }),
        }
    }

    fn scheduled(&self, event: &Scheduled) -> Result<Order, OrderError> {
        let name = event.name().unwrap_or_default();
        let own = name.strip_prefix(self.pipeline).and_then(|name| name.strip_prefix('-'));
        let named = own.filter(|own| self.names.contains(own)).unwrap_or(name).to_owned();
        let empty = Map::new();
        let mut members = event.detail.as_object().unwrap_or(&empty).clone();
        // Those of Scheduler's own that its customary input has.
        for own in ["schedule_arn", "scheduled_time", "execution_id", "attempt_number"] {
            members.remove(own);
        }
        self.order(named, event.time.or(self.sent_at), &members)
    }

    fn order(
        &self,
        name: String,
        scheduled_at: Option<DateTime<Utc>>,
        members: &Map<String, Value>,
    ) -> Result<Order, OrderError> {
        let scheduled_at = scheduled_at.ok_or(OrderError::NoTime)?;
        let mut parameters = Parameters::new();
        for (key, value) in members {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    return Err(OrderError::Parameter(key.clone()));
                }
            };
            parameters.insert(key.clone(), text);
        }
        Ok(Order { name, scheduled_at, parameters })
    }
}
