//! Runs of upkeep, and history that has reached its age.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millrace_contract::{MaintainTask, StageName, Upkeep, UpkeepCounts};
use millrace_ledger::{
    Hop, Ledger, Registered, Registration, RunFilter, RunState, Transformed, UpkeepClaim,
    UpkeepClaimed, UpkeepFilter,
};

use crate::support::{file, load_task, object, places};

const LEASE: Duration = Duration::from_secs(60);

fn task(upkeep: Upkeep, hour: i64) -> MaintainTask {
    let scheduled_at = DateTime::from_timestamp(1_700_000_000 + hour * 3_600, 0).expect("a time");
    MaintainTask { upkeep, scheduled_at, resume: None }
}

async fn claim(ledger: &Ledger, task: &MaintainTask, lease: Duration) -> UpkeepClaim {
    match ledger.claim_upkeep(task, false, "t", lease).await.unwrap() {
        UpkeepClaimed::Yes(claim) => claim,
        refused => panic!("{refused:?}"),
    }
}

#[tokio::test]
async fn a_run_is_done_once_and_one_at_a_time() {
    for place in places().await {
        let ledger = place.ledger().await;
        let (first, second) = (task(Upkeep::Reconcile, 1), task(Upkeep::Reconcile, 2));
        let ours = claim(&ledger, &first, LEASE).await;
        let refused = |task: MaintainTask| {
            let ledger = ledger.clone();
            async move { ledger.claim_upkeep(&task, false, "t", LEASE).await.unwrap() }
        };
        assert_eq!(refused(first.clone()).await, UpkeepClaimed::Busy);
        assert!(matches!(refused(second.clone()).await, UpkeepClaimed::Other(_)));
        claim(&ledger, &task(Upkeep::Compact, 1), LEASE).await;
        let counts: UpkeepCounts = [("lost".to_owned(), 3)].into();
        ledger.release_upkeep(&ours, Some(&counts)).await.unwrap();
        // It goes on by another message, and the first claim is worth nothing more.
        let next = claim(&ledger, &first, LEASE).await;
        assert!(!ledger.complete_upkeep(&ours, &counts, None).await.unwrap());
        assert!(ledger.renew_upkeep(&next, LEASE).await.unwrap());
        assert!(ledger.complete_upkeep(&next, &counts, Some("3 objects")).await.unwrap());
        assert!(matches!(refused(first.clone()).await, UpkeepClaimed::Done(_)));
        let failing = claim(&ledger, &second, Duration::ZERO).await;
        ledger.fail_upkeep(&failing, "no such bucket").await.unwrap();
        let filter = UpkeepFilter { upkeep: Some(Upkeep::Reconcile), limit: None };
        let runs = ledger.upkeep_runs(filter).await.unwrap();
        let states: Vec<_> = runs.iter().map(|run| run.state).collect();
        assert_eq!(states, [RunState::Failed, RunState::Done]);
        assert_eq!((&runs[1].counts, runs[1].fence), (&counts, 2));
        assert_eq!(runs[0].reason.as_deref(), Some("no such bucket"));
        let all = UpkeepFilter { upkeep: None, limit: Some(2) };
        assert_eq!(ledger.upkeep_runs(all).await.unwrap().len(), 2);
    }
}

async fn load(ledger: &Ledger, one: &Registration) {
    ledger.register(one).await.unwrap();
    let mut task = load_task(one);
    task.rejects_key = None;
    let done = Transformed { task: &task, rejects: &[], warnings: &[], duration: Duration::ZERO };
    ledger.transformed(&done).await.unwrap();
    ledger.loaded(&one.file_id, 7, Duration::ZERO).await.unwrap();
    let hop = Hop {
        file_id: &one.file_id,
        stage: StageName::Load,
        attempt: 1,
        started_at: Utc::now(),
        duration: Duration::ZERO,
        outcome: "loaded",
        detail: None,
    };
    ledger.hop(&hop).await.unwrap();
}

#[tokio::test]
async fn old_history_goes_and_what_fences_events_stays() {
    for place in places().await {
        let ledger = place.ledger().await;
        let versions = [("a", "01"), ("b", "02"), ("c", "03")];
        let versions = versions.map(|(etag, sequencer)| file(object(etag, Some(sequencer))));
        for one in &versions {
            load(&ledger, one).await;
        }
        let mut alone = file(object("x", None));
        alone.object.key = "in/alone.csv".into();
        alone.file_id = millrace_contract::FileId::from_text("alone");
        load(&ledger, &alone).await;
        ledger.skip_unrouted("raw", "stray.txt", "no dataset").await.unwrap();
        let (past, future) = (Utc::now() - TimeDelta::days(1), Utc::now() + TimeDelta::days(1));
        let nothing = ledger.trim_history(past, false).await.unwrap();
        assert!(nothing.values().all(|rows| *rows == 0), "{nothing:?}");
        // Their objects are in the lake still, so they are needed.
        let kept = ledger.trim_history(future, true).await.unwrap();
        assert_eq!((kept["files"], kept["hops"], kept["skips"]), (0, 4, 1));
        let ids = versions.each_ref().map(|one| one.file_id.clone());
        ledger.mark_removed(&ids, future).await.unwrap();
        let counted = ledger.trim_history(future, true).await.unwrap();
        assert_eq!((counted["files"], counted["hops"]), (2, 4), "{counted:?}");
        let trimmed = ledger.trim_history(future, false).await.unwrap();
        assert_eq!((trimmed["files"], trimmed["skips"]), (2, 1), "{trimmed:?}");
        let left = ledger.runs(&RunFilter::default()).await.unwrap();
        let left: Vec<_> = left.iter().map(|run| run.object.etag.as_str()).collect();
        assert_eq!(left, ["x", "c"], "the newest of each key");
        // An old event that comes again is still older than what is there.
        let again = ledger.register(&versions[0]).await.unwrap();
        assert_eq!(again, Registered::Superseded { by: versions[2].file_id.clone() });
        let none = ledger.trim_history(future, true).await.unwrap();
        assert_eq!((none["hops"], none["skips"]), (0, 0));
    }
}

#[tokio::test]
async fn rejected_rows_that_are_removed_are_forgotten_and_their_number_is_not() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("a", Some("01")));
        ledger.register(&one).await.unwrap();
        let task = load_task(&one);
        let done =
            Transformed { task: &task, rejects: &[], warnings: &[], duration: Duration::ZERO };
        ledger.transformed(&done).await.unwrap();
        ledger.forget_rejects(std::slice::from_ref(&one.file_id)).await.unwrap();
        let run = ledger.runs(&RunFilter::default()).await.unwrap().remove(0);
        assert_eq!((run.rejects_key, run.rows_rejected), (None, Some(2)));
    }
}
