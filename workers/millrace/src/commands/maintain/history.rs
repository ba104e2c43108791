//! `millrace maintenance`: the history of upkeep.

use std::process::ExitCode;

use millrace_ledger::{UpkeepFilter, UpkeepRun};
use serde_json::{Value, json};

use crate::args::{Format, MaintenanceArgs};
use crate::setup::Setup;
use crate::show;

/// Counts that are no news: what was looked at and is as it should be.
const QUIET: [&str; 4] = ["listed", "known", "young", "unrouted"];

pub(in super::super) async fn run(args: &MaintenanceArgs) -> anyhow::Result<ExitCode> {
    let ledger = Setup::new(&args.output.pipeline)?.ledger_to_read().await?;
    let filter = UpkeepFilter { upkeep: args.upkeep, limit: Some(args.limit) };
    let runs = ledger.upkeep_runs(filter).await?;
    match args.output.output {
        Format::Json => show::json(&runs.iter().map(as_json).collect::<Vec<_>>())?,
        Format::Table if runs.is_empty() => show::note("no upkeep yet"),
        Format::Table => {
            let headers = ["started", "upkeep", "by", "state", "took", "what came of it"];
            show::table(&headers, runs.iter().map(row).collect());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(run: &UpkeepRun) -> Vec<String> {
    let took = run.finished_at.map(|end| (end - run.started_at).num_seconds());
    let took = took.and_then(|seconds| u64::try_from(seconds).ok()).map(show::duration);
    vec![
        run.started_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        run.upkeep.to_string(),
        if run.by_hand { "hand" } else { "schedule" }.to_owned(),
        run.state.to_string(),
        took.unwrap_or_default(),
        show::brief(&outcome(run), 100),
    ]
}

/// Why it failed, or what it counted that is not as it should be.
fn outcome(run: &UpkeepRun) -> String {
    if let Some(reason) = &run.reason {
        return reason.clone();
    }
    let told =
        run.counts.iter().filter(|(name, number)| **number > 0 && !QUIET.contains(&name.as_str()));
    let told: Vec<String> =
        told.map(|(name, number)| format!("{} {name}", show::number(*number))).collect();
    match (told.is_empty(), run.counts.get("listed")) {
        (false, _) => told.join(", "),
        (true, Some(listed)) => format!("nothing in {}", show::count(*listed, "object")),
        (true, None) => "nothing".to_owned(),
    }
}

/// A run's stable JSON form, shared with `schedule`.
pub(in super::super) fn as_json(run: &UpkeepRun) -> Value {
    json!({
        "run": run.run,
        "upkeep": run.upkeep,
        "scheduled_at": run.scheduled_at,
        "by_hand": run.by_hand,
        "state": run.state.as_str(),
        "attempts": run.fence,
        "counts": run.counts,
        "reason": run.reason,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    })
}
