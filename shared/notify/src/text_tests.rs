//! The alerts as people and programs get them.

use millrace_contract::{FileId, ObjectVersion, StageName};

use super::*;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time")
}

fn rejected(key: &str) -> Occurrence {
    Occurrence {
        stage: Some(StageName::Transform),
        dataset: Some("expenses".into()),
        class: Some("contract".into()),
        fingerprint: Some("ab7d0ba19166cb4f".into()),
        message_id: Some("m-1".into()),
        object: Some(ObjectVersion {
            bucket: "finance-raw".into(),
            key: key.into(),
            version_id: None,
            etag: "e".into(),
            sequencer: None,
            size: None,
        }),
        file_id: Some(FileId::from_text("f1")),
        rejects: Some("s3://finance-lake/_rejects/expenses/f1.ndjson".into()),
        trace_id: Some("t-1".into()),
        ..Occurrence::new(
            AlertKind::FileRejected,
            at(60),
            "40 of 100 rows rejected, more than 1%: column `amount`: `12,50` is no decimal(12,2)",
        )
    }
}

fn message(count: u64, before: u64, newest: &[Occurrence]) -> Message {
    let (first_at, last_at) = (at(0), newest[0].at);
    let pipeline = "finance";
    render(&Told { pipeline, count, before, first_at, last_at, newest }).expect("an alert")
}

/// The alert as an email.
fn mail(message: &Message) -> String {
    format!("Subject: {}\n\n{}", message.subject, message.text)
}

#[test]
fn rejected_files_are_told_with_their_cause_and_what_to_do() {
    let alert = message(12, 0, &[rejected("raw/Expenses/b c.csv"), rejected("raw/Expenses/a.csv")]);
    insta::assert_snapshot!("rejected_files", mail(&alert));
    insta::assert_json_snapshot!("rejected_files_for_programs", alert.json);
    assert_eq!(alert.attributes["kind"], "file_rejected");
    assert_eq!(alert.attributes["severity"], "warning");
}

#[test]
fn a_digest_says_how_many_more_and_how_many_in_all() {
    let alert = message(988, 12, &[rejected("raw/Expenses/a.csv")]);
    insta::assert_snapshot!("digest", mail(&alert));
    assert_eq!(alert.json["digest"], true);
    assert_eq!(alert.json["total"], 1000);
}

#[test]
fn a_dead_letter_of_no_known_file_is_told_by_its_message() {
    let letter = Occurrence {
        stage: Some(StageName::Ingest),
        class: Some("poison".into()),
        fingerprint: Some("0123456789abcdef".into()),
        message_id: Some("m-2".into()),
        ..Occurrence::new(AlertKind::DeadLetter, at(0), "no event that is known: `{}`")
    };
    let alert = message(1, 0, &[letter]);
    insta::assert_snapshot!("dead_letter", mail(&alert));
    assert!(!alert.attributes.contains_key("dataset"));
}

#[test]
fn an_outage_and_its_end_are_told_apart() {
    let mut outage = Occurrence::new(AlertKind::Outage, at(0), "db.local/app: no answer");
    outage.stage = Some(StageName::Load);
    let alert = message(1, 0, std::slice::from_ref(&outage));
    insta::assert_snapshot!("outage", mail(&alert));
    assert_eq!(alert.attributes["severity"], "critical");
    let over = Occurrence { lasted_ms: Some(130_400), ..outage };
    let alert = message(1, 0, &[over]);
    insta::assert_snapshot!("recovery", mail(&alert));
    assert_eq!(alert.attributes["kind"], "recovery");
    assert_eq!(alert.json["lasted_ms"], 130_400);
}

#[test]
fn changed_columns_are_told_by_their_dataset() {
    let mut changed =
        Occurrence::new(AlertKind::SchemaChanged, at(0), "`vat` added as decimal(12,2)");
    changed.dataset = Some("expenses".into());
    insta::assert_snapshot!("schema_changed", mail(&message(1, 0, &[changed])));
}

#[test]
fn a_late_dataset_and_its_new_files_are_told_apart() {
    let message_of = "a file was expected by 2023-11-15T07:00:00Z (cron(0 7 * * ? *)); the newest \
                      was loaded at 2023-11-14T06:40:00Z";
    let mut late = Occurrence::new(AlertKind::LateDataset, at(0), message_of);
    late.dataset = Some("expenses".into());
    let alert = message(1, 0, std::slice::from_ref(&late));
    insta::assert_snapshot!("late_dataset", mail(&alert));
    assert_eq!(alert.attributes["severity"], "warning");
    let over = Occurrence { lasted_ms: Some(5_400_000), ..late };
    let over = Occurrence { message: "a file was loaded at 2023-11-15T08:30:00Z".into(), ..over };
    let alert = message(1, 0, &[over]);
    insta::assert_snapshot!("late_dataset_over", mail(&alert));
    assert_eq!((&*alert.attributes["kind"], &*alert.attributes["severity"]), ("recovery", "info"));
}

#[test]
fn numbers_and_times_are_written_for_people() {
    let numbers: Vec<_> = [1, 999, 1_000, 1_234_567].map(counted).into();
    assert_eq!(numbers, ["1", "999", "1,000", "1,234,567"]);
    let times: Vec<_> = [45_000, 130_000, 11_100_000].map(lasting).into();
    assert_eq!(times, ["45 s", "2 min 10 s", "3 h 5 min"]);
}

#[test]
fn what_is_pasted_into_a_shell_is_one_word() {
    assert_eq!(quoted("s3://b/a.csv"), "s3://b/a.csv");
    assert_eq!(quoted("s3://b/it's; rm.csv"), r"'s3://b/it'\''s; rm.csv'");
}
