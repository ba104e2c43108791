//! Why a delivery failed.

use serde::{Deserialize, Serialize};

use crate::query::QueryError;
use crate::sqs::SqsError;

/// A delivery that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// What AWS calls it, as in `AWS.SimpleQueueService.NonExistentQueue`.
    pub(crate) code: String,
    /// What went wrong.
    pub(crate) message: String,
    /// Whether it may succeed later.
    pub(crate) may_pass: bool,
}

impl Failure {
    /// It will not succeed later either.
    pub(crate) fn permanent(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), may_pass: false }
    }

    /// It may succeed later.
    pub(crate) fn passing(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), may_pass: true }
    }
}

impl From<SqsError> for Failure {
    fn from(error: SqsError) -> Self {
        let may_pass = !error.code.is_sender_fault();
        Self { code: error.code.query().to_owned(), message: error.message, may_pass }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let may_pass = error.status >= 500;
        Self { code: error.code.into_owned(), message: error.message, may_pass }
    }
}
