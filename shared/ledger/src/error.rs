//! What can go wrong with a database, by meaning, with its failure class.

use millrace_retry::{Classify, FailureClass};
use thiserror::Error;

use crate::fault::Fault;

/// A database said no, or said nothing.
///
/// The text names the database by host and name, never by its URL, so that no
/// password is in it.
#[derive(Debug, Clone, Error)]
#[error("{database}: {detail}{}", hint(*fault))]
pub struct DatabaseError {
    fault: Fault,
    database: String,
    detail: String,
}

impl DatabaseError {
    /// An error of `database`, as the driver reported it.
    pub fn of(database: &str, error: sqlx::Error) -> Self {
        Self::new(Fault::of(&error), database, crate::fault::describe(&error))
    }

    pub(crate) fn new(fault: Fault, database: &str, detail: impl Into<String>) -> Self {
        Self { fault, database: database.to_owned(), detail: detail.into() }
    }

    /// What kind of failure it is.
    pub fn fault(&self) -> Fault {
        self.fault
    }
}

impl Classify for DatabaseError {
    fn class(&self) -> FailureClass {
        self.fault.class()
    }
}

fn hint(fault: Fault) -> &'static str {
    match fault {
        Fault::Unreachable => "; is the server running and reachable from here?",
        Fault::Login => "; check user, password and database name in the URL",
        Fault::ReadOnly => "; is this a replica or a read-only file?",
        Fault::Full => "; the disk is full: free space or enlarge it",
        Fault::Damaged => "; the file is damaged or no database: restore it",
        Fault::Crowded => "; lower `concurrency` or the pool's size, or allow more connections",
        Fault::Denied => "; grant the permission to the worker's database user",
        Fault::Conflict
        | Fault::Interrupted
        | Fault::Constraint
        | Fault::Data
        | Fault::Statement
        | Fault::Exists
        | Fault::Internal
        | Fault::Url => "",
    }
}

/// What can go wrong in the ledger.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The database failed.
    #[error("ledger: {0}")]
    Database(#[from] DatabaseError),
    /// A file is reported on that was never registered here.
    #[error("file `{0}` is not in the ledger; publish its object again")]
    UnknownFile(String),
    /// A contract is asked for that was never stored here.
    #[error("contract `{contract}` of dataset `{dataset}` is not in the ledger; restart ingest")]
    UnknownContract {
        /// Dataset name.
        dataset: String,
        /// Contract version.
        contract: String,
    },
    /// What the ledger holds can't be read by this version.
    #[error("ledger holds `{text}` as {what}, which this version does not know; update it")]
    Unreadable {
        /// Kind of thing.
        what: &'static str,
        /// The stored text.
        text: String,
    },
}

impl LedgerError {
    pub(crate) fn unreadable(what: &'static str, text: &str) -> Self {
        Self::Unreadable { what, text: text.chars().take(200).collect() }
    }
}

impl Classify for LedgerError {
    fn class(&self) -> FailureClass {
        match self {
            // The ledger's own tables are everybody's, not this message's.
            Self::Database(error) if error.fault() == Fault::Statement => FailureClass::Outage,
            Self::Database(error) => error.class(),
            Self::UnknownFile(_) | Self::UnknownContract { .. } => FailureClass::Missing,
            Self::Unreadable { .. } => FailureClass::Poison,
        }
    }
}
