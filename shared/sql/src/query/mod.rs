//! Queries: SQL over the rows of a file as they stream by, and over tables of the
//! lake.
//!
//! A query is planned once and may be carried out any number of times. It runs on
//! one thread and in one partition, so that the same rows make the same rows in
//! the same order, and it has a memory of its own beyond which it goes on on disk.

mod arithmetic;
mod check;
mod checked;
mod fault;
mod names;
mod narrow;
mod output;
mod parse;
mod plan;
mod prune;
mod reshaping;
mod run;
mod scan;
mod session;
mod table;

pub use check::{TransformProblem, check_derived, check_transform};
pub use fault::SqlFault;
pub use narrow::{Partition, TableRead};
pub use output::{table_schema, type_name};
pub use plan::{SqlQuery, tables_named};
pub use run::QueryRows;
pub use table::{Part, Table};

/// The table that stands for the rows of a file.
pub const INPUT: &str = "input";
