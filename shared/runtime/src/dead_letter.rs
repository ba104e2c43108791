//! The record of a message that is not tried again: into the ledger first, then
//! to the dead-letter queue with the same facts as message attributes.

use std::error::Error;
use std::time::SystemTime;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use millrace_contract::ObjectVersion;
use millrace_queue::{MAX_BATCH_BYTES, Outgoing, REDRIVE_ATTRIBUTE, TRACE_ATTRIBUTE};
use millrace_retry::FailureClass;
use thiserror::Error as ThisError;

use crate::{Delivery, Failure, Reason, Subject, fingerprint};

/// Bytes of the reason that travel with the message; the ledger has all of it.
const LONGEST_REASON: usize = 4096;

/// The attribute that says in a dead-letter queue which message of the source
/// queue it was.
pub(crate) const MESSAGE_ATTRIBUTE: &str = "source_message_id";

/// The attribute that every message has which a worker sent to a dead-letter
/// queue, with room for its facts.
pub(crate) const CLASS_ATTRIBUTE: &str = "reason_class";

/// The attribute with the reason's text.
pub(crate) const REASON_ATTRIBUTE: &str = "reason";

/// A message that is not tried again, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Stage that gave up on it.
    pub stage: String,
    /// Queue it came from.
    pub queue: String,
    /// The queue's id of the message.
    pub message_id: String,
    /// The body, kept so that it can be sent again.
    pub body: String,
    /// Why: the class.
    pub class: FailureClass,
    /// Why: for a person.
    pub message: String,
    /// Dataset, if known.
    pub dataset: Option<String>,
    /// Object, if known.
    pub object: Option<ObjectVersion>,
    /// The file's identity, if known.
    pub file_id: Option<String>,
    /// Where the rejected rows are, if there are any.
    pub rejects: Option<String>,
    /// Receives it had.
    pub receive_count: u32,
    /// When it was first received.
    pub first_seen: DateTime<Utc>,
    /// When it was given up.
    pub last_seen: DateTime<Utc>,
    /// Follows the file through every stage.
    pub trace_id: String,
    /// The same for failures of the same kind: see [`fingerprint`].
    pub fingerprint: String,
    /// The failure whose redrive the message was, as `queue/message id`.
    pub redrive_of: Option<String>,
}

/// A message of a dead-letter queue, as the log is asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadCopy {
    /// Its id in the queue it came from.
    pub message_id: String,
    /// Its body, where that id may not be known: it is looked for by it.
    pub body: Option<String>,
}

/// How a message of a dead-letter queue stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was never recorded.
    Unknown,
    /// Nothing was done about it.
    Open,
    /// Something was: its copy in the dead-letter queue is not needed any more.
    Over,
}

/// Where dead letters are recorded before they leave the queue.
#[async_trait]
pub trait FailureLog: Send + Sync + 'static {
    /// Records a dead letter durably. The same message may be recorded again.
    ///
    /// # Errors
    /// [`FailureLogError`] if it is not recorded; the message then stays in its
    /// queue.
    async fn record(&self, dead_letter: &DeadLetter) -> Result<(), FailureLogError>;

    /// Records a dead letter that was found in a dead-letter queue, where the queue
    /// itself had moved it.
    ///
    /// # Errors
    /// As [`FailureLog::record`].
    async fn adopt(&self, dead_letter: &DeadLetter) -> Result<(), FailureLogError>;

    /// How many dead letters of a source queue nothing was done about.
    ///
    /// # Errors
    /// [`FailureLogError`] if the log does not say.
    async fn open(&self, queue: &str) -> Result<u64, FailureLogError>;

    /// How messages stand that came from a source queue, in their order.
    ///
    /// # Errors
    /// [`FailureLogError`] if the log does not say.
    async fn standing(
        &self,
        queue: &str,
        copies: &[DeadCopy],
    ) -> Result<Vec<Standing>, FailureLogError>;

    /// Notes that a message was handled which is the redrive of a dead letter,
    /// named as `queue/message id`. Again is fine.
    ///
    /// # Errors
    /// [`FailureLogError`] if it is not noted.
    async fn handled_again(&self, redrive_of: &str) -> Result<(), FailureLogError>;

    /// The worker receives no messages until an outage ends. Must return at once.
    fn outage_began(&self, _reason: &str) {}

    /// The outage is over. Must return at once.
    fn outage_ended(&self) {}
}

