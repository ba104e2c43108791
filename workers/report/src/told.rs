//! What people are told of a page: where it is, and its large numbers.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use millrace_contract::{Report, ReportTask};
use millrace_ledger::ReportRun;
use millrace_notify::Message;
use serde_json::json;

/// A link to the page for whoever has it, and until when it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) until: DateTime<Utc>,
}

/// The message about a run that is done.
pub(crate) fn message(
    pipeline: &str,
    report: &Report,
    (task, local): (&ReportTask, NaiveDateTime),
    run: &ReportRun,
    link: Option<&Link>,
) -> Message {
    let page = run.page.as_deref().unwrap_or_default();
    let subject = format!("Report {} of {}", report.title, local.format("%Y-%m-%d"));
    let facts = json!({
        "version": 1,
        "kind": "report",
        "subject": subject,
        "pipeline": pipeline,
        "report": report.name,
        "title": report.title,
        "run": run.run,
        "scheduled_at": task.scheduled_at,
        "parameters": task.parameters,
        "page": page,
        "link": link.map(|link| &link.url),
        "link_until": link.map(|link| link.until),
        "charts": run.charts,
        "rows": run.rows,
        "figures": run.figures,
    });
    let attributes = BTreeMap::from([
        ("kind", "report".to_owned()),
        ("pipeline", pipeline.to_owned()),
        ("report", report.name.clone()),
    ]);
    Message::new(&subject, text(report, local, run, link), facts, attributes)
}

fn text(report: &Report, local: NaiveDateTime, run: &ReportRun, link: Option<&Link>) -> String {
    let at = local.format("%Y-%m-%d %H:%M");
    let mut lines = vec![format!("{}, for {at} {}.", report.title, report.timezone), String::new()];
    for figure in &run.figures {
        let change = figure.change.as_ref().map(|change| format!(" ({change})"));
        lines.push(format!("{}: {}{}", figure.title, figure.value, change.unwrap_or_default()));
    }
    if !run.figures.is_empty() {
        lines.push(String::new());
    }
    lines.push(format!("Page  {}", run.page.as_deref().unwrap_or_default()));
    if let Some(Link { url, until }) = link {
        let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
        lines.push(format!("Link  {url}"));
        lines.push(format!("      works for whoever has it, until {until}"));
    }
    lines.push(String::new());
    lines.join("\n")
}
