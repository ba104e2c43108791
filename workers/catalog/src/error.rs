//! Why a table was not brought up to date, and which class of failure that is.

use millrace_glue::CatalogError;
use millrace_lake::TableError;
use millrace_ledger::LedgerError;
use millrace_retry::{Classify, FailureClass};
use millrace_storage::StorageError;
use thiserror::Error;

/// Why a table was not brought up to date.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The lake's bucket.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// An object that others were joined into is read whole.
    #[error(
        "object s3://{bucket}/{key} of dataset `{dataset}` has rows of a file that was superseded \
         since it was joined, and Athena would read them; `millrace replay --dataset {dataset}` \
         writes the dataset's files anew"
    )]
    Superseded {
        /// The dataset.
        dataset: String,
        /// The object's bucket.
        bucket: String,
        /// Its key.
        key: String,
    },
    /// Live objects are partitioned by other columns than the dataset is now.
    #[error(
        "object s3://{bucket}/{key} of dataset `{dataset}` is partitioned by {found}, and the \
         dataset by {wanted} now; `millrace replay --dataset {dataset}` writes the dataset's files \
         anew"
    )]
    Partitioned {
        /// The dataset.
        dataset: String,
        /// The object's bucket.
        bucket: String,
        /// Its key.
        key: String,
        /// The columns that it is partitioned by.
        found: String,
        /// Those that it would have to be.
        wanted: String,
    },
    /// There is a table of its name that is not ours.
    #[error(
        "table `{database}.{table}` is not kept by pipeline `{pipeline}` and stays as it is; drop \
         it if nobody needs it, or write another `database` under `[catalog]`"
    )]
    NotOurs {
        /// The database.
        database: String,
        /// The table.
        table: String,
        /// The pipeline.
        pipeline: String,
    },
    /// The pipeline has no such dataset.
    #[error("there is no dataset `{0}` in the pipeline file")]
    Unknown(String),
    /// Another worker may be at it.
    #[error("another worker is at it")]
    Lost,
}

impl Classify for RegisterError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Ledger(error) => error.class(),
            Self::Storage(error) => error.class(),
            Self::Catalog(error) => error.class(),
            Self::Superseded { .. }
            | Self::Partitioned { .. }
            | Self::NotOurs { .. }
            | Self::Unknown(_) => FailureClass::Contract,
            Self::Lost => FailureClass::Transient,
        }
    }
}

impl From<TableError> for RegisterError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Ledger(error) => Self::Ledger(error),
            TableError::Empty(dataset) => Self::Unknown(dataset),
        }
    }
}
