//! Runs of derived datasets: who may make one, of what, and that each set of
//! inputs is made once.
//!
//! A dataset is claimed for a while, and each claim has a number, its fence:
//! whoever was claimed over can't end the run any more. The inputs are looked at
//! after the claim, and who finds it claimed says so; so nothing that changed goes
//! unseen. The files of a run are registered, and said to be in the lake, in the
//! transaction that marks the run done.

mod claim;
mod history;

use std::time::Duration;

use chrono::Utc;
use millrace_contract::{ContractVersion, DeriveCause, LoadTask};

use crate::entry::Progress;
use crate::progress::transformed;
use crate::register::Arrival;
use crate::together::Entry;
use crate::{Ledger, LedgerError, Registration, RunState, Transaction, Transformed, Value};

use claim::TURNS;
pub use claim::{DeriveClaim, DeriveClaimed, DeriveWish};
pub use history::{DeriveFilter, DeriveRun};

/// A run that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    /// Its number: later runs have greater ones.
    pub number: u64,
    /// The right to end it.
    pub claim: DeriveClaim,
}

/// What a run is made of, and why.
#[derive(Debug, Clone, Copy)]
pub struct DeriveInputs<'a> {
    /// Names the files of all inputs, and the SQL.
    pub inputs: &'a str,
    /// The dataset's contract.
    pub contract: &'a ContractVersion,
    /// Why it is made.
    pub cause: DeriveCause,
    /// Follows the run through the logs.
    pub trace_id: &'a str,
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeriveTotals {
    /// Rows of the files that were read.
    pub rows_read: u64,
    /// Rows of the dataset as it is now.
    pub rows: u64,
    /// Its partitions, 1 where there are none.
    pub parts: u64,
    /// How long it took.
    pub duration: Duration,
    /// What the rows of its partitions come from, as JSON: for the next claim.
    pub origins: Option<String>,
}

impl Ledger {
    /// Begins a run, or begins it again where an attempt at it was cut short; none
    /// if the claim is lost.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn begin_derivation(
        &self,
        claim: &DeriveClaim,
        inputs: &DeriveInputs<'_>,
    ) -> Result<Option<Derivation>, LedgerError> {
        let mut transaction = self.database.begin().await?;
        TURNS.lock(&mut transaction, &claim.dataset).await?;
        if !claim.turn().is_held(&mut transaction).await? {
            transaction.rollback().await?;
            return Ok(None);
        }
        let number = begin(&mut transaction, claim, inputs).await?;
        transaction.commit().await?;
        Ok(Some(Derivation { number, claim: claim.clone() }))
    }

    /// Ends a run: registers what it wrote as files that are in the lake, newer
    /// than those of every earlier run. Answers whether something changed since the
    /// claim; nothing if the claim is lost, and then nothing is changed.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn complete_derivation(
        &self,
        run: &Derivation,
        files: &[LoadTask],
        totals: &DeriveTotals,
    ) -> Result<Option<bool>, LedgerError> {
        let mut transaction = self.database.begin().await?;
        TURNS.lock(&mut transaction, &run.claim.dataset).await?;
        let Some(again) = run.claim.turn().give_back(&mut transaction).await? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        register(&mut transaction, files, totals).await?;
        let sql = "UPDATE millrace_derive_runs SET state = 'done', row_count = $1, \
                       part_count = $2, written = $3, finished_at = $4, duration_ms = $5, \
                       reason = NULL, rows_read = $8 WHERE dataset = $6 AND run_number = $7";
        let values: [Value; 8] = [
            totals.rows.into(),
            totals.parts.into(),
            (files.len() as u64).into(),
            Utc::now().into(),
            u64::try_from(totals.duration.as_millis()).unwrap_or(u64::MAX).into(),
            run.claim.dataset.as_str().into(),
            run.number.into(),
            totals.rows_read.into(),
        ];
        transaction.execute(sql, &values).await?;
        let sql = "UPDATE millrace_derived SET origins = $2 WHERE dataset = $1";
        let values: [Value; 2] =
            [run.claim.dataset.as_str().into(), totals.origins.as_deref().into()];
        transaction.execute(sql, &values).await?;
        transaction.commit().await?;
        Ok(Some(again))
    }

    /// Ends a run that can't be done with these inputs. Answers as
    /// [`Ledger::complete_derivation`] does.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn fail_derivation(
        &self,
        run: &Derivation,
        reason: &str,
    ) -> Result<Option<bool>, LedgerError> {
        let mut transaction = self.database.begin().await?;
        TURNS.lock(&mut transaction, &run.claim.dataset).await?;
        let Some(again) = run.claim.turn().give_back(&mut transaction).await? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        fail(&mut transaction, &run.claim.dataset, run.number, reason).await?;
        transaction.commit().await?;
        Ok(Some(again))
    }

    /// Files of a derived dataset that are in the lake and not yet where they are
    /// loaded, the oldest first, at most some hundred: what is sent again where it
    /// is not known whether it was sent.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote them.
    pub async fn unloaded_files(&self, dataset: &str) -> Result<Vec<LoadTask>, LedgerError> {
        let sql = "SELECT task FROM millrace_files WHERE dataset = $1 AND state = 'transformed' \
                   AND task IS NOT NULL ORDER BY ordinal LIMIT 500";
        let rows = self.database.fetch_all(sql, &[dataset.into()]).await?;
        let read = |task: String| {
            LoadTask::from_message(&task)
                .map_err(|_| LedgerError::unreadable("a load message", &task))
        };
        rows.iter().map(|row| read(row.get("task")?)).collect()
    }
}

