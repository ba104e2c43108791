//! `millrace derived`: the history of derived datasets.

use std::process::ExitCode;

use millrace_ledger::{DeriveFilter, DeriveRun, RunState};
use serde_json::{Value, json};

use crate::args::{DerivedArgs, Format};
use crate::exit::Usage;
use crate::setup::Setup;
use crate::show;

pub(super) async fn run(args: &DerivedArgs) -> anyhow::Result<ExitCode> {
    let filter = DeriveFilter {
        dataset: args.dataset.clone(),
        state: args.state.as_deref().map(state).transpose()?,
        limit: Some(args.limit),
    };
    let ledger = Setup::new(&args.output.pipeline)?.ledger_to_read().await?;
    let runs = ledger.derive_runs(&filter).await?;
    match args.output.output {
        Format::Json => show::json(&runs.iter().map(as_json).collect::<Vec<_>>())?,
        Format::Table if runs.is_empty() => show::note("nothing was derived yet"),
        Format::Table => table(&runs),
    }
    Ok(ExitCode::SUCCESS)
}

fn state(text: &str) -> anyhow::Result<RunState> {
    text.parse().map_err(|why: String| Usage(why).into())
}

fn table(runs: &[DeriveRun]) {
    let headers = [
        "started", "dataset", "#run", "cause", "state", "#read", "#rows", "#parts", "#written", "",
    ];
    show::table(&headers, runs.iter().map(row).collect());
}

fn row(run: &DeriveRun) -> Vec<String> {
    let number = |count: Option<u64>| count.map(show::number).unwrap_or_default();
    vec![
        run.started_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        run.dataset.clone(),
        show::number(run.number),
        run.cause.clone(),
        run.state.to_string(),
        number(run.rows_read),
        number(run.rows),
        number(run.parts),
        number(run.written),
        show::brief(run.reason.as_deref().unwrap_or_default(), 80),
    ]
}

/// A run's stable JSON form, shared with `schedule`.
pub(super) fn as_json(run: &DeriveRun) -> Value {
    json!({
        "dataset": run.dataset,
        "run": run.number,
        "cause": run.cause,
        "trace_id": run.trace_id,
        "state": run.state.as_str(),
        "rows_read": run.rows_read,
        "rows": run.rows,
        "parts": run.parts,
        "written": run.written,
        "reason": run.reason,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "duration_ms": run.duration.map(|duration| duration.as_millis() as u64),
    })
}
