//! What starts an export: the message of a schedule or of `millrace schedule
//! run`, an EventBridge event, or a JSON object of parameters that somebody made
//! by hand.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::identity::fingerprint;
use crate::task::{decode, encode};
use crate::{DecodeError, Notice, Scheduled, TaskError, decode_event};

/// What EventBridge Scheduler puts the time in place of that a schedule was to
/// fire at, such as `2022-03-22T18:59:43Z`: the same for every attempt ("Adding
/// context attributes", EventBridge Scheduler User Guide).
pub const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// Values by name that a message brings.
pub type Parameters = BTreeMap<String, String>;

/// Run this export for this time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportTask {
    /// Name of the export.
    pub export: String,
    /// The time the run is for: when its schedule was due.
    pub scheduled_at: DateTime<Utc>,
    /// Values by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: Parameters,
}

impl ExportTask {
    /// The message body: JSON with `version` and `task` beside the fields.
    pub fn to_message(&self) -> String {
        encode("export", self)
    }

    /// Reads a message body.
    ///
    /// # Errors
    /// [`TaskError`] if it is not JSON, another task, another version, or lacks a
    /// field.
    pub fn from_message(body: &str) -> Result<Self, TaskError> {
        decode("export", body)
    }

    /// The message that a schedule sends: as [`ExportTask::to_message`], with
    /// [`SCHEDULED_TIME`] for the time.
    pub fn scheduled_message(export: &str, parameters: &Parameters) -> String {
        let mut message = json!({
            "version": 1,
            "task": "export",
            "export": export,
            "scheduled_at": SCHEDULED_TIME,
        });
        if !parameters.is_empty() {
            message["parameters"] = json!(parameters);
        }
        message.to_string()
    }

    /// Names the run.
    pub fn run_id(&self) -> ExportRunId {
        let at = self.scheduled_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        ExportRunId(self.digits(&at))
    }

    /// Names what a watermark belongs to: the export with its parameters.
    pub fn watermark_key(&self) -> String {
        self.digits("")
    }

    fn digits(&self, at: &str) -> String {
        let given = self.parameters.iter().flat_map(|(name, value)| [name.as_str(), value]);
        let parts: Vec<&str> = [self.export.as_str(), at].into_iter().chain(given).collect();
        let mut digits = fingerprint(&parts);
        digits.truncate(16);
        digits
    }
}

/// Names a run: 16 hexadecimal digits over export, scheduled time and
/// parameters, so that a schedule that fires twice for one time has one run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExportRunId(String);

