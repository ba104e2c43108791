//! Objects that were found by listing: how they stand to what events told of, what is
//! known of keys, and which files are stuck.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millrace_contract::{Sequencer, StageName};
use millrace_ledger::{FileState, Hop, Ledger, Registered, Registration, Transformed};

use tokio::task::JoinSet;

use crate::support::{file, load_task, object, places};

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + minute * 60, 0).expect("a time")
}

/// A version that an event told of, published at a minute.
fn told(etag: &str, sequencer: &str, minute: i64) -> (Registration, DateTime<Utc>) {
    (file(object(etag, Some(sequencer))), at(minute))
}

/// A version that was stored long ago and seen to be the newest at a minute.
fn found(etag: &str, minute: i64) -> (Registration, DateTime<Utc>) {
    let mut version = object(etag, None);
    version.sequencer = Some(Sequencer::found(at(minute)));
    (file(version), at(-60))
}

async fn register(ledger: &Ledger, one: &(Registration, DateTime<Utc>)) -> Registered {
    ledger.register_published(&one.0, Some(one.1)).await.expect("registered")
}

#[tokio::test]
async fn a_found_version_is_newer_than_what_was_published_before_and_older_than_what_came_after() {
    for place in places().await {
        let ledger = place.ledger().await;
        let first = told("a", "0A", 10);
        assert_eq!(register(&ledger, &first).await, Registered::New);
        let lost = found("b", 20);
        assert_eq!(register(&ledger, &lost).await, Registered::New);
        // An event that was late: it was published before the other was seen.
        let late = register(&ledger, &told("c", "0B", 15)).await;
        assert_eq!(late, Registered::Superseded { by: lost.0.file_id.clone() });
        let next = told("d", "0C", 25);
        assert_eq!(register(&ledger, &next).await, Registered::New);
        // Found before that one was put, and registered after it.
        let slow = register(&ledger, &found("e", 22)).await;
        assert_eq!(slow, Registered::Superseded { by: next.0.file_id.clone() });
        let last = found("f", 30);
        assert_eq!(register(&ledger, &last).await, Registered::New);
        let older = register(&ledger, &found("g", 29)).await;
        assert_eq!(older, Registered::Superseded { by: last.0.file_id.clone() });
        // A sequencer says more than a clock: the newest event is never refused.
        assert_eq!(register(&ledger, &told("h", "0D", 31)).await, Registered::New);
    }
}

#[tokio::test]
async fn the_event_that_was_only_late_is_unchanged() {
    for place in places().await {
        let ledger = place.ledger().await;
        let lost = found("a", 20);
        register(&ledger, &lost).await;
        ledger.loaded(&lost.0.file_id, 7, Duration::ZERO).await.unwrap();
        let late = register(&ledger, &told("a", "0A", 10)).await;
        assert!(matches!(late, Registered::Unchanged { .. }), "{late:?}");
        // Found a second time before the first was registered.
        let twice = register(&ledger, &found("a", 21)).await;
        assert!(matches!(twice, Registered::Unchanged { .. }), "{twice:?}");
    }
}

#[tokio::test]
async fn a_key_that_goes_back_to_earlier_content_is_loaded_again_when_it_is_found() {
    for place in places().await {
        let ledger = place.ledger().await;
        for one in [told("a", "0A", 10), told("b", "0B", 20)] {
            assert_eq!(register(&ledger, &one).await, Registered::New);
            ledger.loaded(&one.0.file_id, 7, Duration::ZERO).await.unwrap();
        }
        let back = found("a", 30);
        assert_eq!(register(&ledger, &back).await, Registered::New);
        assert_eq!(register(&ledger, &told("b", "0C", 40)).await, Registered::New);
        assert_eq!(register(&ledger, &found("a", 50)).await, Registered::New);
    }
}

#[tokio::test]
async fn versions_of_keys_are_known_in_the_order_of_keys_page_by_page() {
    for place in places().await {
        let ledger = place.ledger().await;
        let keys: Vec<String> = (0..1_100).map(|number| format!("in/{number:04}é.csv")).collect();
        let registrations = keys.iter().map(|key| {
            let mut version = object("e", Some("01"));
            version.key.clone_from(key);
            file(version)
        });
        let registrations: Vec<_> = registrations.collect();
        let mut entering = JoinSet::new();
        for one in registrations {
            let ledger = ledger.clone();
            entering.spawn(async move { ledger.register(&one).await.expect("registered") });
        }
        assert!(entering.join_all().await.iter().all(|found| *found == Registered::New));
        let range = (keys[10].as_str(), keys[1_050].as_str());
        let (first, more) = ledger.known_versions("raw", range, None).await.unwrap();
        assert_eq!((first.len(), more, &first[0].key), (1_000, true, &keys[10]));
        let (rest, more) = ledger.known_versions("raw", range, first.last()).await.unwrap();
        assert_eq!((rest.len(), more), (41, false));
        assert_eq!(rest.last().map(|last| &last.key), Some(&keys[1_050]));
        assert_eq!((&*rest[0].dataset, rest[0].state), ("sales", FileState::Registered));
        assert!(ledger.known_versions("other", range, None).await.unwrap().0.is_empty());
    }
}

#[tokio::test]
async fn files_without_an_end_are_stuck_until_they_are_sent_again() {
    for place in places().await {
        let ledger = place.ledger().await;
        let named = |key: &str| {
            let mut version = object(key, Some("01"));
            version.key = format!("in/{key}");
            file(version)
        };
        let (waiting, transformed, done) = (named("a"), named("b"), named("c"));
        for one in [&waiting, &transformed, &done] {
            ledger.register_published(one, Some(at(0))).await.unwrap();
        }
        for one in [&transformed, &done] {
            let task = load_task(one);
            let record =
                Transformed { task: &task, rejects: &[], warnings: &[], duration: Duration::ZERO };
            ledger.transformed(&record).await.unwrap();
        }
        ledger.loaded(&done.file_id, 7, Duration::ZERO).await.unwrap();
        let now = Utc::now();
        let stuck = async |before| {
            let (files, next) = ledger.stuck_files("raw", before, None).await.unwrap();
            assert_eq!(next, None);
            files
        };
        assert!(stuck(now - TimeDelta::hours(1)).await.is_empty(), "they are young");
        let later = now + TimeDelta::minutes(1);
        let found = stuck(later).await;
        let ids: Vec<_> = found.iter().map(|one| &one.run.file_id).collect();
        assert_eq!(ids, [&waiting.file_id, &transformed.file_id]);
        assert_eq!((found[0].published_at, found[0].task.is_some()), (Some(at(0)), false));
        assert_eq!(found[1].task, Some(load_task(&transformed)));
        let hop = Hop {
            file_id: &waiting.file_id,
            stage: StageName::Maintain,
            attempt: 1,
            started_at: later + TimeDelta::minutes(1),
            duration: Duration::ZERO,
            outcome: "sent again",
            detail: None,
        };
        ledger.hop(&hop).await.unwrap();
        assert_eq!(stuck(later).await.len(), 1, "one was sent again");
        assert!(ledger.stuck_files("other", later, None).await.unwrap().0.is_empty());
    }
}
