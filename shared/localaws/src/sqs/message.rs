//! A message as the queue holds it.

use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Millis;

/// A message's place in its queue: unique and ascending, never used twice.
pub(crate) type Seq = u64;

/// What is sent: everything about a message that never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// Message id.
    pub(crate) id: Uuid,
    /// Body.
    pub(crate) body: Arc<str>,
    /// MD5 of the body.
    pub(crate) body_md5: [u8; 16],
    /// When it was first sent; a move to a dead-letter queue keeps it.
    pub(crate) sent_at: Millis,
    /// What few messages have.
    pub(crate) extras: Option<Arc<Extras>>,
}

/// The parts that most messages lack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    /// Message attributes, by ascending name.
    pub(crate) attributes: Vec<Attribute>,
    /// `AWSTraceHeader`.
    pub(crate) trace_header: Option<String>,
    /// `MessageGroupId`: on a standard queue, the tenant of a fair queue.
    pub(crate) group: Option<String>,
    /// ARN of the queue this message was dead-lettered from.
    pub(crate) dead_letter_source: Option<String>,
}

/// A message attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    /// Name.
    pub(crate) name: String,
    /// `String`, `Number` or `Binary`, with or without a custom suffix.
    pub(crate) data_type: String,
    /// Value.
    pub(crate) value: AttributeValue,
}

/// The value of a message attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttributeValue {
    /// Of a `String` or `Number`.
    Text(String),
    /// Of a `Binary`.
    Binary(Vec<u8>),
}

impl AttributeValue {
    /// The bytes, whichever kind it is.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// Whether a message can be received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Now.
    Ready,
    /// Sent with a delay that has not passed.
    Delayed(Millis),
    /// Received; comes back at this time unless deleted.
    InFlight(Millis),
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// What was sent.
    pub(crate) content: Content,
    /// Whether it can be received.
    pub(crate) state: State,
    /// How often it was received. With the sequence number it names a receipt.
    pub(crate) receive_count: u32,
    /// When it was received first; 0 before that.
    pub(crate) first_received_at: Millis,
    /// When it was received last; 0 before that.
    pub(crate) received_at: Millis,
    /// The journal segment that holds its latest full record.
    pub(crate) segment: u32,
}

impl Message {
    /// A message that nobody has received yet.
    pub(crate) fn new(content: Content, state: State) -> Self {
        Self { content, state, receive_count: 0, first_received_at: 0, received_at: 0, segment: 0 }
    }

    /// Counts a receive at `now` that holds the message until `until`.
    pub(crate) fn receive(&mut self, now: Millis, until: Millis) {
        self.receive_count += 1;
        self.received_at = now;
        if self.first_received_at == 0 {
            self.first_received_at = now;
        }
        self.state = State::InFlight(until);
    }
}
