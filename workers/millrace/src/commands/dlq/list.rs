//! `millrace dlq list`: by cause, or one by one.

use std::process::ExitCode;

use millrace_ledger::{Failure, FailureGroup, Only};
use serde_json::{Value, json};

use super::facts::{clock, facts, moment, state};
use super::select::{by_cause, check};
use crate::args::{DlqListArgs, Format};
use crate::setup::Setup;
use crate::show;

/// Longest text of a table's cell.
const WIDEST: usize = 80;

const GROUP_HEADERS: [&str; 8] =
    ["group", "class", "stage", "datasets", "#count", "first", "newest", "message"];

const FAILURE_HEADERS: [&str; 8] =
    ["id", "failed", "class", "stage", "dataset", "object", "state", "message"];

pub(super) async fn run(args: &DlqListArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let ledger = setup.ledger_to_read().await?;
    check(&setup.pipeline, &ledger, &args.cause).await?;
    let filter = by_cause(&args.cause, if args.all { Only::Any } else { Only::Open });
    if args.each {
        let failures = ledger.newest_failures(&filter, args.limit).await?;
        each(args, &failures)?;
    } else {
        let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
        let groups = ledger.failure_groups(&filter, limit).await?;
        by_group(args, &groups)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn by_group(args: &DlqListArgs, groups: &[FailureGroup]) -> anyhow::Result<()> {
    match args.output.output {
        Format::Json => show::json(&groups.iter().map(group_json).collect::<Vec<_>>()),
        Format::Table if groups.is_empty() => {
            show::note("no dead letters");
            Ok(())
        }
        Format::Table => {
            show::table(&GROUP_HEADERS, groups.iter().map(group_row).collect());
            Ok(())
        }
    }
}

fn group_row(group: &FailureGroup) -> Vec<String> {
    vec![
        group.fingerprint.clone(),
        group.class.to_string(),
        group.stage.to_string(),
        show::brief(&group.datasets.join(", "), WIDEST / 2),
        show::number(group.failures),
        clock(group.first_seen),
        clock(group.last_seen),
        show::brief(&group.message, WIDEST),
    ]
}

fn group_json(group: &FailureGroup) -> Value {
    json!({
        "fingerprint": group.fingerprint,
        "class": group.class.as_str(),
        "stage": group.stage,
        "datasets": group.datasets,
        "count": group.failures,
        "first_seen": moment(group.first_seen),
        "last_seen": moment(group.last_seen),
        "newest": { "queue": group.newest.queue, "message_id": group.newest.message_id },
        "message": group.message,
    })
}

fn each(args: &DlqListArgs, failures: &[Failure]) -> anyhow::Result<()> {
    match args.output.output {
        Format::Json => show::json(&failures.iter().map(facts).collect::<Vec<_>>()),
        Format::Table if failures.is_empty() => {
            show::note("no dead letters");
            Ok(())
        }
        Format::Table => {
            show::table(&FAILURE_HEADERS, failures.iter().map(failure_row).collect());
            Ok(())
        }
    }
}

fn failure_row(failure: &Failure) -> Vec<String> {
    let record = &failure.record;
    let object = record.object.as_ref().map(|object| object.key.clone()).unwrap_or_default();
    vec![
        record.message_id.clone(),
        clock(record.last_seen),
        record.class.to_string(),
        record.stage.to_string(),
        record.dataset.clone().unwrap_or_default(),
        object,
        state(failure).to_owned(),
        show::brief(&record.message, WIDEST),
    ]
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use millrace_contract::StageName;
    use millrace_ledger::{FailureKey, FailureRecord, Resolution};
    use millrace_retry::FailureClass;

    use super::*;

    fn group() -> FailureGroup {
        let time =
            |seconds: i64| DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a time");
        FailureGroup {
            fingerprint: "3f9c0a11".into(),
            class: FailureClass::Contract,
            stage: StageName::Transform,
            datasets: vec!["expenses".into()],
            failures: 1234,
            first_seen: time(0),
            last_seen: time(3600),
            newest: FailureKey { queue: "finance-transform".into(), message_id: "m-1".into() },
            message: "2 of 3 rows are rejected".into(),
        }
    }

    fn failure() -> Failure {
        let FailureGroup { newest, class, message, fingerprint, stage, .. } = group();
        let record = FailureRecord {
            queue: newest.queue,
            message_id: newest.message_id,
            class,
            message,
            fingerprint,
            stage,
            dataset: None,
            file_id: None,
            object: None,
            receive_count: 5,
            first_seen: group().first_seen,
            last_seen: group().last_seen,
            trace_id: None,
            rejects_key: None,
            body: "{}".into(),
            redrive_of: None,
        };
        Failure {
            record,
            resolution: Some((Resolution::Discarded, group().last_seen)),
            redrives: 1,
            original_body: None,
            discard_reason: Some("noise".into()),
        }
    }

    #[test]
    fn a_group_is_a_line_for_people_and_an_object_for_programs() {
        assert_eq!(
            show::render(&GROUP_HEADERS, vec![group_row(&group())]),
            "GROUP     CLASS     STAGE      DATASETS  COUNT  FIRST                NEWEST               MESSAGE\n\
             3f9c0a11  contract  transform  expenses  1,234  2023-11-14 22:13:20  2023-11-14 23:13:20  2 of 3 rows are rejected"
        );
        assert_eq!(
            group_json(&group()),
            json!({
                "fingerprint": "3f9c0a11",
                "class": "contract",
                "stage": "transform",
                "datasets": ["expenses"],
                "count": 1234,
                "first_seen": "2023-11-14T22:13:20.000Z",
                "last_seen": "2023-11-14T23:13:20.000Z",
                "newest": { "queue": "finance-transform", "message_id": "m-1" },
                "message": "2 of 3 rows are rejected",
            })
        );
    }

    #[test]
    fn a_dead_letter_is_a_line_for_people_and_an_object_for_programs() {
        assert_eq!(
            show::render(&FAILURE_HEADERS, vec![failure_row(&failure())]),
            "ID   FAILED               CLASS     STAGE      DATASET  OBJECT  STATE      MESSAGE\n\
             m-1  2023-11-14 23:13:20  contract  transform                   discarded  2 of 3 rows are rejected"
        );
        let value = facts(&failure());
        let mut fields: Vec<_> =
            value.as_object().expect("an object").keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "class",
                "dataset",
                "discard_reason",
                "file_id",
                "fingerprint",
                "first_seen",
                "last_seen",
                "message",
                "message_id",
                "object",
                "queue",
                "receive_count",
                "redrive_of",
                "redrives",
                "rejects",
                "resolved_at",
                "stage",
                "state",
                "trace_id",
            ]
        );
        assert_eq!((&value["state"], &value["redrives"]), (&"discarded".into(), &1.into()));
    }
}
