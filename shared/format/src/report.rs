//! What became of a file: the answer of [`transform`](crate::transform) and of
//! [`infer`](crate::infer()).

use arrow::datatypes::SchemaRef;
use millrace_contract::{ColumnChange, ColumnDef, Reject, RejectCause, RowBalance};

/// What a transformed file came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Where the rows went; it has been checked.
    pub balance: RowBalance,
    /// Parquet files in the order in which their first rows were read. A file
    /// without good rows has none.
    pub outputs: Vec<OutputFile>,
    /// Rejects by cause, rule and column, the most frequent first.
    pub reject_groups: Vec<RejectGroup>,
    /// Rules with [`OnFail::Warn`](millrace_contract::OnFail) that were broken.
    pub warnings: Vec<Warning>,
    /// Schema of the Parquet files, without the partition columns.
    pub schema: SchemaRef,
    /// Bytes read from the source.
    pub source_bytes: u64,
    /// Bytes after decompression.
    pub decompressed_bytes: u64,
}

/// One Parquet file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Values of the partition columns in folder order; `None` is null.
    pub partition: Vec<(String, Option<String>)>,
    /// Rows in it.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Rejects that share a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectGroup {
    /// What kind of fault it is.
    pub cause: RejectCause,
    /// The rule that was broken.
    pub rule: String,
    /// Column at fault, if one is.
    pub column: Option<String>,
    /// How many rows.
    pub count: u64,
    /// The first of them.
    pub example: Reject,
}

/// A rule that was broken and only warns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The rule's text.
    pub rule: String,
    /// Rows that broke it; 1 where it is about the file as a whole.
    pub count: u64,
}

/// What inference found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inferred {
    /// Columns in the order of the file, then declared ones it does not have.
    /// Declared columns stand as declared.
    pub columns: Vec<ColumnDef>,
    /// Rows that were looked at.
    pub rows_sampled: u64,
    /// Lines for a person. The first of them are one for each of `columns`, in
    /// their order: its name and type, how many values there are and how many
    /// nulls, and the value that made it no narrower type, with its line:
    /// `total: float64, 3 values, 1 null; int64 until `2.5` at line 4, which has
    /// a fraction`. Others are about the sample.
    pub notes: Vec<String>,
}

/// What a file makes of columns that evolve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evolved {
    /// The columns that were known, widened where they have to be, then new ones.
    pub columns: Vec<ColumnDef>,
    /// How they differ from those that were known.
    pub changes: Vec<ColumnChange>,
}
