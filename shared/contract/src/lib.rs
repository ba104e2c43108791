//! What the stages say to each other, as plain data: object versions, the
//! tasks that travel through the queues, dataset definitions and row balances.
//!
//! Nothing here knows tokio, AWS, SQL or Arrow; every other crate may depend on
//! this one and it depends on none of them.

mod alert;
mod balance;
mod carried;
mod catalog_task;
mod csv;
mod dataset;
mod derive_task;
mod derived;
mod display;
mod event;
mod evolution;
mod export;
mod export_event;
mod export_task;
mod facts;
mod identity;
mod limits;
mod load;
mod maintain;
mod object;
mod order;
mod parquet;
mod reject;
mod replay;
mod report;
mod report_task;
mod stream;
mod task;
mod transform;
mod types;
mod xlsx;

pub use alert::{AlertKind, FileEvent, FileOutcome, Occurrence, RowTotals};
pub use balance::{RowBalance, SqlRows, Unbalanced};
pub use carried::Carried;
pub use catalog_task::CatalogTask;
pub use csv::{CsvOptions, Encoding, Escape, LineEnds, Ragged, TextBlock};
pub use dataset::{
    ColumnDef, Dataset, DuplicateKeys, Expectation, ExtraColumns, FileFormat, FixedOptions,
    Formats, JsonOptions, MissingColumns, NumberFormat, OnFail, RejectLimit, RejectLimitError,
    RejectOptions, Schema, SchemaMode,
};
pub use derive_task::{DeriveCause, DeriveOrderError, DeriveTask, read_derive_order};
pub use derived::{After, DERIVED_SCHEME, Derived, Refresh};
pub use display::DisplayFormat;
pub use event::{
    DecodeError, Hop, Notice, ObjectEvent, ObjectEventKind, Scheduled, decode_event, found_event,
};
pub use evolution::{ColumnChange, RESCUED};
pub use export::{
    COLUMN_TYPE, Export, ExportFormat, ExportPlace, ExportSchedule, ExportSource, KeyPart,
    QueryPiece, Split,
};
pub use export_event::{ExportEvent, ExportObject, ExportOutcome, Watermark};
pub use export_task::{ExportRunId, ExportTask, read_export_order};
pub use facts::BodyFacts;
pub use identity::{ContractVersion, FileId, JoinedId};
pub use limits::LimitOptions;
pub use load::{LoadMode, LoadTarget, View};
pub use maintain::{MaintainTask, Resume, Upkeep, UpkeepCounts};
pub use object::{ObjectVersion, Sequencer, decode_key, encode_key};
pub use order::{OrderError, Parameters, SCHEDULED_TIME};
pub use parquet::{CompressionError, Dictionary, ParquetCompression, ParquetOptions, SortKey};
pub use reject::{Reject, RejectCause};
pub use replay::{Replay, ReplayKind};
pub use report::{ChartKind, Report, ReportChart, ReportSource};
pub use report_task::{ReportRunId, ReportTask, read_report_order};
pub use stream::{
    BatchLimits, MessageIdentity, STREAM_ATTRIBUTE, Stream, StreamCompression, StreamFormat,
    check_key_part,
};
pub use task::{
    Captures, LoadSize, LoadTask, Output, StageName, TaskError, TransformTask, UnknownStage,
};
pub use transform::SqlTransform;
pub use types::{DataType, StructField, TimeUnit, TypeError};
pub use xlsx::{CellRange, CellRangeError, SheetRef, XlsxOptions};
