//! A message as the queue holds it.

use std::borrow::Cow;
use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Millis;

use super::digest;

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

/// The parts that most messages lack. Kept small: a FIFO queue has one for each
/// message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    /// Message attributes, by ascending name.
    pub(crate) attributes: Box<[Attribute]>,
    /// `AWSTraceHeader`.
    pub(crate) trace_header: Option<Box<str>>,
    /// `MessageGroupId`: on a standard queue, the tenant of a fair queue.
    pub(crate) group: Option<Arc<str>>,
    /// How a FIFO queue tells it from others. Every message there has one.
    pub(crate) deduplication: Option<Deduplication>,
    /// How it came to be a dead letter.
    pub(crate) dead_letter: Option<Box<DeadLetter>>,
}

/// How a FIFO queue tells a message from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deduplication {
    /// `MessageDeduplicationId`; without one it is the SHA-256 of the body.
    pub(crate) given: Option<Box<str>>,
    /// Within what the id stands for this message alone.
    pub(crate) scope: Scope,
}

/// Within what a deduplication id stands for one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The queue.
    Queue,
    /// The message's group.
    Group,
    /// Nothing: the message was moved here, and none is its duplicate.
    Nothing,
}

/// How a message came to be a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetter {
    /// ARN of the queue it was in.
    pub(crate) source: Arc<str>,
    /// When it was moved.
    pub(crate) moved_at: Millis,
    /// How often it had been received by then.
    pub(crate) receive_count: u32,
}

impl Deduplication {
    /// The id, given or made from the body.
    pub(crate) fn id(&self, body: &str) -> Cow<'_, str> {
        match &self.given {
            Some(id) => Cow::Borrowed(id),
            None => Cow::Owned(digest::sha256_hex(body)),
        }
    }
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

    /// Bytes of its body.
    pub(crate) fn size(&self) -> u64 {
        self.content.body.len() as u64
    }

    /// Its message group.
    pub(crate) fn group(&self) -> Option<&Arc<str>> {
        self.content.extras.as_deref()?.group.as_ref()
    }

    /// When it came into this queue.
    pub(crate) fn arrived_at(&self) -> Millis {
        self.dead_letter().map_or(self.content.sent_at, |letter| letter.moved_at)
    }

    /// How often it was received from this queue.
    pub(crate) fn receives_here(&self) -> u32 {
        let before = self.dead_letter().map_or(0, |letter| letter.receive_count);
        self.receive_count.saturating_sub(before)
    }

    /// How it came to be a dead letter, if it is one.
    pub(crate) fn dead_letter(&self) -> Option<&DeadLetter> {
        self.content.extras.as_deref()?.dead_letter.as_deref()
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
