//! What a database says of itself: for `millrace doctor`.

use chrono::{DateTime, Utc};

use crate::{Database, DatabaseError, Dialect, Fault, Ledger, LedgerError, Row, Value};

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseFacts {
    /// Its version, as it writes it.
    pub version: String,
    /// Its clock.
    pub now: DateTime<Utc>,
    /// Connections it takes at most and has now; none where that has no meaning.
    pub connections: Option<(u64, u64)>,
    /// Whether it can be written to.
    pub writable: bool,
    /// Sets of tables and the newest migration that was applied to each.
    pub migrations: Vec<(String, u64)>,
}

/// How long messages of a stage took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageDuration {
    /// Name of the stage.
    pub stage: String,
    /// Attempts that are on record.
    pub attempts: u64,
    /// Milliseconds of the longest.
    pub longest_ms: u64,
    /// Milliseconds of all, divided by their number.
    pub mean_ms: u64,
}

impl Database {
    /// What the database says of itself.
    ///
    /// # Errors
    /// [`DatabaseError`] if it does not answer.
    pub async fn facts(&self) -> Result<DatabaseFacts, DatabaseError> {
        let row = self.fetch_optional(self.about(), &[]).await?;
        let row = row.ok_or_else(|| {
            DatabaseError::new(Fault::Internal, self.name(), "it says nothing about itself")
        })?;
        let connections = match self.dialect() {
            Dialect::Sqlite => None,
            Dialect::Postgres | Dialect::MySql => Some((row.count("most")?, row.count("open")?)),
        };
        Ok(DatabaseFacts {
            version: row.get("version")?,
            now: self.clock(&row)?,
            connections,
            writable: row.count("read_only")? == 0,
            migrations: self.migrations().await?,
        })
    }

    fn about(&self) -> &'static str {
        match self.dialect() {
            Dialect::Postgres => {
                "SELECT version() AS version, clock_timestamp() AS now, \
                     CAST(current_setting('max_connections') AS bigint) AS most, \
                     (SELECT count(*) FROM pg_stat_activity \
                      WHERE backend_type = 'client backend') AS open, \
                     CASE WHEN current_setting('transaction_read_only') = 'on' THEN \
                         CAST(1 AS bigint) ELSE CAST(0 AS bigint) END AS read_only"
            }
            Dialect::MySql => {
                "SELECT CAST(version() AS CHAR) AS version, UTC_TIMESTAMP(6) AS now, \
                     CAST(@@max_connections AS SIGNED) AS most, \
                     (SELECT COUNT(*) FROM information_schema.processlist) AS open, \
                     CAST(@@read_only AS SIGNED) AS read_only"
            }
            Dialect::Sqlite => {
                "SELECT 'SQLite ' || sqlite_version() AS version, \
                     (SELECT query_only FROM pragma_query_only) AS read_only"
            }
        }
    }

    /// A file has the clock of its reader.
    fn clock(&self, row: &Row) -> Result<DateTime<Utc>, DatabaseError> {
        match self.dialect() {
            Dialect::Sqlite => Ok(Utc::now()),
            Dialect::Postgres | Dialect::MySql => row.get("now"),
        }
    }

    async fn migrations(&self) -> Result<Vec<(String, u64)>, DatabaseError> {
        let sql = "SELECT migration_set, MAX(version) AS version FROM millrace_migrations \
                   GROUP BY migration_set ORDER BY migration_set";
        let rows = self.fetch_all(sql, &[]).await?;
        rows.iter().map(|row| Ok((row.get("migration_set")?, row.count("version")?))).collect()
    }
}

impl Ledger {
    /// How long the messages of each stage took since a time.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn durations(&self, since: DateTime<Utc>) -> Result<Vec<StageDuration>, LedgerError> {
        let bigint = self.database.dialect().bigint();
        let sql = format!(
            "SELECT stage, COUNT(*) AS attempts, MAX(duration_ms) AS longest, \
                 CAST(SUM(duration_ms) AS {bigint}) AS total \
             FROM millrace_hops WHERE started_at >= $1 GROUP BY stage ORDER BY stage"
        );
        let rows = self.database.fetch_all(&sql, &[since.into()]).await?;
        rows.iter()
            .map(|row| {
                let (attempts, total) = (row.count("attempts")?, row.count("total")?);
                Ok(StageDuration {
                    stage: row.get("stage")?,
                    attempts,
                    longest_ms: row.count("longest")?,
                    mean_ms: total / attempts.max(1),
                })
            })
            .collect()
    }

    /// When an object that no dataset takes was last seen by ingest; none if it
    /// never was.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn skipped_at(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<Option<DateTime<Utc>>, LedgerError> {
        let sql = "SELECT last_seen FROM millrace_skips WHERE bucket = $1 AND object_key = $2 \
                   ORDER BY last_seen DESC LIMIT 1";
        let values: [Value; 2] = [bucket.into(), key.into()];
        let row = self.database.fetch_optional(sql, &values).await?;
        Ok(row.map(|row| row.get("last_seen")).transpose()?)
    }
}
