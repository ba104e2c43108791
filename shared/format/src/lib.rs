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
mod partition;
mod plan;
mod rejects;
mod report;
mod reshape;
mod sink;
mod source;
mod split;
mod transform;
mod types;
mod value;

pub use error::{ErrorKind, FormatError, SchemaDifference};
pub use infer::infer;
pub use partition::{NULL_PARTITION, partition_path};
pub use plan::{Limits, Plan, RowRule, RuleError};
pub use report::{Inferred, OutputFile, RejectGroup, Report, Warning};
pub use reshape::{Reshape, ReshapeError, Reshaping};
pub use sink::{FolderSink, Sink, SinkWriter};
pub use transform::transform;
pub use types::{arrow_schema, arrow_type};
