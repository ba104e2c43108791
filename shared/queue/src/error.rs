//! Why a queue did not do what it was asked, by meaning.

use millrace_retry::{Classify, FailureClass, Grant};
use thiserror::Error;

/// Why a queue did not do what it was asked.
///
/// `action` is the permission that the request needs, such as
/// `sqs:SendMessage`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueueError {
    /// There is no such queue, or it was deleted.
    #[error("queue `{queue}` does not exist in this account and region")]
    NotFound {
        /// The queue's name.
        queue: String,
    },
    /// Too many requests, or too many messages in flight.
    #[error("{action} on queue `{queue}` was throttled: {reason}")]
    Throttled {
        /// What was tried.
        action: &'static str,
        /// The queue's name.
        queue: String,
        /// The service's words.
        reason: String,
    },
    /// A permission is missing.
    #[error(
        "not allowed: grant {} (and use of its KMS key): {reason}",
        Grant::of(reason, action, &format!("queue {}", queue))
    )]
    Denied {
        /// The permission that is missing.
        action: &'static str,
        /// The queue's name.
        queue: String,
        /// The service's words.
        reason: String,
    },
    /// The receipt no longer stands for a message in flight: its visibility
    /// timeout ended, or it was deleted.
    #[error("the receipt of a message of queue `{queue}` has expired: {reason}")]
    ReceiptExpired {
        /// The queue's name.
        queue: String,
        /// The service's words.
        reason: String,
    },
    /// One message is larger than the queue takes.
    #[error("a message of {bytes} bytes is too large for queue `{queue}`, which takes {limit}")]
    TooLarge {
        /// The queue's name.
        queue: String,
        /// The message's size with attributes.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The service refused the request as it stands.
    #[error("{action} on queue `{queue}` was refused: {reason}")]
    Invalid {
        /// What was tried.
        action: &'static str,
        /// The queue's name.
        queue: String,
        /// The service's words.
        reason: String,
    },
    /// No answer, or a server error.
    #[error("{action} on queue `{queue}` got no answer: {reason}; is the endpoint right and up?")]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// The queue's name.
        queue: String,
        /// What went wrong on the way.
        reason: String,
    },
}

impl Classify for QueueError {
    fn class(&self) -> FailureClass {
        match self {
            Self::NotFound { .. } => FailureClass::Missing,
            Self::Throttled { .. } => FailureClass::Throttled,
            Self::Denied { .. } => FailureClass::Denied,
            Self::TooLarge { .. } | Self::Invalid { .. } => FailureClass::Poison,
            // Whoever holds the message now goes on with it.
            Self::ReceiptExpired { .. } | Self::Unavailable { .. } => FailureClass::Transient,
        }
    }
}
