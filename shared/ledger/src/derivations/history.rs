//! The history of derived datasets: what `millrace derived` shows.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{Ledger, LedgerError, Row, Value};

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeriveState {
    /// Somebody is at it, or was.
    Running,
    /// What is other than before is in the lake.
    Done,
    /// It can't be done with its inputs.
    Failed,
}

impl DeriveState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Failed];

    /// The name in the ledger and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for DeriveState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DeriveState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is not a state; the states are {names}")
        })
    }
}

/// Which runs to show.
#[derive(Debug, Clone, Default)]
pub struct DeriveFilter {
    /// Of one dataset.
    pub dataset: Option<String>,
    /// In one state.
    pub state: Option<DeriveState>,
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
    pub state: DeriveState,
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
        let mut conditions = vec!["1 = 1".to_owned()];
        let mut values: Vec<Value> = Vec::new();
        let mut narrow = |condition: &str, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                conditions.push(format!("{condition} ${}", values.len()));
            }
        };
        narrow("dataset =", filter.dataset.as_deref().map(Value::from));
        narrow("state =", filter.state.map(|state| state.as_str().into()));
        values.push(i64::from(filter.limit.unwrap_or(u32::MAX)).into());
        let sql = format!(
            "SELECT {COLUMNS} FROM millrace_derive_runs WHERE {} \
             ORDER BY started_at DESC, dataset, run_number DESC LIMIT ${}",
            conditions.join(" AND "),
            values.len(),
        );
        self.database.fetch_all(&sql, &values).await?.iter().map(read_run).collect()
    }
}

fn read_run(row: &Row) -> Result<DeriveRun, LedgerError> {
    let state: String = row.get("state")?;
    Ok(DeriveRun {
        dataset: row.get("dataset")?,
        number: row.count("run_number")?,
        cause: row.get("cause")?,
        trace_id: row.get("trace_id")?,
        state: state.parse().map_err(|_| LedgerError::unreadable("a run's state", &state))?,
        rows_read: count(row, "rows_read")?,
        rows: count(row, "row_count")?,
        parts: count(row, "part_count")?,
        written: count(row, "written")?,
        reason: row.get("reason")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        duration: count(row, "duration_ms")?.map(Duration::from_millis),
    })
}

fn count(row: &Row, column: &str) -> Result<Option<u64>, LedgerError> {
    Ok(row.get::<Option<i64>>(column)?.map(i64::unsigned_abs))
}
