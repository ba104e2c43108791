//! How an attempt ends without a result.

use millrace_format::FormatError;
use millrace_ledger::LedgerError;
use millrace_retry::FailureClass;
use millrace_runtime::{Failure, LeaseLost};
use millrace_storage::StorageError;
use millrace_warehouse::export::ExtractError;

/// How an attempt ended without a result.
pub(crate) enum Failed {
    /// Another worker may be at the run: nothing is said.
    Lost,
    /// A failure, classified.
    Verdict(Failure),
}

impl Failed {
    /// What the pipeline file and the message do not allow.
    pub(crate) fn contract(message: impl Into<String>) -> Self {
        Self::Verdict(Failure::new(FailureClass::Contract, message))
    }
}

impl From<LeaseLost> for Failed {
    fn from(_: LeaseLost) -> Self {
        Self::Lost
    }
}

impl From<LedgerError> for Failed {
    fn from(error: LedgerError) -> Self {
        Self::Verdict(error.into())
    }
}

impl From<ExtractError> for Failed {
    fn from(error: ExtractError) -> Self {
        Self::Verdict(error.into())
    }
}

impl From<StorageError> for Failed {
    fn from(error: StorageError) -> Self {
        Self::Verdict(error.into())
    }
}

/// Rows that can't be encoded are not this attempt's alone.
impl From<FormatError> for Failed {
    fn from(error: FormatError) -> Self {
        Self::contract(error.to_string())
    }
}
