//! How an attempt ends without a result.

use millrace_chart::ChartError;
use millrace_lake::TableError;
use millrace_ledger::LedgerError;
use millrace_notify::NotifyError;
use millrace_retry::FailureClass;
use millrace_runtime::{Failure, LeaseLost};
use millrace_storage::StorageError;
use millrace_warehouse::export::ExtractError;

/// How an attempt ended without a result.
#[derive(Debug)]
pub enum Failed {
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

    /// The same, with the chart that it happened to.
    pub(crate) fn of_chart(self, title: &str) -> Self {
        match self {
            Self::Lost => Self::Lost,
            Self::Verdict(failure) => {
                let message = format!("chart `{title}`: {}", failure.message);
                Self::Verdict(Failure::new(failure.class, message))
            }
        }
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

impl From<TableError> for Failed {
    fn from(error: TableError) -> Self {
        Self::Verdict(error.into())
    }
}

impl From<StorageError> for Failed {
    fn from(error: StorageError) -> Self {
        Self::Verdict(error.into())
    }
}

impl From<NotifyError> for Failed {
    fn from(error: NotifyError) -> Self {
        Self::Verdict(error.into())
    }
}

/// Rows that can't be drawn are not this attempt's alone.
impl From<ChartError> for Failed {
    fn from(error: ChartError) -> Self {
        Self::contract(error.to_string())
    }
}
