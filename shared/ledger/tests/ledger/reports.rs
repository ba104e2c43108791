//! Runs of reports: claimed by one, made once, told of when they are done.

use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::{Parameters, ReportTask};
use millrace_ledger::{
    Figure, Ledger, ReportClaim, ReportClaimed, ReportFilter, ReportTotals, RunState,
};

use crate::support::places;

const LEASE: Duration = Duration::from_secs(60);

fn task(hour: i64) -> ReportTask {
    let scheduled_at = DateTime::<Utc>::from_timestamp(1_767_225_600 + hour * 3600, 0).unwrap();
    ReportTask { report: "spending".into(), scheduled_at, parameters: Parameters::new() }
}

async fn claim(ledger: &Ledger, task: &ReportTask) -> ReportClaim {
    match ledger.claim_report(task, "t", LEASE).await.unwrap() {
        ReportClaimed::Yes(claim) => claim,
        other => panic!("not claimed: {other:?}"),
    }
}

fn totals() -> ReportTotals {
    let change = Some("+1.0% against 4 in Dec 2025".to_owned());
    ReportTotals {
        page: "s3://lake/r/index.html".into(),
        charts: 2,
        rows: 7,
        bytes: 100,
        figures: vec![Figure { title: "Spent".into(), value: "A$5".into(), change }],
        duration: Duration::from_millis(5),
    }
}

#[tokio::test]
async fn a_page_is_made_once_however_often_it_is_asked_for() {
    for place in places().await {
        let ledger = place.ledger().await;
        let ours = claim(&ledger, &task(0)).await;
        let again = ledger.claim_report(&task(0), "t", LEASE).await.unwrap();
        assert_eq!(again, ReportClaimed::Busy);
        assert_ne!(claim(&ledger, &task(1)).await.run, ours.run, "another time is another run");
        assert!(ledger.complete_report(&ours, &totals()).await.unwrap());
        let ReportClaimed::Done(run) = ledger.claim_report(&task(0), "t", LEASE).await.unwrap()
        else {
            panic!("it is done")
        };
        assert_eq!((run.state, run.rows, run.told_at), (RunState::Done, Some(7), None));
        assert_eq!(run.figures, totals().figures);
        ledger.report_told(&ours.run).await.unwrap();
        let run = ledger.report_run(&ours.run).await.unwrap().unwrap();
        assert!(run.told_at.is_some());
        assert_eq!(run.page.as_deref(), Some("s3://lake/r/index.html"));
        let all = ledger.report_runs(&ReportFilter::default()).await.unwrap();
        assert_eq!(all.len(), 2);
        let other = ReportFilter { report: Some("stock".into()), limit: None };
        assert!(ledger.report_runs(&other).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn who_was_claimed_over_ends_nothing_and_what_failed_can_be_claimed_again() {
    for place in places().await {
        let ledger = place.ledger().await;
        let dead = claim(&ledger, &task(0)).await;
        ledger.release_report(&dead).await.unwrap();
        let ours = claim(&ledger, &task(0)).await;
        assert_eq!((dead.fence, ours.fence), (1, 2));
        assert!(!ledger.renew_report(&dead, LEASE).await.unwrap());
        assert!(!ledger.complete_report(&dead, &totals()).await.unwrap());
        ledger.fail_report(&dead, "no").await.unwrap();
        assert!(ledger.renew_report(&ours, LEASE).await.unwrap());
        ledger.fail_report(&ours, "a \0 in it").await.unwrap();
        let run = ledger.report_run(&ours.run).await.unwrap().unwrap();
        assert_eq!(
            (run.state, run.reason.as_deref()),
            (RunState::Failed, Some("a \u{fffd} in it"))
        );
        let next = claim(&ledger, &task(0)).await;
        assert_eq!(next.fence, 3);
        assert!(ledger.complete_report(&next, &totals()).await.unwrap());
    }
}
