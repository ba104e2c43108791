//! Messages that other services here put into queues.

use super::Sqs;
use super::error::SqsError;
use super::message::{Attribute, Extras, Message, State};
use super::ops::{content, identity};
use super::queue::Queue;
use super::receipt::Receipt;
use crate::call::last_part;
use crate::clock::Millis;
use crate::faults::Handover;

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

    /// Puts a message of another service into the queue of this ARN; it is
    /// stored when this returns, or was already if it is a duplicate.
    ///
    /// # Errors
    /// If there is no such queue, the message is too long for it, or it is a
    /// FIFO queue and the message has no group, or nothing to deduplicate it by.
    pub(crate) fn deliver(
        &self,
        from: &'static str,
        arn: &str,
        delivery: Delivery,
    ) -> Result<(), SqsError> {
        match self.faults.on_delivery(from, arn) {
            Handover::Never => Ok(()),
            Handover::Once => self.take_in(arn, delivery),
            Handover::Twice => {
                self.take_in(arn, delivery.clone())?;
                self.take_in(arn, delivery)
            }
        }
    }

    fn take_in(&self, arn: &str, delivery: Delivery) -> Result<(), SqsError> {
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
        let mut messages = vec![Message::new(content, state)];
        self.hold_back(&queue, &mut messages, now);
        queue.send(messages, now).map(drop)
    }

    /// Delays some messages where a fault says so. A FIFO queue keeps its order
    /// all the same.
    pub(super) fn hold_back(&self, queue: &Queue, messages: &mut [Message], now: Millis) {
        if queue.is_fifo || !self.faults.are_planned() {
            return;
        }
        let name = last_part(&queue.arn);
        let ready = messages.iter_mut().filter(|message| message.state == State::Ready);
        for message in ready {
            if let Some(delay) = self.faults.held_back(name) {
                message.state = State::Delayed(now + delay.as_millis() as Millis);
            }
        }
    }

    /// Lets the hold on some received messages end early where a fault says so.
    pub(super) fn let_go(
        &self,
        queue: &Queue,
        received: &[(Receipt, Message)],
    ) -> Result<(), SqsError> {
        if received.is_empty() || !self.faults.are_planned() {
            return Ok(());
        }
        let name = last_part(&queue.arn);
        let early = received.iter().filter_map(|(receipt, _)| {
            let hold = self.faults.hold(name)?;
            Some((*receipt, hold.as_millis() as Millis))
        });
        let early: Vec<_> = early.collect();
        queue.change_visibility(self.clock.now(), &early).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::calls::Calls;
    use super::super::error::Code;
    use super::*;

    const FIFO: &str = "arn:aws:sqs:us-east-1:000000000000:orders.fifo";

    fn delivery(group: Option<&str>, id: Option<&str>) -> Delivery {
        Delivery {
            body: "x".into(),
            attributes: Vec::new(),
            group_id: group.map(str::to_owned),
            deduplication_id: id.map(str::to_owned),
        }
    }

    #[tokio::test]
    async fn a_fifo_queue_takes_a_delivery_with_a_group_and_once() {
        let calls = Calls::new();
        let url = calls.queue("orders.fifo", json!({"FifoQueue": "true"})).await;
        let deliver = |group, id| calls.sqs.deliver("sns", FIFO, delivery(group, id));
        assert_eq!(deliver(None, Some("d")).unwrap_err().code, Code::MissingParameter);
        assert_eq!(deliver(Some("g"), None).unwrap_err().code, Code::InvalidParameterValue);
        deliver(Some("g"), Some("d")).unwrap();
        deliver(Some("g"), Some("d")).unwrap();
        let received = calls.receive(&url).await;
        assert_eq!(received.as_array().map(Vec::len), Some(1));
        assert_eq!(received[0]["Attributes"]["MessageGroupId"], "g");
        assert_eq!(received[0]["Attributes"]["MessageDeduplicationId"], "d");
    }

    #[tokio::test]
    async fn a_standard_queue_takes_a_group_and_leaves_the_rest() {
        let calls = Calls::new();
        let url = calls.queue("orders", json!({"MaximumMessageSize": "1024"})).await;
        let arn = FIFO.trim_end_matches(".fifo");
        calls.sqs.deliver("sns", arn, delivery(Some("g"), Some("d"))).unwrap();
        let received = calls.receive(&url).await;
        assert_eq!(received[0]["Attributes"]["MessageGroupId"], "g");
        let long = Delivery { body: "x".repeat(1025), ..delivery(None, None) };
        let error = calls.sqs.deliver("sns", arn, long).unwrap_err();
        assert_eq!(error.code, Code::InvalidParameterValue);
    }
}
