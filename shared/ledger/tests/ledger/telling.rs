//! What is to be told is written down with what it tells of, and handed out to one
//! at a time.

use std::time::Duration;

use chrono::Utc;
use millrace_contract::{
    AlertKind, ColumnChange, ColumnDef, DataType, FileEvent, FileOutcome, Occurrence,
};
use millrace_ledger::{Announcing, Evolution, FailureRecord, Ledger, Registration};
use millrace_retry::FailureClass;

use crate::failures::failure;
use crate::support::{Place, file, load_task, object, places};

const LEASE: Duration = Duration::from_secs(60);
const QUIET: Duration = Duration::from_secs(600);

fn everything() -> Announcing {
    Announcing { pipeline: "demo".into(), events: true, alerts: AlertKind::ALL.into() }
}

async fn telling(place: &Place) -> Ledger {
    place.ledger().await.announcing(everything())
}

async fn transformed(ledger: &Ledger, file: &Registration) {
    ledger.register(file).await.unwrap();
    let task = load_task(file);
    let duration = Duration::ZERO;
    let done = millrace_ledger::Transformed { task: &task, rejects: &[], warnings: &[], duration };
    ledger.transformed(&done).await.unwrap();
}

async fn events(ledger: &Ledger) -> Vec<FileEvent> {
    let due = ledger.take_events(100, LEASE).await.unwrap();
    due.iter().map(|event| serde_json::from_str(&event.detail).unwrap()).collect()
}

#[tokio::test]
async fn a_load_is_told_once_with_its_rows_however_often_it_is_recorded() {
    for place in places().await {
        let ledger = telling(&place).await;
        let one = file(object("e1", Some("01")));
        transformed(&ledger, &one).await;
        for _ in 0..2 {
            ledger.loaded(&one.file_id, 7, Duration::ZERO).await.unwrap();
        }
        let told = events(&ledger).await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].outcome, FileOutcome::Loaded);
        assert_eq!(told[0].file_id.as_ref(), Some(&one.file_id));
        assert_eq!(told[0].object.as_ref().map(|object| &*object.key), Some("in/a.csv"));
        let rows = told[0].rows;
        let rows = (rows.read, rows.written, rows.rejected, rows.skipped, rows.loaded);
        assert_eq!(rows, (Some(10), Some(7), Some(2), Some(1), Some(7)));
    }
}

