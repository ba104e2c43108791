//! `millrace schedule run`: sends what a schedule would send.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use chrono::{SubsecRound, Utc};
use millrace_contract::{ExportTask, StageName};
use millrace_ledger::{ExportFilter, ExportRun, ExportState, Ledger};
use millrace_queue::{Outgoing, Queues, Sqs};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::super::exports::as_json;
use super::unknown;
use crate::args::{Format, ScheduleRunArgs};
use crate::exit::DEAD_LETTERED;
use crate::setup::{self, Setup};
use crate::show;

/// How often it is looked whether the run is done.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn run(args: &ScheduleRunArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let pipeline = &setup.pipeline;
    if pipeline.export(&args.name).is_none() {
        return Err(unknown(&args.name, pipeline, false).into());
    }
    let task = ExportTask {
        export: args.name.clone(),
        scheduled_at: args.at.unwrap_or_else(|| Utc::now().trunc_subsecs(0)),
        parameters: args.parameters.iter().cloned().collect(),
    };
    let name = pipeline.queue_name(StageName::Export);
    let queue = Sqs::new(&setup::aws().await).queue(&name).await?;
    for sent in queue.send(&[Outgoing::new(task.to_message())]).await {
        sent?;
    }
    if !args.wait {
        return say(args, &task, &name);
    }
    let ledger = setup.ledger_to_read().await?;
    let run = wait(&ledger, &task, args.timeout).await?;
    report(args, &run)
}

fn say(args: &ScheduleRunArgs, task: &ExportTask, queue: &str) -> anyhow::Result<ExitCode> {
    let run = task.run_id();
    match args.output.output {
        Format::Json => show::json(&json!({
            "run": run,
            "export": task.export,
            "scheduled_at": task.scheduled_at,
            "parameters": task.parameters,
            "queue": queue,
        }))?,
        Format::Table => show::line(format!("run {run} of {} sent to {queue}", task.export)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits until the run is done or failed.
async fn wait(ledger: &Ledger, task: &ExportTask, limit: Duration) -> anyhow::Result<ExportRun> {
    let deadline = Instant::now() + limit;
    let run = task.run_id();
    let filter = ExportFilter { export: Some(task.export.clone()), ..ExportFilter::default() };
    let before =
        find(ledger, &filter, &run).await?.filter(|before| before.state == ExportState::Failed);
    loop {
        let found = find(ledger, &filter, &run).await?;
        if let Some(found) = found
            && found.state != ExportState::Running
            && before.as_ref() != Some(&found)
        {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("after {} s the run is not done; `millrace exports` shows it", limit.as_secs());
        }
        sleep(LOOK).await;
    }
}

async fn find(
    ledger: &Ledger,
    filter: &ExportFilter,
    run: &millrace_contract::ExportRunId,
) -> anyhow::Result<Option<ExportRun>> {
    let runs = ledger.export_runs(filter).await?;
    Ok(runs.into_iter().find(|found| found.run == *run))
}

fn report(args: &ScheduleRunArgs, run: &ExportRun) -> anyhow::Result<ExitCode> {
    let failed = run.state == ExportState::Failed;
    match args.output.output {
        Format::Json => show::json(&as_json(run))?,
        Format::Table => {
            let rows = show::count(run.rows.unwrap_or_default(), "row");
            match &run.reason {
                Some(reason) if failed => show::line(format!("{} failed: {reason}", run.export)),
                Some(_) | None => {
                    let manifest = run.manifest.as_deref().unwrap_or_default();
                    show::line(format!("{}: {rows}, {manifest}", run.export));
                }
            }
        }
    }
    Ok(if failed { ExitCode::from(DEAD_LETTERED) } else { ExitCode::SUCCESS })
}
