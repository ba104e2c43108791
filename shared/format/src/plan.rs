//! What to do with a file: everything [`transform`](crate::transform) needs to
//! know, decided before the first byte is read.

use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use arrow::array::{BooleanArray, RecordBatch};
use millrace_contract::{
    Captures, ColumnDef, CsvOptions, Dataset, ExtraColumns, FileFormat, FixedOptions, JsonOptions,
    MissingColumns, OnFail, ParquetOptions, RESCUED, RejectLimit, SchemaMode, XlsxOptions,
};
use thiserror::Error;

use crate::{FileRule, Reshape, RowSelection};

/// Asked once: the answer is read from files of the control group, which takes as
/// long as a small file does.
static CORES: LazyLock<NonZeroUsize> =
    LazyLock::new(|| available_parallelism().unwrap_or(NonZeroUsize::MIN));

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
    /// Which cells of a workbook are read; ignored by other formats.
    pub xlsx: XlsxOptions,
    /// Columns, in the order of the files that are written.
    pub columns: Vec<ColumnDef>,
    /// How strictly a file's columns are held to `columns`.
    pub mode: SchemaMode,
    /// What becomes of a file's columns that are not in `columns`.
    pub extra: ExtraColumns,
    /// What becomes of `columns` that a file does not have.
    pub missing: MissingColumns,
    /// Whether what fits no column is kept in the column [`RESCUED`], if there is
    /// one among `columns`.
    pub rescue: bool,
    /// Path parts that become columns. A declared column of the same name that
    /// the file does not have takes its value from here, parsed as its type;
    /// the others are appended as strings.
    pub captures: Captures,
    /// Which rows are taken; all without one. It is asked before `required`, the
    /// rules and every type but those of its own columns, so that a row that is
    /// not meant is not rejected for what it is not.
    pub filter: Option<Box<dyn RowFilter>>,
    /// The only rows that are gone through, where others were before; all
    /// without it. The others are skipped, whatever is wrong with them.
    pub only: Option<RowSelection>,
    /// What must hold for every row, checked batch by batch.
    pub rules: Vec<Box<dyn RowRule>>,
    /// What must hold for the file, judged over the rows that `rules` let pass.
    pub file_rules: Vec<FileRule>,
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
    /// Stop behind the block in which so many rows are complete: for a look at a
    /// long file. The balance is then that of the rows up to there.
    pub sample_rows: Option<u64>,
    /// Threads for decoding and for encoding; 1 does everything on the calling
    /// thread.
    pub threads: NonZeroUsize,
}

impl Plan {
    /// The plan of a dataset: its declared columns, options and limits, without
    /// filter and rules, with a thread per core.
    pub fn of(dataset: &Dataset) -> Self {
        Self {
            format: dataset.format,
            csv: dataset.csv.clone(),
            json: dataset.json,
            fixed: dataset.fixed.clone(),
            xlsx: dataset.xlsx.clone(),
            columns: dataset.schema.columns.clone(),
            mode: dataset.schema.mode,
            extra: dataset.schema.extra,
            missing: dataset.schema.missing,
            rescue: dataset.schema.rescue,
            captures: Captures::new(),
            filter: None,
            only: None,
            rules: Vec::new(),
            file_rules: Vec::new(),
            reshape: None,
            reject_limit: dataset.rejects.max,
            parquet: dataset.parquet.clone(),
            metadata: Vec::new(),
            limits: Limits::of(dataset),
            sample_rows: None,
            threads: *CORES,
        }
    }

    /// Whether a column is the one that keeps what fits no other.
    pub(crate) fn rescues_in(&self, column: &ColumnDef) -> bool {
        self.rescue && column.name == RESCUED
    }

    /// Whether what fits no column is kept.
    pub(crate) fn rescues(&self) -> bool {
        self.columns.iter().any(|column| self.rescues_in(column))
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
    /// Most bytes of a file that has to lie on disk to be read, in the folder
    /// `TMPDIR` names: Parquet and XLSX.
    pub spool_bytes: u64,
    /// Most bytes of a workbook's texts and styles, which are held in memory.
    pub workbook_bytes: u64,
    /// Arrow bytes of all open row groups together; the largest is closed when
    /// they hold more.
    pub row_group_bytes: usize,
    /// Most partitions that one file may be written to, and most files of a
    /// target size that are begun.
    pub partitions: usize,
    /// Bytes that the keys of `unique` rules take in memory; beyond that they go
    /// to a temporary file.
    pub unique_bytes: usize,
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
            spool_bytes: 64 << 30,
            workbook_bytes: 256 << 20,
            row_group_bytes: 64 << 20,
            partitions: 128,
            unique_bytes: 128 << 20,
            reject_raw_bytes: 256 << 10,
        }
    }
}

impl Limits {
    /// The limits that a dataset says, and the defaults where it says none.
    pub fn of(dataset: &Dataset) -> Self {
        let (said, defaults) = (&dataset.limits, Self::default());
        let bytes = |said: Option<u64>, default: usize| {
            said.map_or(default, |said| usize::try_from(said).unwrap_or(usize::MAX))
        };
        let count = |said: Option<u32>, default: usize| said.map_or(default, |said| said as usize);
        let row_group = bytes(dataset.parquet.row_group_size, 0);
        Self {
            row_bytes: bytes(said.row_bytes, defaults.row_bytes),
            columns: count(said.columns, defaults.columns),
            decompression_ratio: said.decompression_ratio.unwrap_or(defaults.decompression_ratio),
            decompressed_bytes: said.decompressed_bytes.unwrap_or(defaults.decompressed_bytes),
            // A row group that is asked for has to fit.
            row_group_bytes: defaults.row_group_bytes.max(row_group),
            partitions: count(said.partitions, defaults.partitions),
            reject_raw_bytes: bytes(said.reject_raw_bytes, defaults.reject_raw_bytes),
            ..defaults
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

/// Selects rows, evaluated over record batches.
pub trait RowFilter: Send + Sync {
    /// The filter as it is written in the pipeline file.
    fn text(&self) -> &str;

    /// Positions of the columns it looks at.
    fn columns(&self) -> &[usize];

    /// Says of each row of `batch` whether it is taken; null is no. The columns
    /// are those of [`arrow_schema`](crate::arrow_schema), each of them with
    /// nulls.
    ///
    /// # Errors
    /// [`RuleError`] if the filter can't be evaluated.
    fn select(&self, batch: &RecordBatch) -> Result<BooleanArray, RuleError>;
}

/// A rule that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct RuleError(pub String);
