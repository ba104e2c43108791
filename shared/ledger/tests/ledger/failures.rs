//! Dead letters and objects that nobody took.

use chrono::{SubsecRound, Utc};
use millrace_contract::StageName;
use millrace_ledger::{FailureKey, FailureRecord, FileState, Registration};
use millrace_retry::{Classify, FailureClass};

use crate::support::{file, object, places};

pub(crate) fn failure(message_id: &str, file: Option<&Registration>) -> FailureRecord {
    let now = Utc::now().trunc_subsecs(6);
    FailureRecord {
        queue: "demo-transform".into(),
        message_id: message_id.into(),
        class: FailureClass::Contract,
        message: "column `amount`: `x` is not a decimal(12,2)".into(),
        fingerprint: "contract amount".into(),
        stage: StageName::Transform,
        dataset: file.map(|file| file.dataset.clone()),
        file_id: file.map(|file| file.file_id.clone()),
        object: file.map(|file| file.object.clone()),
        receive_count: 1,
        first_seen: now,
        last_seen: now,
        trace_id: file.map(|file| file.trace_id.clone()),
        rejects_key: None,
        body: "{}".into(),
        redrive_of: None,
    }
}

pub(crate) fn key(message_id: &str) -> FailureKey {
    FailureKey { queue: "demo-transform".into(), message_id: message_id.into() }
}

#[tokio::test]
async fn a_failure_is_recorded_once_per_message_with_all_its_facts() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("e1", Some("01")));
        ledger.register(&one).await.unwrap();
        let record = failure("m1", Some(&one));
        ledger.record_failure(&record).await.unwrap();
        let again = FailureRecord { receive_count: 2, ..record.clone() };
        ledger.record_failure(&again).await.unwrap();
        let failures = ledger.failures(false).await.unwrap();
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].record, again);
        assert_eq!(failures[0].resolution, None);
        let run = ledger.runs(&Default::default()).await.unwrap().remove(0);
        assert_eq!(run.state, FileState::Failed);
        let reason = run.reason.unwrap();
        assert!(reason.starts_with("contract: column `amount`"), "{reason}");
    }
}

#[tokio::test]
async fn a_poison_body_is_kept_even_with_a_nul_in_it() {
    for place in places().await {
        let ledger = place.ledger().await;
        let mut record = failure("m1", None);
        record.class = FailureClass::Poison;
        record.body = "\0 not json ü".into();
        ledger.record_failure(&record).await.unwrap();
        let failures = ledger.failures(false).await.unwrap();
        assert_eq!(failures[0].record.body, "\u{fffd} not json ü");
        assert_eq!(failures[0].record.object, None);
    }
}

#[tokio::test]
async fn a_failure_stays_on_record_with_what_was_done_about_it() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("e1", Some("01")));
        ledger.register(&one).await.unwrap();
        ledger.record_failure(&failure("m1", Some(&one))).await.unwrap();
        ledger.record_failure(&failure("m2", None)).await.unwrap();
        let given_up = [(key("m2"), "f".to_owned())];
        assert_eq!(ledger.discard_failures(&given_up, "me@here", "noise").await.unwrap(), 1);
        let open = ledger.failures(false).await.unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].record.message_id, "m1");
        ledger.loaded(&one.file_id, 7, std::time::Duration::ZERO).await.unwrap();
        assert!(ledger.failures(false).await.unwrap().is_empty());
        let all = ledger.failures(true).await.unwrap();
        let resolutions: Vec<_> =
            all.iter().map(|failure| failure.resolution.unwrap().0.as_str()).collect();
        assert_eq!(all.len(), 2);
        assert!(resolutions.contains(&"loaded") && resolutions.contains(&"discarded"));
    }
}

#[tokio::test]
async fn an_object_that_nobody_takes_counts_once_and_is_found_again() {
    for place in places().await {
        let ledger = place.ledger().await;
        for key in ["x/a.txt", "x/b.txt", "x/b.txt"] {
            ledger.skip_unrouted("raw", key, "no dataset matches").await.unwrap();
        }
        ledger.skip_unrouted("raw", "x/", "folder marker").await.unwrap();
        let counts = ledger.skip_counts().await.unwrap();
        let rows: Vec<_> =
            counts.iter().map(|count| (count.reason.as_str(), count.objects)).collect();
        assert_eq!(rows, [("no dataset matches", 2), ("folder marker", 1)]);
        assert_eq!(counts[0].example, "s3://raw/x/b.txt");
        let trace = ledger.trace("raw", "x/b.txt").await.unwrap();
        assert_eq!(trace.unrouted.as_deref(), Some("no dataset matches"));
        assert!(trace.versions.is_empty());
    }
}

#[tokio::test]
async fn a_ledger_that_lost_its_tables_is_everybodys_outage() {
    for place in places().await {
        let ledger = place.ledger().await;
        place.database.execute("DROP TABLE millrace_files", &[]).await.unwrap();
        let error = ledger.register(&file(object("e1", None))).await.expect_err("no table");
        assert_eq!(error.class(), FailureClass::Outage, "{error}");
    }
}
