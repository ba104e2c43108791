//! One receive of one message, as a handler sees it.

use std::time::SystemTime;

use millrace_queue::{Attributes, REDRIVE_ATTRIBUTE, Receipt, Received, TRACE_ATTRIBUTE};

use crate::dead_letter::MESSAGE_ATTRIBUTE;
use crate::trace_context::{self, TRACEPARENT_ATTRIBUTE, TraceContext, xray_root};

/// One receive of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The queue's id of the message. A redriven message has another one, so it
    /// is no idempotency key.
    pub message_id: String,
    /// The body.
    pub body: String,
    /// How often the message was received, this time included.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Option<SystemTime>,
    /// When it was first received.
    pub first_received_at: Option<SystemTime>,
    /// Follows a file through every stage: from the attribute `trace_id` or
    /// `traceparent`, the X-Ray header, or else the message id, which stays the
    /// same when the message is delivered again.
    pub trace_id: String,
    /// The same as W3C has it, with the spans of sender and receive.
    pub trace: TraceContext,
    /// Whose message it is: its dataset, where the sender said so.
    pub group: Option<String>,
    /// Message attributes.
    pub attributes: Attributes,
}

impl Delivery {
    /// A first delivery of `body`, for tests and for handling without a queue.
    pub fn new(message_id: impl Into<String>, body: impl Into<String>) -> Self {
        let message_id = message_id.into();
        Self {
            trace_id: message_id.clone(),
            trace: TraceContext::new(None, &message_id, &message_id, 1),
            group: None,
            message_id,
            body: body.into(),
            receive_count: 1,
            sent_at: None,
            first_received_at: None,
            attributes: Attributes::new(),
        }
    }
}

impl Delivery {
    /// The messages that this one is: itself, and where it is a copy, the one it
    /// is a copy of. A message that is handed back after its last receive is sent
    /// anew, and so is a dead letter; both say whose copy they are.
    pub fn origins(&self) -> Vec<&str> {
        let redrive_of = self.attributes.get(REDRIVE_ATTRIBUTE);
        // `queue/message id`.
        let redriven = redrive_of.and_then(|failure| failure.rsplit_once('/'));
        let copied = self.attributes.get(MESSAGE_ATTRIBUTE).map(String::as_str);
        let mut origins = vec![self.message_id.as_str()];
        for origin in copied.into_iter().chain(redriven.map(|(_, id)| id)) {
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        origins
    }

    /// Takes a received message apart: what a handler sees, and what it does
    /// not.
    pub(crate) fn split(received: Received) -> (Self, Receipt) {
        let trace_id = trace_id(&received);
        let traceparent = received.attributes.get(TRACEPARENT_ATTRIBUTE).map(String::as_str);
        let (id, count) = (&received.message_id, received.receive_count);
        let delivery = Self {
            trace: TraceContext::new(traceparent, &trace_id, id, count),
            trace_id,
            message_id: received.message_id,
            body: received.body,
            receive_count: received.receive_count,
            sent_at: received.sent_at,
            first_received_at: received.first_received_at,
            attributes: received.attributes,
            group: received.group,
        };
        (delivery, received.receipt)
    }
}

/// `trace_id` first: what is in the ledger and in other workers' logs.
fn trace_id(received: &Received) -> String {
    let attribute = |name: &str| received.attributes.get(name).map(String::as_str);
    if let Some(id) = attribute(TRACE_ATTRIBUTE) {
        return id.to_owned();
    }
    let traceparent = attribute(TRACEPARENT_ATTRIBUTE).and_then(trace_context::parse);
    if let Some((trace, _, _)) = traceparent {
        return trace.to_owned();
    }
    let id = received.trace_header.as_deref().and_then(xray_root).unwrap_or(&received.message_id);
    trace_context::hexadecimal(id).unwrap_or_else(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(trace_header: Option<&str>, attribute: Option<&str>) -> Received {
        let attribute = attribute.map(|id| (TRACE_ATTRIBUTE.to_owned(), id.to_owned()));
        Received {
            message_id: "m-1".into(),
            receipt: Receipt::new("r"),
            body: "b".into(),
            receive_count: 2,
            sent_at: None,
            first_received_at: None,
            trace_header: trace_header.map(str::to_owned),
            attributes: attribute.into_iter().collect(),
            group: None,
        }
    }

    #[test]
    fn a_trace_id_is_taken_over_or_else_stable_across_redeliveries() {
        let trace_id = |header, attribute| Delivery::split(received(header, attribute)).0.trace_id;
        let header = Some("Parent=53995c3f; Root=1-5759e988-bd86;Sampled=1");
        assert_eq!(trace_id(header, Some("ours")), "ours");
        assert_eq!(trace_id(header, None), "1-5759e988-bd86");
        assert_eq!(trace_id(Some("Sampled=1"), None), "m-1");
        assert_eq!(trace_id(None, None), "m-1");
        let header = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
        assert_eq!(trace_id(header, None), "5759e988bd862e3fe1be46a994272793");
    }

    #[test]
    fn a_copy_says_whose_it_is() {
        let mut delivery = Delivery::new("m-3", "b");
        assert_eq!(delivery.origins(), ["m-3"]);
        delivery.attributes.insert(MESSAGE_ATTRIBUTE.to_owned(), "m-2".to_owned());
        delivery.attributes.insert(REDRIVE_ATTRIBUTE.to_owned(), "p-collect/m-1".to_owned());
        assert_eq!(delivery.origins(), ["m-3", "m-2", "m-1"]);
    }

    #[test]
    fn a_traceparent_of_a_stranger_is_continued() {
        let mut message = received(None, None);
        let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        message.attributes.insert(TRACEPARENT_ATTRIBUTE.to_owned(), traceparent.to_owned());
        let (delivery, _) = Delivery::split(message);
        assert_eq!(delivery.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((&delivery.trace.trace, delivery.trace.sampled), (&delivery.trace_id, false));
    }
}
