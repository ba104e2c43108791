//! Rows out of a database: a table's or a query's, as record batches, all out of
//! one snapshot, in memory that does not grow with their number.
//!
//! PostgreSQL sends them by binary `COPY`, and to several connections at once if
//! that is asked for; MySQL and SQLite row by row.

mod builder;
mod columns;
mod error;
mod mysql;
mod parse;
mod postgres;
mod select;
mod sqlite;
mod stream;

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use millrace_contract::{DataType, ExportSource, Split};
use millrace_ledger::{Database, Dialect};

pub use columns::column_type;
pub use error::ExtractError;
pub use stream::Rows;

/// What is to be read.
#[derive(Debug, Clone)]
pub struct Extract<'a> {
    /// The table or the query.
    pub source: &'a ExportSource,
    /// The values of the query's parameters, in the order of
    /// [`ExportSource::parameters`].
    pub bound: &'a [String],
    /// The rows that are new, if not all are wanted.
    pub growing: Option<Growing<'a>>,
    /// Whether several connections read.
    pub split: Option<&'a Split>,
    /// Types that the database does not know.
    pub types: &'a BTreeMap<String, DataType>,
    /// How long a statement may take before the database ends it, if that is bounded.
    pub most: Option<Duration>,
}

/// Rows by a column whose values grow: those beyond `from`, up to `to`. Values
/// are as the database writes them.
#[derive(Debug, Clone, Copy)]
pub struct Growing<'a> {
    /// The column.
    pub column: &'a str,
    /// Where the rows before ended; from the first row on without it.
    pub from: Option<&'a str>,
    /// Where these end; at the greatest value of the snapshot without it.
    pub to: Option<&'a str>,
}

/// Rows that one moment has.
pub struct Snapshot {
    /// The moment, by the database's clock.
    pub taken_at: DateTime<Utc>,
    /// Where the growing column ends; none where it has no value yet.
    pub upper: Option<String>,
    /// The columns. What a column is beside its Arrow type, [`column_type`] says.
    pub schema: SchemaRef,
    /// The rows in parts, each read by a connection of its own.
    pub parts: Vec<Rows>,
}

/// Opens a snapshot and begins to read.
///
/// Dropping the parts ends it.
///
/// # Errors
/// [`ExtractError`], classified.
pub async fn open(database: &Database, extract: &Extract<'_>) -> Result<Snapshot, ExtractError> {
    if extract.split.is_some() && database.dialect() != Dialect::Postgres {
        return Err(ExtractError::Split(format!(
            "{} can't show one snapshot to several connections; leave `split` out",
            database.dialect()
        )));
    }
    match database.dialect() {
        Dialect::Postgres => postgres::open(database, extract).await,
        Dialect::MySql => mysql::open(database, extract).await,
        Dialect::Sqlite => sqlite::open(database, extract).await,
    }
}
