//! The derive stage: datasets become datasets, when their inputs change or by the
//! clock.
//!
//! A dataset is claimed in the ledger; then its inputs' files are looked at. If the
//! last run was made of the same, there is nothing to do. Otherwise the SQL runs
//! over them, and what it gives is written to the lake under names that follow from
//! the run. Partitions whose rows are others than before are then registered as
//! files of the dataset, newer than those of every earlier run, in the transaction
//! that ends the run; the others are let go. Partitions whose rows
//! can only come from files that they came from before are not even derived. From there on they are files like any:
//! they are loaded, replaced and told of as those that somebody published.

mod handler;
mod inputs;
mod kept;
mod parts;
mod run;
mod telling;

pub use handler::Derive;
