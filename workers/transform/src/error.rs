//! Why a file could not be transformed, and which class of failure that is.

use millrace_format::FormatError;
use millrace_lake::RejectsError;
use millrace_ledger::LedgerError;
use millrace_retry::{Classify, FailureClass};
use millrace_sql::SqlFault;
use millrace_storage::StorageError;
use thiserror::Error;

/// Why a file could not be transformed.
#[derive(Debug, Error)]
pub enum TransformError {
    /// Reading the object or writing the outputs failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file, or the plan for it.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The file broke its dataset's contract.
    #[error("{error}")]
    Refused {
        /// How.
        error: FormatError,
        /// The rejected rows, as an `s3://` URL, where there are any.
        rejects: Option<String>,
    },
    /// An expectation does not fit the columns.
    #[error("{0}")]
    Rules(String),
    /// A dataset that others refer to has no files yet: they may be on their way.
    #[error("rule `{rule}`: dataset `{dataset}` has no files yet; publish them first")]
    NoKeys {
        /// The rule.
        rule: String,
        /// The dataset without files.
        dataset: String,
    },
    /// The files of a dataset that is referred to can't be read.
    #[error("rule `{rule}`: {source}")]
    Keys {
        /// The rule.
        rule: String,
        /// Why.
        source: StorageError,
    },
    /// The rows that are gone through again can't be found out.
    #[error("the rejected rows can't be found out: {0}")]
    Rejects(#[from] RejectsError),
    /// The ledger can't say what there is.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The dataset's SQL does not fit the columns.
    #[error("transform `{sql}`: {fault}")]
    Sql {
        /// The query.
        sql: String,
        /// What is wrong with it.
        fault: SqlFault,
    },
    /// Another worker may have the file by now.
    #[error("the message's lease was lost")]
    LeaseLost,
}

impl Classify for TransformError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Storage(error) => error.class(),
            Self::Format(error) => error.class(),
            Self::Refused { .. } | Self::Rules(_) => FailureClass::Contract,
            Self::Keys { source, .. } => match source {
                // Its own object is not what is missing: a newer version of the
                // other dataset's file may have taken its place.
                StorageError::NotFound { .. } | StorageError::Changed { .. } => {
                    FailureClass::Transient
                }
                other => other.class(),
            },
            Self::Rejects(error) => error.class(),
            Self::Ledger(error) => error.class(),
            Self::Sql { fault, .. } => fault.class(),
            Self::NoKeys { .. } | Self::LeaseLost => FailureClass::Transient,
        }
    }
}
