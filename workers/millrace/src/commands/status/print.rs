//! How `status` looks: for people, and as JSON for programs.

use chrono::{DateTime, Utc};
use millrace_notify::Standing;
use serde_json::{Value, json};

use super::Status;
use super::stages::StageStatus;
use crate::show::{self, Style};

/// What is not known.
const UNKNOWN: &str = "–";

/// Tables.
pub(super) fn as_text(status: &Status) -> String {
    let headers = [
        "stage",
        "queue",
        "#workers",
        "#backlog",
        "#in flight",
        "#oldest",
        "#files/min",
        "#rows/min",
        "#drained in",
        "#dead letters",
    ];
    let mut text = show::render(&headers, status.stages.iter().map(row).collect());
    section(&mut text, "files", &status.files, &["dataset", "state", "#files"], |count| {
        vec![count.dataset.clone(), count.state.to_string(), show::number(count.files)]
    });
    let headers = ["dataset", "expected", "newest file", "state"];
    section(&mut text, "freshness", &status.freshness, &headers, |standing| {
        freshness_row(standing, status.at)
    });
    section(&mut text, "tables", &status.tables, &["table", "#rows", "#loads"], |table| {
        vec![table.table.clone(), show::number(table.rows), show::number(table.loads)]
    });
    section(&mut text, "skipped", &status.skipped, &["reason", "#objects", "example"], |skip| {
        vec![skip.reason.clone(), show::number(skip.objects), skip.example.clone()]
    });
    text
}

fn row(stage: &StageStatus) -> Vec<String> {
    let workers = match &stage.workers {
        None => UNKNOWN.to_owned(),
        Some(workers) if workers.is_steady() => show::number(workers.desired.into()),
        Some(workers) => format!("{} of {}", workers.running, workers.desired),
    };
    let oldest = stage.oldest.map(|age| show::duration(age.as_secs()));
    let drained = stage.seconds_to_drain().map(show::duration);
    vec![
        stage.queue.stage.to_string(),
        stage.queue.name.clone(),
        workers,
        show::number(stage.backlog()),
        show::number(stage.depth.in_flight),
        oldest.unwrap_or_else(|| UNKNOWN.to_owned()),
        show::number(stage.files_per_minute().round() as u64),
        show::number(stage.rows_per_minute().round() as u64),
        drained.unwrap_or_else(|| UNKNOWN.to_owned()),
        show::number(stage.dead_letters),
    ]
}

fn freshness_row(standing: &Standing, now: DateTime<Utc>) -> Vec<String> {
    let minute = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M").to_string();
    let state = match (standing.late, standing.next) {
        (Some(late), _) => {
            let by = u64::try_from((now - late.since).num_seconds()).unwrap_or_default();
            let since = format!("late since {}, for {}", minute(late.since), show::duration(by));
            show::styled(since, Style::Bad)
        }
        (None, Some(next)) => format!("in time, the next by {}", minute(next)),
        (None, None) => "in time, the last".to_owned(),
    };
    vec![
        standing.dataset.clone(),
        standing.expected.to_string(),
        standing.newest.map_or_else(|| UNKNOWN.to_owned(), minute),
        state,
    ]
}

fn section<T>(
    text: &mut String,
    title: &str,
    items: &[T],
    headers: &[&str],
    row: impl Fn(&T) -> Vec<String>,
) {
    if !items.is_empty() {
        text.push_str(&format!("\n\n{}\n", show::styled(title, Style::Bold)));
        text.push_str(&show::render(headers, items.iter().map(row).collect()));
    }
}

/// One object.
pub(super) fn as_json(status: &Status) -> Value {
    let files = status.files.iter().map(|count| {
        json!({ "dataset": count.dataset, "state": count.state.as_str(), "files": count.files })
    });
    let skipped = status.skipped.iter().map(
        |skip| json!({ "reason": skip.reason, "objects": skip.objects, "example": skip.example }),
    );
    let freshness = status.freshness.iter().map(|standing| {
        json!({
            "dataset": standing.dataset,
            "expected": standing.expected.to_string(),
            "newest_at": standing.newest,
            "late_since": standing.late.map(|late| late.since),
            "missed_at": standing.late.map(|late| late.missed),
            "next_at": standing.next,
        })
    });
    let tables = status
        .tables
        .iter()
        .map(|table| json!({ "table": table.table, "rows": table.rows, "loads": table.loads }));
    json!({
        "queues": status.stages.iter().map(stage_as_json).collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(),
        "freshness": freshness.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "tables": tables.collect::<Vec<_>>(),
    })
}

fn stage_as_json(stage: &StageStatus) -> Value {
    let workers = stage.workers.as_ref();
    let tenths = |value: f64| (value * 10.0).round() / 10.0;
    json!({
        "stage": stage.queue.stage,
        "queue": stage.queue.name,
        "visible": stage.depth.visible,
        "in_flight": stage.depth.in_flight,
        "delayed": stage.depth.delayed,
        "dead_letter_queue": stage.queue.dead_letter_queue,
        "dead_letters": stage.dead_letters,
        "service": stage.service,
        "desired": workers.map(|workers| workers.desired),
        "running": workers.map(|workers| workers.running),
        "pending": workers.map(|workers| workers.pending),
        "backlog": stage.backlog(),
        "oldest_seconds": stage.oldest.map(|age| age.as_secs()),
        "files_per_minute": tenths(stage.files_per_minute()),
        "rows_per_minute": tenths(stage.rows_per_minute()),
        "seconds_to_drain": stage.seconds_to_drain(),
    })
}
