//! One object through every hop: what `trace` shows.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::runs::{RUN_COLUMNS, read_run};
use crate::{Ledger, LedgerError, Row, Run, Value};

/// All that is known about one key.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectTrace {
    /// Its versions, in the order of registration.
    pub versions: Vec<FileTrace>,
    /// Why no dataset took it, if that happened.
    pub unrouted: Option<String>,
}

/// One version of the key, as one dataset takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct FileTrace {
    /// How far it has come.
    pub run: Run,
    /// The attempts that were made, in order.
    pub hops: Vec<HopRecord>,
}

/// One attempt of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopRecord {
    /// The stage's name.
    pub stage: String,
    /// Receive count of the message.
    pub attempt: u32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took.
    pub duration: Duration,
    /// What came out.
    pub outcome: String,
    /// More about it.
    pub detail: Option<String>,
}

impl Ledger {
    /// Everything on record about one key.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn trace(&self, bucket: &str, key: &str) -> Result<ObjectTrace, LedgerError> {
        let values: [Value; 2] = [bucket.into(), key.into()];
        let sql = format!(
            "SELECT {RUN_COLUMNS} FROM millrace_files AS f \
             WHERE bucket = $1 AND object_key = $2 ORDER BY ordinal"
        );
        let mut versions = Vec::new();
        for row in self.database.fetch_all(&sql, &values).await? {
            let run = read_run(&row)?;
            let hops = self.hops(run.file_id.as_str()).await?;
            versions.push(FileTrace { run, hops });
        }
        let sql = "SELECT reason FROM millrace_skips WHERE bucket = $1 AND object_key = $2 \
                   ORDER BY last_seen DESC LIMIT 1";
        let unrouted = match self.database.fetch_optional(sql, &values).await? {
            Some(row) => Some(row.get("reason")?),
            None => None,
        };
        Ok(ObjectTrace { versions, unrouted })
    }

    async fn hops(&self, file_id: &str) -> Result<Vec<HopRecord>, LedgerError> {
        let sql = "SELECT stage, attempt, started_at, duration_ms, outcome, detail \
                   FROM millrace_hops WHERE file_id = $1 ORDER BY hop_id";
        self.database.fetch_all(sql, &[file_id.into()]).await?.iter().map(read_hop).collect()
    }
}

fn read_hop(row: &Row) -> Result<HopRecord, LedgerError> {
    Ok(HopRecord {
        stage: row.get("stage")?,
        attempt: u32::try_from(row.count("attempt")?).unwrap_or(u32::MAX),
        started_at: row.get("started_at")?,
        duration: Duration::from_millis(row.count("duration_ms")?),
        outcome: row.get("outcome")?,
        detail: row.get("detail")?,
    })
}
