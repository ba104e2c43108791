//! Datasets that are to have new files by some time: since when each is watched,
//! and which missed time was told. When that time is, others know.
//!
//! However many workers look, a missed time and its end are written down once: by
//! whoever changes the dataset's row first.

use chrono::{DateTime, Utc};
use millrace_contract::{AlertKind, Occurrence};

use crate::announce::write_alert;
use crate::{Ledger, LedgerError, Row, Transaction, Value};

/// What is on record of a dataset that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// When its files are expected, in the words of who watches.
    pub expected: String,
    /// Since when it is watched.
    pub since: DateTime<Utc>,
    /// The first time that was missed; none while files come in time.
    pub late_since: Option<DateTime<Utc>>,
    /// The newest time that was missed and is told.
    pub missed_at: Option<DateTime<Utc>>,
}

impl Ledger {
    /// What is on record of a dataset; nothing if nobody watched it yet.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn watched(&self, dataset: &str) -> Result<Option<Watched>, LedgerError> {
        let sql = "SELECT expected, watched_since, late_since, missed_at \
                   FROM millrace_freshness WHERE dataset = $1";
        let row = self.database.fetch_optional(sql, &[dataset.into()]).await?;
        row.as_ref().map(read).transpose()
    }

    /// When a dataset's newest file was loaded. Replays bring nothing new.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn newest_load(&self, dataset: &str) -> Result<Option<DateTime<Utc>>, LedgerError> {
        let sql = "SELECT loaded_at FROM millrace_files \
                   WHERE dataset = $1 AND loaded_at > $2 AND replay IS NULL \
                   ORDER BY dataset DESC, loaded_at DESC LIMIT 1";
        let values: [Value; 2] = [dataset.into(), DateTime::UNIX_EPOCH.into()];
        let row = self.database.fetch_optional(sql, &values).await?;
        Ok(row.map(|row| row.get("loaded_at")).transpose()?)
    }

    /// Watches a dataset from `now` on, for files that are expected as `expected`
    /// says. What was on record of it is forgotten.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn watch(
        &self,
        dataset: &str,
        expected: &str,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let dialect = self.database.dialect();
        let anew = dialect
            .on_conflict(&["dataset"], &["expected", "watched_since", "late_since", "missed_at"]);
        let sql = format!(
            "INSERT INTO millrace_freshness \
                 (dataset, expected, watched_since, late_since, missed_at) \
             VALUES ($1, $2, $3, NULL, NULL){anew}"
        );
        let values: [Value; 3] = [dataset.into(), expected.into(), now.into()];
        self.database.execute(&sql, &values).await?;
        Ok(())
    }

    /// Records that a dataset missed the time `missed` and is late since `since`,
    /// and that `told` is to be told. Answers whether that is news.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn missed(
        &self,
        watched: &Watched,
        (since, missed): (DateTime<Utc>, DateTime<Utc>),
        told: &Occurrence,
    ) -> Result<bool, LedgerError> {
        let sql = "UPDATE millrace_freshness SET late_since = $3, missed_at = $4 \
                   WHERE dataset = $1 AND expected = $2 \
                     AND (missed_at IS NULL OR missed_at < $4)";
        let values: [Value; 4] =
            [told.dataset.clone().into(), (&*watched.expected).into(), since.into(), missed.into()];
        self.if_news(sql, &values, told).await
    }

    /// Records that a dataset that was late is so no longer, and that `told` is to
    /// be told. Answers whether that is news.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn caught_up(
        &self,
        watched: &Watched,
        told: &Occurrence,
    ) -> Result<bool, LedgerError> {
        let Some(missed) = watched.missed_at else { return Ok(false) };
        let sql = "UPDATE millrace_freshness SET late_since = NULL, missed_at = NULL \
                   WHERE dataset = $1 AND expected = $2 AND missed_at <= $3";
        let values: [Value; 3] =
            [told.dataset.clone().into(), (&*watched.expected).into(), missed.into()];
        self.if_news(sql, &values, told).await
    }

    /// Makes a change; where there is one, tells of it in the same transaction.
    async fn if_news(
        &self,
        sql: &str,
        values: &[Value],
        told: &Occurrence,
    ) -> Result<bool, LedgerError> {
        let mut transaction: Transaction = self.database.begin().await?;
        if transaction.execute(sql, values).await? == 0 {
            return Ok(false);
        }
        if self.alerts_about(AlertKind::LateDataset) {
            write_alert(&mut transaction, told).await?;
        }
        transaction.commit().await?;
        self.nudge();
        Ok(true)
    }
}

fn read(row: &Row) -> Result<Watched, LedgerError> {
    Ok(Watched {
        expected: row.get("expected")?,
        since: row.get("watched_since")?,
        late_since: row.get("late_since")?,
        missed_at: row.get("missed_at")?,
    })
}
