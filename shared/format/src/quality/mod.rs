//! Rules that look beyond the row: at the rows before it, at the whole file, at
//! another dataset.
//!
//! Blocks are decoded on several threads, but judged in the order of the file,
//! so that what is said of a row depends on neither.

mod keys;
mod newest;
mod references;
mod seen;
mod spill;
mod unique;

use millrace_contract::OnFail;

pub(crate) use keys::{Keyed, Keys};
pub(crate) use newest::Newest;
pub use references::{KeyError, KeySet, References};
pub(crate) use unique::Uniques;

/// Something that must hold for a file as a whole, over the rows that pass every
/// other rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRule {
    /// The rule as it is written in the pipeline file.
    pub text: String,
    /// What a breach does. Where no row is to blame,
    /// [`OnFail::RejectRow`] rejects the file.
    pub on_fail: OnFail,
    /// What must hold.
    pub check: FileCheck,
}

/// What must hold for a file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileCheck {
    /// No two rows have the same values in these columns, given by position. A
    /// row with a null in one of them is like no other. The first row that passes
    /// counts; later ones break the rule.
    Unique {
        /// Positions of the columns in the batches.
        columns: Vec<usize>,
    },
    /// The number of rows that are written is within bounds.
    RowCount {
        /// At least so many.
        least: u64,
        /// At most so many.
        most: u64,
    },
    /// The newest value of a date or timestamp column is not too old. A column
    /// without any value holds.
    MaxAge {
        /// Position of the column in the batches.
        column: usize,
        /// Oldest age that holds, in microseconds.
        at_most: i64,
        /// What age is counted from, in microseconds since 1970 (UTC): when the
        /// file was written, not when it is read.
        from: i64,
    },
}
