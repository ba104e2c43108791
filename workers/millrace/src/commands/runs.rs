//! `millrace runs`: the load history.

use std::process::ExitCode;

use millrace_contract::ReplayKind;
use millrace_ledger::{Run, RunFilter};
use serde_json::{Value, json};

use crate::args::{Format, RunsArgs};
use crate::datasets;
use crate::setup::Setup;
use crate::show;

pub(super) async fn run(args: &RunsArgs) -> anyhow::Result<ExitCode> {
    let filter = RunFilter {
        dataset: args.dataset.clone(),
        state: args.state,
        since: args.since,
        limit: Some(args.limit),
    };
    let setup = Setup::new(&args.output.pipeline)?;
    let ledger = setup.ledger_to_read().await?;
    datasets::check(&setup.pipeline, &ledger, args.dataset.as_deref()).await?;
    let runs = ledger.runs(&filter).await?;
    match args.output.output {
        Format::Json => show::json(&runs.iter().map(as_json).collect::<Vec<_>>())?,
        Format::Table if runs.is_empty() => show::note("no files yet"),
        Format::Table => table(&runs),
    }
    Ok(ExitCode::SUCCESS)
}

fn table(runs: &[Run]) {
    let headers =
        ["registered", "dataset", "object", "state", "#read", "#loaded", "#rejected", "reason"];
    show::table(&headers, runs.iter().map(row).collect());
}

fn row(run: &Run) -> Vec<String> {
    vec![
        run.registered_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        run.dataset.clone(),
        run.object.key.clone(),
        run.state.to_string(),
        optional(run.rows_read),
        optional(run.rows_loaded),
        optional(run.rows_rejected),
        show::brief(&remark(run), 80),
    ]
}

/// Why the file is where it is, what it changed in the columns, and what it goes
/// through again.
fn remark(run: &Run) -> String {
    let replayed = run.replay.as_ref().map(|(kind, _)| match kind {
        ReplayKind::Whole => "replay".to_owned(),
        ReplayKind::Rejects => "replay of rejected rows".to_owned(),
    });
    let why = run.reason.clone().into_iter().chain(changes(run));
    replayed.into_iter().chain(why).collect::<Vec<_>>().join("; ")
}

/// What a file changed in the columns of its dataset, for a person.
pub(super) fn changes(run: &Run) -> Vec<String> {
    run.column_changes.iter().map(|change| format!("column {change}")).collect()
}

fn optional(rows: Option<u64>) -> String {
    rows.map(show::number).unwrap_or_default()
}

/// A run's stable JSON form, shared with `trace`.
pub(super) fn as_json(run: &Run) -> Value {
    json!({
        "file_id": run.file_id,
        "dataset": run.dataset,
        "contract": run.contract,
        "bucket": run.object.bucket,
        "key": run.object.key,
        "version_id": run.object.version_id,
        "etag": run.object.etag,
        "sequencer": run.object.sequencer,
        "size": run.object.size,
        "captures": run.captures,
        "trace_id": run.trace_id,
        "state": run.state.as_str(),
        "reason": run.reason,
        "related_file": run.related_file,
        "replay": run.replay.as_ref().map(|(kind, of)| json!({ "rows": kind.as_str(), "of": of })),
        "rows": {
            "read": run.rows_read,
            "written": run.rows_written,
            "rejected": run.rows_rejected,
            "skipped": run.rows_skipped,
            "loaded": run.rows_loaded,
        },
        "column_version": run.column_version,
        "column_changes": run.column_changes,
        "rejects_key": run.rejects_key,
        "registered_at": run.registered_at,
        "transformed_at": run.transformed_at,
        "transform_ms": run.transform_duration.map(|duration| duration.as_millis() as u64),
        "loaded_at": run.loaded_at,
        "load_ms": run.load_duration.map(|duration| duration.as_millis() as u64),
    })
}
