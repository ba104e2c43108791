//! Between the SDK's types and ours.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName, SendMessageBatchRequestEntry,
};

use super::entries::id;
use crate::{Attributes, Outgoing, Receipt, Received};

/// The system attributes that a receive asks for.
pub(super) const SYSTEM_ATTRIBUTES: [MessageSystemAttributeName; 5] = [
    MessageSystemAttributeName::ApproximateReceiveCount,
    MessageSystemAttributeName::SentTimestamp,
    MessageSystemAttributeName::ApproximateFirstReceiveTimestamp,
    MessageSystemAttributeName::AwsTraceHeader,
    MessageSystemAttributeName::MessageGroupId,
];

/// A duration in whole seconds, rounded up so that a delay is never cut short.
pub(super) fn seconds(duration: Duration) -> i32 {
    let seconds = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

/// Takes a received message apart without copying it. A message that lacks its
/// count is taken to be here for the first time.
pub(super) fn received(message: Message) -> Received {
    let mut received = Received {
        message_id: message.message_id.unwrap_or_default(),
        receipt: Receipt::new(message.receipt_handle.unwrap_or_default()),
        body: message.body.unwrap_or_default(),
        receive_count: 1,
        sent_at: None,
        first_received_at: None,
        trace_header: None,
        group: None,
        attributes: message.message_attributes.map(attributes).unwrap_or_default(),
    };
    for (name, value) in message.attributes.into_iter().flatten() {
        match name {
            MessageSystemAttributeName::ApproximateReceiveCount => {
                received.receive_count = value.parse().unwrap_or(1);
            }
            MessageSystemAttributeName::SentTimestamp => received.sent_at = moment(&value),
            MessageSystemAttributeName::ApproximateFirstReceiveTimestamp => {
                received.first_received_at = moment(&value);
            }
            MessageSystemAttributeName::AwsTraceHeader => received.trace_header = Some(value),
            MessageSystemAttributeName::MessageGroupId => received.group = Some(value),
            // Not asked for.
            _ => {}
        }
    }
    received
}

/// A moment in milliseconds since 1970.
fn moment(text: &str) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(text.parse().ok()?))
}

fn attributes(values: HashMap<String, MessageAttributeValue>) -> Attributes {
    let text = |(name, value): (String, MessageAttributeValue)| Some((name, value.string_value?));
    values.into_iter().filter_map(text).collect()
}

/// An entry of a batch of sends.
pub(super) fn send_entry(index: usize, message: &Outgoing) -> Option<SendMessageBatchRequestEntry> {
    let delay = Some(seconds(message.delay)).filter(|&seconds| seconds > 0);
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(id(index))
        .message_body(&message.body)
        .set_delay_seconds(delay)
        .set_message_group_id(message.group.clone());
    for (name, value) in &message.attributes {
        let value = MessageAttributeValue::builder().data_type("String").string_value(value);
        entry = entry.message_attributes(name, value.build().ok()?);
    }
    entry.build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_a_second_are_rounded_up() {
        for (duration, expected) in [
            (Duration::ZERO, 0),
            (Duration::from_millis(1), 1),
            (Duration::from_secs(43_200), 43_200),
            (Duration::MAX, i32::MAX),
        ] {
            assert_eq!(seconds(duration), expected);
        }
    }

    #[test]
    fn a_message_without_attributes_was_received_once() {
        let received = received(Message::builder().message_id("m").body("b").build());
        assert_eq!((received.receive_count, received.sent_at), (1, None));
    }

    #[test]
    fn system_attributes_become_fields() {
        let message = Message::builder()
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, "3")
            .attributes(MessageSystemAttributeName::SentTimestamp, "1700000000123")
            .attributes(MessageSystemAttributeName::AwsTraceHeader, "Root=1-2-3")
            .build();
        let received = received(message);
        assert_eq!(received.receive_count, 3);
        assert_eq!(received.trace_header.as_deref(), Some("Root=1-2-3"));
        let sent = received.sent_at.expect("a moment");
        let since = sent.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        assert_eq!(since, Duration::from_millis(1_700_000_000_123));
    }
}
