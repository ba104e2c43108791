//! Where S3 hands its events over: a queue or a topic, by ARN.
//!
//! S3 knows neither SQS nor SNS; the server gives it this.

use async_trait::async_trait;
use thiserror::Error;

/// Delivers messages to queues and topics by their ARN.
#[async_trait]
pub(crate) trait EventSink: Send + Sync + 'static {
    /// Whether a queue or topic of this ARN exists.
    async fn exists(&self, arn: &str) -> bool;

    /// Delivers `body`; it is durable at the destination when this returns.
    ///
    /// # Errors
    /// [`SinkError`] if the destination is gone or refuses the message.
    async fn deliver(&self, arn: &str, body: String) -> Result<(), SinkError>;
}

/// A message that could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum SinkError {
    /// No queue or topic has this ARN.
    #[error("no queue or topic has the ARN `{0}`")]
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
