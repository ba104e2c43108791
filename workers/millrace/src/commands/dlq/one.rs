//! `millrace dlq show`: everything that is known of one dead letter.

use std::process::ExitCode;

use millrace_contract::Reject;
use millrace_ledger::{DlqAction, Failure, FileTrace, Ledger};
use serde_json::Value;

use super::facts::{action, clock, pretty_short, state, whole};
use super::select::one;
use crate::args::{DlqShowArgs, Format};
use crate::commands::rejects;
use crate::commands::trace::{hop_json, hop_row};
use crate::setup::Setup;
use crate::show::{self, Style};

/// Rejected rows that are shown.
const REJECTS: usize = 5;

/// Everything that is known.
struct Known {
    failure: Failure,
    /// What its redrives came to that failed again.
    again: Vec<Failure>,
    rejects: Vec<Reject>,
    trace: Option<FileTrace>,
    actions: Vec<DlqAction>,
}

pub(super) async fn run(args: &DlqShowArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let ledger = setup.ledger_to_read().await?;
    let failure = one(&ledger, &args.id).await?;
    let key = failure.key();
    let known = Known {
        again: ledger.failures_after(&key, &[]).await?,
        rejects: first_rejects(&setup, &failure).await,
        trace: trace(&ledger, &failure).await?,
        actions: ledger.dlq_actions(&key).await?,
        failure,
    };
    match args.output.output {
        Format::Json => show::json(&as_json(&known))?,
        Format::Table => print(&known),
    }
    Ok(ExitCode::SUCCESS)
}

/// The first rows that were rejected. Where the lake does not answer, the rest is
/// shown without them.
async fn first_rejects(setup: &Setup, failure: &Failure) -> Vec<Reject> {
    let Some(key) = &failure.record.rejects_key else { return Vec::new() };
    let read = rejects::read(&setup.pipeline.lake.curated, key, REJECTS, |_| true).await;
    read.unwrap_or_else(|error| {
        show::note(format!("the rejected rows in {key} can't be read: {error:#}"));
        Vec::new()
    })
}

async fn trace(ledger: &Ledger, failure: &Failure) -> anyhow::Result<Option<FileTrace>> {
    let (Some(object), Some(file_id)) = (&failure.record.object, &failure.record.file_id) else {
        return Ok(None);
    };
    let trace = ledger.trace(&object.bucket, &object.key).await?;
    Ok(trace.versions.into_iter().find(|version| version.run.file_id == *file_id))
}

fn as_json(known: &Known) -> Value {
    let mut value = whole(&known.failure);
    let hops = known.trace.iter().flat_map(|trace| &trace.hops);
    value["hops"] = hops.map(hop_json).collect();
    value["first_rejects"] = serde_json::json!(known.rejects);
    value["actions"] = known.actions.iter().map(action).collect();
    let ids = known.again.iter().map(|failure| Value::from(failure.record.message_id.as_str()));
    value["failed_again_as"] = ids.collect();
    value
}

fn print(known: &Known) {
    let Known { failure, .. } = known;
    let record = &failure.record;
    let title = format!("{} {}: {}", record.stage, record.class, state(failure));
    show::line(show::styled(title, Style::Bold));
    for (name, value) in facts(failure) {
        show::line(format!("  {} {value}", show::styled(format_args!("{name:<12}"), Style::Faint)));
    }
    section("body", &pretty_short(&record.body));
    if let Some(original) = &failure.original_body {
        section("body before it was edited", &pretty_short(original));
    }
    if !known.rejects.is_empty() {
        heading("first rejected rows");
        let headers = ["#line", "column", "rule", "what is wrong", "row"];
        show::table(&headers, known.rejects.iter().map(rejects::reject_row).collect());
    }
    if let Some(trace) = known.trace.as_ref().filter(|trace| !trace.hops.is_empty()) {
        heading("trace");
        let headers = ["started", "stage", "#attempt", "outcome", "#took", "detail"];
        show::table(&headers, trace.hops.iter().map(hop_row).collect());
    }
    if !known.again.is_empty() {
        heading("failed again");
        let row = |failure: &Failure| {
            vec![failure.record.message_id.clone(), clock(failure.record.last_seen)]
        };
        show::table(&["id", "failed"], known.again.iter().map(row).collect());
    }
    if !known.actions.is_empty() {
        heading("what was done");
        let row = |action: &DlqAction| {
            let detail = action.detail.clone().unwrap_or_default();
            vec![clock(action.at), action.actor.clone(), action.act.to_string(), detail]
        };
        show::table(&["when", "who", "what", "detail"], known.actions.iter().map(row).collect());
    }
}

fn facts(failure: &Failure) -> Vec<(&'static str, String)> {
    let record = &failure.record;
    let known = |name, value: Option<String>| value.map(|value| (name, value));
    let always = |name, value: String| Some((name, value));
    let facts = [
        always("message", record.message.clone()),
        always("group", record.fingerprint.clone()),
        always("message id", record.message_id.clone()),
        always("queue", record.queue.clone()),
        known("dataset", record.dataset.clone()),
        known("object", record.object.as_ref().map(ToString::to_string)),
        known("file id", record.file_id.as_ref().map(ToString::to_string)),
        known("trace id", record.trace_id.clone()),
        always("received", show::count(record.receive_count.into(), "time")),
        always("first seen", clock(record.first_seen)),
        always("failed", clock(record.last_seen)),
        known("rejects", record.rejects_key.clone()),
        known("redrive of", record.redrive_of.clone()),
        known("sent again", (failure.redrives > 0).then(|| show::count(failure.redrives, "time"))),
        known("resolved", failure.resolution.map(|(word, at)| format!("{word}, {}", clock(at)))),
        known("reason", failure.discard_reason.clone()),
    ];
    facts.into_iter().flatten().collect()
}

fn section(title: &str, text: &str) {
    heading(title);
    for line in text.lines() {
        show::line(format!("  {line}"));
    }
}

fn heading(title: &str) {
    show::line(format!("\n{}", show::styled(title, Style::Bold)));
}
