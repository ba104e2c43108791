//! What nobody needs any more: objects of the lake that no reader takes, and rows
//! about what is over.
//!
//! An object goes only if nothing on record keeps it, and only long after it ceased to
//! be live, so that whoever began to read before has ended. Files are marked before
//! their objects go, so that nothing is sent to objects that are gone.

use chrono::{DateTime, Utc};
use millrace_contract::{FileId, LoadTask};

use crate::live::{Placements, read_task};
use crate::together::{by_halves, placeholders};
use crate::{Ledger, LedgerError, Row, Value};

mod history;

/// Files that are answered or changed at a time.
const PAGE: i64 = 500;

/// Rows of one statement.
const MOST_ROWS: usize = 64;

/// That the rows of `f` in the lake have not been needed since `$1`: the file was
/// superseded, or a newer version of its key was transformed before, or it was given
/// up, or retention took it. What is still to be loaded is needed.
const GONE: &str = "(f.task IS NOT NULL AND ( \
    (f.lake_removed_at IS NOT NULL AND f.lake_removed_at < $1) \
    OR (f.state = 'superseded' AND f.transformed_at < $1) \
    OR (f.state = 'failed' AND f.transformed_at < $1 AND NOT EXISTS ( \
        SELECT 1 FROM millrace_failures AS x \
        WHERE x.file_id = f.file_id AND x.resolution IS NULL)) \
    OR (f.state = 'loaded' AND EXISTS ( \
        SELECT 1 FROM millrace_files AS b JOIN millrace_files AS n \
            ON n.bucket = b.bucket AND n.object_key = b.object_key AND n.dataset = b.dataset \
        WHERE b.file_id = CASE WHEN f.replay = 'rejects' THEN f.replay_of ELSE f.file_id END \
          AND n.state IN ('transformed', 'loaded') AND n.transformed_at < $1 \
          AND n.task IS NOT NULL AND COALESCE(n.replay, 'whole') <> 'rejects' \
          AND (n.sequencer_sort > b.sequencer_sort OR ( \
            (n.sequencer_sort IS NULL OR b.sequencer_sort IS NULL \
             OR n.sequencer_sort = b.sequencer_sort) AND n.ordinal > b.ordinal))))))";

impl Ledger {
    /// Keys of the lake's objects that files of a dataset need, or needed after `cut`,
    /// of some hundred files at a time. Pass on the answered position for the next
    /// ones; after the last there is none.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote them.
    pub async fn kept_objects(
        &self,
        dataset: &str,
        cut: DateTime<Utc>,
        after: Option<u64>,
    ) -> Result<(Vec<String>, Option<u64>), LedgerError> {
        let sql = format!(
            "SELECT f.task, f.ordinal FROM millrace_files AS f \
             WHERE f.dataset = $2 AND f.ordinal > $3 AND f.task IS NOT NULL AND NOT {GONE} \
             ORDER BY f.ordinal LIMIT $4"
        );
        let values: [Value; 4] =
            [cut.into(), dataset.into(), after.unwrap_or_default().into(), PAGE.into()];
        let rows = self.database.fetch_all(&sql, &values).await?;
        let last = match rows.last() {
            Some(row) if rows.len() as i64 == PAGE => Some(row.count("ordinal")?),
            Some(_) | None => None,
        };
        let read = |row: &Row| read_task(&row.get::<String>("task")?);
        let tasks: Vec<LoadTask> = rows.iter().map(read).collect::<Result<_, _>>()?;
        let ids: Vec<&FileId> = tasks.iter().map(|task| &task.file_id).collect();
        let placements = self.placements(&ids).await?;
        Ok((tasks.iter().flat_map(|task| keys(task, &placements, cut)).collect(), last))
    }

