//! What to do with a file: everything [`transform`](crate::transform) needs to
//! know, decided before the first byte is read.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use arrow::array::{BooleanArray, RecordBatch};
use millrace_contract::{
    Captures, ColumnDef, CsvOptions, Dataset, ExtraColumns, FileFormat, FixedOptions, JsonOptions,
    MissingColumns, OnFail, ParquetOptions, RejectLimit, SchemaMode,
};
use thiserror::Error;

use crate::Reshape;

/// How one file is read, checked and written.
pub struct Plan {
    /// Format of the bytes, after decompression.
    pub format: FileFormat,
    /// How CSV is written; ignored by other formats.
    pub csv: CsvOptions,
    /// How JSON objects are read; ignored by other formats.
    pub json: JsonOptions,
    /// How files of fixed width are written; ignored by other formats.
    pub fixed: FixedOptions,
    /// Columns, in the order of the files that are written.
    pub columns: Vec<ColumnDef>,
    /// How strictly a file's columns are held to `columns`.
    pub mode: SchemaMode,
    /// What becomes of a file's columns that are not in `columns`.
    pub extra: ExtraColumns,
    /// What becomes of `columns` that a file does not have.
    pub missing: MissingColumns,
    /// Path parts that become columns. A declared column of the same name that
    /// the file does not have takes its value from here, parsed as its type;
    /// the others are appended as strings.
    pub captures: Captures,
    /// What must hold for every row, checked batch by batch.
    pub rules: Vec<Box<dyn RowRule>>,
    /// What makes other rows of the good ones before they are written; without
    /// it they are written as they are.
    pub reshape: Option<Box<dyn Reshape>>,
    /// More rejected rows than this fail the file.
    pub reject_limit: RejectLimit,
    /// How Parquet is written.
    pub parquet: ParquetOptions,
    /// Key-value metadata of every Parquet file: source object, contract, ….
    pub metadata: Vec<(String, String)>,
    /// What a file may demand.
    pub limits: Limits,
    /// Threads for decoding and for encoding; 1 does everything on the calling
    /// thread.
    pub threads: NonZeroUsize,
}

impl Plan {
    /// The plan of a dataset: its declared columns and options, without row
    /// rules, with default limits and a thread per core.
    pub fn of(dataset: &Dataset) -> Self {
        Self {
            format: dataset.format,
            csv: dataset.csv.clone(),
            json: dataset.json,
            fixed: dataset.fixed.clone(),
            columns: dataset.schema.columns.clone(),
            mode: dataset.schema.mode,
            extra: dataset.schema.extra,
            missing: dataset.schema.missing,
            captures: Captures::new(),
            rules: Vec::new(),
            reshape: None,
            reject_limit: dataset.rejects.max,
            parquet: dataset.parquet.clone(),
            metadata: Vec::new(),
            limits: Limits::default(),
            threads: available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// What a file may demand before it is refused. Memory follows from these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of source that are decoded at a time.
    pub block_bytes: usize,
    /// Longest row in bytes, quoted line breaks included.
    pub row_bytes: usize,
    /// Most columns in a header.
    pub columns: usize,
    /// Most bytes that one compressed byte may become, looked at once
    /// `ratio_grace_bytes` have been decompressed.
    pub decompression_ratio: u64,
    /// Decompressed bytes before the ratio is looked at.
    pub ratio_grace_bytes: u64,
    /// Most bytes that a compressed file may become.
    pub decompressed_bytes: u64,
    /// Arrow bytes of one row group; it is closed when it holds more.
    pub row_group_bytes: usize,
    /// Most partitions that one file may be written to.
    pub partitions: usize,
    /// Longest raw text kept in a reject; the rest is cut off and said so.
    pub reject_raw_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            block_bytes: 1 << 20,
            row_bytes: 16 << 20,
            columns: 10_000,
            decompression_ratio: 300,
            ratio_grace_bytes: 256 << 20,
            decompressed_bytes: 1 << 40,
            row_group_bytes: 64 << 20,
            partitions: 128,
            reject_raw_bytes: 256 << 10,
        }
    }
}

/// Something that must hold for every row, evaluated over record batches.
pub trait RowRule: Send + Sync {
    /// The rule as it is written in the pipeline file.
    fn text(&self) -> &str;

    /// What a breach does.
    fn on_fail(&self) -> OnFail;

    /// Evaluates the rule for each row of `batch`, whose columns are those of
    /// [`arrow_schema`](crate::arrow_schema). False is a breach; null holds.
    ///
    /// # Errors
    /// [`RuleError`] if the rule can't be evaluated.
    fn check(&self, batch: &RecordBatch) -> Result<BooleanArray, RuleError>;
}

/// A rule that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct RuleError(pub String);
