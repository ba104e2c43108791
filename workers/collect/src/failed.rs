//! How a record ends without being collected.

use millrace_ledger::LedgerError;
use millrace_retry::FailureClass;
use millrace_runtime::Failure;
use millrace_storage::StorageError;

/// Why a record was not collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotCollected {
    /// Another reader may have it: nothing is said.
    Lost,
    /// A failure, classified.
    Verdict(Failure),
}

impl NotCollected {
    /// What nobody can read.
    pub(crate) fn poison(message: impl Into<String>) -> Self {
        Self::Verdict(Failure::new(FailureClass::Poison, message))
    }

    /// What the pipeline file does not allow.
    pub(crate) fn contract(message: impl Into<String>) -> Self {
        Self::Verdict(Failure::new(FailureClass::Contract, message))
    }
}

impl From<LedgerError> for NotCollected {
    fn from(error: LedgerError) -> Self {
        Self::Verdict(error.into())
    }
}

impl From<StorageError> for NotCollected {
    fn from(error: StorageError) -> Self {
        Self::Verdict(error.into())
    }
}
