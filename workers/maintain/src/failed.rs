//! Why upkeep stopped, and which class of failure that is.

use std::fmt;

use millrace_format::FormatError;
use millrace_lake::LakeError;
use millrace_ledger::LedgerError;
use millrace_retry::{Classify, FailureClass};
use millrace_runtime::LeaseLost;
use millrace_storage::StorageError;

/// Why upkeep stopped.
#[derive(Debug)]
pub enum UpkeepError {
    /// The ledger.
    Ledger(LedgerError),
    /// A bucket.
    Storage(StorageError),
    /// What is to be joined can't be read.
    Lake(LakeError),
    /// What is joined can't be written.
    Format(FormatError),
    /// What is to be joined is not what the ledger says of it.
    Rows {
        /// The object.
        key: String,
        /// Rows that the ledger says.
        expected: u64,
        /// Rows that were read.
        found: u64,
    },
    /// Another worker may have the message.
    Lost,
}

impl fmt::Display for UpkeepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger(error) => error.fmt(f),
            Self::Storage(error) => error.fmt(f),
            Self::Lake(error) => error.fmt(f),
            Self::Format(error) => error.fmt(f),
            Self::Rows { key, expected, found } => write!(
                f,
                "`{key}` has {found} rows where the ledger says {expected}; publish its files again"
            ),
            Self::Lost => f.write_str("the message's lease was lost"),
        }
    }
}

impl std::error::Error for UpkeepError {}

impl Classify for UpkeepError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Ledger(error) => error.class(),
            Self::Storage(error) => error.class(),
            Self::Lake(error) => error.class(),
            Self::Format(_) | Self::Rows { .. } => FailureClass::Poison,
            Self::Lost => FailureClass::Transient,
        }
    }
}

impl From<LeaseLost> for UpkeepError {
    fn from(_: LeaseLost) -> Self {
        Self::Lost
    }
}

impl From<LedgerError> for UpkeepError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<StorageError> for UpkeepError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<LakeError> for UpkeepError {
    fn from(error: LakeError) -> Self {
        Self::Lake(error)
    }
}

impl From<FormatError> for UpkeepError {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}
