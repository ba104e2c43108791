//! What a queue can do, in the words of SQS but without its types.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::QueueError;

/// Message attributes by name. Attributes of type Binary are not read: nothing
/// that millrace sends or receives has them.
pub type Attributes = BTreeMap<String, String>;

/// What became of each entry of a batch, in the order of the entries.
pub type Entries = Vec<Result<(), QueueError>>;

/// The message attribute that carries a trace id from stage to stage.
pub const TRACE_ATTRIBUTE: &str = "trace_id";

/// The message attribute of a dead letter that was sent again: the failure it is
/// the redrive of, as `queue/message id`.
pub const REDRIVE_ATTRIBUTE: &str = "redrive_of";

/// One queue.
///
/// Delivery is at least once and in no order. Batch calls take any number of
/// entries, split them into the requests that the service allows, try the
/// entries that failed for a passing reason again by themselves, and answer for
/// every entry.
#[async_trait]
pub trait Queue: Send + Sync {
    /// The queue's name.
    fn name(&self) -> &str;

    /// Receives up to ten messages and hides them for a while.
    ///
    /// Dropping the future may leave messages hidden that nobody holds until
    /// their visibility timeout ends.
    ///
    /// # Errors
    /// [`QueueError`] if nothing was received for another reason than an empty
    /// queue, which is an empty list.
    async fn receive(&self, request: Receive) -> Result<Vec<Received>, QueueError>;

    /// Sends messages.
    async fn send(&self, messages: &[Outgoing]) -> Entries;

    /// Deletes messages. A message whose receipt is no longer the most recent
    /// may stay, as in SQS, without an error.
    async fn delete(&self, receipts: &[Receipt]) -> Entries;

    /// Sets how long messages stay hidden from now: 0 hands them back at once.
    /// Fractions of a second are rounded up.
    async fn change_visibility(&self, changes: &[(Receipt, Duration)]) -> Entries;

    /// About how many messages the queue holds.
    ///
    /// # Errors
    /// [`QueueError`] if the service did not say.
    async fn depth(&self) -> Result<Depth, QueueError>;
}

/// Finds queues by name.
#[async_trait]
pub trait Queues: Send + Sync {
    /// The queue named `name`; the same one for the same name.
    ///
    /// # Errors
    /// [Not found](QueueError::is_not_found) if there is none, or why it could not be found.
    async fn queue(&self, name: &str) -> Result<Arc<dyn Queue>, QueueError>;
}

/// How to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receive {
    /// Messages at most, 1 to 10; more counts as 10.
    pub max: usize,
    /// How long to wait for the first message, at most 20 s, in whole seconds.
    pub wait: Duration,
    /// How long the messages stay hidden from others, at most 12 h.
    pub visibility: Duration,
}

/// Names one receive of one message; deletes or hides it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receipt(String);

impl Receipt {
    /// Wraps a receipt handle as the service gave it.
    pub fn new(handle: impl Into<String>) -> Self {
        Self(handle.into())
    }

    /// The handle.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The service's id: the same at every redelivery, another after a redrive.
    pub message_id: String,
    /// What deletes or hides this receive of it.
    pub receipt: Receipt,
    /// The body.
    pub body: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// When it was sent, where the service said so.
    pub sent_at: Option<SystemTime>,
    /// When it was first received, where the service said so.
    pub first_received_at: Option<SystemTime>,
    /// The X-Ray header it was sent with (`AWSTraceHeader`).
    pub trace_header: Option<String>,
    /// Message attributes of the types String and Number.
    pub attributes: Attributes,
    /// The group it was sent with (`MessageGroupId`).
    pub group: Option<String>,
}

/// A message to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The body, 1 byte to 1 MiB.
    pub body: String,
    /// Message attributes, at most ten; all are sent as String.
    pub attributes: Attributes,
    /// How long it stays hidden after it was sent, at most 15 min.
    pub delay: Duration,
    /// Whose message it is, up to 128 letters, digits and punctuation marks. Where
    /// one group floods a queue, SQS delivers those of the others first; it
    /// orders nothing within a group. ("Amazon SQS fair queues", Amazon SQS
    /// Developer Guide.)
    pub group: Option<String>,
}

impl Outgoing {
    /// A message without attributes or delay.
    pub fn new(body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// Adds an attribute. SQS has no empty attribute values: an empty one is
    /// left out.
    pub fn attribute(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.attributes.insert(name.to_owned(), value);
        }
        self
    }

    /// Says whose message it is.
    pub fn grouped(mut self, group: Option<String>) -> Self {
        self.group = group.filter(|group| !group.is_empty());
        self
    }

    /// What the message counts towards the size limits: body, and names, types
    /// and values of the attributes.
    pub fn bytes(&self) -> usize {
        let attribute =
            |(name, value): (&String, &String)| name.len() + "String".len() + value.len();
        self.body.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }
}

/// About how many messages a queue holds. SQS counts eventually.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that can be received now.
    pub visible: u64,
    /// Messages received and not yet deleted or visible again.
    pub in_flight: u64,
    /// Messages whose delay has not ended.
    pub delayed: u64,
}

impl Depth {
    /// All messages.
    pub fn total(&self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}
