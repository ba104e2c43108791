//! SQLite: rows by prepared multi-row `INSERT`s.

mod bind;
mod insert;
mod merge;
pub(crate) mod table;
pub(crate) mod widen;

pub(crate) use insert::write;
