//! The history of exports: what `millrace exports` and `schedule list` show.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::{ExportRunId, Parameters, Watermark};

use crate::{Ledger, LedgerError, Row, Value};

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportState {
    /// Somebody is at it, or was.
    Running,
    /// Objects and manifest are there.
    Done,
    /// Dead-lettered.
    Failed,
}

impl ExportState {
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

impl fmt::Display for ExportState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ExportState {
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
pub struct ExportFilter {
    /// Of one export.
    pub export: Option<String>,
    /// In one state.
    pub state: Option<ExportState>,
    /// At most this many; all without it.
    pub limit: Option<u32>,
}

/// A run of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRun {
    /// The run.
    pub run: ExportRunId,
    /// Name of the export.
    pub export: String,
    /// The time it is for.
    pub scheduled_at: DateTime<Utc>,
    /// What its message brought.
    pub parameters: Parameters,
    /// Follows it through the logs.
    pub trace_id: String,
    /// How far it has come.
    pub state: ExportState,
    /// How often it was claimed.
    pub fence: i64,
    /// What of the growing column it exports.
    pub watermark: Watermark,
    /// Rows, once it is done.
    pub rows: Option<u64>,
    /// Objects, once it is done.
    pub objects: Option<u64>,
    /// Bytes of the objects, once it is done.
    pub bytes: Option<u64>,
    /// The manifest, as an `s3://` URL.
    pub manifest: Option<String>,
    /// Why it failed.
    pub reason: Option<String>,
    /// When the last attempt began.
    pub started_at: DateTime<Utc>,
    /// When it was done or failed.
    pub finished_at: Option<DateTime<Utc>>,
    /// How long the attempt took that did it.
    pub duration: Option<Duration>,
}

pub(super) const COLUMNS: &str = "run_id, export_name, scheduled_at, parameters, trace_id, state, \
    fence, watermark_from, watermark_to, row_count, object_count, byte_count, manifest, reason, \
    started_at, finished_at, duration_ms";

impl Ledger {
    /// Runs of exports, the newest first.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn export_runs(&self, filter: &ExportFilter) -> Result<Vec<ExportRun>, LedgerError> {
        let mut conditions = vec!["1 = 1".to_owned()];
        let mut values: Vec<Value> = Vec::new();
        let mut narrow = |condition: &str, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                conditions.push(format!("{condition} ${}", values.len()));
            }
        };
        narrow("export_name =", filter.export.as_deref().map(Value::from));
        narrow("state =", filter.state.map(|state| state.as_str().into()));
        values.push(i64::from(filter.limit.unwrap_or(u32::MAX)).into());
        let sql = format!(
            "SELECT {COLUMNS} FROM millrace_exports WHERE {} \
             ORDER BY started_at DESC, run_id LIMIT ${}",
            conditions.join(" AND "),
            values.len(),
        );
        self.database.fetch_all(&sql, &values).await?.iter().map(read_run).collect()
    }
}

pub(super) fn read_run(row: &Row) -> Result<ExportRun, LedgerError> {
    let (parameters, state): (String, String) = (row.get("parameters")?, row.get("state")?);
    Ok(ExportRun {
        run: ExportRunId::from_text(row.get::<String>("run_id")?),
        export: row.get("export_name")?,
        scheduled_at: row.get("scheduled_at")?,
        parameters: serde_json::from_str(&parameters)
            .map_err(|_| LedgerError::unreadable("parameters", &parameters))?,
        trace_id: row.get("trace_id")?,
        state: state.parse().map_err(|_| LedgerError::unreadable("a run's state", &state))?,
        fence: row.get("fence")?,
        watermark: Watermark { from: row.get("watermark_from")?, to: row.get("watermark_to")? },
        rows: count(row, "row_count")?,
        objects: count(row, "object_count")?,
        bytes: count(row, "byte_count")?,
        manifest: row.get("manifest")?,
        reason: row.get("reason")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        duration: count(row, "duration_ms")?.map(Duration::from_millis),
    })
}

fn count(row: &Row, column: &str) -> Result<Option<u64>, LedgerError> {
    Ok(row.get::<Option<i64>>(column)?.map(i64::unsigned_abs))
}
