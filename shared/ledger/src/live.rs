//! What the lake holds of a dataset: of every key, the newest version that was
//! transformed, and what was mended of its rejected rows.

use millrace_contract::LoadTask;

use crate::{Ledger, LedgerError, Value};

/// Files that are answered at a time.
const PAGE: i64 = 500;

impl Ledger {
    /// Files of a dataset whose rows are in the lake, some hundred at a time in
    /// the order of registration: of every key the newest version that was
    /// transformed, whether or not it is loaded yet, with the replays of its
    /// rejected rows. Older versions and those that are superseded are left out,
    /// and what all rows were gone through again for.
    ///
    /// Pass on the answered position for the next ones; after the last there is
    /// none.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote them.
    pub async fn live_files(
        &self,
        dataset: &str,
        after: Option<u64>,
    ) -> Result<(Vec<LoadTask>, Option<u64>), LedgerError> {
        // A replay of rejects is live with the file it belongs to, `b`; every other
        // file is such a file itself.
        let sql = "SELECT f.task, f.ordinal FROM millrace_files AS f \
                   JOIN millrace_files AS b ON b.file_id = \
                       CASE WHEN f.replay = 'rejects' THEN f.replay_of ELSE f.file_id END \
                   WHERE f.dataset = $1 AND f.ordinal > $2 AND f.task IS NOT NULL \
                     AND f.state IN ('transformed', 'loaded') \
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
        let read = |task: String| {
            LoadTask::from_message(&task)
                .map_err(|_| LedgerError::unreadable("a load message", &task))
        };
        let tasks: Result<_, _> = rows.iter().map(|row| read(row.get("task")?)).collect();
        Ok((tasks?, last))
    }
}
