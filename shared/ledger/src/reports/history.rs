//! The history of reports: what `millrace report` and `schedule list` show.

use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::{Parameters, ReportRunId};
use serde::{Deserialize, Serialize};

use crate::narrowed::Narrowed;
use crate::{Ledger, LedgerError, Row, RunState, Transaction, Value};

/// A large number of a page, as people are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// What it is.
    pub title: String,
    /// The number, as it is written on the page.
    pub value: String,
    /// How it changed, where there is a row before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

/// Which runs to show.
#[derive(Debug, Clone, Default)]
pub struct ReportFilter {
    /// Of one report.
    pub report: Option<String>,
    /// At most this many; all without it.
    pub limit: Option<u32>,
}

/// A run of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRun {
    /// The run.
    pub run: ReportRunId,
    /// Name of the report.
    pub report: String,
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
    /// Charts, once it is done.
    pub charts: Option<u64>,
    /// Rows of all charts, once it is done.
    pub rows: Option<u64>,
    /// Bytes of page and pictures, once it is done.
    pub bytes: Option<u64>,
    /// The page, as an `s3://` URL.
    pub page: Option<String>,
    /// Its large numbers.
    pub figures: Vec<Figure>,
    /// When people were told of it.
    pub told_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub reason: Option<String>,
    /// When the last attempt began.
    pub started_at: DateTime<Utc>,
    /// When it was done or failed.
    pub finished_at: Option<DateTime<Utc>>,
    /// How long the attempt took that did it.
    pub duration: Option<Duration>,
}

const COLUMNS: &str = "run_id, report_name, scheduled_at, parameters, trace_id, state, fence, \
    claimed_until, chart_count, row_count, byte_count, page, figures, told_at, reason, \
    started_at, finished_at, duration_ms";

impl Ledger {
    /// Runs of reports, the newest first.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn report_runs(&self, filter: &ReportFilter) -> Result<Vec<ReportRun>, LedgerError> {
        let mut wanted = Narrowed::default();
        wanted.by("report_name =", filter.report.as_deref());
        let limit = wanted.limit(filter.limit);
        let sql = format!(
            "SELECT {COLUMNS} FROM millrace_reports WHERE {wanted} \
             ORDER BY started_at DESC, run_id LIMIT {limit}"
        );
        self.database.fetch_all(&sql, wanted.values()).await?.iter().map(read_run).collect()
    }

    /// A run, if it was ever begun.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn report_run(&self, run: &ReportRunId) -> Result<Option<ReportRun>, LedgerError> {
        let sql = format!("SELECT {COLUMNS} FROM millrace_reports WHERE run_id = $1");
        let row = self.database.fetch_optional(&sql, &[run.as_str().into()]).await?;
        row.as_ref().map(read_run).transpose()
    }
}

/// A run, and until when it is claimed.
pub(super) async fn find(
    transaction: &mut Transaction,
    run: &ReportRunId,
) -> Result<Option<(ReportRun, DateTime<Utc>)>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM millrace_reports WHERE run_id = $1");
    let values: [Value; 1] = [run.as_str().into()];
    let row = transaction.fetch_optional(&sql, &values).await?;
    row.as_ref().map(|row| Ok((read_run(row)?, row.get("claimed_until")?))).transpose()
}

fn read_run(row: &Row) -> Result<ReportRun, LedgerError> {
    let parameters: String = row.get("parameters")?;
    let figures: Option<String> = row.get("figures")?;
    let unread = |what, text: &str| LedgerError::unreadable(what, text);
    Ok(ReportRun {
        run: ReportRunId::from_text(row.get::<String>("run_id")?),
        report: row.get("report_name")?,
        scheduled_at: row.get("scheduled_at")?,
        parameters: serde_json::from_str(&parameters)
            .map_err(|_| unread("parameters", &parameters))?,
        trace_id: row.get("trace_id")?,
        state: RunState::of(row)?,
        fence: row.get("fence")?,
        charts: row.optional_count("chart_count")?,
        rows: row.optional_count("row_count")?,
        bytes: row.optional_count("byte_count")?,
        page: row.get("page")?,
        figures: match figures {
            Some(text) => {
                serde_json::from_str(&text).map_err(|_| unread("a report's figures", &text))?
            }
            None => Vec::new(),
        },
        told_at: row.get("told_at")?,
        reason: row.get("reason")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        duration: row.optional_count("duration_ms")?.map(Duration::from_millis),
    })
}
