//! Runs of reports: who may work at one, that each is made once, and that it is
//! told of.
//!
//! A run is claimed for a while, and each claim has a number, its fence, as a run
//! of an export is: whoever was claimed over can't end the run any more. That its
//! page is told of is written down behind its being told, so that it is told at
//! least once.

mod history;

use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::{ReportRunId, ReportTask};

use crate::claim::{Held, until};
use crate::{Ledger, LedgerError, RunState, Transaction, Value};

pub use history::{Figure, ReportFilter, ReportRun};

/// Whether a worker may work at a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportClaimed {
    /// It may.
    Yes(ReportClaim),
    /// The run was done before.
    Done(Box<ReportRun>),
    /// Somebody else is at it.
    Busy,
}

/// The right to work at a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportClaim {
    /// The run.
    pub run: ReportRunId,
    /// The claim's number.
    pub fence: i64,
}

impl ReportClaim {
    fn held(&self) -> Held<'_> {
        Held { table: "millrace_reports", run: self.run.as_str(), fence: self.fence }
    }
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTotals {
    /// The page, as an `s3://` URL.
    pub page: String,
    /// Charts.
    pub charts: u64,
    /// Rows of all charts.
    pub rows: u64,
    /// Bytes of page and pictures.
    pub bytes: u64,
    /// Its large numbers.
    pub figures: Vec<Figure>,
    /// How long it took.
    pub duration: Duration,
}

impl Ledger {
    /// Claims a run for `lease`, unless it was done before or somebody else is at
    /// it.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn claim_report(
        &self,
        task: &ReportTask,
        trace_id: &str,
        lease: Duration,
    ) -> Result<ReportClaimed, LedgerError> {
        let run = task.run_id();
        let mut transaction = self.database.begin().await?;
        transaction.lock(&["report", run.as_str()]).await?;
        let known = history::find(&mut transaction, &run).await?;
        if let Some((known, claimed_until)) = &known {
            let is_busy = known.state == RunState::Running && *claimed_until > Utc::now();
            if is_busy || known.state == RunState::Done {
                transaction.rollback().await?;
                return Ok(match is_busy {
                    true => ReportClaimed::Busy,
                    false => ReportClaimed::Done(Box::new(known.clone())),
                });
            }
        }
        let fence = known.as_ref().map_or(1, |(known, _)| known.fence + 1);
        let claim = ReportClaim { run, fence };
        write_claim(&mut transaction, task, &claim, trace_id, until(lease)).await?;
        transaction.commit().await?;
        Ok(ReportClaimed::Yes(claim))
    }

    /// Keeps a claim for longer; false if it is lost.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn renew_report(
        &self,
        claim: &ReportClaim,
        lease: Duration,
    ) -> Result<bool, LedgerError> {
        claim.held().renewed(lease).make(&self.database).await
    }

    /// Marks a run as done; false if the claim is lost, and then nothing is changed.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn complete_report(
        &self,
        claim: &ReportClaim,
        totals: &ReportTotals,
    ) -> Result<bool, LedgerError> {
        let columns = "state = 'done', chart_count = $1, row_count = $2, byte_count = $3, \
                       page = $4, figures = $5, finished_at = $6, duration_ms = $7";
        let milliseconds = u64::try_from(totals.duration.as_millis()).unwrap_or(u64::MAX);
        let values = [
            totals.charts.into(),
            totals.rows.into(),
            totals.bytes.into(),
            totals.page.as_str().into(),
            serde_json::json!(totals.figures).to_string().into(),
            Utc::now().into(),
            milliseconds.into(),
        ];
        claim.held().set(columns, values).make(&self.database).await
    }

    /// Writes down that people were told of a page that is done.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn report_told(&self, run: &ReportRunId) -> Result<(), LedgerError> {
        let sql = "UPDATE millrace_reports SET told_at = $1 WHERE run_id = $2 AND state = 'done'";
        self.database.execute(sql, &[Utc::now().into(), run.as_str().into()]).await?;
        Ok(())
    }

    /// Marks a run as failed for good: nothing but a person starts it again.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn fail_report(&self, claim: &ReportClaim, reason: &str) -> Result<(), LedgerError> {
        claim.held().failed(reason).make(&self.database).await.map(drop)
    }

    /// Gives a claim back, so that the next attempt need not wait for its end.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn release_report(&self, claim: &ReportClaim) -> Result<(), LedgerError> {
        self.renew_report(claim, Duration::ZERO).await.map(drop)
    }
}

async fn write_claim(
    transaction: &mut Transaction,
    task: &ReportTask,
    claim: &ReportClaim,
    trace_id: &str,
    until: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let mut values: Vec<Value> = vec![
        claim.run.as_str().into(),
        trace_id.into(),
        claim.fence.into(),
        until.into(),
        Utc::now().into(),
    ];
    if claim.fence > 1 {
        let sql = "UPDATE millrace_reports SET state = 'running', trace_id = $2, fence = $3, \
                       claimed_until = $4, started_at = $5, finished_at = NULL, reason = NULL \
                   WHERE run_id = $1";
        transaction.execute(sql, &values).await?;
        return Ok(());
    }
    values.extend([
        task.report.as_str().into(),
        task.scheduled_at.into(),
        serde_json::json!(task.parameters).to_string().into(),
    ]);
    let sql = "INSERT INTO millrace_reports (run_id, trace_id, fence, claimed_until, started_at, \
                   report_name, scheduled_at, parameters, state) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'running')";
    transaction.execute(sql, &values).await?;
    Ok(())
}
