//! Where services hand over what others shall have: a queue, a topic or a bus,
//! by ARN.
//!
//! S3 and the scheduler know neither SQS nor SNS; the server gives them this.

use async_trait::async_trait;
use serde_json::Value;
use thiserror::Error;

use crate::clock::Millis;

/// Delivers messages to queues, topics and buses by their ARN.
#[async_trait]
pub(crate) trait EventSink: Send + Sync + 'static {
    /// Whether a queue, topic or bus of this ARN exists.
    async fn exists(&self, arn: &str) -> bool;

    /// Delivers a message; it is durable at the destination when this returns.
    ///
    /// # Errors
    /// [`SinkError`] if the destination is gone or refuses the message.
    async fn deliver(&self, arn: &str, parcel: Parcel) -> Result<(), SinkError>;

    /// Hands an event to the default event bus; what its rules send is durable
    /// at their targets, or on its way to them, when this returns.
    ///
    /// # Errors
    /// [`SinkError`] if the bus can't take it.
    async fn put_event(&self, event: BusEvent) -> Result<(), SinkError>;
}

/// A message for a queue or a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// Body.
    pub(crate) body: String,
    /// Subject, where the destination is a topic.
    pub(crate) subject: Option<String>,
    /// Message group, of FIFO and fair queues.
    pub(crate) group_id: Option<String>,
    /// Deduplication id, of FIFO queues.
    pub(crate) deduplication_id: Option<String>,
}

impl Parcel {
    /// A message with nothing but a body.
    pub(crate) fn plain(body: String) -> Self {
        Self { body, ..Self::default() }
    }
}

/// What an AWS service tells the default event bus; the bus gives it an id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BusEvent {
    /// As in `aws.s3`.
    pub(crate) source: String,
    /// As in `Object Created`.
    pub(crate) detail_type: String,
    /// ARNs of what it is about.
    pub(crate) resources: Vec<String>,
    /// When it happened.
    pub(crate) at: Millis,
    /// What happened.
    pub(crate) detail: Value,
}

/// A message that could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum SinkError {
    /// Nothing that takes messages has this ARN.
    #[error("no queue, topic or bus has the ARN `{0}`")]
    NotFound(String),
    /// The destination refused the message or could not store it.
    #[error("`{arn}` did not take the message: {reason}")]
    Refused {
        /// The destination.
        arn: String,
        /// Why.
        reason: String,
    },
}
