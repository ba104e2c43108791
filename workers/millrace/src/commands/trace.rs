//! `millrace trace`: one key through every hop, version by version.

use std::process::ExitCode;

use millrace_ledger::{FileTrace, HopRecord, ObjectTrace};
use serde_json::{Value, json};

use super::runs::{as_json, changes};
use crate::args::{Format, TraceArgs};
use crate::exit::{FAILED, Usage};
use crate::setup::Setup;
use crate::show::{self, Style};

pub(super) async fn run(args: &TraceArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let (bucket, key) = locate(&args.object, &setup.pipeline.lake.raw)?;
    let trace = setup.ledger_to_read().await?.trace(bucket, key).await?;
    match args.output.output {
        Format::Json => show::json(&trace_json(bucket, key, &trace))?,
        Format::Table => print(bucket, key, &trace),
    }
    let known = !trace.versions.is_empty() || trace.unrouted.is_some();
    Ok(if known { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

pub(super) fn locate<'a>(object: &'a str, raw: &'a str) -> anyhow::Result<(&'a str, &'a str)> {
    match object.strip_prefix("s3://") {
        None => Ok((raw, object)),
        Some(path) => path.split_once('/').filter(|(_, key)| !key.is_empty()).ok_or_else(|| {
            Usage(format!("`{object}` names no object; write s3://bucket/key")).into()
        }),
    }
}

fn print(bucket: &str, key: &str, trace: &ObjectTrace) {
    if let Some(reason) = &trace.unrouted {
        show::line(format!("s3://{bucket}/{key} was skipped: {reason}"));
    } else if trace.versions.is_empty() {
        show::note(format!("nothing is known of s3://{bucket}/{key}; was it published?"));
    }
    for version in &trace.versions {
        print_version(version);
    }
}

fn print_version(FileTrace { run, hops }: &FileTrace) {
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

fn hop_row(hop: &HopRecord) -> Vec<String> {
    vec![
        hop.started_at.format("%H:%M:%S%.3f").to_string(),
        hop.stage.clone(),
        hop.attempt.to_string(),
        hop.outcome.clone(),
        format!("{:.1?}", hop.duration),
        show::brief(hop.detail.as_deref().unwrap_or_default(), 100),
    ]
}

fn trace_json(bucket: &str, key: &str, trace: &ObjectTrace) -> Value {
    let versions = trace.versions.iter().map(|FileTrace { run, hops }| {
        let mut version = as_json(run);
        version["hops"] = hops.iter().map(hop_json).collect();
        version
    });
    json!({
        "bucket": bucket,
        "key": key,
        "skipped": trace.unrouted,
        "versions": versions.collect::<Vec<_>>(),
    })
}

fn hop_json(hop: &HopRecord) -> Value {
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
