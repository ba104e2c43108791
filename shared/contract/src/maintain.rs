//! What starts upkeep: the message of a schedule or of `millrace schedule run`, and
//! the one by which a long run goes on where it stopped.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::identity::fingerprint;
use crate::task::{decode, encode};
use crate::{SCHEDULED_TIME, TaskError};

/// A kind of upkeep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Upkeep {
    /// What was published is held against the ledger; lost events are sent again.
    Reconcile,
    /// Small objects of the lake are joined into larger ones.
    Compact,
    /// What nobody needs any more is removed.
    Retention,
}

impl Upkeep {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Reconcile, Self::Compact, Self::Retention];

    /// The word in the pipeline file, in the ledger and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reconcile => "reconcile",
            Self::Compact => "compact",
            Self::Retention => "retention",
        }
    }

    /// Name of its schedule.
    pub fn schedule(self) -> String {
        format!("maintain-{self}")
    }

    /// The kind whose schedule has this name.
    pub fn of_schedule(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|upkeep| upkeep.schedule() == name)
    }
}

impl fmt::Display for Upkeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Upkeep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|upkeep| upkeep.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is no upkeep; there are {names}")
        })
    }
}

/// What a run counted, by name: `listed`, `lost`, `removed`, ….
pub type UpkeepCounts = BTreeMap<String, u64>;

/// Do this upkeep for this time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintainTask {
    /// Which.
    pub upkeep: Upkeep,
    /// The time the run is for: when its schedule was due.
    pub scheduled_at: DateTime<Utc>,
    /// Where a run goes on that has begun; nothing at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Resume {
    /// Where it goes on: a dataset, or what keys begin with.
    pub place: String,
    /// The last key there that was looked at; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub after: String,
    /// What was counted so far.
    #[serde(default)]
    pub counts: UpkeepCounts,
}

impl MaintainTask {
    /// The message body: JSON with `version` and `task` beside the fields.
    pub fn to_message(&self) -> String {
        encode("maintain", self)
    }

    /// Reads a message body.
    ///
    /// # Errors
    /// [`TaskError`] if it is not JSON, another task, another version, or lacks a
    /// field.
    pub fn from_message(body: &str) -> Result<Self, TaskError> {
        decode("maintain", body)
    }

    /// The message that a schedule sends: as [`MaintainTask::to_message`], with
    /// [`SCHEDULED_TIME`] for the time.
    pub fn scheduled_message(upkeep: Upkeep) -> String {
        json!({
            "version": 1,
            "task": "maintain",
            "upkeep": upkeep,
            "scheduled_at": SCHEDULED_TIME,
        })
        .to_string()
    }

    /// Names the run: 16 hexadecimal digits over upkeep and time, so that a schedule
    /// that fires twice for one time has one run.
    pub fn run_id(&self) -> String {
        let at = self.scheduled_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut digits = fingerprint(&["maintain", self.upkeep.as_str(), &at]);
        digits.truncate(16);
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_schedule_sends_is_read_once_its_time_is_put_in() {
        for upkeep in Upkeep::ALL {
            let message = MaintainTask::scheduled_message(upkeep);
            assert!(MaintainTask::from_message(&message).is_err(), "no time yet");
            let fired = message.replace(SCHEDULED_TIME, "2026-01-31T02:00:00Z");
            let task = MaintainTask::from_message(&fired).expect("a task");
            assert_eq!((task.upkeep, &task.resume), (upkeep, &None));
            assert_eq!(Upkeep::of_schedule(&upkeep.schedule()), Some(upkeep));
            let resume = Resume { place: "in/".into(), after: "in/a".into(), ..Resume::default() };
            let further = MaintainTask { resume: Some(resume), ..task.clone() };
            assert_eq!(further.run_id(), task.run_id(), "it is the same run");
            assert_eq!(MaintainTask::from_message(&further.to_message()).expect("read"), further);
        }
    }
}
