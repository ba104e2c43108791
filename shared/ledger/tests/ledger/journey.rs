//! What becomes of a file after it was registered.

use std::time::Duration;

use chrono::Utc;
use millrace_contract::{FileId, StageName};
use millrace_ledger::{FileState, Hop, Ledger, LedgerError, RuleCount, Run, Transformed};

use crate::support::{file, load_task, object, places};

fn count(rule: &str, rows: u64) -> RuleCount {
    RuleCount { rule: rule.into(), rows, example: format!("one row broke {rule}") }
}

async fn only_run(ledger: &Ledger) -> Run {
    let mut runs = ledger.runs(&Default::default()).await.unwrap();
    assert_eq!(runs.len(), 1);
    runs.remove(0)
}

#[tokio::test]
async fn a_file_is_registered_transformed_and_loaded() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("e1", Some("01")));
        ledger.register(&one).await.unwrap();
        assert_eq!(ledger.load_task(&one.file_id).await.unwrap(), None);
        let task = load_task(&one);
        let rejects = [count("decimal(12,2)", 1), count("required", 1)];
        let done = Transformed {
            task: &task,
            rejects: &rejects,
            warnings: &[count("amount < 1000", 3)],
            duration: Duration::from_millis(1234),
        };
        ledger.transformed(&done).await.unwrap();
        // A redelivered transform does not count its rejects twice.
        ledger.transformed(&done).await.unwrap();
        assert_eq!(ledger.load_task(&one.file_id).await.unwrap(), Some(task));
        let totals = ledger.reject_totals(Some("sales")).await.unwrap();
        let rows: Vec<_> = totals.iter().map(|total| (total.rule.as_str(), total.rows)).collect();
        assert_eq!(rows, [("amount < 1000", 3), ("decimal(12,2)", 1), ("required", 1)]);
        assert_eq!(totals[1].example, "one row broke decimal(12,2)");
        assert!(ledger.reject_totals(Some("other")).await.unwrap().is_empty());

        ledger.loaded(&one.file_id, 7, Duration::from_millis(56)).await.unwrap();
        let run = only_run(&ledger).await;
        assert_eq!(run.state, FileState::Loaded);
        assert_eq!((run.rows_read, run.rows_written), (Some(10), Some(7)));
        assert_eq!((run.rows_rejected, run.rows_skipped), (Some(2), Some(1)));
        assert_eq!(run.rows_loaded, Some(7));
        assert_eq!(run.transform_duration, Some(Duration::from_millis(1234)));
        assert_eq!(run.load_duration, Some(Duration::from_millis(56)));
        assert_eq!(run.rejects_key.as_deref(), Some("_rejects/a.ndjson"));
        assert_eq!(run.object, one.object);
        assert_eq!(run.captures, one.captures);
    }
}

#[tokio::test]
async fn what_is_loaded_stays_loaded_whatever_comes_late() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("e1", Some("01")));
        ledger.register(&one).await.unwrap();
        ledger.loaded(&one.file_id, 7, Duration::from_millis(5)).await.unwrap();
        let before = only_run(&ledger).await;
        ledger.skipped(&one.file_id, "missing", "gone").await.unwrap();
        ledger.superseded(&one.file_id, None, "late").await.unwrap();
        ledger.record_failure(&crate::failures::failure("m1", Some(&one))).await.unwrap();
        ledger.loaded(&one.file_id, 7, Duration::from_millis(99)).await.unwrap();
        let task = load_task(&one);
        let late =
            Transformed { task: &task, rejects: &[], warnings: &[], duration: Duration::ZERO };
        ledger.transformed(&late).await.unwrap();
        let after = only_run(&ledger).await;
        assert_eq!(after.state, FileState::Loaded);
        assert_eq!(
            (after.loaded_at, after.load_duration),
            (before.loaded_at, before.load_duration)
        );
        assert_eq!(after.reason, None);
    }
}

#[tokio::test]
async fn a_skipped_and_a_superseded_file_say_why() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("e1", Some("01")));
        ledger.register(&one).await.unwrap();
        ledger.skipped(&one.file_id, "missing", "deleted before it was read").await.unwrap();
        let run = only_run(&ledger).await;
        assert_eq!(run.state, FileState::Skipped);
        assert_eq!(run.reason.as_deref(), Some("missing: deleted before it was read"));
        let by = FileId::from_text("newer");
        ledger.superseded(&one.file_id, Some(&by), "a newer version was loaded").await.unwrap();
        let run = only_run(&ledger).await;
        assert_eq!(run.state, FileState::Superseded);
        assert_eq!(run.related_file, Some(by));
        assert_eq!(run.reason.as_deref(), Some("a newer version was loaded"));
    }
}

#[tokio::test]
async fn a_file_that_was_never_registered_is_refused_by_name() {
    for place in places().await {
        let ledger = place.ledger().await;
        let stranger = file(object("e1", None));
        let task = load_task(&stranger);
        let done =
            Transformed { task: &task, rejects: &[], warnings: &[], duration: Duration::ZERO };
        let errors = [
            ledger.transformed(&done).await,
            ledger.loaded(&stranger.file_id, 1, Duration::ZERO).await,
            ledger.skipped(&stranger.file_id, "rule", "").await,
            ledger.superseded(&stranger.file_id, None, "").await,
        ];
        for error in errors {
            assert!(matches!(&error, Err(LedgerError::UnknownFile(_))), "{error:?}");
        }
        assert!(ledger.runs(&Default::default()).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn trace_shows_every_version_with_its_hops_in_order() {
    for place in places().await {
        let ledger = place.ledger().await;
        let versions = [file(object("a", Some("01"))), file(object("b", Some("02")))];
        for version in &versions {
            ledger.register(version).await.unwrap();
        }
        for (stage, attempt, outcome) in [
            (StageName::Ingest, 1, "done"),
            (StageName::Transform, 1, "retry"),
            (StageName::Transform, 2, "done"),
        ] {
            let hop = Hop {
                file_id: &versions[1].file_id,
                stage,
                attempt,
                started_at: Utc::now(),
                duration: Duration::from_millis(5),
                outcome,
                detail: (attempt == 2).then_some("the second time"),
            };
            ledger.hop(&hop).await.unwrap();
        }
        let trace = ledger.trace("raw", "in/a.csv").await.unwrap();
        assert_eq!(trace.versions.len(), 2);
        assert_eq!(trace.versions[0].run.file_id, versions[0].file_id);
        assert!(trace.versions[0].hops.is_empty());
        let hops: Vec<_> = trace.versions[1]
            .hops
            .iter()
            .map(|hop| (hop.stage.as_str(), hop.attempt, hop.outcome.as_str()))
            .collect();
        assert_eq!(
            hops,
            [("ingest", 1, "done"), ("transform", 1, "retry"), ("transform", 2, "done")]
        );
        assert_eq!(trace.versions[1].hops[2].detail.as_deref(), Some("the second time"));
        assert_eq!(trace.unrouted, None);
    }
}
