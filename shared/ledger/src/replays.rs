//! Files that are gone through again on purpose: which can be, and how that is
//! put on record before it starts.

use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::{FileId, LoadTask, ObjectVersion, Replay, ReplayKind};

use crate::live::{place, read_task};
use crate::register::{Registration, file_values};
use crate::runs::{RUN_COLUMNS, read_run};
use crate::state::parse_state;
use crate::{FileState, Ledger, LedgerError, Run, Transaction, Transformed, Value};

/// Files that are answered at a time.
const PAGE: i64 = 500;

/// Which files may be gone through again.
#[derive(Debug, Clone, Default)]
pub struct ReplayFilter {
    /// Of one dataset.
    pub dataset: String,
    /// Of one key of the bucket.
    pub key: Option<(String, String)>,
    /// Registered at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Only the newest version of each key: where a newer one takes the place of
    /// the rows of an older one.
    pub newest_only: bool,
}

/// A file that can be gone through again, and what is on record of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayable {
    /// The file: the last that was gone through for its version of the key.
    pub run: Run,
    /// Its load message, if it was transformed, with where its rows lie now.
    pub task: Option<LoadTask>,
    /// Whether it, or the file it is a replay of, was committed or is in the lake.
    pub is_loaded: bool,
    /// Whether rejected rows of it were added since.
    pub is_mended: bool,
    /// Whether retention has removed what was written of it.
    pub is_removed: bool,
}

/// What became of asking for a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaying {
    /// It is on record now.
    New(FileId),
    /// The same was asked for before and has not ended yet.
    UnderWay(FileId, FileState),
}

impl Ledger {
    /// Files with rejected rows that nothing has gone through again since, some
    /// hundred at a time in the order of registration: those that are loaded, and
    /// those that were refused. Pass on the answered position for the next ones.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote them.
    pub async fn outstanding_rejects(
        &self,
        filter: &ReplayFilter,
        after: Option<u64>,
    ) -> Result<(Vec<Replayable>, Option<u64>), LedgerError> {
        let wanted = "f.rejects_key IS NOT NULL AND f.state IN ('transformed', 'loaded', 'failed')";
        self.replayable(
            &format!("{wanted} AND {}", not_covered("n.state IN ('transformed', 'loaded')")),
            filter,
            after,
        )
        .await
    }

    /// Files that are loaded, some hundred at a time in the order of
    /// registration: of every version of a key the last that went through all of
    /// its rows. Pass on the answered position for the next ones.
    ///
    /// # Errors
    /// As [`Ledger::outstanding_rejects`].
    pub async fn loaded_files(
        &self,
        filter: &ReplayFilter,
        after: Option<u64>,
    ) -> Result<(Vec<Replayable>, Option<u64>), LedgerError> {
        let wanted = "f.state = 'loaded' AND COALESCE(f.replay, 'whole') = 'whole'";
        let newer = "n.state = 'loaded' AND COALESCE(n.replay, 'whole') = 'whole'";
        self.replayable(&format!("{wanted} AND {}", not_covered(newer)), filter, after).await
    }

    async fn replayable(
        &self,
        condition: &str,
        filter: &ReplayFilter,
        after: Option<u64>,
    ) -> Result<(Vec<Replayable>, Option<u64>), LedgerError> {
        let mut sql = format!(
            "SELECT {RUN_COLUMNS}, ordinal, task, lake_removed_at, \
                 (SELECT b.state FROM millrace_files AS b \
                     WHERE b.file_id = COALESCE(f.replay_of, f.file_id)) AS base_state, \
                 (SELECT COUNT(*) FROM millrace_files AS p \
                     WHERE p.replay_of = f.file_id AND p.replay = 'rejects' \
                       AND p.state IN ('transformed', 'loaded')) AS parts \
             FROM millrace_files AS f \
             WHERE f.dataset = $1 AND f.ordinal > $2 AND {condition}"
        );
        let mut values: Vec<Value> =
            vec![filter.dataset.as_str().into(), after.unwrap_or_default().into()];
        if let Some((bucket, key)) = &filter.key {
            values.extend([bucket.as_str().into(), key.as_str().into()]);
            sql += " AND f.bucket = $3 AND f.object_key = $4";
        }
        if let Some(since) = filter.since {
            values.push(since.into());
            sql += &format!(" AND f.registered_at >= ${}", values.len());
        }
        if filter.newest_only {
            sql += " AND ";
            sql += NEWEST_VERSION;
        }
        values.push(PAGE.into());
        sql += &format!(" ORDER BY f.ordinal LIMIT ${}", values.len());
        let rows = self.database.fetch_all(&sql, &values).await?;
        let last = match rows.last() {
            Some(row) if rows.len() as i64 == PAGE => Some(row.count("ordinal")?),
            Some(_) | None => None,
        };
        let read = |row| -> Result<Replayable, LedgerError> {
            let run = read_run(row)?;
            let task: Option<String> = row.get("task")?;
            let task = task.map(|task: String| read_task(&task));
            let removed_at: Option<DateTime<Utc>> = row.get("lake_removed_at")?;
            let base: Option<String> = row.get("base_state")?;
            let is_loaded = base.as_deref() == Some(FileState::Loaded.as_str());
            let is_mended = row.count("parts")? > 0;
            let is_removed = removed_at.is_some();
            Ok(Replayable { run, task: task.transpose()?, is_loaded, is_mended, is_removed })
        };
        let mut files: Vec<Replayable> = rows.iter().map(read).collect::<Result<_, _>>()?;
        let ids: Vec<&FileId> = files.iter().map(|file| &file.run.file_id).collect();
        let placements = self.placements(&ids).await?;
        for task in files.iter_mut().filter_map(|file| file.task.as_mut()) {
            place(task, &placements, &mut []);
        }
        Ok((files, last))
    }

