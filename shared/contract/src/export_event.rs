//! What is said of a finished export: the manifest beside its objects, and the
//! event on EventBridge, which are alike.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ExportRunId, Parameters};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportOutcome {
    /// Objects and manifest are there.
    Completed,
    /// Its message was dead-lettered.
    Failed,
}

impl ExportOutcome {
    /// `detail-type` of the event.
    pub fn detail_type(self) -> &'static str {
        match self {
            Self::Completed => "Millrace Export Completed",
            Self::Failed => "Millrace Export Failed",
        }
    }
}

/// `detail` of the event that says how a run ended. Fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportEvent {
    /// Version of this form: 1.
    pub version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// `completed` or `failed`.
    pub outcome: ExportOutcome,
    /// Name of the export.
    pub export: String,
    /// The run: the same in every event about it.
    pub run: ExportRunId,
    /// The time it was for.
    pub scheduled_at: DateTime<Utc>,
    /// Values by name that its message brought.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
    /// The manifest, as an `s3://` URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Rows exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Objects written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<u64>,
    /// Bytes of the objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Why it failed, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it ended.
    pub at: DateTime<Utc>,
}

/// An object that a run wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportObject {
    /// Its key.
    pub key: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Which values of a growing column a run took: those greater than `from`, up to
/// `to`, as the database writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// The greatest value of the run before; none in the first.
    #[serde(default)]
    pub from: Option<String>,
    /// The greatest value of this run; none where there was no row yet.
    #[serde(default)]
    pub to: Option<String>,
}