#[tokio::test]
async fn nothing_is_written_down_where_nobody_wants_to_know() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("e1", Some("01")));
        transformed(&ledger, &one).await;
        ledger.record_failure(&failure("m1", Some(&one))).await.unwrap();
        ledger.loaded(&one.file_id, 7, Duration::ZERO).await.unwrap();
        assert!(ledger.take_events(10, LEASE).await.unwrap().is_empty());
        assert!(ledger.take_alerts(LEASE, QUIET).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_one_took_nobody_else_takes_until_it_is_put_off_or_forgotten() {
    for place in places().await {
        let ledger = telling(&place).await;
        for etag in ["e1", "e2", "e3"] {
            let one = file(object(etag, None));
            transformed(&ledger, &one).await;
            ledger.loaded(&one.file_id, 7, Duration::ZERO).await.unwrap();
        }
        let taken = ledger.take_events(2, LEASE).await.unwrap();
        assert_eq!(taken.len(), 2);
        let rest = ledger.take_events(10, Duration::ZERO).await.unwrap();
        assert_eq!(rest.len(), 1);
        let again = ledger.take_events(10, LEASE).await.unwrap();
        assert_eq!(again.len(), 1, "its taker died");
        assert_eq!((again[0].id, again[0].attempts), (rest[0].id, 1));
        ledger.forget_events(&[taken[0].id, again[0].id]).await.unwrap();
        ledger.postpone_events(&[taken[1].id], Duration::ZERO).await.unwrap();
        let last = ledger.take_events(10, LEASE).await.unwrap();
        assert_eq!(last.len(), 1);
        assert_eq!(last[0].id, taken[1].id);
        assert_eq!(last[0].attempts, 2);
    }
}

#[tokio::test]
async fn workers_that_look_together_share_what_there_is() {
    for place in places().await {
        let ledger = telling(&place).await;
        for number in 0..40 {
            let one = file(object(&format!("e{number}"), None));
            transformed(&ledger, &one).await;
            ledger.loaded(&one.file_id, 7, Duration::ZERO).await.unwrap();
        }
        let look = || async {
            let mut taken = Vec::new();
            loop {
                let some = ledger.take_events(5, LEASE).await.unwrap();
                if some.is_empty() {
                    return taken;
                }
                taken.extend(some.into_iter().map(|event| event.id));
            }
        };
        let (one, other, third) = tokio::join!(look(), look(), look());
        let mut all = [one, other, third].concat();
        all.sort_unstable();
        assert_eq!(all.len(), 40);
        all.dedup();
        assert_eq!(all.len(), 40);
    }
}

#[tokio::test]
async fn a_failure_is_told_when_it_is_first_recorded() {
    for place in places().await {
        let ledger = telling(&place).await;
        let one = file(object("e1", Some("01")));
        ledger.register(&one).await.unwrap();
        let rejected = failure("m1", Some(&one));
        for _ in 0..2 {
            ledger.record_failure(&rejected).await.unwrap();
        }
        let poison = FailureRecord {
            class: FailureClass::Poison,
            fingerprint: "p".into(),
            ..failure("m2", None)
        };
        ledger.record_failure(&poison).await.unwrap();
        let alerts = ledger.take_alerts(LEASE, QUIET).await.unwrap();
        let told: Vec<_> = alerts.iter().map(|alert| (&*alert.group, alert.count)).collect();
        assert_eq!(told, [("file_rejected:contract amount", 1), ("dead_letter:p", 1)]);
        assert_eq!(alerts[0].newest[0].message_id.as_deref(), Some("m1"));
        let events = events(&ledger).await;
        assert_eq!(events.len(), 1, "a message without a file ends none");
        assert_eq!(events[0].outcome, FileOutcome::Rejected);
    }
}

#[tokio::test]
async fn only_what_is_asked_for_is_told() {
    for place in places().await {
        let alerts = vec![AlertKind::Outage];
        let what = Announcing { pipeline: "demo".into(), events: false, alerts };
        let ledger = place.ledger().await.announcing(what);
        ledger.record_failure(&failure("m1", None)).await.unwrap();
        assert!(ledger.take_alerts(LEASE, QUIET).await.unwrap().is_empty());
        assert!(ledger.take_events(10, LEASE).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn the_first_is_told_at_once_and_the_rest_together() {
    for place in places().await {
        let ledger = telling(&place).await;
        ledger.record_failure(&failure("m0", None)).await.unwrap();
        let quiet = Duration::from_millis(600);
        let first = ledger.take_alerts(LEASE, quiet).await.unwrap().remove(0);
        assert_eq!((first.count, first.told), (1, 0));
        ledger.alert_sent(&first, quiet).await.unwrap();
        for number in 1..=20 {
            ledger.record_failure(&failure(&format!("m{number}"), None)).await.unwrap();
        }
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        let digest = loop {
            if let Some(digest) = ledger.take_alerts(LEASE, quiet).await.unwrap().pop() {
                break digest;
            }
            assert!(std::time::Instant::now() < deadline, "there is no digest");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!((digest.count, digest.told), (20, 1));
        assert_eq!(digest.newest.len(), 5);
        assert_eq!(digest.newest[0].message_id.as_deref(), Some("m20"));
        ledger.alert_sent(&digest, quiet).await.unwrap();
        assert!(ledger.take_alerts(LEASE, quiet).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_alert_that_could_not_be_sent_is_due_again_with_what_came_meanwhile() {
    for place in places().await {
        let ledger = telling(&place).await;
        ledger.record_failure(&failure("m1", None)).await.unwrap();
        let first = ledger.take_alerts(LEASE, QUIET).await.unwrap().remove(0);
        assert!(ledger.take_alerts(LEASE, QUIET).await.unwrap().is_empty(), "it is taken");
        ledger.postpone_alert(&first, Duration::ZERO).await.unwrap();
        ledger.record_failure(&failure("m2", None)).await.unwrap();
        let again = ledger.take_alerts(LEASE, QUIET).await.unwrap().remove(0);
        assert_eq!((again.count, again.told, again.attempts), (2, 0, 1));
    }
}

#[tokio::test]
async fn an_outage_that_many_workers_tell_of_is_told_once() {
    for place in places().await {
        let ledger = telling(&place).await;
        let outage = Occurrence::new(AlertKind::Outage, Utc::now(), "S3 can't be reached");
        for _ in 0..3 {
            ledger.alert_once(&outage).await.unwrap();
        }
        let alerts = ledger.take_alerts(LEASE, QUIET).await.unwrap();
        assert_eq!((alerts.len(), alerts[0].count), (1, 1));
        ledger.alert_sent(&alerts[0], QUIET).await.unwrap();
        ledger.alert_once(&outage).await.unwrap();
        assert!(ledger.take_alerts(LEASE, QUIET).await.unwrap().is_empty());
        let over = Occurrence { lasted_ms: Some(5), ..outage };
        ledger.alert_once(&over).await.unwrap();
        assert_eq!(ledger.take_alerts(LEASE, QUIET).await.unwrap().len(), 1, "its end is news");
    }
}

#[tokio::test]
async fn a_change_of_columns_is_told_and_the_first_columns_are_not() {
    for place in places().await {
        let ledger = telling(&place).await;
        let columns = |names: &[&str]| -> Vec<ColumnDef> {
            names.iter().map(|name| ColumnDef::new(*name, DataType::Int64)).collect()
        };
        let why = "`x` at line 2".to_owned();
        let changes = [ColumnChange { column: "b".into(), from: None, to: DataType::Int64, why }];
        for (known, etag, names) in [(0, "e1", &["a"][..]), (1, "e2", &["a", "b"])] {
            let one = file(object(etag, Some(etag)));
            ledger.register(&one).await.unwrap();
            let Registration { file_id, dataset, contract, .. } = &one;
            let columns = &columns(names);
            let (columns, changes) = (columns.as_slice(), &changes[..]);
            let evolution = Evolution { file_id, dataset, contract, known, columns, changes };
            ledger.evolve_columns(&evolution).await.unwrap();
        }
        let alerts = ledger.take_alerts(LEASE, QUIET).await.unwrap();
        assert_eq!(alerts.len(), 1);
        assert_eq!((&*alerts[0].group, alerts[0].count), ("schema_changed:sales", 1));
        assert_eq!(alerts[0].newest[0].message, "`b` added as int64 (`x` at line 2)");
    }
}
