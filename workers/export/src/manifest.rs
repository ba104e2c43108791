//! The manifest: what a run wrote, written when all of it is there.

use chrono::{DateTime, Utc};
use millrace_contract::{ExportObject, ExportRunId, Parameters};
use serde::{Deserialize, Serialize};

/// Its name in the folder of a run. Readers of a folder pass over names that
/// begin with `_`.
pub(crate) const NAME: &str = "_manifest.json";

/// What a run wrote. Fields are only ever added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this form: 1.
    pub version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// Name of the export.
    pub export: String,
    /// The run.
    pub run: ExportRunId,
    /// The time it is for.
    pub scheduled_at: DateTime<Utc>,
    /// Values by name that its message brought.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
    /// The moment whose rows these are, by the database's clock.
    pub snapshot_at: DateTime<Utc>,
    /// `parquet`, `csv` or `ndjson`.
    pub format: String,
    /// Rows of all objects.
    pub rows: u64,
    /// The objects, in order.
    pub objects: Vec<ExportObject>,
    /// The columns, in order.
    pub columns: Vec<ManifestColumn>,
    /// Which values of the growing column these are, of an incremental export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<ManifestWatermark>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestColumn {
    /// Its name.
    pub name: String,
    /// Its type as in a pipeline file, such as `decimal(12,2)`.
    #[serde(rename = "type")]
    pub data_type: String,
}

/// Rows by the values of a growing column: beyond `from`, up to `to`, as the
/// database writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestWatermark {
    /// The column.
    pub column: String,
    /// Where the run before ended; none in the first.
    pub from: Option<String>,
    /// Where this run ends; none where there was no row yet.
    pub to: Option<String>,
}
