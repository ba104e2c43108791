//! Bytes to Arrow to Parquet: decompress, split, parse, type, check, write.
//!
//! [`transform`] reads one file of any size from a plain [`std::io::Read`] and
//! writes Parquet and rejects through a [`Sink`]. It is synchronous and pure:
//! no tokio, no AWS, no SQL. Memory is bounded by the [`Plan`], never by the
//! file, and every row read is written, rejected with a reason or skipped by a
//! named rule.

mod bind;
mod block;
mod books;
mod column;
mod csv;
mod decode;
mod encode;
mod error;
mod fault;
mod infer;
mod json;
mod lines;
mod made;
mod partition;
mod plan;
mod quality;
mod records;
mod rejects;
mod report;
mod reshape;
mod selection;
mod sink;
mod source;
mod split;
mod transform;
mod types;
mod value;
mod values;
mod writer;

pub use error::{ErrorKind, FormatError, SchemaDifference};
pub use infer::{Sniffed, Survey, infer, sniff, survey};
pub use made::{Made, MadePartition, write_made};
pub use partition::{NULL_PARTITION, partition_path};
pub use plan::{Limits, Plan, RowFilter, RowRule, RuleError};
pub use quality::{FileCheck, FileRule, KeyError, KeySet, References};
pub use report::{Evolved, Inferred, OutputFile, RejectGroup, Report, Warning};
pub use reshape::{Reshape, ReshapeError, Reshaping};
pub use selection::{RowSelection, TooManyRows};
pub use sink::{FolderSink, Sink, SinkWriter};
pub use transform::transform;
pub use types::{arrow_schema, arrow_type};
pub use writer::{FileOptions, FileWriter};
