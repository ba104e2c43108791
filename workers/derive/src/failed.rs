//! How an attempt ends without a result.

use millrace_format::{ErrorKind, FormatError};
use millrace_lake::TableError;
use millrace_ledger::LedgerError;
use millrace_retry::FailureClass;
use millrace_runtime::{Failure, LeaseLost};
use millrace_sql::SqlFault;
use millrace_storage::StorageError;

/// How an attempt ended without a result.
pub(crate) enum Failed {
    /// Another worker may be at it: nothing is said.
    Lost,
    /// A failure, classified.
    Verdict(Failure),
}

impl Failed {
    /// What the pipeline file and the message do not allow.
    pub(crate) fn contract(message: impl Into<String>) -> Self {
        Self::Verdict(Failure::new(FailureClass::Contract, message))
    }

    /// The dataset's SQL does not fit its inputs.
    pub(crate) fn sql(dataset: &str, fault: &SqlFault) -> Self {
        let class = match fault {
            SqlFault::NoThread(_) => FailureClass::Transient,
            SqlFault::Syntax(_)
            | SqlFault::TooLong(_)
            | SqlFault::NotAQuery(_)
            | SqlFault::NoTable { .. }
            | SqlFault::NoColumn { .. }
            | SqlFault::InputTimes { .. }
            | SqlFault::Changing(_)
            | SqlFault::Unnamed { .. }
            | SqlFault::Duplicate(_)
            | SqlFault::Type { .. }
            | SqlFault::NotGiven { .. }
            | SqlFault::NotSeen(_)
            | SqlFault::Refused(_) => FailureClass::Contract,
        };
        Self::Verdict(Failure::new(class, format!("the SQL of `{dataset}`: {fault}")))
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

impl From<StorageError> for Failed {
    fn from(error: StorageError) -> Self {
        Self::Verdict(error.into())
    }
}

impl From<TableError> for Failed {
    fn from(error: TableError) -> Self {
        Self::Verdict(error.into())
    }
}

/// A broken input may be whole by the next attempt, which looks at the files anew.
impl From<FormatError> for Failed {
    fn from(error: FormatError) -> Self {
        let class = match error.kind() {
            ErrorKind::Source | ErrorKind::Sink => FailureClass::Transient,
            ErrorKind::Contract => FailureClass::Contract,
            ErrorKind::Unreadable | ErrorKind::Defect => FailureClass::Poison,
        };
        Self::Verdict(Failure::new(class, error.to_string()))
    }
}
