//! Arrow record batches into a table of PostgreSQL, MySQL or SQLite, in one
//! transaction with the commit record that makes it exactly-once; and the rows of
//! a table or a query as batches again, out of one snapshot.
//!
//! `design.md` beside this code argues why.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod batches;
mod cells;
mod column;
mod comments;
mod default;
mod error;
mod evolve;
pub mod export;
mod group;
mod index;
mod json_text;
mod merge;
mod mysql;
mod names;
mod plan;
mod postgres;
mod primary_key;
pub mod redshift;
mod replace;
mod schema;
mod sqlite;
mod table;
mod text;
mod views;
mod warehouse;

pub use error::{LoadError, SourceError};
pub use group::SmallFile;
pub use millrace_ledger::loads::TableTotal;
pub use plan::{CommitGuard, LoadPlan, Loaded};
pub use views::{ViewNews, ViewRecord};
pub use warehouse::Warehouse;
