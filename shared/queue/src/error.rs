//! Why a queue did not do what it was asked, by meaning.

use millrace_retry::{Classify, FailureClass, RequestError};
use thiserror::Error;

/// Why a queue did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueueError {
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
    /// What any service of AWS may answer, or that it did not.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl QueueError {
    /// There is no such queue, or it was deleted.
    pub fn not_found(queue: &str) -> Self {
        RequestError::NotFound { what: named(queue) }.into()
    }

    /// No answer, or half of one.
    pub fn unavailable(action: &'static str, queue: &str, reason: &str) -> Self {
        let reason = reason.to_owned();
        RequestError::Unavailable { action, what: named(queue), reason }.into()
    }

    /// Whether there is no such queue, or it was deleted.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Request(RequestError::NotFound { .. }))
    }
}

/// What a request on a queue is about.
pub(crate) fn named(queue: &str) -> String {
    format!("queue `{queue}`")
}

impl Classify for QueueError {
    fn class(&self) -> FailureClass {
        match self {
            Self::TooLarge { .. } => FailureClass::Poison,
            // Whoever holds the message now goes on with it.
            Self::ReceiptExpired { .. } => FailureClass::Transient,
            Self::Request(error) => error.class(),
        }
    }
}
