//! Runs of upkeep: each is done once for its time, by one worker at a time, and
//! leaves what it counted.
//!
//! A run is claimed for a while, and each claim has a number, its fence: whoever was
//! claimed over can't end the run any more. Nothing that upkeep does rests on the
//! claim; it spares doing it twice at once.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millrace_contract::{AlertKind, MaintainTask, Occurrence, StageName, Upkeep, UpkeepCounts};

use crate::announce::write_alert;
use crate::{Ledger, LedgerError, Row, Transaction, Value};

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpkeepState {
    /// Somebody is at it, or was.
    Running,
    /// It came to its end.
    Done,
    /// Dead-lettered.
    Failed,
}

impl UpkeepState {
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

impl fmt::Display for UpkeepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for UpkeepState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is not a state; the states are {names}")
        })
    }
}

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
    pub state: UpkeepState,
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
            Some(known) if known.state == UpkeepState::Done => {
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
        let sql = "UPDATE millrace_upkeep SET claimed_until = $1 \
                   WHERE run_id = $2 AND fence = $3 AND state = 'running'";
        let values: [Value; 3] =
            [until(lease).into(), claim.run.as_str().into(), claim.fence.into()];
        Ok(self.database.execute(sql, &values).await? > 0)
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
        let sql = "UPDATE millrace_upkeep SET claimed_until = $1, counts = COALESCE($2, counts) \
                   WHERE run_id = $3 AND fence = $4 AND state = 'running'";
        let values: [Value; 4] =
            [Utc::now().into(), counts.into(), claim.run.as_str().into(), claim.fence.into()];
        self.database.execute(sql, &values).await?;
        Ok(())
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
        let sql = "UPDATE millrace_upkeep SET state = 'done', counts = $1, finished_at = $2, \
                       claimed_until = $2 WHERE run_id = $3 AND fence = $4 AND state = 'running'";
        let values: [Value; 4] = [
            serde_json::json!(counts).to_string().into(),
            now.into(),
            claim.run.as_str().into(),
            claim.fence.into(),
        ];
        let done = transaction.execute(sql, &values).await? > 0;
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
        let sql = "UPDATE millrace_upkeep SET state = 'failed', reason = $1, finished_at = $2, \
                       claimed_until = $2 WHERE run_id = $3 AND fence = $4 AND state = 'running'";
        let values: [Value; 4] = [
            reason.replace('\0', "\u{fffd}").into(),
            Utc::now().into(),
            claim.run.as_str().into(),
            claim.fence.into(),
        ];
        self.database.execute(sql, &values).await?;
        Ok(())
    }

    /// Runs of upkeep, the newest first.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote them.
    pub async fn upkeep_runs(&self, filter: UpkeepFilter) -> Result<Vec<UpkeepRun>, LedgerError> {
        let limit = i64::from(filter.limit.unwrap_or(u32::MAX));
        let mut values: Vec<Value> = vec![limit.into()];
        let mut condition = "";
        if let Some(upkeep) = filter.upkeep {
            values.push(upkeep.as_str().into());
            condition = "WHERE upkeep = $2";
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM millrace_upkeep {condition} \
             ORDER BY started_at DESC, run_id LIMIT $1"
        );
        self.database.fetch_all(&sql, &values).await?.iter().map(read).collect()
    }
}

fn until(lease: Duration) -> DateTime<Utc> {
    let lease = TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX);
    Utc::now().checked_add_signed(lease).unwrap_or(DateTime::<Utc>::MAX_UTC)
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
    let (upkeep, state): (String, String) = (row.get("upkeep")?, row.get("state")?);
    let counts: String = row.get("counts")?;
    Ok(UpkeepRun {
        run: row.get("run_id")?,
        upkeep: upkeep.parse().map_err(|_| LedgerError::unreadable("an upkeep", &upkeep))?,
        scheduled_at: row.get("scheduled_at")?,
        by_hand: row.count("by_hand")? > 0,
        state: state.parse().map_err(|_| LedgerError::unreadable("a run's state", &state))?,
        fence: row.get("fence")?,
        counts: serde_json::from_str(&counts)
            .map_err(|_| LedgerError::unreadable("counts", &counts))?,
        reason: row.get("reason")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
    })
}
