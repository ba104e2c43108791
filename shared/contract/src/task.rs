//! The messages that chain the stages: JSON bodies, versioned, self-describing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Carried, ColumnDef, ContractVersion, FileId, ObjectVersion, Replay, RowBalance};

/// What the `{name}` parts of a dataset's pattern matched, by name.
pub type Captures = BTreeMap<String, String>;

/// A stage: one queue, one dead-letter queue, one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageName {
    /// Object events become planned work.
    Ingest,
    /// Raw objects become Parquet and rejects.
    Transform,
    /// Parquet becomes rows in a database.
    Load,
    /// Rows of a database become objects.
    Export,
    /// Datasets become datasets.
    Derive,
    /// Queries become pages of charts.
    Report,
    /// What was lost is found, small objects are joined, old ones removed.
    Maintain,
    /// Messages become objects, in batches.
    Collect,
    /// Datasets become tables that others can query.
    Catalog,
}

impl StageName {
    /// All stages: those of a file's journey in its order, then the others.
    pub const ALL: [Self; 9] = [
        Self::Ingest,
        Self::Transform,
        Self::Load,
        Self::Export,
        Self::Derive,
        Self::Report,
        Self::Maintain,
        Self::Collect,
        Self::Catalog,
    ];

    /// The stages that every pipeline has, in the order of a file's journey.
    pub const JOURNEY: [Self; 3] = [Self::Ingest, Self::Transform, Self::Load];

    /// All names, for a person.
    pub fn names() -> String {
        let names = Self::ALL.map(Self::as_str);
        let (last, others) = names.split_last().unwrap_or((&"", &[]));
        format!("{} and {last}", others.join(", "))
    }

    /// The name as the command line and the pipeline file have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Transform => "transform",
            Self::Load => "load",
            Self::Export => "export",
            Self::Derive => "derive",
            Self::Report => "report",
            Self::Maintain => "maintain",
            Self::Collect => "collect",
            Self::Catalog => "catalog",
        }
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Not a stage's name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a stage; the stages are {names}", names = StageName::names())]
pub struct UnknownStage(pub String);

impl FromStr for StageName {
    type Err = UnknownStage;

    fn from_str(text: &str) -> Result<Self, UnknownStage> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.as_str() == text)
            .ok_or_else(|| UnknownStage(text.to_owned()))
    }
}

/// Ingest → transform: read this object version as this dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TransformTask {
    /// The file's identity under its contract.
    pub file_id: FileId,
    /// Dataset name.
    pub dataset: String,
    /// Contract version the file was planned under.
    pub contract: ContractVersion,
    /// The object to read.
    pub object: ObjectVersion,
    /// Path parts that become columns.
    #[serde(default)]
    pub captures: Captures,
    /// When the object was put, as the event said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<DateTime<Utc>>,
    /// What is gone through again, if the file is not on its first way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
    /// Follows the file through every hop.
    pub trace_id: String,
}

/// Transform → load: load these Parquet objects into the dataset's table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadTask {
    /// The file's identity under its contract.
    pub file_id: FileId,
    /// Dataset name.
    pub dataset: String,
    /// Contract version the file was planned under.
    pub contract: ContractVersion,
    /// The source object.
    pub object: ObjectVersion,
    /// Path parts that became columns.
    #[serde(default)]
    pub captures: Captures,
    /// When the object was put, as the event said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<DateTime<Utc>>,
    /// Lake bucket the outputs are in.
    pub lake: String,
    /// What transform wrote, in a stable order.
    pub outputs: Vec<Output>,
    /// Columns of the outputs, those they are partitioned by among them, where
    /// the dataset's SQL decided them; otherwise they follow from the contract
    /// and the captures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<ColumnDef>>,
    /// Where the rows of the source went.
    pub balance: RowBalance,
    /// Key of the rejects object in the lake, where there are rejects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects_key: Option<String>,
    /// Version of the dataset's columns that the outputs have, where the schema
    /// evolves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column_version: Option<u32>,
    /// What is gone through again, if the file is not on its first way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
    /// Follows the file through every hop.
    pub trace_id: String,
}

/// One Parquet object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Object key in the lake bucket.
    pub key: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Where its rows begin in the object, once they were joined with others' there:
    /// the object has more rows than these. Without it the object has these alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_row: Option<u64>,
    /// Values of the partition columns, in folder order; they are not in the
    /// file. `None` is SQL null.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partition: Vec<(String, Option<String>)>,
    /// The object itself, where it is small and goes with the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Carried>,
}

/// A message body that is not the task its stage expects.
#[derive(Debug, Error)]
#[error("not a {task} message: {source}")]
pub struct TaskError {
    task: &'static str,
    source: serde_json::Error,
}

/// What every message says beside its task's own fields.
#[derive(Serialize, Deserialize)]
struct Head<'m> {
    version: u32,
    #[serde(borrow)]
    task: Cow<'m, str>,
}

#[derive(Serialize)]
struct Envelope<'m, T> {
    #[serde(flatten)]
    head: Head<'m>,
    #[serde(flatten)]
    body: &'m T,
}

macro_rules! task {
    ($type:ty, $name:literal) => {
        impl $type {
            /// The message body: JSON with `version` and `task` beside the fields.
            pub fn to_message(&self) -> String {
                encode($name, self)
            }

            /// Reads a message body.
            ///
            /// # Errors
            /// [`TaskError`] if it is not JSON, another task, another version,
            /// or lacks a field.
            pub fn from_message(body: &str) -> Result<Self, TaskError> {
                decode($name, body)
            }
        }
    };
}

/// How much a load task brings, read without what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadSize {
    /// Bytes of all outputs.
    pub bytes: u64,
    /// Rows of all outputs.
    pub rows: u64,
    /// Whether the file is on its first way, so that this is all of it.
    pub first: bool,
}

