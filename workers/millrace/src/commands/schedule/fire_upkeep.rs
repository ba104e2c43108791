//! `millrace schedule run maintain-…`: sends what a schedule of upkeep would send.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use millrace_contract::{MaintainTask, StageName, Upkeep};
use millrace_ledger::{Ledger, RunState, UpkeepFilter, UpkeepRun};
use millrace_queue::{Outgoing, Queues, Sqs};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::super::maintain::as_json;
use super::{now, unknown};
use crate::args::{Format, ScheduleRunArgs};
use crate::exit::{DEAD_LETTERED, Usage};
use crate::setup::{self, Setup};
use crate::show;

/// How often it is looked whether the run is done.
const LOOK: Duration = Duration::from_millis(500);

/// Runs that are looked through for the one that is waited for.
const RECENT: u32 = 100;

pub(super) async fn run(args: &ScheduleRunArgs, upkeep: Upkeep) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let pipeline = &setup.pipeline;
    if !pipeline.maintain.asked_for().iter().any(|(asked, _)| *asked == upkeep) {
        return Err(unknown(&args.name, pipeline, false).into());
    }
    if !args.parameters.is_empty() {
        return Err(Usage("upkeep takes no parameters".to_owned()).into());
    }
    let scheduled_at = args.at.unwrap_or_else(now);
    let task = MaintainTask { upkeep, scheduled_at, resume: None };
    let name = pipeline.queue_name(StageName::Maintain);
    let queue = Sqs::new(&setup::aws().await).queue(&name).await?;
    for sent in queue.send(&[Outgoing::new(task.to_message())]).await {
        sent?;
    }
    match args.wait {
        true => report(args, &end(&setup.ledger_to_read().await?, &task, args.timeout).await?),
        false => say(args, &task, &name),
    }
}

fn say(args: &ScheduleRunArgs, task: &MaintainTask, queue: &str) -> anyhow::Result<ExitCode> {
    let run = task.run_id();
    match args.output.output {
        Format::Json => show::json(&json!({
            "run": run,
            "upkeep": task.upkeep,
            "scheduled_at": task.scheduled_at,
            "queue": queue,
        }))?,
        Format::Table => show::line(format!("run {run} of {} sent to {queue}", task.upkeep)),
    }
    Ok(ExitCode::SUCCESS)
}

/// The run, once it is done or failed.
async fn end(ledger: &Ledger, task: &MaintainTask, limit: Duration) -> anyhow::Result<UpkeepRun> {
    let (deadline, run) = (Instant::now() + limit, task.run_id());
    let filter = UpkeepFilter { upkeep: Some(task.upkeep), limit: Some(RECENT) };
    loop {
        let found = ledger.upkeep_runs(filter).await?.into_iter().find(|found| found.run == run);
        if let Some(found) = found.filter(|found| found.state != RunState::Running) {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            let seconds = limit.as_secs();
            bail!("after {seconds} s the run is not done; `millrace maintenance` shows it");
        }
        sleep(LOOK).await;
    }
}

fn report(args: &ScheduleRunArgs, run: &UpkeepRun) -> anyhow::Result<ExitCode> {
    match (args.output.output, &run.reason) {
        (Format::Json, _) => show::json(&as_json(run))?,
        (Format::Table, Some(reason)) => show::line(format!("{} failed: {reason}", run.upkeep)),
        (Format::Table, None) => {
            let counted = run.counts.iter().map(|(name, number)| format!("{name} {number}"));
            let counted: Vec<String> = counted.collect();
            show::line(format!("{} is done: {}", run.upkeep, counted.join(", ")));
        }
    }
    let failed = run.state == RunState::Failed;
    Ok(if failed { ExitCode::from(DEAD_LETTERED) } else { ExitCode::SUCCESS })
}
