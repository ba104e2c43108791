//! Objects that no event told of, found by listing their bucket: what is known of the
//! keys, which files are stuck, and how a version that was found stands to those that
//! events told of.
//!
//! A listing shows no sequencer. What is known of a version that was found is that it
//! was its key's newest at one moment, by which it is told from others: what was
//! published after that moment is newer, what was published before it is older.

use chrono::{DateTime, Utc};
use millrace_contract::{FileId, LoadTask, Sequencer};

use crate::live::read_task;
use crate::register::{Registration, key_of};
use crate::runs::{RUN_COLUMNS, read_run};
use crate::state::parse_state;
use crate::{FileState, Ledger, LedgerError, Row, Run, Transaction, Value};

/// Rows that are answered at a time.
const PAGE: i64 = 1_000;

/// Behind every sequencer of a version that was found, before all of S3's.
const BEYOND_FOUND: &str = "\"";

/// A version of a key that is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownVersion {
    /// Order of registration.
    pub ordinal: u64,
    /// Object key.
    pub key: String,
    /// Dataset.
    pub dataset: String,
    /// ETag; may be empty.
    pub etag: String,
    /// Version id, where the bucket is versioned.
    pub version_id: Option<String>,
    /// How far it has come.
    pub state: FileState,
}

/// A file that has had no end for long.
#[derive(Debug, Clone, PartialEq)]
pub struct StuckFile {
    /// The file.
    pub run: Run,
    /// When its object was put, where that is known.
    pub published_at: Option<DateTime<Utc>>,
    /// Its load message, if it was transformed.
    pub task: Option<LoadTask>,
}

impl Ledger {
    /// Registered versions of the keys from `keys.0` to `keys.1`, both included, in
    /// the order of keys, and of a key in that of registration, some thousand at a
    /// time. Replays are left out. Pass on the last one for the next ones; after the
    /// last there are fewer than a thousand, or none.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote them.
    pub async fn known_versions(
        &self,
        bucket: &str,
        keys: (&str, &str),
        after: Option<&KnownVersion>,
    ) -> Result<(Vec<KnownVersion>, bool), LedgerError> {
        let (from, ordinal) = match after {
            Some(last) => (last.key.as_str(), last.ordinal),
            None => (keys.0, 0),
        };
        let sql = "SELECT ordinal, object_key, dataset, etag, version_id, state \
                   FROM millrace_files WHERE bucket = $1 AND object_key >= $2 \
                     AND object_key <= $3 AND replay IS NULL \
                     AND (object_key > $2 OR ordinal > $4) \
                   ORDER BY object_key, ordinal LIMIT $5";
        let values: [Value; 5] =
            [bucket.into(), from.into(), keys.1.into(), ordinal.into(), PAGE.into()];
        let rows = self.database.fetch_all(sql, &values).await?;
        let read = |row: &Row| -> Result<KnownVersion, LedgerError> {
            Ok(KnownVersion {
                ordinal: row.count("ordinal")?,
                key: row.get("object_key")?,
                dataset: row.get("dataset")?,
                etag: row.get("etag")?,
                version_id: row.get("version_id")?,
                state: parse_state(&row.get::<String>("state")?)?,
            })
        };
        let known: Vec<_> = rows.iter().map(read).collect::<Result<_, _>>()?;
        let more = known.len() as i64 == PAGE;
        Ok((known, more))
    }

    /// Files of objects in `bucket` whose key begins with `prefix` that have had no end
    /// since `before`, with no open failure, and that were not sent on their way again
    /// since: some hundred at a time in the order of registration. Pass on the answered
    /// position for the next ones.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote them.
    pub async fn stuck_files(
        &self,
        bucket: &str,
        before: DateTime<Utc>,
        after: Option<u64>,
    ) -> Result<(Vec<StuckFile>, Option<u64>), LedgerError> {
        let sql = format!(
            "SELECT {RUN_COLUMNS}, ordinal, task, published_at FROM millrace_files AS f \
             WHERE f.bucket = $1 AND f.ordinal > $2 \
               AND ((f.state = 'registered' AND f.registered_at < $3) \
                 OR (f.state = 'transformed' AND f.transformed_at < $3)) \
               AND NOT EXISTS (SELECT 1 FROM millrace_failures AS x \
                   WHERE x.file_id = f.file_id AND x.resolution IS NULL) \
               AND NOT EXISTS (SELECT 1 FROM millrace_hops AS h \
                   WHERE h.file_id = f.file_id AND h.stage = 'maintain' AND h.started_at >= $3) \
             ORDER BY f.ordinal LIMIT 500"
        );
        let values: [Value; 3] = [bucket.into(), after.unwrap_or_default().into(), before.into()];
        let rows = self.database.fetch_all(&sql, &values).await?;
        let last = match rows.last() {
            Some(row) if rows.len() == 500 => Some(row.count("ordinal")?),
            Some(_) | None => None,
        };
        let read = |row: &Row| -> Result<StuckFile, LedgerError> {
            let task: Option<String> = row.get("task")?;
            let task = task.map(|task: String| read_task(&task));
            let run = read_run(row)?;
            Ok(StuckFile { run, published_at: row.get("published_at")?, task: task.transpose()? })
        };
        Ok((rows.iter().map(read).collect::<Result<_, _>>()?, last))
    }
}

/// The newest version of the key that was published after `file` was seen to be the
/// newest one, or was found later, with other content.
pub(crate) async fn newer_than_found(
    transaction: &mut Transaction,
    file: &Registration,
    seen_at: DateTime<Utc>,
) -> Result<Option<FileId>, LedgerError> {
    // Of files that were registered by an older version it is not known when they
    // were published: not after they were registered.
    let sql = "SELECT file_id FROM millrace_files \
               WHERE bucket = $1 AND object_key = $2 AND dataset = $3 AND replay IS NULL \
                 AND state <> 'superseded' AND etag <> $4 \
                 AND ((sequencer > $5 AND sequencer < $6) \
                   OR ((sequencer IS NULL OR sequencer >= $6) \
                     AND COALESCE(published_at, registered_at) > $7)) \
               ORDER BY ordinal DESC LIMIT 1";
    let mut values = key_of(file).to_vec();
    values.extend([
        file.object.etag.as_str().into(),
        Sequencer::found(seen_at).as_str().into(),
        BEYOND_FOUND.into(),
        seen_at.into(),
    ]);
    first(transaction, sql, &values).await
}

/// A version of the key that was found after `published_at`, when that of `file` was
/// published, and that has other content.
pub(crate) async fn found_after(
    transaction: &mut Transaction,
    file: &Registration,
    published_at: DateTime<Utc>,
) -> Result<Option<FileId>, LedgerError> {
    let sql = "SELECT file_id FROM millrace_files \
               WHERE bucket = $1 AND object_key = $2 AND dataset = $3 AND replay IS NULL \
                 AND state <> 'superseded' AND etag <> $4 \
                 AND sequencer > $5 AND sequencer < $6 ORDER BY ordinal DESC LIMIT 1";
    let mut values = key_of(file).to_vec();
    values.extend([
        file.object.etag.as_str().into(),
        Sequencer::found(published_at).as_str().into(),
        BEYOND_FOUND.into(),
    ]);
    first(transaction, sql, &values).await
}

async fn first(
    transaction: &mut Transaction,
    sql: &str,
    values: &[Value],
) -> Result<Option<FileId>, LedgerError> {
    let row = transaction.fetch_optional(sql, values).await?;
    Ok(row.map(|row| row.get::<String>("file_id")).transpose()?.map(FileId::from_text))
}