impl ExportRunId {
    /// Wraps an id read back from the ledger.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The 16 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExportRunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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

/// Reads whatever may start an export, of a pipeline with these exports.
/// `sent_at` is when the message was sent: the time of one that has none.
///
/// Understood are [`ExportTask`]s; events of EventBridge rules and of EventBridge
/// Scheduler, where the name of rule or schedule is the export's or
/// `<pipeline>-<export>`; and JSON objects of parameters, with `export` and
/// `scheduled_at` among them where they are not plain.
///
/// # Errors
/// [`OrderError`] says what is wrong.
pub fn read_export_order(
    body: &str,
    pipeline: &str,
    exports: &[&str],
    sent_at: Option<DateTime<Utc>>,
) -> Result<ExportTask, OrderError> {
    let task = |body: &str| ExportTask::from_message(body).map(Order::from);
    let wanted = Wanted { word: "export", pipeline, names: exports, task };
    let Order { name, scheduled_at, parameters } = read_order(body, &wanted, sent_at)?;
    Ok(ExportTask { export: name, scheduled_at, parameters })
}

/// What is to be done, for which time, with which values.
pub(crate) struct Order {
    pub(crate) name: String,
    pub(crate) scheduled_at: DateTime<Utc>,
    pub(crate) parameters: Parameters,
}

impl From<ExportTask> for Order {
    fn from(task: ExportTask) -> Self {
        let ExportTask { export, scheduled_at, parameters } = task;
        Self { name: export, scheduled_at, parameters }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-01-31T02:00:00Z";

    fn at() -> DateTime<Utc> {
        AT.parse().expect("a time")
    }

    fn read(body: &str) -> Result<ExportTask, OrderError> {
        read_export_order(body, "shop", &["users", "orders"], None)
    }

    #[test]
    fn what_a_schedule_sends_is_read_once_its_time_is_put_in() {
        let given = Parameters::from([("user".to_owned(), "a \"b\"".to_owned())]);
        let message = ExportTask::scheduled_message("users", &given);
        assert!(ExportTask::from_message(&message).is_err(), "no time yet");
        let fired = message.replace(SCHEDULED_TIME, AT);
        let task = read(&fired).expect("a task");
        assert_eq!(
            task,
            ExportTask { export: "users".into(), scheduled_at: at(), parameters: given }
        );
        assert_eq!(read(&task.to_message()).expect("the same"), task);
    }

    #[test]
    fn a_rule_is_known_by_its_name_with_or_without_the_pipelines() {
        for name in ["users", "shop-users"] {
            let arn = format!("arn:aws:events:eu-west-1:000000000000:rule/{name}");
            let event = json!({"detail-type": "Scheduled Event", "source": "aws.events",
                "time": AT, "resources": [arn], "detail": {}});
            let task = read(&event.to_string()).expect("a task");
            assert_eq!((task.export.as_str(), task.scheduled_at), ("users", at()));
        }
        let arn = "arn:aws:scheduler:eu-west-1:000000000000:schedule/shop/orders";
        let input = json!({"schedule_arn": arn, "scheduled_time": AT, "user": 7});
        let task = read(&input.to_string()).expect("a task");
        assert_eq!((task.export.as_str(), task.parameters["user"].as_str()), ("orders", "7"));
    }

    #[test]
    fn parameters_by_hand_start_an_export() {
        let body = r#"{"registration_date":"2023-01-01","user":"ann"}"#;
        let only = read_export_order(body, "shop", &["users"], Some(at())).expect("a task");
        assert_eq!(only.parameters["registration_date"], "2023-01-01");
        assert_eq!(only.scheduled_at, at());
        assert!(matches!(read(body), Err(OrderError::Which { .. })));
        let named = format!(r#"{{"export":"orders","scheduled_at":"{AT}","user":"ann"}}"#);
        assert_eq!(read(&named).expect("a task").export, "orders");
    }

    #[test]
    fn what_starts_nothing_says_why() {
        for (body, says) in [
            ("no json", "not JSON"),
            (r#"{"version":1,"task":"load"}"#, "not a"),
            (r#"{"export":"user"}"#, "has no time"),
            (
                r#"{"export":"user","scheduled_at":"2026-01-31T02:00:00Z"}"#,
                "no export is named `user`",
            ),
            (
                r#"{"export":"users","scheduled_at":"2026-01-31T02:00:00Z","a":[1]}"#,
                "parameter `a`",
            ),
            (r#"{"detail-type":"x","source":"y"}"#, "starts no export"),
        ] {
            let error = read(body).expect_err(body).to_string();
            assert!(error.contains(says), "{body}: {error}");
        }
    }

    #[test]
    fn a_run_is_named_by_export_time_and_parameters() {
        let task = |export: &str, seconds: i64, user: &str| ExportTask {
            export: export.into(),
            scheduled_at: at() + chrono::TimeDelta::seconds(seconds),
            parameters: Parameters::from([("user".into(), user.into())]),
        };
        let first = task("users", 0, "ann");
        assert_eq!(first.run_id(), first.clone().run_id());
        assert_eq!(first.run_id().as_str().len(), 16);
        for other in [task("orders", 0, "ann"), task("users", 1, "ann"), task("users", 0, "bob")] {
            assert_ne!(first.run_id(), other.run_id());
        }
        assert_eq!(first.watermark_key(), task("users", 1, "ann").watermark_key());
        assert_ne!(first.watermark_key(), task("users", 0, "bob").watermark_key());
    }
}
