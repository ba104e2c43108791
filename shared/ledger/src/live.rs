//! What a dataset consists of now: the newest version of each of its keys that
//! has come as far as the lake.

use millrace_contract::LoadTask;

use crate::{Ledger, LedgerError};

impl Ledger {
    /// What transform wrote of every key's newest version, in the order in which
    /// the files were registered. A version that failed, or is still on its way,
    /// leaves the one before it in place.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote it.
    pub async fn live_files(&self, dataset: &str) -> Result<Vec<LoadTask>, LedgerError> {
        let sql = "SELECT f.task FROM millrace_files AS f \
                   WHERE f.dataset = $1 AND f.state IN ('transformed', 'loaded') \
                     AND f.task IS NOT NULL AND NOT EXISTS ( \
                       SELECT 1 FROM millrace_files AS n \
                       WHERE n.bucket = f.bucket AND n.object_key = f.object_key \
                         AND n.dataset = f.dataset AND n.state IN ('transformed', 'loaded') \
                         AND n.task IS NOT NULL AND (n.sequencer_sort > f.sequencer_sort OR ( \
                           (n.sequencer_sort IS NULL OR f.sequencer_sort IS NULL \
                            OR n.sequencer_sort = f.sequencer_sort) AND n.ordinal > f.ordinal))) \
                   ORDER BY f.ordinal";
        let rows = self.database.fetch_all(sql, &[dataset.into()]).await?;
        let task = |row: &crate::Row| {
            let text: String = row.get("task")?;
            LoadTask::from_message(&text)
                .map_err(|_| LedgerError::unreadable("a load message", &text))
        };
        rows.iter().map(task).collect()
    }
}
