//! The history of derived datasets: what `millrace derived` shows.

use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::{Derived, FileId};

use crate::narrowed::Narrowed;
use crate::{Ledger, LedgerError, Row, RunState};

/// Which runs to show.
#[derive(Debug, Clone, Default)]
pub struct DeriveFilter {
    /// Of one dataset.
    pub dataset: Option<String>,
    /// In one state.
    pub state: Option<RunState>,
    /// At most so many; all unless given.
    pub limit: Option<u32>,
}

/// A run of a derived dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeriveRun {
    /// The dataset.
    pub dataset: String,
    /// Its number: 1, 2, ….
    pub number: u64,
    /// `changed`, `scheduled` or `asked`.
    pub cause: String,
    /// Follows it through the logs.
    pub trace_id: String,
    /// How far it has come.
    pub state: RunState,
    /// Rows of the files that were read: with partitions, of those that had a say in
    /// any that was derived.
    pub rows_read: Option<u64>,
    /// Rows of the dataset after it.
    pub rows: Option<u64>,
    /// Partitions of the dataset after it, 1 where there are none.
    pub parts: Option<u64>,
    /// Partitions that were written again, and those that went.
    pub written: Option<u64>,
    /// Why it failed.
    pub reason: Option<String>,
    /// When its last attempt began.
    pub started_at: DateTime<Utc>,
    /// When it was done or failed.
    pub finished_at: Option<DateTime<Utc>>,
    /// How long its last attempt took.
    pub duration: Option<Duration>,
}

const COLUMNS: &str = "dataset, run_number, cause, trace_id, state, row_count, part_count, \
    written, rows_read, reason, started_at, finished_at, duration_ms";

impl Ledger {
    /// Runs of derived datasets, the newest first.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn derive_runs(&self, filter: &DeriveFilter) -> Result<Vec<DeriveRun>, LedgerError> {
        let mut wanted = Narrowed::default();
        wanted.by("dataset =", filter.dataset.as_deref());
        wanted.by("state =", filter.state.map(RunState::as_str));
        let limit = wanted.limit(filter.limit);
        let sql = format!(
            "SELECT {COLUMNS} FROM millrace_derive_runs WHERE {wanted} \
             ORDER BY started_at DESC, dataset, run_number DESC LIMIT {limit}"
        );
        self.database.fetch_all(&sql, wanted.values()).await?.iter().map(read_run).collect()
    }
}

impl Ledger {
    /// What the objects are named by that runs of a derived dataset wrote which have
    /// ended, whatever became of them.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn ended_derivations(&self, dataset: &str) -> Result<Vec<FileId>, LedgerError> {
        let sql = "SELECT run_number, inputs FROM millrace_derive_runs \
                   WHERE dataset = $1 AND state <> 'running'";
        let rows = self.database.fetch_all(sql, &[dataset.into()]).await?;
        let id = |row: &Row| {
            let inputs: String = row.get("inputs")?;
            Ok(Derived::run_id_of(dataset, row.count("run_number")?, &inputs))
        };
        rows.iter().map(id).collect()
    }
}

fn read_run(row: &Row) -> Result<DeriveRun, LedgerError> {
    Ok(DeriveRun {
        dataset: row.get("dataset")?,
        number: row.count("run_number")?,
        cause: row.get("cause")?,
        trace_id: row.get("trace_id")?,
        state: RunState::of(row)?,
        rows_read: row.optional_count("rows_read")?,
        rows: row.optional_count("row_count")?,
        parts: row.optional_count("part_count")?,
        written: row.optional_count("written")?,
        reason: row.get("reason")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        duration: row.optional_count("duration_ms")?.map(Duration::from_millis),
    })
}
