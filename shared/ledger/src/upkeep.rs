//! Runs of upkeep: each is done once for its time, by one worker at a time, and
//! leaves what it counted.
//!
//! A run is claimed for a while, and each claim has a number, its fence: whoever was
//! claimed over can't end the run any more. Nothing that upkeep does rests on the
//! claim; it spares doing it twice at once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::{AlertKind, MaintainTask, Occurrence, StageName, Upkeep, UpkeepCounts};

use crate::announce::write_alert;
use crate::claim::{Held, until};
use crate::narrowed::Narrowed;
use crate::{Ledger, LedgerError, Row, RunState, Transaction, Value};

/// A run of upkeep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpkeepRun {
    /// The run.
    pub run: String,
    /// Which upkeep.
    pub upkeep: Upkeep,
    /// The time it is for.
    pub scheduled_at: DateTime<Utc>,
    /// Whether somebody gave the command for it.
    pub by_hand: bool,
    /// How far it has come.
    pub state: RunState,
    /// How often it was claimed.
    pub fence: i64,
    /// What it counted, by name.
    pub counts: UpkeepCounts,
    /// Why it failed.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it was done or failed.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which runs to show.
#[derive(Debug, Clone, Copy, Default)]
pub struct UpkeepFilter {
    /// Of one kind.
    pub upkeep: Option<Upkeep>,
    /// At most this many; all without it.
    pub limit: Option<u32>,
}

/// The right to work at a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpkeepClaim {
    /// The run.
    pub run: String,
    /// The claim's number.
    pub fence: i64,
}

impl UpkeepClaim {
    fn held(&self) -> Held<'_> {
        Held { table: "millrace_upkeep", run: &self.run, fence: self.fence }
    }
}

/// Whether somebody may work at a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpkeepClaimed {
    /// They may.
    Yes(UpkeepClaim),
    /// The run was done before.
    Done(Box<UpkeepRun>),
    /// Somebody else is at it.
    Busy,
    /// Somebody else is at another run of this kind.
    Other(Box<UpkeepRun>),
}

const COLUMNS: &str = "run_id, upkeep, scheduled_at, by_hand, state, fence, counts, reason, \
                       started_at, finished_at";