/// A dead letter could not be recorded.
#[derive(Debug, ThisError)]
#[error("the failure was not recorded: {0}")]
pub struct FailureLogError(#[source] Box<dyn Error + Send + Sync>);

impl FailureLogError {
    /// Wraps what went wrong.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl DeadLetter {
    pub(crate) fn new(stage: &str, queue: &str, delivery: &Delivery, failure: Failure) -> Self {
        let last_seen = SystemTime::now();
        let first_seen = delivery.first_received_at.unwrap_or(last_seen).min(last_seen);
        let Reason { class, message, subject, rejects } = failure.into_reason();
        let Subject { dataset, object, file_id } = subject;
        Self {
            stage: stage.to_owned(),
            queue: queue.to_owned(),
            message_id: delivery.message_id.clone(),
            body: delivery.body.clone(),
            class,
            fingerprint: fingerprint(stage, class, dataset.as_deref(), &message),
            message,
            dataset,
            object,
            file_id,
            rejects,
            receive_count: delivery.receive_count,
            first_seen: first_seen.into(),
            last_seen: last_seen.into(),
            trace_id: delivery.trace_id.clone(),
            redrive_of: delivery.attributes.get(REDRIVE_ATTRIBUTE).cloned(),
        }
    }

    /// The message for the dead-letter queue: with ten attributes, as many as there
    /// may be. A body so large that they don't fit beside it has only its id, or goes
    /// without that too.
    pub(crate) fn to_outgoing(&self) -> Outgoing {
        let moment = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let object = self.object.as_ref().map(ToString::to_string).unwrap_or_default();
        let named = Outgoing::new(&self.body).attribute(MESSAGE_ATTRIBUTE, &self.message_id);
        let outgoing = named
            .clone()
            .attribute(CLASS_ATTRIBUTE, self.class.as_str())
            .attribute(REASON_ATTRIBUTE, permitted(&self.message))
            .attribute("stage", permitted(&self.stage))
            .attribute("dataset", permitted(self.dataset.as_deref().unwrap_or_default()))
            .attribute("object", permitted(&object))
            .attribute("receive_count", self.receive_count.to_string())
            // An interval, as ISO 8601 has it.
            .attribute("seen", format!("{}/{}", moment(self.first_seen), moment(self.last_seen)))
            .attribute(TRACE_ATTRIBUTE, permitted(&self.trace_id))
            .attribute("fingerprint", &self.fingerprint);
        let bare = Outgoing::new(&self.body);
        let fits = |message: &Outgoing| message.bytes() <= MAX_BATCH_BYTES;
        [outgoing, named].into_iter().find(fits).unwrap_or(bare)
    }
}

/// The text with what SQS does not take replaced, and not too long. ("Message
/// metadata" in the Amazon SQS Developer Guide: the characters of XML 1.0.)
fn permitted(text: &str) -> String {
    let allowed = |c: char| !matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    let cut = text.floor_char_boundary(LONGEST_REASON);
    text[..cut].chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead_letter(body: &str, message: &str) -> DeadLetter {
        let failure = Failure::new(FailureClass::Poison, message);
        DeadLetter::new("transform", "p-transform", &Delivery::new("m", body), failure)
    }

    #[test]
    fn the_facts_travel_in_at_most_ten_attributes() {
        let mut letter = dead_letter("b", "not a task");
        letter.dataset = Some("expenses".into());
        letter.object = Some(ObjectVersion {
            bucket: "raw".into(),
            key: "a/b.csv".into(),
            version_id: Some("v1".into()),
            etag: String::new(),
            sequencer: None,
            size: None,
        });
        let outgoing = letter.to_outgoing();
        assert_eq!(outgoing.attributes.len(), 10);
        assert_eq!(outgoing.attributes["object"], "s3://raw/a/b.csv?versionId=v1");
        assert_eq!(outgoing.attributes["reason_class"], "poison");
        assert_eq!(outgoing.attributes["stage"], "transform");
        assert_eq!(outgoing.attributes["source_message_id"], "m");
        assert_eq!(outgoing.attributes["seen"].split('/').count(), 2);
    }

    #[test]
    fn a_reason_with_control_characters_is_still_accepted_by_the_queue() {
        let outgoing = dead_letter("b", "byte \u{0} at\tline 1").to_outgoing();
        assert_eq!(outgoing.attributes["reason"], "byte \u{fffd} at\tline 1");
        let long = dead_letter("b", &"é".repeat(LONGEST_REASON)).to_outgoing();
        assert_eq!(long.attributes["reason"].len(), LONGEST_REASON);
    }

    #[test]
    fn a_body_of_the_largest_size_still_fits() {
        let outgoing = dead_letter(&"x".repeat(MAX_BATCH_BYTES), "too much").to_outgoing();
        assert_eq!((outgoing.bytes(), outgoing.attributes.len()), (MAX_BATCH_BYTES, 0));
        let outgoing = dead_letter(&"x".repeat(MAX_BATCH_BYTES - 60), "too much").to_outgoing();
        assert_eq!(outgoing.attributes.keys().collect::<Vec<_>>(), ["source_message_id"]);
    }
}
