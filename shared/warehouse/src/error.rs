//! Why nothing was loaded.

use std::error::Error;

use millrace_contract::FileId;
use millrace_ledger::DatabaseError;
use millrace_retry::{Classify, FailureClass};
use thiserror::Error;

/// The batches could not be read to their end. Its class is the source's own.
#[derive(Debug, Error)]
#[error("{source}")]
pub struct SourceError {
    class: FailureClass,
    source: Box<dyn Error + Send + Sync>,
}

impl SourceError {
    /// Wraps the error of whatever the batches come from.
    pub fn new<E: Error + Classify + Send + Sync + 'static>(source: E) -> Self {
        Self { class: source.class(), source: Box::new(source) }
    }
}

impl Classify for SourceError {
    fn class(&self) -> FailureClass {
        self.class
    }
}

/// Why nothing was loaded. Whatever the reason, the transaction is undone.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The database failed or refused the rows.
    #[error("loading into `{table}`: {source}")]
    Database {
        /// Table name.
        table: String,
        /// What the database said.
        source: DatabaseError,
    },
    /// A statement of mode `merge` failed.
    #[error("merging into `{table}`: statement {number} of `load.sql` ({sql}): {source}")]
    Statement {
        /// Table name.
        table: String,
        /// 1, 2, …
        number: usize,
        /// How it begins, as the pipeline file has it.
        sql: String,
        /// What the database said.
        source: DatabaseError,
    },
    /// The batches could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The table and the columns do not fit; every difference is listed.
    #[error("table `{table}` does not fit the dataset: {}", .differences.join("; "))]
    Table {
        /// Table name.
        table: String,
        /// What does not fit, each with what to do.
        differences: Vec<String>,
    },
    /// A value that the column can't hold.
    #[error("column `{column}`: {problem}")]
    Value {
        /// Column name.
        column: String,
        /// What is wrong.
        problem: String,
    },
    /// A batch is not of the columns that were planned.
    #[error("the lake's rows have other columns than planned: ({found}) instead of ({planned})")]
    Shape {
        /// Names and types planned.
        planned: String,
        /// Names and types found.
        found: String,
    },
    /// The batches do not hold the rows that transform wrote.
    #[error(
        "{sent} rows came from the lake but transform wrote {written}; nothing was committed: \
         publish the object again"
    )]
    Unbalanced {
        /// Rows that came.
        sent: u64,
        /// Rows that the row balance promised.
        written: u64,
    },
    /// Rows that belong to others which are not there.
    #[error(
        "the rows were rejected from file {of}, whose other rows are not in table `{table}`; go \
         through the whole file again"
    )]
    Apart {
        /// Table name.
        table: String,
        /// The file.
        of: FileId,
    },
    /// Somebody changed the table as soon as it was made ready.
    #[error("table `{table}` was changed while it was made ready; nothing was committed")]
    TableChanged {
        /// Table name.
        table: String,
    },
    /// The lease was lost, so another worker may be at it.
    #[error("the message's lease was lost before the commit; nothing was committed")]
    LeaseLost,
}

impl Classify for LoadError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Database { source, .. } | Self::Statement { source, .. } => source.class(),
            Self::Source(source) => source.class(),
            Self::Table { .. } | Self::Value { .. } | Self::Apart { .. } => FailureClass::Contract,
            Self::Shape { .. } | Self::Unbalanced { .. } => FailureClass::Poison,
            Self::TableChanged { .. } | Self::LeaseLost => FailureClass::Transient,
        }
    }
}
