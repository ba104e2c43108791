//! How fast files go through the stages, and how old the oldest is that waits:
//! what `status` reckons with.

use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::StageName;
use millrace_retry::FailureClass;

use crate::{FileState, Ledger, LedgerError, Value};

/// Attempts that are looked at, the newest ones: enough for a mean, and quick
/// however long the history is.
const ATTEMPTS: i64 = 20_000;

/// Nobody can tell a pace from less.
const SHORTEST: Duration = Duration::from_secs(60);

/// What a stage did lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StagePace {
    /// The stage.
    pub stage: StageName,
    /// Files that it was done with.
    pub files: u64,
    /// Rows that it read, or in load those it loaded.
    pub rows: u64,
    /// In how long: since the first of them, a minute at least.
    pub window: Duration,
}

/// When the oldest file came to where it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldestFile {
    /// The stage it waits for.
    pub stage: StageName,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl Ledger {
    /// What each stage did from `since` to `now`; of a busy pipeline in the last
    /// 20,000 attempts. Stages that did nothing are left out, and so are attempts
    /// that failed.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn pace(
        &self,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<StagePace>, LedgerError> {
        let bigint = self.database.dialect().bigint();
        let failed = FailureClass::ALL.map(|class| format!("'{class}'")).join(", ");
        let sql = format!(
            "SELECT h.stage AS stage, COUNT(*) AS files, MIN(h.started_at) AS first_at, \
                    CAST(COALESCE(SUM(CASE WHEN h.stage = 'load' THEN f.rows_loaded \
                                           ELSE f.rows_read END), 0) AS {bigint}) AS row_count \
             FROM (SELECT file_id, stage, started_at, outcome FROM millrace_hops \
                   ORDER BY hop_id DESC LIMIT $2) AS h \
             JOIN millrace_files AS f ON f.file_id = h.file_id \
             WHERE h.started_at >= $1 AND h.outcome NOT IN ({failed}) GROUP BY h.stage"
        );
        let values: [Value; 2] = [since.into(), ATTEMPTS.into()];
        let rows = self.database.fetch_all(&sql, &values).await?;
        let mut paces = Vec::new();
        for row in &rows {
            // A stage of a later version is none of this one's.
            let Ok(stage) = row.get::<String>("stage")?.parse() else { continue };
            let first: DateTime<Utc> = row.get("first_at")?;
            paces.push(StagePace {
                stage,
                files: row.count("files")?,
                rows: row.count("row_count")?,
                window: (now - first).to_std().unwrap_or_default().max(SHORTEST),
            });
        }
        Ok(paces)
    }

    /// The oldest file that waits for each stage behind ingest, in the order of
    /// registration.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn oldest_waiting(&self) -> Result<Vec<OldestFile>, LedgerError> {
        let (registered, transformed) = (FileState::Registered, FileState::Transformed);
        let sql = "SELECT f.state AS state, f.registered_at AS registered_at, \
                          f.transformed_at AS transformed_at FROM millrace_files AS f \
                   JOIN (SELECT MIN(ordinal) AS ordinal FROM millrace_files \
                         WHERE state IN ($1, $2) GROUP BY dataset, state) AS o \
                     ON o.ordinal = f.ordinal";
        let values: [Value; 2] = [registered.as_str().into(), transformed.as_str().into()];
        let mut oldest: Vec<OldestFile> = Vec::new();
        for row in self.database.fetch_all(sql, &values).await? {
            let (stage, since) = match row.get::<String>("state")? == transformed.as_str() {
                true => (StageName::Load, row.get::<Option<DateTime<Utc>>>("transformed_at")?),
                false => (StageName::Transform, row.get("registered_at")?),
            };
            let Some(since) = since else { continue };
            match oldest.iter_mut().find(|one| one.stage == stage) {
                Some(one) => one.since = one.since.min(since),
                None => oldest.push(OldestFile { stage, since }),
            }
        }
        Ok(oldest)
    }
}
