//! Messages that other services here put into queues.

use super::Sqs;
use super::error::SqsError;
use super::message::{Attribute, Extras, Message, State};
use super::ops::{content, identity};
use crate::clock::Millis;

/// A message from another service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Body.
    pub(crate) body: String,
    /// Message attributes, by ascending name.
    pub(crate) attributes: Vec<Attribute>,
    /// Message group, of FIFO and fair queues.
    pub(crate) group_id: Option<String>,
    /// Deduplication id, of FIFO queues.
    pub(crate) deduplication_id: Option<String>,
}

impl Sqs {
    /// Whether there is a queue of this ARN.
    pub(crate) fn has_queue(&self, arn: &str) -> bool {
        self.queue_by_arn(arn).is_some()
    }

    /// Puts a message into the queue of this ARN; it is stored when this
    /// returns, or was already if it is a duplicate.
    ///
    /// # Errors
    /// If there is no such queue, the message is too long for it, or it is a
    /// FIFO queue and the message has no group, or nothing to deduplicate it by.
    pub(crate) fn deliver(&self, arn: &str, delivery: Delivery) -> Result<(), SqsError> {
        let queue = self.queue_by_arn(arn).ok_or_else(SqsError::no_queue)?;
        let now = self.clock.now();
        let description = queue.description();
        let settings = &description.settings;
        if delivery.body.len() > settings.maximum_message_size as usize {
            return Err(SqsError::too_long(settings.maximum_message_size));
        }
        // A standard queue takes messages of FIFO topics and buses as well.
        let deduplication_id = delivery.deduplication_id.filter(|_| settings.fifo);
        let (group, deduplication) = identity(settings, delivery.group_id, deduplication_id)?;
        let state = match settings.delay {
            0 => State::Ready,
            delay => State::Delayed(now + Millis::from(delay) * 1000),
        };
        let attributes = delivery.attributes.into();
        let extras = Extras { attributes, group, deduplication, ..Extras::default() };
        let content = content(delivery.body.into(), extras, now);
        queue.send(vec![Message::new(content, state)], now).map(drop)
    }
}