    /// Puts on record that a file is gone through again, unless the same was asked
    /// for and has not ended. The file's identity is found here.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn register_replay(
        &self,
        file: &Registration,
        replay: &Replay,
    ) -> Result<Replaying, LedgerError> {
        let ObjectVersion { bucket, key, .. } = &file.object;
        let mut transaction = self.database.begin().await?;
        transaction.lock(&["register", &file.dataset, bucket, key]).await?;
        if let Some((id, state)) = under_way(&mut transaction, file, replay).await? {
            transaction.commit().await?;
            return Ok(Replaying::UnderWay(id, state));
        }
        let sql = "SELECT COUNT(*) AS times FROM millrace_files WHERE replay_of = $1";
        let before = transaction.fetch_optional(sql, &[replay.of().as_str().into()]).await?;
        let before = before.map_or(Ok(0), |row| row.count("times"))?;
        let file_id = FileId::of_replay(replay, &file.contract, before + 1);
        let file = Registration { file_id: file_id.clone(), ..file.clone() };
        let mut values = file_values(&file, FileState::Registered, None, None);
        values.extend([replay.kind().as_str().into(), replay.of().as_str().into()]);
        let sql = "INSERT INTO millrace_files (file_id, dataset, contract, bucket, object_key, \
                       version_id, etag, sequencer, sequencer_sort, size_bytes, captures, trace_id, \
                       state, reason, related_file, registered_at, replay, replay_of) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
                       $17, $18)";
        transaction.execute(sql, &values).await?;
        transaction.commit().await?;
        Ok(Replaying::New(file_id))
    }
}

impl Ledger {
    /// Records that a replay takes over what was written of the file before: its
    /// task is loaded as it is, and what was rejected then still is.
    ///
    /// # Errors
    /// [`LedgerError::UnknownFile`] if the replay was never registered.
    pub async fn taken_over(&self, task: &LoadTask, of: &FileId) -> Result<(), LedgerError> {
        let nothing = Transformed { task, rejects: &[], warnings: &[], duration: Duration::ZERO };
        self.transformed(&nothing).await?;
        let copy = "INSERT INTO millrace_rejects (file_id, rule, outcome, row_count, example) \
                    SELECT $1, r.rule, r.outcome, r.row_count, r.example \
                    FROM millrace_rejects AS r WHERE r.file_id = $2";
        self.database.execute(copy, &[task.file_id.as_str().into(), of.as_str().into()]).await?;
        Ok(())
    }
}

/// A replay of the same kind, file and contract that is still on its way.
async fn under_way(
    transaction: &mut Transaction,
    file: &Registration,
    replay: &Replay,
) -> Result<Option<(FileId, FileState)>, LedgerError> {
    // It is of the same object, by which it is found.
    let sql = "SELECT file_id, state FROM millrace_files \
               WHERE bucket = $1 AND object_key = $2 AND dataset = $3 \
                 AND replay_of = $4 AND replay = $5 AND contract = $6 \
                 AND state IN ('registered', 'transformed') ORDER BY ordinal DESC LIMIT 1";
    let values: [Value; 6] = [
        file.object.bucket.as_str().into(),
        file.object.key.as_str().into(),
        file.dataset.as_str().into(),
        replay.of().as_str().into(),
        replay.kind().as_str().into(),
        file.contract.as_str().into(),
    ];
    let Some(row) = transaction.fetch_optional(sql, &values).await? else { return Ok(None) };
    let id = FileId::from_text(row.get::<String>("file_id")?);
    Ok(Some((id, parse_state(&row.get::<String>("state")?)?)))
}

/// That no later file `n` of the same version of the key, for which `newer`
/// holds, stands in the place of `f`.
pub(crate) fn not_covered(newer: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM millrace_files AS n WHERE n.bucket = f.bucket \
             AND n.object_key = f.object_key AND n.dataset = f.dataset AND n.ordinal > f.ordinal \
             AND n.etag = f.etag AND COALESCE(n.version_id, '') = COALESCE(f.version_id, '') \
             AND COALESCE(n.sequencer_sort, '') = COALESCE(f.sequencer_sort, '') AND {newer})"
    )
}

/// That no newer version of the key was transformed.
const NEWEST_VERSION: &str = "NOT EXISTS (SELECT 1 FROM millrace_files AS v \
    WHERE v.bucket = f.bucket AND v.object_key = f.object_key AND v.dataset = f.dataset \
      AND v.state IN ('transformed', 'loaded') \
      AND (v.sequencer_sort > f.sequencer_sort OR (v.replay IS NULL AND v.etag <> f.etag \
        AND (v.sequencer_sort IS NULL OR f.sequencer_sort IS NULL) AND v.ordinal > f.ordinal)))";

/// The kind of a replay as it is on record.
pub(crate) fn read_kind(text: &str) -> Result<ReplayKind, LedgerError> {
    ReplayKind::from_text(text).ok_or_else(|| LedgerError::unreadable("a kind of replay", text))
}