impl Ledger {
    /// Claims a run for `lease`, unless it was done before or somebody else is at it
    /// or at another run of its kind.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn claim_upkeep(
        &self,
        task: &MaintainTask,
        by_hand: bool,
        trace_id: &str,
        lease: Duration,
    ) -> Result<UpkeepClaimed, LedgerError> {
        let (run, now) = (task.run_id(), Utc::now());
        let mut transaction = self.database.begin().await?;
        transaction.lock(&["upkeep", task.upkeep.as_str()]).await?;
        let known = find(&mut transaction, &run).await?;
        let refused = match &known {
            Some(known) if known.state == RunState::Done => {
                Some(UpkeepClaimed::Done(Box::new(known.clone())))
            }
            Some(_) | None => busy(&mut transaction, task.upkeep, &run, now).await?,
        };
        if let Some(refused) = refused {
            transaction.rollback().await?;
            return Ok(refused);
        }
        let fence = known.as_ref().map_or(1, |known| known.fence + 1);
        let (by_hand, until) = (i64::from(by_hand), until(lease));
        if known.is_some() {
            let sql = "UPDATE millrace_upkeep SET state = 'running', fence = $2, \
                           claimed_until = $3, finished_at = NULL, reason = NULL \
                       WHERE run_id = $1";
            let values: [Value; 3] = [run.as_str().into(), fence.into(), until.into()];
            transaction.execute(sql, &values).await?;
        } else {
            let sql = "INSERT INTO millrace_upkeep (run_id, upkeep, scheduled_at, by_hand, \
                           trace_id, state, fence, claimed_until, counts, started_at) \
                       VALUES ($1, $2, $3, $4, $5, 'running', $6, $7, '{}', $8)";
            let values: [Value; 8] = [
                run.as_str().into(),
                task.upkeep.as_str().into(),
                task.scheduled_at.into(),
                by_hand.into(),
                trace_id.into(),
                fence.into(),
                until.into(),
                now.into(),
            ];
            transaction.execute(sql, &values).await?;
        }
        transaction.commit().await?;
        Ok(UpkeepClaimed::Yes(UpkeepClaim { run, fence }))
    }

    /// Keeps a claim for longer; false if it is lost.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn renew_upkeep(
        &self,
        claim: &UpkeepClaim,
        lease: Duration,
    ) -> Result<bool, LedgerError> {
        claim.held().renewed(lease).make(&self.database).await
    }

    /// Gives a claim back, with what was counted so far: the run goes on by another
    /// message or attempt.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn release_upkeep(
        &self,
        claim: &UpkeepClaim,
        counts: Option<&UpkeepCounts>,
    ) -> Result<(), LedgerError> {
        let counts = counts.map(|counts| serde_json::json!(counts).to_string());
        let columns = "claimed_until = $1, counts = COALESCE($2, counts)";
        let released = claim.held().set(columns, [Utc::now().into(), counts.into()]);
        released.make(&self.database).await.map(drop)
    }

    /// Marks a run as done, with what it counted, and writes down `told`, if it is
    /// wanted, in the same transaction; false if the claim is lost.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn complete_upkeep(
        &self,
        claim: &UpkeepClaim,
        counts: &UpkeepCounts,
        told: Option<&str>,
    ) -> Result<bool, LedgerError> {
        let now = Utc::now();
        let mut transaction = self.database.begin().await?;
        let columns = "state = 'done', counts = $1, finished_at = $2";
        let values = [serde_json::json!(counts).to_string().into(), now.into()];
        let done = claim.held().set(columns, values).make_in(&mut transaction).await?;
        if let Some(told) = told.filter(|_| done && self.alerts_about(AlertKind::LostEvents)) {
            let mut occurrence = Occurrence::new(AlertKind::LostEvents, now, told);
            occurrence.stage = Some(StageName::Maintain);
            write_alert(&mut transaction, &occurrence).await?;
        }
        transaction.commit().await?;
        self.nudge();
        Ok(done)
    }

    /// Marks a run as failed for good: nothing but a person starts it again.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn fail_upkeep(&self, claim: &UpkeepClaim, reason: &str) -> Result<(), LedgerError> {
        claim.held().failed(reason).make(&self.database).await.map(drop)
    }

    /// Runs of upkeep, the newest first.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote them.
    pub async fn upkeep_runs(&self, filter: UpkeepFilter) -> Result<Vec<UpkeepRun>, LedgerError> {
        let mut wanted = Narrowed::default();
        wanted.by("upkeep =", filter.upkeep.map(Upkeep::as_str));
        let limit = wanted.limit(filter.limit);
        let sql = format!(
            "SELECT {COLUMNS} FROM millrace_upkeep WHERE {wanted} \
             ORDER BY started_at DESC, run_id LIMIT {limit}"
        );
        self.database.fetch_all(&sql, wanted.values()).await?.iter().map(read).collect()
    }
}

async fn find(transaction: &mut Transaction, run: &str) -> Result<Option<UpkeepRun>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM millrace_upkeep WHERE run_id = $1");
    let row = transaction.fetch_optional(&sql, &[run.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// Who is in the way of a run.
async fn busy(
    transaction: &mut Transaction,
    upkeep: Upkeep,
    run: &str,
    now: DateTime<Utc>,
) -> Result<Option<UpkeepClaimed>, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM millrace_upkeep \
         WHERE upkeep = $1 AND state = 'running' AND claimed_until > $2"
    );
    let values: [Value; 2] = [upkeep.as_str().into(), now.into()];
    let rows = transaction.fetch_all(&sql, &values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let other = read(row)?;
    Ok(Some(match other.run == run {
        true => UpkeepClaimed::Busy,
        false => UpkeepClaimed::Other(Box::new(other)),
    }))
}

fn read(row: &Row) -> Result<UpkeepRun, LedgerError> {
    let (upkeep, counts): (String, String) = (row.get("upkeep")?, row.get("counts")?);
    Ok(UpkeepRun {
        run: row.get("run_id")?,
        upkeep: upkeep.parse().map_err(|_| LedgerError::unreadable("an upkeep", &upkeep))?,
        scheduled_at: row.get("scheduled_at")?,
        by_hand: row.count("by_hand")? > 0,
        state: RunState::of(row)?,
        fence: row.get("fence")?,
        counts: serde_json::from_str(&counts)
            .map_err(|_| LedgerError::unreadable("counts", &counts))?,
        reason: row.get("reason")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
    })
}