/// The number of a run over these inputs: that of the newest if it is over the
/// same and has not ended.
async fn begin(
    transaction: &mut Transaction,
    claim: &DeriveClaim,
    inputs: &DeriveInputs<'_>,
) -> Result<u64, LedgerError> {
    let sql = "SELECT r.run_number, r.inputs, r.state FROM millrace_derived AS d \
               JOIN millrace_derive_runs AS r \
                   ON r.dataset = d.dataset AND r.run_number = d.run_number \
               WHERE d.dataset = $1";
    let dataset: Value = claim.dataset.as_str().into();
    let newest = transaction.fetch_optional(sql, std::slice::from_ref(&dataset)).await?;
    let mut number = 1;
    if let Some(newest) = newest {
        let last = newest.count("run_number")?;
        let is_running = newest.get::<String>("state")? == RunState::Running.as_str();
        if is_running && newest.get::<String>("inputs")? == inputs.inputs {
            restart(transaction, claim, last, inputs).await?;
            return Ok(last);
        }
        if is_running {
            let reason = "it was cut short, and its inputs changed meanwhile";
            fail(transaction, &claim.dataset, last, reason).await?;
        }
        number = last + 1;
    }
    let now = Utc::now();
    let values: [Value; 7] = [
        dataset.clone(),
        number.into(),
        inputs.inputs.into(),
        inputs.contract.as_str().into(),
        inputs.cause.as_str().into(),
        inputs.trace_id.into(),
        now.into(),
    ];
    let sql = "INSERT INTO millrace_derive_runs \
                   (dataset, run_number, inputs, contract, cause, trace_id, started_at, state) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, 'running')";
    transaction.execute(sql, &values).await?;
    let sql = "UPDATE millrace_derived SET run_number = $2, begun_at = $3, due_at = NULL, \
                   due_message = NULL WHERE dataset = $1";
    transaction.execute(sql, &[dataset, number.into(), now.into()]).await?;
    Ok(number)
}

async fn restart(
    transaction: &mut Transaction,
    claim: &DeriveClaim,
    number: u64,
    inputs: &DeriveInputs<'_>,
) -> Result<(), LedgerError> {
    let sql = "UPDATE millrace_derive_runs SET started_at = $3, trace_id = $4, reason = NULL \
               WHERE dataset = $1 AND run_number = $2";
    let values: [Value; 4] =
        [claim.dataset.as_str().into(), number.into(), Utc::now().into(), inputs.trace_id.into()];
    transaction.execute(sql, &values).await?;
    Ok(())
}

async fn fail(
    transaction: &mut Transaction,
    dataset: &str,
    number: u64,
    reason: &str,
) -> Result<(), LedgerError> {
    let sql = "UPDATE millrace_derive_runs SET state = 'failed', reason = $3, finished_at = $4 \
               WHERE dataset = $1 AND run_number = $2 AND state = 'running'";
    let reason = reason.replace('\0', "\u{fffd}");
    let values: [Value; 4] = [dataset.into(), number.into(), reason.into(), Utc::now().into()];
    transaction.execute(sql, &values).await?;
    Ok(())
}

/// Registers files and says that they are in the lake.
async fn register(
    transaction: &mut Transaction,
    files: &[LoadTask],
    totals: &DeriveTotals,
) -> Result<(), LedgerError> {
    let arrivals: Vec<_> = files.iter().map(arrival).collect();
    let arrivals: Vec<&Arrival> = arrivals.iter().collect();
    Arrival::enter_all(&arrivals, transaction).await?;
    let progress: Vec<Progress> = files
        .iter()
        .map(|task| {
            let (rejects, warnings) = (&[], &[]);
            transformed(&Transformed { task, rejects, warnings, duration: totals.duration })
        })
        .collect();
    let progress: Vec<&Progress> = progress.iter().collect();
    for known in Progress::enter_all(&progress, transaction).await? {
        known?;
    }
    Ok(())
}

fn arrival(task: &LoadTask) -> Arrival {
    let file = Registration {
        file_id: task.file_id.clone(),
        dataset: task.dataset.clone(),
        contract: task.contract.clone(),
        object: task.object.clone(),
        captures: task.captures.clone(),
        trace_id: task.trace_id.clone(),
    };
    Arrival { file, published_at: task.published_at }
}
