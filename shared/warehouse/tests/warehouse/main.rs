//! One contract, held by the warehouse on every database: SQLite in a temporary
//! folder, PostgreSQL where it is installed.
#![allow(clippy::unwrap_used)]

mod at_most_once;
mod evolving;
mod groups;
mod lost_connection;
mod modes;
mod names;
mod replays;
mod rollback;
mod support;
mod tables;
mod values;
