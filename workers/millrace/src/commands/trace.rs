//! `millrace trace`: one key through every hop, version by version.

use std::collections::HashMap;
use std::process::ExitCode;

use millrace_contract::{DERIVED_SCHEME, FileId, ReplayKind};
use millrace_ledger::loads::{self, CommittedLoad};
use millrace_ledger::{FileState, FileTrace, HopRecord, ObjectTrace};
use serde_json::{Value, json};

use super::runs::{as_json, changes};
use crate::args::{Format, TraceArgs};
use crate::exit::{FAILED, Usage};
use crate::setup::Setup;
use crate::show::{self, Style};

/// What was committed of each file.
type Loads = HashMap<FileId, Vec<CommittedLoad>>;

pub(super) async fn run(args: &TraceArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let lake = &setup.pipeline.lake;
    let is_derived = args.object.starts_with(DERIVED_SCHEME);
    let bucket = if is_derived { &lake.curated } else { &lake.raw };
    let (bucket, key) = locate(&args.object, bucket)?;
    let trace = setup.ledger_to_read().await?.trace(bucket, key).await?;
    let loads = committed(&setup, &trace).await;
    match args.output.output {
        Format::Json => show::json(&trace_json(bucket, key, &trace, &loads))?,
        Format::Table => print(bucket, key, &trace, &loads),
    }
    let known = !trace.versions.is_empty() || trace.unrouted.is_some();
    Ok(if known { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// What was committed of every version, by file. Where the warehouse does not
/// answer, the ledger's own facts have to do.
async fn committed(setup: &Setup, trace: &ObjectTrace) -> Loads {
    let look = async {
        let warehouse = setup.warehouse_to_read().await?;
        let mut committed = Loads::new();
        for FileTrace { run, .. } in &trace.versions {
            if run.state == FileState::Loaded && run.rows_loaded.is_some() {
                let loads = loads::of_file(&warehouse, &run.file_id).await?;
                committed.insert(run.file_id.clone(), loads);
            }
        }
        anyhow::Ok(committed)
    };
    look.await.unwrap_or_else(|error| {
        show::note(format!(
            "the tables are not shown, since the warehouse does not answer: {error}"
        ));
        Loads::new()
    })
}

pub(super) fn locate<'a>(object: &'a str, raw: &'a str) -> anyhow::Result<(&'a str, &'a str)> {
    match object.strip_prefix("s3://") {
        None => Ok((raw, object)),
        Some(path) => path.split_once('/').filter(|(_, key)| !key.is_empty()).ok_or_else(|| {
            Usage(format!("`{object}` names no object; write s3://bucket/key")).into()
        }),
    }
}

fn print(bucket: &str, key: &str, trace: &ObjectTrace, loads: &Loads) {
    if let Some(reason) = &trace.unrouted {
        show::line(format!("s3://{bucket}/{key} was skipped: {reason}"));
    } else if trace.versions.is_empty() {
        show::note(format!("nothing is known of s3://{bucket}/{key}; was it published?"));
    }
    for version in &trace.versions {
        print_version(version, loads.get(&version.run.file_id).map_or(&[], Vec::as_slice));
    }
}

fn print_version(FileTrace { run, hops }: &FileTrace, loads: &[CommittedLoad]) {
    show::line(format!("{} {}", show::styled(run.object.url(), Style::Bold), run.state));
    let mut facts = vec![
        ("dataset", format!("{} (contract {})", run.dataset, run.contract)),
        ("version", run.object.revision().to_owned()),
        ("file id", run.file_id.to_string()),
        ("trace id", run.trace_id.clone()),
    ];
    if let Some(reason) = &run.reason {
        facts.push(("reason", reason.clone()));
    }
    if let Some(read) = run.rows_read {
        let rows = |rows: Option<u64>| show::number(rows.unwrap_or_default());
        let left_out = run.rows_rejected.unwrap_or_default() + run.rows_skipped.unwrap_or_default();
        let good = read.saturating_sub(left_out);
        let with_sql = run.rows_written.is_some_and(|written| written != good);
        let balance = format!(
            "{} read = {} {} + {} rejected + {} skipped{}",
            show::number(read),
            show::number(good),
            if with_sql { "taken by sql" } else { "written" },
            rows(run.rows_rejected),
            rows(run.rows_skipped),
            if with_sql {
                format!("; {} made and written", rows(run.rows_written))
            } else {
                String::new()
            },
        );
        facts.push(("balance", balance));
    }
    if let Some(rows) = run.rows_loaded {
        facts.push(("loaded", show::count(rows, "row")));
    }
    facts.extend(loads.iter().map(|load| ("table", lineage(load))));
    if let Some((kind, of)) = &run.replay {
        facts.push((
            "replay",
            format!(
                "of {of}, {} rows",
                match kind {
                    ReplayKind::Whole => "all",
                    ReplayKind::Rejects => "rejected",
                }
            ),
        ));
    }
    if let Some(version) = run.column_version {
        facts.push(("columns", format!("version {version}")));
    }
    facts.extend(changes(run).into_iter().map(|change| ("changed", change)));
    if let Some(key) = &run.rejects_key {
        facts.push(("rejects", key.clone()));
    }
    for (name, value) in facts {
        show::line(format!("  {} {value}", show::styled(format_args!("{name:<9}"), Style::Faint)));
    }
    if !hops.is_empty() {
        show::line("");
        show::table(
            &["started", "stage", "#attempt", "outcome", "#took", "detail"],
            hops.iter().map(hop_row).collect(),
        );
    }
    show::line("");
}

/// Where the rows of a load are, or what took their place.
fn lineage(load: &CommittedLoad) -> String {
    let mut text = format!("{} by {}, _load_id {}", load.table, load.mode, load.load_id);
    if load.replaced > 0 {
        text += &format!("; took the place of {}", show::count(load.replaced, "row"));
    }
    if let Some(by) = load.replaced_by {
        text += &format!("; gave way to _load_id {by}");
    }
    text
}

pub(super) fn hop_row(hop: &HopRecord) -> Vec<String> {
    vec![
        hop.started_at.format("%H:%M:%S%.3f").to_string(),
        hop.stage.clone(),
        hop.attempt.to_string(),
        hop.outcome.clone(),
        format!("{:.1?}", hop.duration),
        show::brief(hop.detail.as_deref().unwrap_or_default(), 100),
    ]
}

fn trace_json(bucket: &str, key: &str, trace: &ObjectTrace, loads: &Loads) -> Value {
    let versions = trace.versions.iter().map(|FileTrace { run, hops }| {
        let mut version = as_json(run);
        version["hops"] = hops.iter().map(hop_json).collect();
        version["loads"] = loads.get(&run.file_id).into_iter().flatten().map(load_json).collect();
        version
    });
    json!({
        "bucket": bucket,
        "key": key,
        "skipped": trace.unrouted,
        "versions": versions.collect::<Vec<_>>(),
    })
}

fn load_json(load: &CommittedLoad) -> Value {
    json!({
        "load_id": load.load_id,
        "table": load.table,
        "mode": load.mode,
        "rows": load.rows,
        "replaced": load.replaced,
        "replaced_by": load.replaced_by,
        "committed_at": load.committed_at,
    })
}

pub(super) fn hop_json(hop: &HopRecord) -> Value {
    json!({
        "stage": hop.stage,
        "attempt": hop.attempt,
        "started_at": hop.started_at,
        "duration_ms": hop.duration.as_millis() as u64,
        "outcome": hop.outcome,
        "detail": hop.detail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_a_url_or_a_key_of_the_raw_bucket() {
        assert_eq!(locate("s3://b/a/c.csv", "raw").expect("a URL"), ("b", "a/c.csv"));
        assert_eq!(locate("a/c.csv", "raw").expect("a key"), ("raw", "a/c.csv"));
        assert!(locate("s3://b", "raw").is_err());
        assert!(locate("s3://b/", "raw").is_err());
    }
}
