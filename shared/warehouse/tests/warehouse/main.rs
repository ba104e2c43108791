//! One contract, held by the warehouse on every database: SQLite in a temporary
//! folder, PostgreSQL where it is installed.
#![allow(clippy::unwrap_used)]

mod at_most_once;
mod evolving;
mod exporting;
mod groups;
mod lost_connection;
mod merging;
mod modes;
mod names;
mod ordered;
mod replays;
mod rollback;
mod support;
mod swapping;
mod tables;
mod targets;
mod values;
mod views;
