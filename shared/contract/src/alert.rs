//! What people and other systems are told: occurrences that alerts are made of,
//! and events that say what became of a file. Plain data, kept in the ledger until
//! it is told.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{FileId, ObjectVersion, StageName};

/// What an alert is about: the words of `[alerts] on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A message that is not tried again, for any reason but its file's contract.
    DeadLetter,
    /// A file that broke its dataset's contract: nothing of it is loaded.
    FileRejected,
    /// A dataset without new files for longer than it should be.
    LateDataset,
    /// A dependency is down for everyone, or back again.
    Outage,
    /// A file changed the columns of a dataset whose schema evolves.
    SchemaChanged,
    /// Objects that no event told of, found by listing.
    LostEvents,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::DeadLetter,
        Self::FileRejected,
        Self::LateDataset,
        Self::Outage,
        Self::SchemaChanged,
        Self::LostEvents,
    ];

    /// The word in the pipeline file, in the ledger and in message attributes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeadLetter => "dead_letter",
            Self::FileRejected => "file_rejected",
            Self::LateDataset => "late_dataset",
            Self::Outage => "outage",
            Self::SchemaChanged => "schema_changed",
            Self::LostEvents => "lost_events",
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that happened and is worth an alert, by itself or with others of its
/// group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// What it is.
    pub kind: AlertKind,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What is wrong, for a person.
    pub message: String,
    /// The stage it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// The dataset, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The failure class, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The same for failures of one cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Message id in the stage's queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The object version, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectVersion>,
    /// The file, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<FileId>,
    /// Where the rejected rows are, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<String>,
    /// Follows the file through every hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// How long an outage lasted, or a dataset was late, in milliseconds: it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasted_ms: Option<u64>,
}

impl Occurrence {
    /// Something that happened, of which nothing more is known.
    pub fn new(kind: AlertKind, at: DateTime<Utc>, message: impl Into<String>) -> Self {
        Self {
            kind,
            at,
            message: message.into(),
            stage: None,
            dataset: None,
            class: None,
            fingerprint: None,
            message_id: None,
            object: None,
            file_id: None,
            rejects: None,
            trace_id: None,
            lasted_ms: None,
        }
    }

    /// Names the group it is told with: failures by their cause, a dataset's
    /// trouble by the dataset, an outage with all others. The end of something is
    /// told by itself, however new its beginning is.
    pub fn group(&self) -> String {
        let by = match self.kind {
            AlertKind::DeadLetter | AlertKind::FileRejected => self.fingerprint.as_deref(),
            AlertKind::LateDataset | AlertKind::SchemaChanged => self.dataset.as_deref(),
            AlertKind::Outage | AlertKind::LostEvents => None,
        };
        let over = match (by, self.lasted_ms) {
            (_, None) => "",
            (Some(_), Some(_)) => ":over",
            (None, Some(_)) => "over",
        };
        format!("{}:{}{over}", self.kind, by.unwrap_or_default())
    }
}

/// How a file's journey ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileOutcome {
    /// Its rows are where they belong.
    Loaded,
    /// It broke its dataset's contract; nothing is loaded.
    Rejected,
    /// Its message was dead-lettered for another reason.
    Failed,
}

impl FileOutcome {
    /// `detail-type` of the event.
    pub fn detail_type(self) -> &'static str {
        match self {
            Self::Loaded => "Millrace File Loaded",
            Self::Rejected => "Millrace File Rejected",
            Self::Failed => "Millrace File Failed",
        }
    }
}

/// `detail` of the event that says how a file's journey ended. Fields are only
/// ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEvent {
    /// Version of this form: 1.
    pub version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// `loaded`, `rejected` or `failed`.
    pub outcome: FileOutcome,
    /// Dataset name, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The file's identity: the same in every event about it, so that one that
    /// comes twice is known for what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<FileId>,
    /// Contract version that the file was held to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// The object version: bucket, key, version id, ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectVersion>,
    /// Rows, as far as they were counted.
    pub rows: RowTotals,
    /// The rejected rows: a key of the lake, or an `s3://` URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<String>,
    /// The stage that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// The failure class, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Why it failed, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Follows the file through every hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// When it ended.
    pub at: DateTime<Utc>,
}

/// The rows of a file, as far as they were counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowTotals {
    /// Read from the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<u64>,
    /// Written to the lake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
    /// Rejected with a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<u64>,
    /// Left out by a named rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<u64>,
    /// Loaded into the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_one_cause_is_told_together() {
        let at = DateTime::UNIX_EPOCH;
        let mut one = Occurrence::new(AlertKind::FileRejected, at, "2 of 3 rows");
        one.fingerprint = Some("f1".into());
        assert_eq!(one.group(), "file_rejected:f1");
        let mut columns = Occurrence::new(AlertKind::SchemaChanged, at, "`a` added");
        columns.dataset = Some("sales".into());
        assert_eq!(columns.group(), "schema_changed:sales");
        let began = Occurrence::new(AlertKind::Outage, at, "no answer");
        let ended = Occurrence { lasted_ms: Some(1), ..began.clone() };
        assert_eq!((&*began.group(), &*ended.group()), ("outage:", "outage:over"));
        let late = Occurrence { kind: AlertKind::LateDataset, ..columns };
        let came = Occurrence { lasted_ms: Some(1), ..late.clone() };
        assert_eq!(late.group(), "late_dataset:sales");
        assert_eq!(came.group(), "late_dataset:sales:over");
    }

    #[test]
    fn an_occurrence_of_an_older_version_is_still_read() {
        let text = r#"{"kind":"dead_letter","at":"2024-01-01T00:00:00Z","message":"m"}"#;
        let read: Occurrence = serde_json::from_str(text).expect("read");
        assert_eq!(read, Occurrence::new(AlertKind::DeadLetter, read.at, "m"));
    }

    #[test]
    fn every_kind_has_the_word_that_is_written() {
        for kind in AlertKind::ALL {
            assert_eq!(serde_json::json!(kind), kind.as_str());
        }
    }
}
