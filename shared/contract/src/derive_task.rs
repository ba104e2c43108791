//! What has a derived dataset made again: the message of a stage that loaded a
//! file of an input, of a schedule, of `millrace schedule run`, an EventBridge
//! event, or a JSON object that somebody made by hand.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::task::{decode, encode};
use crate::{Captures, DecodeError, Notice, SCHEDULED_TIME, TaskError, decode_event};

/// Make this derived dataset again, unless it is made of what there is already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeriveTask {
    /// Name of the derived dataset.
    pub derived: String,
    /// Why.
    #[serde(default)]
    pub cause: DeriveCause,
    /// The input of which a file was loaded, if that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// What the path of that file said.
    #[serde(default, skip_serializing_if = "Captures::is_empty")]
    pub captures: Captures,
    /// When a schedule was due, if that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<DateTime<Utc>>,
}

/// Why a derived dataset is made again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeriveCause {
    /// An input changed.
    Changed,
    /// It is time.
    Scheduled,
    /// Somebody asked for it.
    #[default]
    Asked,
}

impl DeriveCause {
    /// The name in messages and in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Scheduled => "scheduled",
            Self::Asked => "asked",
        }
    }
}

impl DeriveTask {
    /// The task of somebody who asks for it.
    pub fn asked(derived: impl Into<String>) -> Self {
        Self {
            derived: derived.into(),
            cause: DeriveCause::Asked,
            input: None,
            captures: Captures::new(),
            scheduled_at: None,
        }
    }

    /// The task of a file of `input` that was loaded, whose path said `captures`.
    pub fn changed(derived: &str, input: &str, captures: &Captures) -> Self {
        Self {
            cause: DeriveCause::Changed,
            input: Some(input.to_owned()),
            captures: captures.clone(),
            ..Self::asked(derived)
        }
    }

    /// The message body: JSON with `version` and `task` beside the fields.
    pub fn to_message(&self) -> String {
        encode("derive", self)
    }

    /// Reads a message body.
    ///
    /// # Errors
    /// [`TaskError`] if it is not JSON, another task, another version, or lacks a
    /// field.
    pub fn from_message(body: &str) -> Result<Self, TaskError> {
        decode("derive", body)
    }

    /// The message that a schedule sends, with [`SCHEDULED_TIME`] for the time.
    pub fn scheduled_message(derived: &str) -> String {
        let message = json!({
            "version": 1,
            "task": "derive",
            "derived": derived,
            "cause": "scheduled",
            "scheduled_at": SCHEDULED_TIME,
        });
        message.to_string()
    }
}

/// A message by which nothing is derived.
#[derive(Debug, Error)]
pub enum DeriveOrderError {
    /// It is a task, and can't be read as one.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// It is no event that can be read.
    #[error(transparent)]
    Event(#[from] DecodeError),
    /// It is an event by which nothing is derived.
    #[error("by {what} nothing is derived: {why}")]
    Unrelated {
        /// What it is.
        what: String,
        /// Why nothing is.
        why: String,
    },
    /// It names no derived dataset.
    #[error("no derived dataset is named `{name}`; there are {known}")]
    Unknown {
        /// What it names.
        name: String,
        /// Those that are there.
        known: String,
    },
    /// It does not say which.
    #[error("the message does not say which of {known} is to be derived; add \"derived\"")]
    Which {
        /// Those that are there.
        known: String,
    },
}

/// Reads whatever may have one of these derived datasets made again.
///
/// Understood are [`DeriveTask`]s; events of EventBridge rules and of EventBridge
/// Scheduler, where the name of rule or schedule is the dataset's or
/// `<pipeline>-<dataset>`; and any other JSON object: it says which by `derived`,
/// where there are several, and the rest of it has no meaning here.
///
/// # Errors
/// [`DeriveOrderError`] says what is wrong.
pub fn read_derive_order(
    body: &str,
    pipeline: &str,
    known: &[&str],
) -> Result<DeriveTask, DeriveOrderError> {
    let task = match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(members)) if members.contains_key("task") => {
            DeriveTask::from_message(body)?
        }
        Ok(Value::Object(members)) if is_plain(&members) => {
            DeriveTask::asked(named(&members, known)?)
        }
        Ok(_) | Err(_) => event(body, pipeline, known)?,
    };
    match known.contains(&task.derived.as_str()) {
        true => Ok(task),
        false => Err(DeriveOrderError::Unknown { name: task.derived, known: known.join(", ") }),
    }
}

/// Whether an object is nobody's envelope: only values by name.
fn is_plain(members: &Map<String, Value>) -> bool {
    let envelopes =
        ["Records", "Messages", "detail-type", "Type", "Sns", "body", "Body", "schedule_arn", "s3"];
    !envelopes.iter().any(|name| members.contains_key(*name)) && !members.contains_key("Event")
}

fn named(members: &Map<String, Value>, known: &[&str]) -> Result<String, DeriveOrderError> {
    match (members.get("derived").and_then(Value::as_str), known) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => Err(DeriveOrderError::Which { known: known.join(", ") }),
    }
}

fn event(body: &str, pipeline: &str, known: &[&str]) -> Result<DeriveTask, DeriveOrderError> {
    match decode_event(body)?.into_iter().next() {
        Some(Notice::Scheduled(event)) => {
            let name = event.name().unwrap_or_default();
            let own = name.strip_prefix(pipeline).and_then(|name| name.strip_prefix('-'));
            let name = own.filter(|own| known.contains(own)).unwrap_or(name);
            let cause = DeriveCause::Scheduled;
            Ok(DeriveTask { cause, scheduled_at: event.time, ..DeriveTask::asked(name) })
        }
        Some(Notice::Unrelated { what, why }) => Err(DeriveOrderError::Unrelated { what, why }),
        Some(Notice::Object(_) | Notice::TestEvent) | None => Err(DeriveOrderError::Unrelated {
            what: "an event about objects".to_owned(),
            why: "it is for the queue of ingest".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<DeriveTask, DeriveOrderError> {
        read_derive_order(body, "shop", &["spent", "balance"])
    }

    #[test]
    fn a_task_reads_back_as_it_was_sent() {
        let captures = Captures::from([("date".to_owned(), "2026-01-31".to_owned())]);
        let task = DeriveTask::changed("spent", "users", &captures);
        assert_eq!(read(&task.to_message()).expect("a task"), task);
        let fired = DeriveTask::scheduled_message("spent");
        assert!(DeriveTask::from_message(&fired).is_err(), "no time yet");
        let fired = fired.replace(SCHEDULED_TIME, "2026-01-31T02:00:00Z");
        let task = read(&fired).expect("a task");
        assert_eq!((task.cause, task.scheduled_at.is_some()), (DeriveCause::Scheduled, true));
    }

    #[test]
    fn a_message_by_hand_says_which_where_there_are_several() {
        let payload = r#"{"registration_date":"2023-01-01","user":"u"}"#;
        assert!(matches!(read(payload), Err(DeriveOrderError::Which { .. })));
        let only = read_derive_order(payload, "shop", &["spent"]).expect("the only one");
        assert_eq!(only, DeriveTask::asked("spent"));
        assert_eq!(read(r#"{"derived":"balance"}"#).expect("named").derived, "balance");
        let error = read(r#"{"derived":"x"}"#).expect_err("none").to_string();
        assert_eq!(error, "no derived dataset is named `x`; there are spent, balance");
        assert!(read("no JSON").is_err());
    }
}
