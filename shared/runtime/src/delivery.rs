//! One receive of one message, as a handler sees it.

use std::time::SystemTime;

use millrace_queue::{Attributes, Receipt, Received, TRACE_ATTRIBUTE};

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
    /// Follows a file through every stage: from the attribute `trace_id`, the
    /// X-Ray header, or else the message id, which stays the same when the
    /// message is delivered again.
    pub trace_id: String,
    /// Message attributes.
    pub attributes: Attributes,
}

impl Delivery {
    /// A first delivery of `body`, for tests and for handling without a queue.
    pub fn new(message_id: impl Into<String>, body: impl Into<String>) -> Self {
        let message_id = message_id.into();
        Self {
            trace_id: message_id.clone(),
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
    /// Takes a received message apart: what a handler sees, and what it does
    /// not.
    pub(crate) fn split(received: Received) -> (Self, Receipt) {
        let trace_id = received
            .attributes
            .get(TRACE_ATTRIBUTE)
            .map(String::as_str)
            .or_else(|| received.trace_header.as_deref().and_then(trace_root))
            .unwrap_or(&received.message_id)
            .to_owned();
        let delivery = Self {
            trace_id,
            message_id: received.message_id,
            body: received.body,
            receive_count: received.receive_count,
            sent_at: received.sent_at,
            first_received_at: received.first_received_at,
            attributes: received.attributes,
        };
        (delivery, received.receipt)
    }
}

/// The trace id in `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=…`
/// ("Tracing header" in the AWS X-Ray Developer Guide).
fn trace_root(header: &str) -> Option<&str> {
    header.split(';').find_map(|part| part.trim().strip_prefix("Root="))
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
    }
}
