//! The history of files: what `runs` shows.

use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::{
    Captures, ColumnChange, ContractVersion, FileId, ObjectVersion, ReplayKind, Sequencer,
};

use crate::columns::read_changes;
use crate::narrowed::Narrowed;
use crate::replays::read_kind;
use crate::state::parse_state;
use crate::{FileState, Ledger, LedgerError, Row};

/// Which files to show.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Of one dataset.
    pub dataset: Option<String>,
    /// In one state.
    pub state: Option<FileState>,
    /// Registered at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// At most this many; all without it.
    pub limit: Option<u32>,
}

/// One file and how far it has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The file's identity.
    pub file_id: FileId,
    /// Dataset name.
    pub dataset: String,
    /// Contract version.
    pub contract: ContractVersion,
    /// The object.
    pub object: ObjectVersion,
    /// Path parts by name.
    pub captures: Captures,
    /// Follows the file through every hop.
    pub trace_id: String,
    /// How far it has come.
    pub state: FileState,
    /// Why it is unchanged, superseded, skipped or failed.
    pub reason: Option<String>,
    /// The file it is unchanged of or superseded by.
    pub related_file: Option<FileId>,
    /// Rows in the source; known once it is transformed.
    pub rows_read: Option<u64>,
    /// Rows written to Parquet.
    pub rows_written: Option<u64>,
    /// Rows rejected.
    pub rows_rejected: Option<u64>,
    /// Rows left out by rules.
    pub rows_skipped: Option<u64>,
    /// Rows committed to the table.
    pub rows_loaded: Option<u64>,
    /// Version of the columns it is read with, where they evolve.
    pub column_version: Option<u32>,
    /// What it changed in the columns: nothing, for most.
    pub column_changes: Vec<ColumnChange>,
    /// Rejects object in the lake: a key, or of a refused file a URL.
    pub rejects_key: Option<String>,
    /// Which rows of which file are gone through again, if it is not on its first
    /// way.
    pub replay: Option<(ReplayKind, FileId)>,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// When its Parquet was recorded.
    pub transformed_at: Option<DateTime<Utc>>,
    /// How long transforming took.
    pub transform_duration: Option<Duration>,
    /// When its rows were recorded as loaded.
    pub loaded_at: Option<DateTime<Utc>>,
    /// How long loading took.
    pub load_duration: Option<Duration>,
}

pub(crate) const RUN_COLUMNS: &str = "file_id, dataset, contract, bucket, object_key, version_id, \
    etag, sequencer, size_bytes, captures, trace_id, state, reason, related_file, rows_read, \
    rows_written, rows_rejected, rows_skipped, rows_loaded, rejects_key, registered_at, \
    transformed_at, transform_ms, loaded_at, load_ms, column_version, replay, replay_of, \
    (SELECT v.changes FROM millrace_column_versions AS v \
         WHERE v.file_id = f.file_id) AS column_changes";

impl Ledger {
    /// Files, the newest first.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<Run>, LedgerError> {
        let mut wanted = Narrowed::default();
        wanted.by("dataset =", filter.dataset.as_deref());
        wanted.by("state =", filter.state.map(FileState::as_str));
        wanted.by("registered_at >=", filter.since);
        let limit = wanted.limit(filter.limit);
        let sql = format!(
            "SELECT {RUN_COLUMNS} FROM millrace_files AS f WHERE {wanted} \
             ORDER BY ordinal DESC LIMIT {limit}"
        );
        self.database.fetch_all(&sql, wanted.values()).await?.iter().map(read_run).collect()
    }
}

pub(crate) fn read_run(row: &Row) -> Result<Run, LedgerError> {
    let captures: String = row.get("captures")?;
    Ok(Run {
        file_id: FileId::from_text(row.get::<String>("file_id")?),
        dataset: row.get("dataset")?,
        contract: ContractVersion::from_text(row.get::<String>("contract")?),
        object: ObjectVersion {
            bucket: row.get("bucket")?,
            key: row.get("object_key")?,
            version_id: row.get("version_id")?,
            etag: row.get("etag")?,
            sequencer: row.get::<Option<String>>("sequencer")?.map(Sequencer::new),
            size: row.optional_count("size_bytes")?,
        },
        captures: serde_json::from_str(&captures)
            .map_err(|_| LedgerError::unreadable("captures", &captures))?,
        trace_id: row.get("trace_id")?,
        state: parse_state(&row.get::<String>("state")?)?,
        reason: row.get("reason")?,
        related_file: row.get::<Option<String>>("related_file")?.map(FileId::from_text),
        rows_read: row.optional_count("rows_read")?,
        rows_written: row.optional_count("rows_written")?,
        rows_rejected: row.optional_count("rows_rejected")?,
        rows_skipped: row.optional_count("rows_skipped")?,
        rows_loaded: row.optional_count("rows_loaded")?,
        column_version: row
            .optional_count("column_version")?
            .map(|version| u32::try_from(version).unwrap_or(u32::MAX)),
        column_changes: match row.get::<Option<String>>("column_changes")? {
            Some(changes) => read_changes(&changes)?,
            None => Vec::new(),
        },
        rejects_key: row.get("rejects_key")?,
        replay: match (
            row.get::<Option<String>>("replay")?,
            row.get::<Option<String>>("replay_of")?,
        ) {
            (Some(kind), Some(of)) => Some((read_kind(&kind)?, FileId::from_text(of))),
            (Some(_) | None, _) => None,
        },
        registered_at: row.get("registered_at")?,
        transformed_at: row.get("transformed_at")?,
        transform_duration: row.optional_count("transform_ms")?.map(Duration::from_millis),
        loaded_at: row.get("loaded_at")?,
        load_duration: row.optional_count("load_ms")?.map(Duration::from_millis),
    })
}
