//! The few that go first: which, and what became of them.

use std::time::Duration;

use anyhow::bail;
use millrace_contract::FileId;
use millrace_ledger::{Failure, FailureFilter, FailureKey, Ledger, WhatBecame};
use tokio::time::{Instant, sleep};

use super::{Line, Outcome};

/// How often the ledger is asked.
const REFRESH: Duration = Duration::from_millis(250);

/// Those that go first.
pub(crate) struct Canaries {
    /// Some of every group, as far as they reach.
    pub(crate) failures: Vec<Failure>,
    /// Failures that are on record of the same files already.
    before: Vec<FailureKey>,
}

impl Canaries {
    /// Chooses `count` of those that are meant.
    ///
    /// # Errors
    /// If the ledger can't be asked.
    pub(crate) async fn choose(
        ledger: &Ledger,
        filter: &FailureFilter,
        count: usize,
    ) -> anyhow::Result<Self> {
        let groups = ledger.failure_groups(filter, count).await?;
        let share = count.div_ceil(groups.len().max(1));
        let mut failures = Vec::with_capacity(count);
        for group in groups {
            let left = share.min(count - failures.len());
            let fingerprint = Some(group.fingerprint);
            let of_group = FailureFilter { fingerprint, ..filter.clone() };
            let limit = u32::try_from(left).unwrap_or(u32::MAX);
            failures.extend(ledger.failures_behind(&of_group, None, limit).await?);
        }
        let mut before = Vec::new();
        for failure in &failures {
            let file: Vec<_> = failure.record.file_id.iter().map(FileId::as_str).collect();
            let known = ledger.failures_after(&failure.key(), &file).await?;
            before.extend(known.iter().map(Failure::key));
        }
        Ok(Self { failures, before })
    }
}

/// Waits until every one that was sent has come to an end. Answers those that failed
/// again.
///
/// # Errors
/// If that takes longer than `limit`.
pub(crate) async fn settle(
    ledger: &Ledger,
    canaries: &Canaries,
    lines: &[Line],
    limit: Duration,
    mut progress: impl FnMut(),
) -> anyhow::Result<Vec<(Line, Failure)>> {
    let deadline = Instant::now() + limit;
    let mut failed = Vec::new();
    for line in lines.iter().filter(|line| line.result == Outcome::Sent) {
        let files: Vec<&FileId> = line.replay_id.iter().chain(&line.file_id).collect();
        loop {
            match ledger.what_became(&line.key, &files, &canaries.before).await? {
                WhatBecame::Well(_) => break,
                WhatBecame::Again(failure) => {
                    failed.push((line.clone(), *failure));
                    break;
                }
                WhatBecame::Waiting if Instant::now() > deadline => bail!(
                    "{} was sent again, but nothing came of it within {limit:?}, so the others were \
                     not sent; `millrace status` shows whether its stage has workers",
                    line.key
                ),
                WhatBecame::Waiting => sleep(REFRESH).await,
            }
        }
        progress();
    }
    Ok(failed)
}
