//! The gate: what is new, known, unchanged or superseded.

use millrace_contract::ObjectVersion;
use millrace_ledger::{FileState, Ledger, Registered, Registration};

use crate::support::{Place, file, load_task, object, places, under};

async fn register(ledger: &Ledger, file: &Registration) -> Registered {
    ledger.register(file).await.expect("registered")
}

#[tokio::test]
async fn a_redelivered_event_is_known_and_how_far_it_came() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("e1", Some("01")));
        assert_eq!(register(&ledger, &one).await, Registered::New);
        let known = |state| Registered::Known { state };
        assert_eq!(register(&ledger, &one).await, known(FileState::Registered));
        ledger.loaded(&one.file_id, 7, std::time::Duration::ZERO).await.unwrap();
        assert_eq!(register(&ledger, &one).await, known(FileState::Loaded));
    }
}

#[tokio::test]
async fn the_same_content_again_is_unchanged() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("e1", Some("01")));
        register(&ledger, &one).await;
        ledger.loaded(&one.file_id, 7, std::time::Duration::ZERO).await.unwrap();
        for sequencer in ["02", "03"] {
            let again = register(&ledger, &file(object("e1", Some(sequencer)))).await;
            let Registered::Unchanged { of, loaded_at, state } = again else {
                panic!("{again:?}");
            };
            assert_eq!((of, state), (one.file_id.clone(), FileState::Loaded));
            assert!(loaded_at.is_some());
        }
        let again = register(&ledger, &file(object("e1", Some("02")))).await;
        assert_eq!(again, Registered::Known { state: FileState::Unchanged });
    }
}

#[tokio::test]
async fn a_key_that_goes_back_to_its_first_content_is_new_each_time() {
    for place in places().await {
        let ledger = place.ledger().await;
        for (etag, sequencer) in [("a", "01"), ("b", "02"), ("a", "03"), ("b", "04")] {
            let found = register(&ledger, &file(object(etag, Some(sequencer)))).await;
            assert_eq!(found, Registered::New, "{etag} {sequencer}");
        }
    }
}

#[tokio::test]
async fn another_contract_or_a_failure_before_makes_the_same_content_new() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("e1", Some("01")));
        register(&ledger, &one).await;
        let other = under(object("e1", Some("02")), "c2");
        assert_eq!(register(&ledger, &other).await, Registered::New);
        let failed = crate::failures::failure("m1", Some(&other));
        ledger.record_failure(&failed).await.unwrap();
        let third = under(object("e1", Some("03")), "c2");
        assert_eq!(register(&ledger, &third).await, Registered::New);
        ledger.skipped(&third.file_id, "missing", "").await.unwrap();
        let fourth = under(object("e1", Some("04")), "c2");
        assert_eq!(register(&ledger, &fourth).await, Registered::New);
    }
}

#[tokio::test]
async fn without_sequencer_and_version_only_the_etag_tells_versions_apart() {
    for place in places().await {
        let ledger = place.ledger().await;
        assert_eq!(register(&ledger, &file(object("a", None))).await, Registered::New);
        assert_eq!(register(&ledger, &file(object("b", None))).await, Registered::New);
        let again = register(&ledger, &file(object("a", None))).await;
        assert_eq!(again, Registered::Known { state: FileState::Registered });
        // An empty ETag says nothing about the content.
        let versioned =
            |id: &str| ObjectVersion { version_id: Some(id.into()), ..object("", None) };
        assert_eq!(register(&ledger, &file(versioned("v1"))).await, Registered::New);
        assert_eq!(register(&ledger, &file(versioned("v2"))).await, Registered::New);
    }
}

#[tokio::test]
async fn in_whatever_order_events_come_the_highest_sequencer_wins() {
    let Some(place) = places().await.into_iter().next() else {
        return;
    };
    let ledger = place.ledger().await;
    for (number, order) in permutations(&["01", "02", "0201", "03"]).into_iter().enumerate() {
        let mut newest = "";
        for sequencer in &order {
            let mut version = object(sequencer, Some(sequencer));
            version.key = format!("key {number}");
            let found = register(&ledger, &file(version)).await;
            if *sequencer > newest {
                assert_eq!(found, Registered::New, "{order:?}");
                newest = sequencer;
            } else {
                assert!(matches!(found, Registered::Superseded { .. }), "{order:?} {found:?}");
            }
        }
    }
}

fn permutations<'a>(items: &[&'a str]) -> Vec<Vec<&'a str>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in items {
        let rest: Vec<_> = items.iter().filter(|item| *item != first).copied().collect();
        for mut permutation in permutations(&rest) {
            permutation.insert(0, first);
            all.push(permutation);
        }
    }
    all
}

#[tokio::test]
async fn of_many_workers_with_one_event_one_has_the_work() {
    for place in places().await {
        let found = at_once(&place, (0..8).map(|_| file(object("e1", Some("01"))))).await;
        assert_eq!(found.iter().filter(|found| **found == Registered::New).count(), 1);
    }
}

#[tokio::test]
async fn of_many_workers_with_versions_of_one_key_the_newest_is_never_late() {
    for place in places().await {
        let versions = (1..=8).map(|n| {
            let number = format!("{n:02}");
            file(object(&number, Some(&number)))
        });
        let found = at_once(&place, versions).await;
        assert_eq!(found.last(), Some(&Registered::New));
        let ledger = place.ledger().await;
        let late = register(&ledger, &file(object("late", Some("07F")))).await;
        assert!(matches!(late, Registered::Superseded { .. }));
    }
}

async fn at_once(place: &Place, files: impl Iterator<Item = Registration>) -> Vec<Registered> {
    let ledger = place.ledger().await;
    let tasks: Vec<_> = files
        .map(|file| {
            let ledger = ledger.clone();
            tokio::spawn(async move { register(&ledger, &file).await })
        })
        .collect();
    let mut found = Vec::new();
    for task in tasks {
        found.push(task.await.unwrap());
    }
    found
}

#[tokio::test]
async fn a_superseded_version_does_not_hide_that_the_newest_is_unchanged() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("a", Some("05")));
        register(&ledger, &one).await;
        register(&ledger, &file(object("b", Some("03")))).await;
        let again = register(&ledger, &file(object("a", Some("06")))).await;
        assert!(matches!(again, Registered::Unchanged { of, .. } if of == one.file_id));
        // Two datasets may take one object; they know nothing of each other.
        let mut other = file(object("a", Some("05")));
        other.dataset = "other".into();
        other.file_id = millrace_contract::FileId::of("other", &other.object, &other.contract);
        assert_eq!(register(&ledger, &other).await, Registered::New);
        assert!(ledger.load_task(&load_task(&other).file_id).await.unwrap().is_none());
    }
}
