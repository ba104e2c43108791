//! Why rows could not be read.

use millrace_ledger::DatabaseError;
use millrace_retry::{Classify, FailureClass};
use thiserror::Error;

/// Why rows could not be read.
#[derive(Debug, Error)]
pub enum ExtractError {
    /// The database failed, or refused the SQL.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A column of a type that nothing here holds.
    #[error(
        "column `{column}` is of type `{type_name}`, which can't be exported; cast it in the query, \
         to text for instance"
    )]
    Type {
        /// Column name.
        column: String,
        /// As the database calls it.
        type_name: String,
    },
    /// A value that its column's type does not hold.
    #[error("column `{column}`: {problem}")]
    Value {
        /// Column name.
        column: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The columns can't be exported together.
    #[error("{0}")]
    Columns(String),
    /// The rows can't be read by several connections.
    #[error("`split`: {0}")]
    Split(String),
    /// The database sent something else than it announced.
    #[error("the database's answer can't be understood: {0}")]
    Protocol(String),
}

impl ExtractError {
    pub(super) fn value(column: &str, problem: impl Into<String>) -> Self {
        Self::Value { column: column.to_owned(), problem: problem.into() }
    }
}

impl Classify for ExtractError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Database(source) => source.class(),
            Self::Type { .. } | Self::Value { .. } | Self::Columns(_) | Self::Split(_) => {
                FailureClass::Contract
            }
            Self::Protocol(_) => FailureClass::Transient,
        }
    }
}
