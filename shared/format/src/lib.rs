//! Bytes to Arrow to Parquet: decompress, split, parse, type, check, write.
//!
//! [`transform`] reads one file of any size from a plain [`std::io::Read`] and
//! writes Parquet and rejects through a [`Sink`]. It is synchronous and pure:
//! no tokio, no AWS, no SQL. Memory is bounded by the [`Plan`], never by the
//! file, and every row read is written, rejected with a reason or skipped by a
//! named rule.

mod error;
mod partition;
mod plan;
mod report;
mod sink;
mod types;

pub use error::{ErrorKind, FormatError, SchemaDifference};
pub use partition::{NULL_PARTITION, partition_path};
pub use plan::{Limits, Plan, RowRule, RuleError};
pub use report::{Inferred, OutputFile, RejectGroup, Report, Warning};
pub use sink::{FolderSink, Sink, SinkWriter};
pub use types::{arrow_schema, arrow_type};

use std::io::Read;

use millrace_contract::{ColumnDef, CsvOptions, FileFormat};

/// Turns one file into Parquet and rejects.
///
/// # Errors
/// [`FormatError`]; whatever was written through the sink is then to be
/// discarded.
pub fn transform(
    source: impl Read + Send,
    plan: &Plan,
    sink: &mut dyn Sink,
) -> Result<Report, FormatError> {
    let _ = (source, plan, sink);
    Err(FormatError::Plan { what: "not built yet".into() })
}

/// Infers the columns of a file from its first `sample_bytes` bytes after
/// decompression.
///
/// # Errors
/// [`FormatError`] if the sample can't be read as `format`.
pub fn infer(
    source: impl Read,
    format: FileFormat,
    csv: &CsvOptions,
    declared: &[ColumnDef],
    sample_bytes: u64,
) -> Result<Inferred, FormatError> {
    let _ = (source, format, csv, declared, sample_bytes);
    Err(FormatError::Plan { what: "not built yet".into() })
}
