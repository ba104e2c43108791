//! What could not be delivered, in a dead-letter queue.

use tracing::error;

use crate::sqs::{Attribute, AttributeValue, Delivery, Sqs};

use super::{End, Exhausted, Failure};

/// A message for a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetter {
    /// What could not be delivered.
    pub(crate) body: String,
    /// Why, as message attributes of type `String`.
    pub(crate) attributes: Vec<(&'static str, String)>,
}

/// The attributes that tell how it ended, as EventBridge names them.
pub(crate) fn outcome(end: &End) -> Vec<(&'static str, String)> {
    let mut attributes = vec![
        ("ERROR_CODE", end.failure.code.clone()),
        ("ERROR_MESSAGE", end.failure.message.clone()),
        ("RETRY_ATTEMPTS", end.retries.to_string()),
    ];
    attributes.extend(end.exhausted.map(|exhausted| {
        let condition = match exhausted {
            Exhausted::Retries => "MaximumRetryAttempts",
            Exhausted::Age => "MaximumEventAgeInSeconds",
        };
        ("EXHAUSTED_RETRY_CONDITION", condition.to_owned())
    }));
    attributes
}

/// Puts a message into a dead-letter queue. One that a queue will never take
/// is lost, and the log says so.
///
/// # Errors
/// If the queue can't be written for now.
pub(crate) fn bury(sqs: &Sqs, queue: Option<&str>, letter: DeadLetter) -> Result<(), Failure> {
    let Some(queue) = queue else {
        error!("what could not be delivered is lost: it has no dead-letter queue");
        return Ok(());
    };
    let attribute = |(name, value): (&str, String)| Attribute {
        name: name.to_owned(),
        data_type: "String".to_owned(),
        value: AttributeValue::Text(value),
    };
    let mut attributes: Vec<_> = letter.attributes.into_iter().map(attribute).collect();
    attributes.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    let (group_id, deduplication_id) = (None, None);
    let delivery = Delivery { body: letter.body, attributes, group_id, deduplication_id };
    match sqs.deliver(queue, delivery).map_err(Failure::from) {
        Err(failure) if failure.may_pass => Err(failure),
        Err(failure) => {
            error!(queue, reason = failure.message, "a dead-letter queue refused a message");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
