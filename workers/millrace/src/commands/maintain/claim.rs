//! A run of upkeep that somebody gave the command for: on record as the workers' are,
//! and never at the same time as one of them.

use std::future::Future;
use std::time::Duration;

use chrono::Utc;
use millrace_contract::{MaintainTask, Upkeep, UpkeepCounts};
use millrace_ledger::{Ledger, UpkeepClaim, UpkeepClaimed};
use millrace_runtime::claim_lost;

use crate::actor::actor;
use crate::exit::Usage;

/// How long a claim lasts unless it is renewed.
const LEASE: Duration = Duration::from_secs(60);

/// Does upkeep under a claim, which is renewed while it lasts, and puts on record
/// what came of it. With `dry_run` there is nothing to claim or to record.
///
/// # Errors
/// [`Usage`] if the same is under way, or what keeps it from being done.
pub(super) async fn under<T>(
    ledger: &Ledger,
    upkeep: Upkeep,
    dry_run: bool,
    work: impl Future<Output = anyhow::Result<(T, UpkeepCounts)>>,
) -> anyhow::Result<T> {
    if dry_run {
        return Ok(work.await?.0);
    }
    let claim = claim(ledger, upkeep).await?;
    let done = tokio::select! {
        done = work => done,
        () = claim_lost(LEASE, || ledger.renew_upkeep(&claim, LEASE)) => Err(lost(upkeep)),
    };
    match done {
        Ok((done, counts)) => {
            ledger.complete_upkeep(&claim, &counts, None).await?;
            Ok(done)
        }
        Err(error) => {
            ledger.fail_upkeep(&claim, &format!("{error:#}")).await?;
            Err(error)
        }
    }
}

async fn claim(ledger: &Ledger, upkeep: Upkeep) -> anyhow::Result<UpkeepClaim> {
    let task = MaintainTask { upkeep, scheduled_at: Utc::now(), resume: None };
    match ledger.claim_upkeep(&task, true, &actor(), LEASE).await? {
        UpkeepClaimed::Yes(claim) => Ok(claim),
        UpkeepClaimed::Other(run) => {
            let since = run.started_at.format("%Y-%m-%d %H:%M:%S");
            Err(Usage(format!(
                "{upkeep} is under way since {since}; `millrace maintenance` shows it"
            ))
            .into())
        }
        UpkeepClaimed::Done(_) | UpkeepClaimed::Busy => {
            Err(Usage(format!("{upkeep} was begun at this very moment; try again")).into())
        }
    }
}

/// Either somebody took it over, or the history was away for as long as it lasts.
fn lost(upkeep: Upkeep) -> anyhow::Error {
    anyhow::anyhow!(
        "{upkeep} could not be kept from others, who may do it by now; `millrace maintenance` \
         shows it"
    )
}
