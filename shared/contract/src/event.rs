//! SQS message bodies as events: which objects came or went, in whatever
//! envelopes AWS put around the news.
//!
//! One queue may receive S3's own notifications, EventBridge events, either of
//! them wrapped by SNS, and messages a person copied from a Lambda log; so the
//! shape is read from the body, never configured.

mod bridge;
mod envelope;
mod error;
mod found;
mod native;
mod place;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::ObjectVersion;

pub use error::DecodeError;
pub use found::found_event;
pub use place::Hop;

/// One thing a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// Something happened to an object.
    Object(ObjectEvent),
    /// S3's `s3:TestEvent`, sent once when notifications are configured.
    TestEvent,
    /// A schedule fired.
    Scheduled(Scheduled),
    /// Well-formed, but nothing this pipeline acts on.
    Unrelated {
        /// What it is, as in ``EventBridge event `EC2 Instance …` ``.
        what: String,
        /// Why nothing is done about it.
        why: String,
    },
}

/// Something that happened to one version of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEvent {
    /// The version it happened to, its key decoded.
    pub object: ObjectVersion,
    /// What happened.
    pub kind: ObjectEventKind,
    /// When, where the event said so in a form that can be read.
    pub time: Option<DateTime<Utc>>,
    /// The envelopes it came in, outermost first.
    pub via: Vec<Hop>,
}

/// What happened to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectEventKind {
    /// It was put, copied or completed.
    Created,
    /// It was deleted or expired, or a delete marker was put over it.
    Removed,
    /// Anything else (restored, tagged, …), by the name AWS gives it.
    Other(String),
}

/// A schedule that fired: an EventBridge rule or an EventBridge Scheduler
/// schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled {
    /// ARN of the rule or schedule, where the event names it.
    pub arn: Option<String>,
    /// The time it was due.
    pub time: Option<DateTime<Utc>>,
    /// The payload: the event's `detail`, or the whole message where the
    /// schedule has an input of its own. A `detail` that is a string of JSON,
    /// as EventBridge Scheduler sends it, is given as what the string holds.
    pub detail: Value,
}

impl Scheduled {
    /// Name of the rule or schedule: the last part of its ARN.
    pub fn name(&self) -> Option<&str> {
        self.arn.as_deref()?.rsplit('/').next()
    }
}

/// Decodes one SQS message body into everything it says, in order.
///
/// Understood, alone, in lists and inside one another up to eight deep: S3
/// notifications, EventBridge events, SNS notifications (raw, or as Lambda gets
/// them), SQS messages as Lambda or `receive-message` show them, EventBridge
/// Scheduler's default and customary inputs.
///
/// Keys in S3 notifications are form-encoded and are decoded; keys in
/// EventBridge events are taken as they are, because AWS does not encode them:
/// `a%20b.csv` is a legal key there and must not become `a b.csv`.
///
/// # Errors
/// [`DecodeError`] if the body is not JSON, or something in it claims to be an
/// object event but lacks its bucket or key or is of another major version. The
/// whole message is then refused, so that it can be dead-lettered as it came:
/// skipping one record of several would lose a file without a trace.
pub fn decode_event(body: &str) -> Result<Vec<Notice>, DecodeError> {
    let mut notices = Vec::with_capacity(1);
    envelope::open_body(body, &mut notices)?;
    Ok(notices)
}

/// A time as AWS writes it, or `None` for one that cannot be read: an event is
/// not refused for its clock.
fn time_of(value: Option<&Value>) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(value?.as_str()?).ok()?;
    Some(time.with_timezone(&Utc))
}

#[cfg(test)]
mod tests;
