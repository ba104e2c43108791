//! `millrace schedule run`: sends what a schedule would send.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use millrace_contract::{DeriveTask, StageName};
use millrace_ledger::Ledger;
use millrace_pipeline::Pipeline;
use millrace_queue::{Outgoing, Queues, Sqs};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::runs::{Run, Task};
use super::{now, unknown};
use crate::args::{Format, ScheduleRunArgs};
use crate::exit::{DEAD_LETTERED, Usage};
use crate::setup::{self, Setup};
use crate::show;

/// How often it is looked whether the run is done.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn run(args: &ScheduleRunArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let pipeline = &setup.pipeline;
    let at = args.at.unwrap_or_else(now);
    let parameters = args.parameters.iter().cloned().collect();
    let Some(task) = Task::of(pipeline, &args.name, at, parameters) else {
        if pipeline.derived(&args.name).is_some() {
            return derive(args, pipeline).await;
        }
        return Err(unknown(&args.name, pipeline, false).into());
    };
    // A run that failed before is not what is waited for.
    let waiting = match args.wait {
        true => Some(Waiting::begin(setup.ledger_to_read().await?, &task).await?),
        false => None,
    };
    let name = pipeline.queue_name(task.stage());
    send(&name, &task.to_message()).await?;
    match waiting {
        Some(waiting) => report(args, &waiting.end(args.timeout).await?),
        None => say(args, &task, &name),
    }
}

/// Has a derived dataset made again, if it is made of something else by now.
async fn derive(args: &ScheduleRunArgs, pipeline: &Pipeline) -> anyhow::Result<ExitCode> {
    if args.wait || args.at.is_some() || !args.parameters.is_empty() {
        let what = "`--wait`, `--at` and `--param` are for exports and reports";
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

fn say(args: &ScheduleRunArgs, task: &Task, queue: &str) -> anyhow::Result<ExitCode> {
    let (run, name) = task.run();
    match args.output.output {
        Format::Json => {
            let mut said = json!({
                "run": run,
                "scheduled_at": task.scheduled_at(),
                "parameters": task.parameters(),
                "queue": queue,
            });
            said[task.stage().as_str()] = json!(name);
            show::json(&said)?;
        }
        Format::Table => show::line(format!("run {run} of {name} sent to {queue}")),
    }
    Ok(ExitCode::SUCCESS)
}

/// Waiting for the end of a run.
struct Waiting {
    ledger: Ledger,
    task: Task,
    /// How it had failed before, if it had.
    before: Option<Run>,
}

impl Waiting {
    async fn begin(ledger: Ledger, task: &Task) -> anyhow::Result<Self> {
        let before = task.find(&ledger).await?.filter(Run::is_failed);
        Ok(Self { ledger, task: task.clone(), before })
    }

    /// The run, once it is done or failed.
    async fn end(self, limit: Duration) -> anyhow::Result<Run> {
        let deadline = Instant::now() + limit;
        loop {
            let found = self.task.find(&self.ledger).await?.filter(Run::is_over);
            if let Some(found) = found
                && self.before.as_ref() != Some(&found)
            {
                return Ok(found);
            }
            if Instant::now() >= deadline {
                let shows = match self.task {
                    Task::Export(_) => "exports",
                    Task::Report(_) => "report",
                };
                let seconds = limit.as_secs();
                bail!("after {seconds} s the run is not done; `millrace {shows}` shows it");
            }
            sleep(LOOK).await;
        }
    }
}

fn report(args: &ScheduleRunArgs, run: &Run) -> anyhow::Result<ExitCode> {
    match args.output.output {
        Format::Json => show::json(&run.as_json())?,
        Format::Table => show::line(run.outcome()),
    }
    Ok(if run.is_failed() { ExitCode::from(DEAD_LETTERED) } else { ExitCode::SUCCESS })
}
