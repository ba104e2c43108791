//! Runs of exports: who may work at one, how far an incremental one has come,
//! and that each is done once.
//!
//! A run is claimed for a while, and each claim has a number, its fence: whoever
//! was claimed over can't end the run any more. The watermark moves in the
//! transaction that marks the run done, so that it says what is exported and
//! nothing else. Runs that share a watermark work one after the other.

mod history;

use std::time::Duration;

use chrono::Utc;
use millrace_contract::{ExportEvent, ExportOutcome, ExportRunId, ExportTask, Watermark};

use crate::claim::{Held, until};
use crate::{Ledger, LedgerError, Row, RunState, Transaction, Value};

pub use history::{ExportFilter, ExportRun};

/// What a worker wants to work at.
#[derive(Debug, Clone, Copy)]
pub struct ExportWish<'a> {
    /// The run.
    pub task: &'a ExportTask,
    /// The column that grows, if the export is incremental.
    pub column: Option<&'a str>,
    /// Follows the run through the logs.
    pub trace_id: &'a str,
    /// How long the claim lasts unless it is renewed.
    pub lease: Duration,
}

/// Whether a worker may work at a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// It may.
    Yes(ExportClaim),
    /// The run was done before.
    Done(Box<ExportRun>),
    /// Somebody else is at it, or at another run that shares its watermark.
    Busy,
}

/// The right to work at a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportClaim {
    /// The run.
    pub run: ExportRunId,
    /// The claim's number.
    pub fence: i64,
    /// What of the growing column is exported: `to` is known where an attempt
    /// before had found it.
    pub watermark: Watermark,
    key: String,
}

impl ExportClaim {
    fn held(&self) -> Held<'_> {
        Held { table: "millrace_exports", run: self.run.as_str(), fence: self.fence }
    }
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportTotals {
    /// The manifest, as an `s3://` URL.
    pub manifest: String,
    /// Rows.
    pub rows: u64,
    /// Objects.
    pub objects: u64,
    /// Bytes of the objects.
    pub bytes: u64,
    /// The growing column and its greatest value that is exported, where it
    /// moved.
    pub reached: Option<(String, String)>,
    /// How long it took.
    pub duration: Duration,
}

impl Ledger {
    /// Claims a run, unless it was done before or somebody else is at it.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn claim_export(&self, wish: &ExportWish<'_>) -> Result<Claimed, LedgerError> {
        let (run, key) = (wish.task.run_id(), wish.task.watermark_key());
        let mut transaction = self.database.begin().await?;
        transaction.lock(&["export", &key]).await?;
        let known = find(&mut transaction, &run).await?;
        if let Some(known) = &known
            && known.state == RunState::Done
        {
            transaction.rollback().await?;
            return Ok(Claimed::Done(Box::new(known.clone())));
        }
        if is_busy(&mut transaction, wish, &run, &key).await? {
            transaction.rollback().await?;
            return Ok(Claimed::Busy);
        }
        let from = match wish.column {
            Some(column) => reached(&mut transaction, &key, column).await?,
            None => None,
        };
        let before = known.as_ref().map(|known| &known.watermark);
        // What an attempt before found holds as long as nobody came between.
        let to = before.filter(|before| before.from == from).and_then(|before| before.to.clone());
        let watermark = Watermark { from, to };
        let fence = known.as_ref().map_or(1, |known| known.fence + 1);
        let claim = ExportClaim { run, fence, watermark, key };
        write_claim(&mut transaction, wish, &claim, known.is_some()).await?;
        transaction.commit().await?;
        Ok(Claimed::Yes(claim))
    }

    /// Keeps a claim for longer; false if it is lost.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn renew_export(
        &self,
        claim: &ExportClaim,
        lease: Duration,
    ) -> Result<bool, LedgerError> {
        claim.held().renewed(lease).make(&self.database).await
    }

    /// Writes down up to which value of the growing column a run exports, so that
    /// another attempt exports the same rows; false if the claim is lost.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn export_up_to(&self, claim: &ExportClaim, to: &str) -> Result<bool, LedgerError> {
        claim.held().set("watermark_to = $1", [to.into()]).make(&self.database).await
    }

    /// Marks a run as done and moves its watermark, in one transaction; false if
    /// the claim is lost, and then nothing is changed.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn complete_export(
        &self,
        task: &ExportTask,
        claim: &ExportClaim,
        totals: &ExportTotals,
    ) -> Result<bool, LedgerError> {
        let mut transaction = self.database.begin().await?;
        transaction.lock(&["export", &claim.key]).await?;
        if !mark_done(&mut transaction, claim, totals).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        if let Some((column, value)) = &totals.reached {
            move_watermark(&mut transaction, task, claim, column, value).await?;
        }
        let event = ExportEvent {
            manifest: Some(totals.manifest.clone()),
            rows: Some(totals.rows),
            objects: Some(totals.objects),
            bytes: Some(totals.bytes),
            ..self.event(ExportOutcome::Completed, task, claim)
        };
        self.announce_export(&mut transaction, &event).await?;
        transaction.commit().await?;
        self.nudge();
        Ok(true)
    }

    /// Marks a run as failed for good: nothing but a person starts it again.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn fail_export(
        &self,
        task: &ExportTask,
        claim: &ExportClaim,
        reason: &str,
    ) -> Result<(), LedgerError> {
        let mut transaction = self.database.begin().await?;
        if claim.held().failed(reason).make_in(&mut transaction).await? {
            let event = ExportEvent {
                reason: Some(reason.replace('\0', "\u{fffd}")),
                ..self.event(ExportOutcome::Failed, task, claim)
            };
            self.announce_export(&mut transaction, &event).await?;
        }
        transaction.commit().await?;
        self.nudge();
        Ok(())
    }

    /// Gives a claim back, so that the next attempt need not wait for its end.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn release_export(&self, claim: &ExportClaim) -> Result<(), LedgerError> {
        self.renew_export(claim, Duration::ZERO).await.map(drop)
    }

    fn event(&self, outcome: ExportOutcome, task: &ExportTask, claim: &ExportClaim) -> ExportEvent {
        ExportEvent {
            version: 1,
            pipeline: self.pipeline_name(),
            outcome,
            export: task.export.clone(),
            run: claim.run.clone(),
            scheduled_at: task.scheduled_at,
            parameters: task.parameters.clone(),
            manifest: None,
            rows: None,
            objects: None,
            bytes: None,
            reason: None,
            at: Utc::now(),
        }
    }
}