    /// Of these files, those whose objects may go if nothing keeps them: that are on
    /// record and are not being transformed.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn settled_files(&self, ids: &[FileId]) -> Result<Vec<FileId>, LedgerError> {
        let mut settled = Vec::new();
        for ids in by_halves(ids, MOST_ROWS) {
            let sql = format!(
                "SELECT file_id FROM millrace_files WHERE state <> 'registered' AND file_id IN {}",
                placeholders(1, ids.len(), 1)
            );
            let values: Vec<Value> = ids.iter().map(|id| id.as_str().into()).collect();
            for row in self.database.fetch_all(&sql, &values).await? {
                settled.push(FileId::from_text(row.get::<String>("file_id")?));
            }
        }
        Ok(settled)
    }

    /// Marks files whose objects are about to be removed, of those that have not been
    /// needed since `cut`, with what was gone through again from them.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn mark_removed(
        &self,
        ids: &[FileId],
        cut: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        for ids in by_halves(ids, MOST_ROWS) {
            let those = placeholders(1, ids.len(), 2);
            let sql = format!(
                "SELECT f.file_id FROM millrace_files AS f \
                 WHERE (f.file_id IN {those} OR f.replay_of IN {those}) \
                   AND f.lake_removed_at IS NULL AND {GONE}"
            );
            let names = ids.iter().map(|id| Value::from(id.as_str()));
            let values: Vec<Value> = std::iter::once(cut.into()).chain(names).collect();
            let rows = self.database.fetch_all(&sql, &values).await?;
            let gone = rows.iter().map(|row| row.get::<String>("file_id"));
            self.set_removed(&gone.collect::<Result<Vec<_>, _>>()?).await?;
        }
        Ok(())
    }

    /// Ends the life in the lake of files of a dataset that were loaded before
    /// `before`: readers take them no more, and their objects go later. Answers how
    /// many there are; with `dry_run` nothing is changed.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn expire_lake(
        &self,
        dataset: &str,
        before: DateTime<Utc>,
        dry_run: bool,
    ) -> Result<u64, LedgerError> {
        let condition = "dataset = $1 AND state = 'loaded' AND loaded_at < $2 \
                         AND task IS NOT NULL AND lake_removed_at IS NULL";
        let values: [Value; 2] = [dataset.into(), before.into()];
        if dry_run {
            let sql = format!("SELECT COUNT(*) AS files FROM millrace_files WHERE {condition}");
            let row = self.database.fetch_optional(&sql, &values).await?;
            return Ok(row.map_or(Ok(0), |row| row.count("files"))?);
        }
        let sql = format!("SELECT file_id FROM millrace_files WHERE {condition} LIMIT {PAGE}");
        let mut expired = 0;
        loop {
            let rows = self.database.fetch_all(&sql, &values).await?;
            let ids = rows.iter().map(|row| row.get::<String>("file_id"));
            let ids = ids.collect::<Result<Vec<_>, _>>()?;
            if ids.is_empty() {
                return Ok(expired);
            }
            self.set_removed(&ids).await?;
            expired += ids.len() as u64;
        }
    }

    async fn set_removed(&self, ids: &[String]) -> Result<(), LedgerError> {
        for ids in by_halves(ids, MOST_ROWS) {
            let sql = format!(
                "UPDATE millrace_files SET lake_removed_at = $1 WHERE file_id IN {}",
                placeholders(1, ids.len(), 2)
            );
            let names = ids.iter().map(|id| Value::from(id.as_str()));
            let values: Vec<Value> = std::iter::once(Utc::now().into()).chain(names).collect();
            self.database.execute(&sql, &values).await?;
        }
        Ok(())
    }

    /// Forgets where the rejected rows of these files are, which are about to be
    /// removed. How many there were stays.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn forget_rejects(&self, ids: &[FileId]) -> Result<(), LedgerError> {
        for table in ["millrace_files", "millrace_failures"] {
            for ids in by_halves(ids, MOST_ROWS) {
                let sql = format!(
                    "UPDATE {table} SET rejects_key = NULL WHERE file_id IN {}",
                    placeholders(1, ids.len(), 1)
                );
                let values: Vec<Value> = ids.iter().map(|id| id.as_str().into()).collect();
                self.database.execute(&sql, &values).await?;
            }
        }
        Ok(())
    }
}

/// The objects that a task needs, or needed after `cut`.
fn keys(task: &LoadTask, placements: &Placements, cut: DateTime<Utc>) -> Vec<String> {
    let mut keys = Vec::with_capacity(task.outputs.len());
    for (number, output) in (0_u64..).zip(&task.outputs) {
        let placement = placements.get(&(task.file_id.as_str().to_owned(), number));
        if placement.is_none_or(|placement| placement.placed_at >= cut) {
            keys.push(output.key.clone());
        }
        keys.extend(placement.map(|placement| placement.key.clone()));
    }
    keys
}
