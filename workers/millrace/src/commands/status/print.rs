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
            format!("late since {}, for {}", minute(late.since), show::duration(by))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use millrace_contract::StageName;
    use millrace_ledger::{FileState, SkipCount, StagePace, StateCount};
    use millrace_notify::Standing;
    use millrace_pipeline::Pipeline;
    use millrace_queue::Depth;
    use millrace_services::ServiceState;
    use millrace_warehouse::TableTotal;

    use super::*;

    const EXAMPLE: &str = include_str!("../../../../../examples/finance/millrace.toml");

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn stage(number: usize) -> StageStatus {
        let plan = Pipeline::parse(EXAMPLE).expect("a valid example").plan();
        let service = plan.services[number].name.clone();
        let is_load = plan.queues[number].stage == StageName::Load;
        StageStatus {
            queue: plan.queues[number].clone(),
            workers: is_load.then(|| ServiceState {
                name: service.clone(),
                desired: 4,
                running: 2,
                pending: 2,
            }),
            service,
            depth: Depth { visible: 1_234 * number as u64, in_flight: 8, delayed: 0 },
            dead_letters: u64::from(is_load),
            pace: is_load.then_some(StagePace {
                stage: StageName::Load,
                files: 90,
                rows: 1_000_000,
                window: Duration::from_secs(120),
            }),
            oldest: is_load.then_some(Duration::from_secs(3_725)),
        }
    }

    fn standing(dataset: &str, newest: Option<&str>) -> Standing {
        let zone = "Europe/London".parse().expect("a zone");
        let expected = "cron(0 7 * * ? *)";
        let expected = millrace_schedule::Expected::parse(expected, zone).expect("valid");
        let (since, now) = (at("2026-07-01T00:00:00Z"), at("2026-07-04T12:00:00Z"));
        let newest = newest.map(at);
        let late = expected.late(since, newest, now);
        Standing { dataset: dataset.into(), next: expected.next(now), expected, newest, late }
    }

    fn status() -> Status {
        Status {
            at: at("2026-07-04T12:00:00Z"),
            stages: (0..3).map(stage).collect(),
            files: vec![StateCount {
                dataset: "expenses".into(),
                state: FileState::Loaded,
                files: 1_500,
            }],
            freshness: vec![
                standing("expenses", Some("2026-07-02T05:30:00Z")),
                standing("incomes", Some("2026-07-04T05:30:00Z")),
                standing("never", None),
            ],
            skipped: vec![SkipCount {
                reason: "no dataset's pattern matches the key".into(),
                objects: 2,
                example: "s3://finance-raw/stray.txt".into(),
                last_seen: at("2026-07-04T11:00:00Z"),
            }],
            tables: vec![TableTotal {
                table: "expenses".into(),
                rows: 1_000_000,
                loads: 1_500,
                last_committed_at: at("2026-07-02T05:30:00Z"),
            }],
        }
    }

    #[test]
    fn status_is_tables_for_people_and_an_object_for_programs() {
        insta::assert_snapshot!("status_table", as_text(&status()));
        insta::assert_json_snapshot!("status_json", as_json(&status()));
    }
}