async fn find(
    transaction: &mut Transaction,
    run: &ExportRunId,
) -> Result<Option<ExportRun>, LedgerError> {
    let sql = format!("SELECT {} FROM millrace_exports WHERE run_id = $1", history::COLUMNS);
    let row = transaction.fetch_optional(&sql, &[run.as_str().into()]).await?;
    row.as_ref().map(history::read_run).transpose()
}

/// Whether somebody is at the run, or, of an incremental export, at another that
/// shares its watermark.
async fn is_busy(
    transaction: &mut Transaction,
    wish: &ExportWish<'_>,
    run: &ExportRunId,
    key: &str,
) -> Result<bool, LedgerError> {
    let sql = "SELECT run_id FROM millrace_exports \
               WHERE watermark_key = $1 AND state = 'running' AND claimed_until > $2";
    let rows = transaction.fetch_all(sql, &[key.into(), Utc::now().into()]).await?;
    let ids = rows.iter().map(|row: &Row| row.get::<String>("run_id"));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    Ok(ids.iter().any(|id| wish.column.is_some() || id == run.as_str()))
}

/// How far the exports of a watermark have come by a column.
async fn reached(
    transaction: &mut Transaction,
    key: &str,
    column: &str,
) -> Result<Option<String>, LedgerError> {
    let sql = "SELECT column_name, reached FROM millrace_watermarks WHERE watermark_key = $1";
    let Some(row) = transaction.fetch_optional(sql, &[key.into()]).await? else { return Ok(None) };
    // Another column's values say nothing of this one.
    let is_same = row.get::<String>("column_name")? == column;
    Ok(is_same.then(|| row.get("reached")).transpose()?)
}

async fn write_claim(
    transaction: &mut Transaction,
    wish: &ExportWish<'_>,
    claim: &ExportClaim,
    is_known: bool,
) -> Result<(), LedgerError> {
    let (now, until) = (Utc::now(), until(wish.lease));
    let Watermark { from, to } = &claim.watermark;
    let mut values: Vec<Value> = vec![
        claim.run.as_str().into(),
        wish.trace_id.into(),
        claim.fence.into(),
        until.into(),
        from.clone().into(),
        to.clone().into(),
        now.into(),
    ];
    if is_known {
        let sql = "UPDATE millrace_exports SET state = 'running', trace_id = $2, fence = $3, \
                       claimed_until = $4, watermark_from = $5, watermark_to = $6, \
                       started_at = $7, finished_at = NULL, reason = NULL WHERE run_id = $1";
        transaction.execute(sql, &values).await?;
        return Ok(());
    }
    values.extend([
        wish.task.export.as_str().into(),
        wish.task.scheduled_at.into(),
        serde_json::json!(wish.task.parameters).to_string().into(),
        claim.key.as_str().into(),
    ]);
    let sql = "INSERT INTO millrace_exports (run_id, trace_id, fence, claimed_until, \
                   watermark_from, watermark_to, started_at, export_name, scheduled_at, \
                   parameters, watermark_key, state) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'running')";
    transaction.execute(sql, &values).await?;
    Ok(())
}

async fn mark_done(
    transaction: &mut Transaction,
    claim: &ExportClaim,
    totals: &ExportTotals,
) -> Result<bool, LedgerError> {
    let columns = "state = 'done', row_count = $1, object_count = $2, byte_count = $3, \
                   manifest = $4, finished_at = $5, duration_ms = $6, \
                   watermark_to = COALESCE($7, watermark_to)";
    let milliseconds = u64::try_from(totals.duration.as_millis()).unwrap_or(u64::MAX);
    let reached = totals.reached.as_ref().map(|(_, value)| value.as_str());
    let values = [
        totals.rows.into(),
        totals.objects.into(),
        totals.bytes.into(),
        totals.manifest.as_str().into(),
        Utc::now().into(),
        milliseconds.into(),
        reached.into(),
    ];
    claim.held().set(columns, values).make_in(transaction).await
}

async fn move_watermark(
    transaction: &mut Transaction,
    task: &ExportTask,
    claim: &ExportClaim,
    column: &str,
    value: &str,
) -> Result<(), LedgerError> {
    let taken = ["column_name", "reached", "run_id", "set_at"];
    let met = transaction.dialect().on_conflict(&["watermark_key"], &taken);
    let sql = format!(
        "INSERT INTO millrace_watermarks \
             (watermark_key, export_name, column_name, reached, run_id, set_at) \
         VALUES ($1, $2, $3, $4, $5, $6){met}"
    );
    let values: [Value; 6] = [
        claim.key.as_str().into(),
        task.export.as_str().into(),
        column.into(),
        value.into(),
        claim.run.as_str().into(),
        Utc::now().into(),
    ];
    transaction.execute(&sql, &values).await?;
    Ok(())
}
