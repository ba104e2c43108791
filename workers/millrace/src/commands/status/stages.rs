//! What is known of each stage: its workers from ECS, its queue from SQS, its
//! pace and its oldest file from the ledger.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millrace_ledger::{Ledger, OldestFile, StagePace};
use millrace_pipeline::{Plan, PlannedQueue, PlannedService};
use millrace_queue::{Depth, Queues, Sqs};
use millrace_services::{ServiceState, Services};

use crate::show;

/// What a stage's pace is reckoned from.
const LATELY: TimeDelta = TimeDelta::minutes(5);

/// How long ECS may take: what else there is shall be shown without it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A stage.
pub(super) struct StageStatus {
    pub(super) queue: PlannedQueue,
    /// Name of the service.
    pub(super) service: String,
    /// None where there is no such service, or ECS did not say.
    pub(super) workers: Option<ServiceState>,
    pub(super) depth: Depth,
    pub(super) dead_letters: u64,
    /// None while it does nothing.
    pub(super) pace: Option<StagePace>,
    /// How long the oldest file has waited; not known of ingest, whose files are
    /// not in the ledger yet.
    pub(super) oldest: Option<Duration>,
}

impl StageStatus {
    /// Messages that are not done.
    pub(super) fn backlog(&self) -> u64 {
        self.depth.total()
    }

    /// Files done in a minute.
    pub(super) fn files_per_minute(&self) -> f64 {
        self.pace.map_or(0.0, |pace| per_minute(pace.files, pace.window))
    }

    /// Rows read or loaded in a minute.
    pub(super) fn rows_per_minute(&self) -> f64 {
        self.pace.map_or(0.0, |pace| per_minute(pace.rows, pace.window))
    }

    /// Seconds until the backlog is done at this pace: none if it does not move.
    pub(super) fn seconds_to_drain(&self) -> Option<u64> {
        let (backlog, pace) = (self.backlog(), self.files_per_minute());
        match backlog {
            0 => Some(0),
            _ if pace <= 0.0 => None,
            backlog => Some((backlog as f64 / pace * 60.0).ceil() as u64),
        }
    }
}

fn per_minute(count: u64, window: Duration) -> f64 {
    count as f64 * 60.0 / window.as_secs_f64().max(1.0)
}

/// Asks of all stages.
pub(super) async fn ask(
    plan: &Plan,
    queues: &Sqs,
    services: &Services,
    ledger: &Ledger,
) -> anyhow::Result<Vec<StageStatus>> {
    let now = Utc::now();
    let workers = workers(plan, services).await;
    let paces = ledger.pace(now - LATELY, now).await?;
    let oldest = ledger.oldest_waiting().await?;
    let mut stages = Vec::new();
    for queue in &plan.queues {
        let service = plan.services.iter().find(|service| service.stage == queue.stage);
        let service = service.map(|service| service.name.clone()).unwrap_or_default();
        let dead_letters = queues.queue(&queue.dead_letter_queue).await?.depth().await?.total();
        stages.push(StageStatus {
            workers: workers.iter().find(|found| found.name == service).cloned(),
            service,
            depth: queues.queue(&queue.name).await?.depth().await?,
            dead_letters,
            pace: paces.iter().find(|pace| pace.stage == queue.stage).copied(),
            oldest: age(&oldest, queue, now),
            queue: queue.clone(),
        });
    }
    Ok(stages)
}

fn age(oldest: &[OldestFile], queue: &PlannedQueue, now: DateTime<Utc>) -> Option<Duration> {
    let oldest = oldest.iter().find(|oldest| oldest.stage == queue.stage)?;
    Some((now - oldest.since).to_std().unwrap_or_default())
}

/// The services that are there. Status is asked for in trouble, and with few
/// permissions: what can't be known is left out, with a word on it.
async fn workers(plan: &Plan, services: &Services) -> Vec<ServiceState> {
    let name = |service: &PlannedService| service.name.clone();
    let names: Vec<String> = plan.services.iter().map(name).collect();
    match tokio::time::timeout(PATIENCE, services.describe(&names)).await {
        Ok(Ok(found)) => found.into_iter().flatten().collect(),
        Ok(Err(error)) => {
            show::note(format!("the workers are not known: {error}"));
            Vec::new()
        }
        Err(_) => {
            show::note("the workers are not known: ECS gave no answer");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use millrace_contract::StageName;
    use millrace_pipeline::Pipeline;

    use super::*;

    const EXAMPLE: &str = include_str!("../../../../../examples/finance/millrace.toml");

    fn stage(backlog: u64, files: u64) -> StageStatus {
        let plan = Pipeline::parse(EXAMPLE).expect("a valid example").plan();
        let window = Duration::from_secs(120);
        StageStatus {
            queue: plan.queues[1].clone(),
            service: plan.services[1].name.clone(),
            workers: None,
            depth: Depth { visible: backlog, in_flight: 0, delayed: 0 },
            dead_letters: 0,
            pace: (files > 0).then_some(StagePace {
                stage: StageName::Transform,
                files,
                rows: files * 10,
                window,
            }),
            oldest: None,
        }
    }

    #[test]
    fn time_to_drain_follows_from_backlog_and_pace() {
        assert_eq!(stage(0, 0).seconds_to_drain(), Some(0));
        assert_eq!(stage(5, 0).seconds_to_drain(), None, "nothing moves");
        let busy = stage(90, 60);
        assert_eq!(busy.files_per_minute(), 30.0);
        assert_eq!(busy.rows_per_minute(), 300.0);
        assert_eq!(busy.seconds_to_drain(), Some(180));
    }
}