impl LoadTask {
    /// How much it brings.
    pub fn size(&self) -> LoadSize {
        LoadSize {
            bytes: self.outputs.iter().map(|output| output.bytes).sum(),
            rows: self.balance.written,
            first: self.replay.is_none(),
        }
    }

    /// How much the task of a message brings; none if it is no load task.
    pub fn size_of(body: &str) -> Option<LoadSize> {
        #[derive(Deserialize)]
        struct Sized {
            outputs: Vec<Bytes>,
            balance: Written,
            replay: Option<IgnoredAny>,
        }
        #[derive(Deserialize)]
        struct Bytes {
            bytes: u64,
        }
        #[derive(Deserialize)]
        struct Written {
            written: u64,
        }
        let Sized { outputs, balance, replay } = serde_json::from_str(body).ok()?;
        let bytes = outputs.iter().map(|output| output.bytes).sum();
        Some(LoadSize { bytes, rows: balance.written, first: replay.is_none() })
    }
}

task!(TransformTask, "transform");
task!(LoadTask, "load");

/// The message body of a task.
pub(crate) fn encode<T: Serialize>(task: &str, body: &T) -> String {
    let envelope = Envelope { head: Head { version: 1, task: task.into() }, body };
    // Strings, numbers and maps with string keys always serialise.
    serde_json::to_string(&envelope).unwrap_or_default()
}

/// Reads the message body of a task.
pub(crate) fn decode<T: DeserializeOwned>(task: &'static str, body: &str) -> Result<T, TaskError> {
    use serde::de::Error as _;
    let wrong = |source| TaskError { task, source };
    // As `encode` begins: then there is nothing to look for.
    if body.starts_with(&format!("{{\"version\":1,\"task\":\"{task}\",")) {
        return serde_json::from_str(body).map_err(wrong);
    }
    let head: Head<'_> = serde_json::from_str(body).map_err(wrong)?;
    if head.task != task {
        let said = format!("it says task `{}`", head.task);
        return Err(wrong(serde_json::Error::custom(said)));
    }
    if head.version != 1 {
        let said = format!("version {} is newer than this worker; update it", head.version);
        return Err(wrong(serde_json::Error::custom(said)));
    }
    // Read twice, since flattening would keep every value in between.
    serde_json::from_str(body).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> TransformTask {
        TransformTask {
            file_id: FileId::from_text("f"),
            dataset: "d".into(),
            contract: ContractVersion::from_text("c"),
            object: ObjectVersion {
                bucket: "b".into(),
                key: "k".into(),
                version_id: None,
                etag: "e".into(),
                sequencer: None,
                size: Some(1),
            },
            captures: Captures::from([("year".into(), "2024".into())]),
            published_at: Some(DateTime::from_timestamp_nanos(1_700_000_000_123_000_000)),
            replay: Some(Replay::Whole { of: FileId::from_text("e") }),
            trace_id: "t".into(),
        }
    }

    #[test]
    fn a_task_reads_back_as_it_was_sent() {
        assert_eq!(TransformTask::from_message(&task().to_message()).expect("decodes"), task());
    }

    #[test]
    fn a_task_of_an_older_worker_is_on_its_first_way() {
        let first = TransformTask { replay: None, ..task() };
        assert!(!first.to_message().contains("replay"));
        assert_eq!(TransformTask::from_message(&first.to_message()).expect("decodes"), first);
    }

    #[test]
    fn another_task_and_another_version_are_refused_by_name() {
        let error = LoadTask::from_message(&task().to_message()).expect_err("another task");
        assert!(error.to_string().starts_with("not a load message"), "{error}");
        let newer = task().to_message().replace("\"version\":1", "\"version\":2");
        let error = TransformTask::from_message(&newer).expect_err("newer");
        assert!(error.to_string().contains("version 2"), "{error}");
    }

    #[test]
    fn the_size_of_a_load_is_known_without_what_it_carries() {
        let TransformTask { file_id, dataset, contract, object, captures, trace_id, .. } = task();
        let output = |key: &str, bytes| Output {
            key: key.into(),
            rows: 2,
            bytes,
            first_row: None,
            partition: Vec::new(),
            carried: Some(crate::Carried(b"PAR1".as_slice().into())),
        };
        let mut load = LoadTask {
            file_id,
            dataset,
            contract,
            object,
            captures,
            published_at: None,
            lake: "l".into(),
            outputs: vec![output("a", 40), output("b", 2)],
            columns: None,
            balance: RowBalance { read: 5, written: 4, rejected: 1, ..RowBalance::default() },
            rejects_key: None,
            column_version: None,
            replay: None,
            trace_id,
        };
        let size = LoadSize { bytes: 42, rows: 4, first: true };
        assert_eq!((load.size(), LoadTask::size_of(&load.to_message())), (size, Some(size)));
        assert_eq!(LoadTask::from_message(&load.to_message()).expect("decodes"), load);
        load.replay = Some(Replay::Whole { of: FileId::from_text("e") });
        assert_eq!(LoadTask::size_of(&load.to_message()), Some(load.size()));
        assert!(!load.size().first);
        assert_eq!(LoadTask::size_of(&task().to_message()), None);
    }

    #[test]
    fn fields_may_come_in_any_order() {
        let message = task().to_message();
        let rest = message.strip_prefix("{\"version\":1,\"task\":\"transform\",").expect("first");
        let rest = rest.strip_suffix('}').expect("an object");
        let turned = format!("{{{rest},\"task\":\"transform\",\"version\":1}}");
        assert_eq!(TransformTask::from_message(&turned).expect("decodes"), task());
    }
}
