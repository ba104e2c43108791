//! `millrace schedule run`: sends what a schedule would send.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use chrono::{SubsecRound, Utc};
use millrace_contract::{DeriveTask, ExportRunId, ExportTask, StageName};
use millrace_ledger::{ExportFilter, ExportRun, ExportState, Ledger};
use millrace_pipeline::Pipeline;
use millrace_queue::{Outgoing, Queues, Sqs};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::super::exports::as_json;
use super::unknown;
use crate::args::{Format, ScheduleRunArgs};
use crate::exit::{DEAD_LETTERED, Usage};
use crate::setup::{self, Setup};
use crate::show;

/// How often it is looked whether the run is done.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn run(args: &ScheduleRunArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let pipeline = &setup.pipeline;
    if pipeline.export(&args.name).is_none() {
        if pipeline.derived(&args.name).is_some() {
            return derive(args, pipeline).await;
        }
        return Err(unknown(&args.name, pipeline, false).into());
    }
    let task = ExportTask {
        export: args.name.clone(),
        scheduled_at: args.at.unwrap_or_else(|| Utc::now().trunc_subsecs(0)),
        parameters: args.parameters.iter().cloned().collect(),
    };
    // A run that failed before is not what is waited for.
    let waiting = match args.wait {
        true => Some(Waiting::begin(setup.ledger_to_read().await?, &task).await?),
        false => None,
    };
    let name = pipeline.queue_name(StageName::Export);
    send(&name, &task.to_message()).await?;
    match waiting {
        Some(waiting) => report(args, &waiting.end(args.timeout).await?),
        None => say(args, &task, &name),
    }
}

/// Has a derived dataset made again, if it is made of something else by now.
async fn derive(args: &ScheduleRunArgs, pipeline: &Pipeline) -> anyhow::Result<ExitCode> {
    if args.wait || args.at.is_some() || !args.parameters.is_empty() {
        let what = "`--wait`, `--at` and `--param` are for exports";
        let why = "a derived dataset is made of what there is now";
        return Err(Usage(format!("{what}: {why}; `millrace derived` shows its runs")).into());
    }
    let name = pipeline.queue_name(StageName::Derive);
    send(&name, &DeriveTask::asked(&args.name).to_message()).await?;
    match args.output.output {
        Format::Json => show::json(&json!({ "derived": args.name, "queue": name }))?,
        Format::Table => show::line(format!("{} sent to {name}", args.name)),
    }
    Ok(ExitCode::SUCCESS)
}

async fn send(queue: &str, message: &str) -> anyhow::Result<()> {
    let queue = Sqs::new(&setup::aws().await).queue(queue).await?;
    for sent in queue.send(&[Outgoing::new(message)]).await {
        sent?;
    }
    Ok(())
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

/// Waiting for the end of a run.
struct Waiting {
    ledger: Ledger,
    run: ExportRunId,
    filter: ExportFilter,
    /// How it had failed before, if it had.
    before: Option<ExportRun>,
}

impl Waiting {
    async fn begin(ledger: Ledger, task: &ExportTask) -> anyhow::Result<Self> {
        let filter = ExportFilter { export: Some(task.export.clone()), ..ExportFilter::default() };
        let mut waiting = Self { ledger, run: task.run_id(), filter, before: None };
        let before = waiting.find().await?;
        waiting.before = before.filter(|before| before.state == ExportState::Failed);
        Ok(waiting)
    }

    async fn find(&self) -> anyhow::Result<Option<ExportRun>> {
        let runs = self.ledger.export_runs(&self.filter).await?;
        Ok(runs.into_iter().find(|found| found.run == self.run))
    }

    /// The run, once it is done or failed.
    async fn end(self, limit: Duration) -> anyhow::Result<ExportRun> {
        let deadline = Instant::now() + limit;
        loop {
            let found = self.find().await?.filter(|found| found.state != ExportState::Running);
            if let Some(found) = found
                && self.before.as_ref() != Some(&found)
            {
                return Ok(found);
            }
            if Instant::now() >= deadline {
                let seconds = limit.as_secs();
                bail!("after {seconds} s the run is not done; `millrace exports` shows it");
            }
            sleep(LOOK).await;
        }
    }
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
