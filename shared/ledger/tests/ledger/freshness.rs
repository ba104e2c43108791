//! Datasets that are late are told once, whoever looks.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millrace_contract::{AlertKind, Occurrence};
use millrace_ledger::{Announcing, Ledger};

use crate::support::{Place, file, object, places};

const DAILY: &str = "cron(0 7 * * ? *)";
const LEASE: Duration = Duration::from_secs(60);

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).expect("a time") + TimeDelta::hours(hour)
}

async fn ledger(place: &Place, alerts: &[AlertKind]) -> Ledger {
    let pipeline = "demo".into();
    place.ledger().await.announcing(Announcing { pipeline, events: true, alerts: alerts.into() })
}

fn told(message: &str) -> Occurrence {
    let mut told = Occurrence::new(AlertKind::LateDataset, at(24), message);
    told.dataset = Some("sales".into());
    told
}

async fn alerts(ledger: &Ledger) -> Vec<String> {
    let due = ledger.take_alerts(LEASE, Duration::ZERO).await.unwrap();
    for alert in &due {
        ledger.alert_sent(alert, Duration::ZERO).await.unwrap();
    }
    due.iter().flat_map(|alert| alert.newest.iter().map(|one| one.message.clone())).collect()
}

#[tokio::test]
async fn each_missed_time_and_the_end_of_it_are_told_once_by_many() {
    for place in places().await {
        let ledger = ledger(&place, &AlertKind::ALL).await;
        assert_eq!(ledger.watched("sales").await.unwrap(), None);
        ledger.watch("sales", DAILY, at(0)).await.unwrap();
        let watched = ledger.watched("sales").await.unwrap().unwrap();
        assert_eq!((watched.since, watched.late_since), (at(0), None));

        let (late, over) = (told("late"), told("over"));
        for (missed, expected) in [(at(24), 1), (at(24), 0), (at(48), 1)] {
            let miss = || ledger.missed(&watched, (at(24), missed), &late);
            let (one, two, three) = tokio::join!(miss(), miss(), miss());
            let news = [one, two, three].map(Result::unwrap).into_iter().filter(|news| *news);
            assert_eq!(news.count(), expected, "{missed}");
            assert_eq!(alerts(&ledger).await.len(), expected, "{missed}");
        }
        let watched = ledger.watched("sales").await.unwrap().unwrap();
        assert_eq!((watched.late_since, watched.missed_at), (Some(at(24)), Some(at(48))));

        let end = || ledger.caught_up(&watched, &over);
        let (one, two) = tokio::join!(end(), end());
        assert!(one.unwrap() != two.unwrap());
        assert_eq!(alerts(&ledger).await, ["over"]);
        let watched = ledger.watched("sales").await.unwrap().unwrap();
        assert_eq!((watched.late_since, watched.missed_at), (None, None));
        assert!(!ledger.caught_up(&watched, &over).await.unwrap());
    }
}

#[tokio::test]
async fn a_dataset_that_is_expected_otherwise_is_watched_anew() {
    for place in places().await {
        let ledger = ledger(&place, &[AlertKind::Outage]).await;
        ledger.watch("sales", DAILY, at(0)).await.unwrap();
        let before = ledger.watched("sales").await.unwrap().unwrap();
        assert!(ledger.missed(&before, (at(24), at(24)), &told("late")).await.unwrap());
        assert!(alerts(&ledger).await.is_empty(), "nobody wants to know");
        ledger.watch("sales", "rate(1 day)", at(30)).await.unwrap();
        let watched = ledger.watched("sales").await.unwrap().unwrap();
        assert_eq!((watched.since, watched.missed_at), (at(30), None));
        // A worker that still goes by the pipeline file of before changes nothing.
        assert!(!ledger.missed(&before, (at(48), at(48)), &told("late")).await.unwrap());
    }
}

#[tokio::test]
async fn the_newest_load_is_of_the_dataset_and_no_replay() {
    for place in places().await {
        let ledger = place.ledger().await;
        assert_eq!(ledger.newest_load("sales").await.unwrap(), None);
        let mut ids = Vec::new();
        for etag in ["e1", "e2", "e3"] {
            let one = file(object(etag, None));
            ledger.register(&one).await.unwrap();
            ids.push(one.file_id);
        }
        assert_eq!(ledger.newest_load("sales").await.unwrap(), None, "none is loaded");
        let mark = "UPDATE millrace_files SET loaded_at = $2 WHERE file_id = $1";
        for (id, hour) in ids.iter().zip([1, 3, 5]) {
            place.database.execute(mark, &[id.as_str().into(), at(hour).into()]).await.unwrap();
        }
        let replay = "UPDATE millrace_files SET replay = 'whole' WHERE file_id = $1";
        place.database.execute(replay, &[ids[2].as_str().into()]).await.unwrap();
        assert_eq!(ledger.newest_load("sales").await.unwrap(), Some(at(3)));
        assert_eq!(ledger.newest_load("other").await.unwrap(), None);
    }
}
