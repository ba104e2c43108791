//! Arrow record batches into a table of PostgreSQL, MySQL or SQLite, in one
//! transaction with the commit record that makes it exactly-once.
//!
//! `design.md` beside this code argues why.

mod batches;
mod cells;
mod column;
mod error;
mod evolve;
mod json_text;
mod mysql;
mod plan;
mod postgres;
mod sqlite;
mod table;
mod text;
mod warehouse;

pub use error::{LoadError, SourceError};
pub use millrace_ledger::loads::TableTotal;
pub use plan::{CommitGuard, LoadPlan, Loaded};
pub use warehouse::Warehouse;
