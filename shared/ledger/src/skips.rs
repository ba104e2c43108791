//! Objects that no dataset took. They are kept by name, so that none of them is
//! lost in silence and a redelivered event counts once.

use chrono::{DateTime, Utc};

use crate::{Ledger, LedgerError, Value};

/// Objects that were not taken for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkipCount {
    /// The reason.
    pub reason: String,
    /// How many objects.
    pub objects: u64,
    /// One of them.
    pub example: String,
    /// When the last of them was seen.
    pub last_seen: DateTime<Utc>,
}

impl Ledger {
    /// Counts an object that no dataset takes.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn skip_unrouted(
        &self,
        bucket: &str,
        key: &str,
        reason: &str,
    ) -> Result<(), LedgerError> {
        let values: [Value; 4] = [reason.into(), bucket.into(), key.into(), Utc::now().into()];
        let key = ["bucket", "object_key", "reason"];
        let met = self.database.dialect().on_conflict(&key, &["last_seen"]);
        let sql = format!(
            "INSERT INTO millrace_skips (reason, bucket, object_key, first_seen, last_seen) \
             VALUES ($1, $2, $3, $4, $4){met}"
        );
        self.database.execute(&sql, &values).await?;
        Ok(())
    }

    /// Objects that were not taken, by reason, the most frequent first.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn skip_counts(&self) -> Result<Vec<SkipCount>, LedgerError> {
        let sql = "SELECT reason, COUNT(*) AS objects, MAX(last_seen) AS last_seen, \
                       MAX('s3://' || bucket || '/' || object_key) AS example \
                   FROM millrace_skips GROUP BY reason ORDER BY objects DESC, reason";
        let rows = self.database.fetch_all(sql, &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(SkipCount {
                    reason: row.get("reason")?,
                    objects: row.count("objects")?,
                    example: row.get("example")?,
                    last_seen: row.get("last_seen")?,
                })
            })
            .collect()
    }
}
