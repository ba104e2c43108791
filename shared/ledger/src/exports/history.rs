//! The history of exports: what `millrace exports` and `schedule list` show.

use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::{ExportRunId, Parameters, Watermark};

use crate::narrowed::Narrowed;
use crate::{Ledger, LedgerError, Row, RunState};

/// Which runs to show.
#[derive(Debug, Clone, Default)]
pub struct ExportFilter {
    /// Of one export.
    pub export: Option<String>,
    /// In one state.
    pub state: Option<RunState>,
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
    pub state: RunState,
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
        let mut wanted = Narrowed::default();
        wanted.by("export_name =", filter.export.as_deref());
        wanted.by("state =", filter.state.map(RunState::as_str));
        let limit = wanted.limit(filter.limit);
        let sql = format!(
            "SELECT {COLUMNS} FROM millrace_exports WHERE {wanted} \
             ORDER BY started_at DESC, run_id LIMIT {limit}"
        );
        self.database.fetch_all(&sql, wanted.values()).await?.iter().map(read_run).collect()
    }
}

pub(super) fn read_run(row: &Row) -> Result<ExportRun, LedgerError> {
    let parameters: String = row.get("parameters")?;
    Ok(ExportRun {
        run: ExportRunId::from_text(row.get::<String>("run_id")?),
        export: row.get("export_name")?,
        scheduled_at: row.get("scheduled_at")?,
        parameters: serde_json::from_str(&parameters)
            .map_err(|_| LedgerError::unreadable("parameters", &parameters))?,
        trace_id: row.get("trace_id")?,
        state: RunState::of(row)?,
        fence: row.get("fence")?,
        watermark: Watermark { from: row.get("watermark_from")?, to: row.get("watermark_to")? },
        rows: row.optional_count("row_count")?,
        objects: row.optional_count("object_count")?,
        bytes: row.optional_count("byte_count")?,
        manifest: row.get("manifest")?,
        reason: row.get("reason")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        duration: row.optional_count("duration_ms")?.map(Duration::from_millis),
    })
}
