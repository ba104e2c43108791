//! Arrow record batches into a table of PostgreSQL or SQLite, in one
//! transaction with the commit record that makes it exactly-once.
//!
//! `design.md` beside this code argues why.

mod batches;
mod cells;
mod column;
mod error;
mod evolve;
mod group;
mod json_text;
mod plan;
mod postgres;
mod sqlite;
mod table;
mod warehouse;

pub use error::{LoadError, SourceError};
pub use group::SmallFile;
pub use millrace_ledger::loads::TableTotal;
pub use plan::{CommitGuard, LoadPlan, Loaded};
pub use warehouse::Warehouse;
