//! `millrace exports`: the history of exports.

use std::process::ExitCode;

use millrace_ledger::{ExportFilter, ExportRun, RunState};
use serde_json::{Value, json};

use crate::args::{ExportsArgs, Format};
use crate::exit::Usage;
use crate::setup::Setup;
use crate::show;

pub(super) async fn run(args: &ExportsArgs) -> anyhow::Result<ExitCode> {
    let filter = ExportFilter {
        export: args.export.clone(),
        state: args.state.as_deref().map(state).transpose()?,
        limit: Some(args.limit),
    };
    let ledger = Setup::new(&args.output.pipeline)?.ledger_to_read().await?;
    let runs = ledger.export_runs(&filter).await?;
    match args.output.output {
        Format::Json => show::json(&runs.iter().map(as_json).collect::<Vec<_>>())?,
        Format::Table if runs.is_empty() => show::note("no exports yet"),
        Format::Table => table(&runs),
    }
    Ok(ExitCode::SUCCESS)
}

fn state(text: &str) -> anyhow::Result<RunState> {
    text.parse().map_err(|why: String| Usage(why).into())
}

fn table(runs: &[ExportRun]) {
    let headers = ["scheduled", "export", "state", "#rows", "#objects", "#bytes", "where"];
    show::table(&headers, runs.iter().map(row).collect());
}

fn row(run: &ExportRun) -> Vec<String> {
    let number = |count: Option<u64>| count.map(show::number).unwrap_or_default();
    // Where it lies, or why it does not.
    let outcome = run.reason.clone().or_else(|| run.manifest.clone()).unwrap_or_default();
    vec![
        run.scheduled_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        run.export.clone(),
        run.state.to_string(),
        number(run.rows),
        number(run.objects),
        number(run.bytes),
        show::brief(&outcome, 100),
    ]
}

/// A run's stable JSON form, shared with `schedule`.
pub(super) fn as_json(run: &ExportRun) -> Value {
    json!({
        "run": run.run,
        "export": run.export,
        "scheduled_at": run.scheduled_at,
        "parameters": run.parameters,
        "trace_id": run.trace_id,
        "state": run.state.as_str(),
        "attempts": run.fence,
        "watermark": run.watermark,
        "rows": run.rows,
        "objects": run.objects,
        "bytes": run.bytes,
        "manifest": run.manifest,
        "reason": run.reason,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "duration_ms": run.duration.map(|duration| duration.as_millis() as u64),
    })
}
