//! Runs of exports: claimed by one, done once, and never behind their watermark.

use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::{ExportTask, Parameters};
use millrace_ledger::{
    Announcing, Claimed, ExportClaim, ExportFilter, ExportTotals, ExportWish, Ledger, RunState,
};

use crate::support::places;

const LEASE: Duration = Duration::from_secs(60);

fn task(hour: i64) -> ExportTask {
    let scheduled_at = DateTime::<Utc>::from_timestamp(1_767_225_600 + hour * 3600, 0).unwrap();
    ExportTask { export: "users".into(), scheduled_at, parameters: Parameters::new() }
}

fn wish<'a>(task: &'a ExportTask, column: Option<&'a str>) -> ExportWish<'a> {
    ExportWish { task, column, trace_id: "t", lease: LEASE }
}

async fn claim(ledger: &Ledger, task: &ExportTask, column: Option<&'static str>) -> ExportClaim {
    match ledger.claim_export(&wish(task, column)).await.unwrap() {
        Claimed::Yes(claim) => claim,
        other => panic!("not claimed: {other:?}"),
    }
}

fn totals(reached: Option<&str>) -> ExportTotals {
    ExportTotals {
        manifest: "s3://lake/e/_manifest.json".into(),
        rows: 7,
        objects: 1,
        bytes: 100,
        reached: reached.map(|value| ("id".to_owned(), value.to_owned())),
        duration: Duration::from_millis(5),
    }
}

#[tokio::test]
async fn a_run_is_done_once_however_often_it_is_asked_for() {
    for place in places().await {
        let ledger = place.ledger().await;
        let ours = claim(&ledger, &task(0), None).await;
        assert_eq!(ledger.claim_export(&wish(&task(0), None)).await.unwrap(), Claimed::Busy);
        let other = claim(&ledger, &task(1), None).await;
        assert_ne!(ours.run, other.run, "another time is another run");
        assert!(ledger.complete_export(&task(0), &ours, &totals(None)).await.unwrap());
        match ledger.claim_export(&wish(&task(0), None)).await.unwrap() {
            Claimed::Done(run) => {
                assert_eq!((run.state, run.rows, run.objects), (RunState::Done, Some(7), Some(1)));
                assert_eq!(run.manifest.as_deref(), Some("s3://lake/e/_manifest.json"));
            }
            other => panic!("not done: {other:?}"),
        }
        let runs = ledger.export_runs(&ExportFilter::default()).await.unwrap();
        assert_eq!(runs.len(), 2);
        let done = ExportFilter { state: Some(RunState::Done), ..ExportFilter::default() };
        assert_eq!(ledger.export_runs(&done).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn who_was_claimed_over_ends_nothing() {
    for place in places().await {
        let ledger = place.ledger().await;
        let dead = claim(&ledger, &task(0), None).await;
        ledger.release_export(&dead).await.unwrap();
        let ours = claim(&ledger, &task(0), None).await;
        assert_eq!((dead.fence, ours.fence), (1, 2));
        assert!(!ledger.renew_export(&dead, LEASE).await.unwrap());
        assert!(!ledger.complete_export(&task(0), &dead, &totals(None)).await.unwrap());
        ledger.fail_export(&task(0), &dead, "no").await.unwrap();
        assert!(ledger.renew_export(&ours, LEASE).await.unwrap());
        assert!(ledger.complete_export(&task(0), &ours, &totals(None)).await.unwrap());
    }
}

#[tokio::test]
async fn a_watermark_moves_with_the_end_of_its_run_and_runs_share_it_in_turn() {
    for place in places().await {
        let ledger = place.ledger().await;
        let first = claim(&ledger, &task(0), Some("id")).await;
        assert_eq!(first.watermark.from, None);
        assert!(ledger.export_up_to(&first, "10").await.unwrap());
        let next = ledger.claim_export(&wish(&task(1), Some("id"))).await.unwrap();
        assert_eq!(next, Claimed::Busy, "they work one after the other");
        ledger.release_export(&first).await.unwrap();
        let again = claim(&ledger, &task(0), Some("id")).await;
        assert_eq!(again.watermark.to.as_deref(), Some("10"), "as far as the attempt before");
        assert!(ledger.complete_export(&task(0), &again, &totals(Some("10"))).await.unwrap());
        let second = claim(&ledger, &task(1), Some("id")).await;
        assert_eq!(second.watermark.from.as_deref(), Some("10"));
        assert_eq!(second.watermark.to, None);
        assert!(ledger.complete_export(&task(1), &second, &totals(None)).await.unwrap());
        let third = claim(&ledger, &task(2), Some("id")).await;
        assert_eq!(third.watermark.from.as_deref(), Some("10"), "nothing was new");
        ledger.release_export(&third).await.unwrap();
        let other = claim(&ledger, &task(3), Some("changed_at")).await;
        assert_eq!(other.watermark.from, None, "another column's values say nothing");
    }
}

#[tokio::test]
async fn a_range_that_somebody_else_exported_meanwhile_is_found_anew() {
    for place in places().await {
        let ledger = place.ledger().await;
        let dead = claim(&ledger, &task(0), Some("id")).await;
        assert!(ledger.export_up_to(&dead, "10").await.unwrap());
        ledger.release_export(&dead).await.unwrap();
        let other = claim(&ledger, &task(1), Some("id")).await;
        assert!(ledger.complete_export(&task(1), &other, &totals(Some("12"))).await.unwrap());
        let again = claim(&ledger, &task(0), Some("id")).await;
        assert_eq!((again.watermark.from.as_deref(), again.watermark.to), (Some("12"), None));
    }
}

#[tokio::test]
async fn a_run_that_ended_is_an_event() {
    for place in places().await {
        let what = Announcing { pipeline: "p".into(), events: true, alerts: Vec::new() };
        let ledger = place.ledger().await.announcing(what);
        let ours = claim(&ledger, &task(0), None).await;
        assert!(ledger.complete_export(&task(0), &ours, &totals(None)).await.unwrap());
        let ours = claim(&ledger, &task(1), None).await;
        ledger.fail_export(&task(1), &ours, "no such table").await.unwrap();
        let events = ledger.take_events(10, LEASE).await.unwrap();
        let types: Vec<_> = events.iter().map(|event| event.detail_type.as_str()).collect();
        assert_eq!(types, ["Millrace Export Completed", "Millrace Export Failed"]);
        assert!(events[0].detail.contains("\"manifest\":\"s3://lake/e/_manifest.json\""));
        assert!(events[1].detail.contains("\"reason\":\"no such table\""));
        let failed = ExportFilter { state: Some(RunState::Failed), ..ExportFilter::default() };
        let runs = ledger.export_runs(&failed).await.unwrap();
        assert_eq!(runs[0].reason.as_deref(), Some("no such table"));
        claim(&ledger, &task(1), None).await;
    }
}
