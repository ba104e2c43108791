//! What the lake holds of a dataset: of every key, the newest version that was
//! transformed, and what was mended of its rejected rows; and where the rows of each
//! lie, which may be in an object that others' were joined into.
//!
//! Readers of the lake ask here and nowhere else.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use millrace_contract::{FileId, LoadTask, Output};

use crate::together::{by_halves, placeholders};
use crate::{Ledger, LedgerError, Row, Value};

/// Files that are answered at a time.
const PAGE: i64 = 500;

/// Files of one statement.
const MOST_FILES: usize = 64;

/// A file whose rows are in the lake.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveFile {
    /// Its load message; the outputs are where its rows lie now.
    pub task: LoadTask,
    /// Whether its rows are where they belong, so that nothing more is done with it.
    pub is_loaded: bool,
    /// Of every output, the rows that its object has in all.
    pub object_rows: Vec<u64>,
}

/// Where an output's rows lie since they were joined with others'.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    pub(crate) key: String,
    pub(crate) bytes: u64,
    pub(crate) first_row: u64,
    /// Rows of the whole object.
    pub(crate) object_rows: u64,
    /// Since when it lies there.
    pub(crate) placed_at: DateTime<Utc>,
}

/// Placements by file and number of the output.
pub(crate) type Placements = HashMap<(String, u64), Placement>;

impl Ledger {
    /// Files of a dataset whose rows are in the lake, some hundred at a time in
    /// the order of registration: of every key the newest version that was
    /// transformed, whether or not it is loaded yet, with the replays of its
    /// rejected rows. Older versions and those that are superseded are left out,
    /// and what all rows were gone through again for, and what retention took.
    ///
    /// An output with [`Output::first_row`] lies in an object that has other rows
    /// too. Pass on the answered position for the next ones; after the last there is
    /// none.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote them.
    pub async fn live_files(
        &self,
        dataset: &str,
        after: Option<u64>,
    ) -> Result<(Vec<LoadTask>, Option<u64>), LedgerError> {
        let (files, next) = self.live(dataset, after).await?;
        Ok((files.into_iter().map(|file| file.task).collect(), next))
    }

    /// As [`Ledger::live_files`], with what joining them has to know.
    ///
    /// # Errors
    /// As [`Ledger::live_files`].
    pub async fn live(
        &self,
        dataset: &str,
        after: Option<u64>,
    ) -> Result<(Vec<LiveFile>, Option<u64>), LedgerError> {
        // A replay of rejects is live with the file it belongs to, `b`; every other
        // file is such a file itself.
        let sql = "SELECT f.task, f.ordinal, f.state FROM millrace_files AS f \
                   JOIN millrace_files AS b ON b.file_id = \
                       CASE WHEN f.replay = 'rejects' THEN f.replay_of ELSE f.file_id END \
                   WHERE f.dataset = $1 AND f.ordinal > $2 AND f.task IS NOT NULL \
                     AND f.state IN ('transformed', 'loaded') AND f.lake_removed_at IS NULL \
                     AND b.state IN ('transformed', 'loaded') \
                     AND NOT EXISTS ( \
                         SELECT 1 FROM millrace_files AS n \
                         WHERE n.bucket = b.bucket AND n.object_key = b.object_key \
                           AND n.dataset = b.dataset AND n.task IS NOT NULL \
                           AND n.state IN ('transformed', 'loaded') \
                           AND COALESCE(n.replay, 'whole') <> 'rejects' \
                           AND (n.sequencer_sort > b.sequencer_sort OR ( \
                             (n.sequencer_sort IS NULL OR b.sequencer_sort IS NULL \
                              OR n.sequencer_sort = b.sequencer_sort) AND n.ordinal > b.ordinal)) \
                     ) ORDER BY f.ordinal LIMIT $3";
        let values: [Value; 3] = [dataset.into(), after.unwrap_or_default().into(), PAGE.into()];
        let rows = self.database.fetch_all(sql, &values).await?;
        let last = match rows.last() {
            Some(row) if rows.len() as i64 == PAGE => Some(row.count("ordinal")?),
            Some(_) | None => None,
        };
        let read = |row: &Row| -> Result<LiveFile, LedgerError> {
            let task = read_task(&row.get::<String>("task")?)?;
            let object_rows = task.outputs.iter().map(|output| output.rows).collect();
            let is_loaded = row.get::<String>("state")? == "loaded";
            Ok(LiveFile { task, is_loaded, object_rows })
        };
        let mut files: Vec<LiveFile> = rows.iter().map(read).collect::<Result<_, _>>()?;
        let ids: Vec<&FileId> = files.iter().map(|file| &file.task.file_id).collect();
        let placements = self.placements(&ids).await?;
        for file in &mut files {
            place(&mut file.task, &placements, &mut file.object_rows);
        }
        Ok((files, last))
    }

    /// Where outputs of these files lie, of those that were joined.
    pub(crate) async fn placements(&self, files: &[&FileId]) -> Result<Placements, LedgerError> {
        let mut placements = Placements::new();
        for files in by_halves(files, MOST_FILES) {
            let sql = format!(
                "SELECT p.file_id, p.output_number, p.first_row, j.object_key, j.byte_count, \
                     j.row_count, p.placed_at FROM millrace_placements AS p \
                 JOIN millrace_joined AS j ON j.joined_id = p.joined_id WHERE p.file_id IN {}",
                placeholders(1, files.len(), 1)
            );
            let values: Vec<Value> = files.iter().map(|file| file.as_str().into()).collect();
            for row in self.database.fetch_all(&sql, &values).await? {
                let placement = Placement {
                    key: row.get("object_key")?,
                    bytes: row.count("byte_count")?,
                    first_row: row.count("first_row")?,
                    object_rows: row.count("row_count")?,
                    placed_at: row.get("placed_at")?,
                };
                let output = (row.get("file_id")?, row.count("output_number")?);
                placements.insert(output, placement);
            }
        }
        Ok(placements)
    }
}

/// Has a task's outputs say where their rows lie, and `object_rows`, how many their
/// objects have.
pub(crate) fn place(task: &mut LoadTask, placements: &Placements, object_rows: &mut [u64]) {
    let file = task.file_id.as_str().to_owned();
    for (number, output) in (0_u64..).zip(&mut task.outputs) {
        let Some(placement) = placements.get(&(file.clone(), number)) else { continue };
        *output = Output {
            key: placement.key.clone(),
            bytes: placement.bytes,
            first_row: Some(placement.first_row),
            carried: None,
            ..output.clone()
        };
        let rows = usize::try_from(number).ok().and_then(|number| object_rows.get_mut(number));
        if let Some(rows) = rows {
            *rows = placement.object_rows;
        }
    }
}

pub(crate) fn read_task(task: &str) -> Result<LoadTask, LedgerError> {
    LoadTask::from_message(task).map_err(|_| LedgerError::unreadable("a load message", task))
}
