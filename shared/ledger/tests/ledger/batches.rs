//! Batches of collected messages: each message is one batch's, whoever asks first.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use millrace_ledger::{Batch, BatchFilter, BatchRecord, BatchState, Ledger, Recorded};

use crate::support::places;

fn batch<'a>(id: &'a str, names: &'a [&'a str]) -> Batch<'a> {
    let now = Utc::now();
    Batch {
        id,
        stream: "game",
        bucket: "raw",
        key: "raw/game/1.ndjson",
        staged_bucket: "lake",
        staged_key: "_collect/game/1",
        names,
        messages: names.len() as u64,
        bytes: 10,
        opened_at: now,
        forget_at: now + TimeDelta::days(30),
    }
}

fn met(pairs: &[(&str, &str)]) -> Recorded {
    let owned = |(name, batch): &(&str, &str)| ((*name).to_owned(), (*batch).to_owned());
    Recorded::Met(pairs.iter().map(owned).collect())
}

async fn of(ledger: &Ledger, id: &str) -> Option<BatchRecord> {
    ledger.batches_named(&[id]).await.unwrap().pop()
}

#[tokio::test]
async fn a_message_is_the_batchs_that_was_first() {
    for place in places().await {
        let ledger = place.ledger().await;
        let first = ledger.commit_batch(&batch("b1", &["m:2", "m:1"])).await.unwrap();
        assert_eq!(first, Recorded::Committed);
        let second = ledger.commit_batch(&batch("b2", &["m:3", "m:2"])).await.unwrap();
        assert_eq!(second, met(&[("m:2", "b1")]));
        assert_eq!(of(&ledger, "b2").await, None, "nothing of it is there");
        let found = ledger.collected(&["m:1", "m:2", "m:3"]).await.unwrap();
        let pair = |name: &str| (name.to_owned(), "b1".to_owned());
        assert_eq!(found, BTreeMap::from([pair("m:1"), pair("m:2")]));
        let third = ledger.commit_batch(&batch("b3", &["m:3"])).await.unwrap();
        assert_eq!(third, Recorded::Committed);
    }
}

#[tokio::test]
async fn of_batches_that_share_messages_one_is_committed() {
    for place in places().await {
        let ledger = place.ledger().await;
        // More than one statement takes, in opposite orders.
        let up: Vec<String> = (0..700).map(|name| format!("m:{name:03}")).collect();
        let up: Vec<&str> = up.iter().map(String::as_str).collect();
        let down: Vec<&str> = up.iter().rev().copied().collect();
        let commit = |id: &'static str, names: Vec<&str>| {
            let ledger = ledger.clone();
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            tokio::spawn(async move {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                loop {
                    // A deadlock or a busy file is tried again, as messages are.
                    if let Ok(recorded) = ledger.commit_batch(&batch(id, &names)).await {
                        return recorded;
                    }
                }
            })
        };
        let (one, other) = tokio::join!(commit("b1", up.clone()), commit("b2", down));
        let (one, other) = (one.unwrap(), other.unwrap());
        let committed = [&one, &other].iter().filter(|r| ***r == Recorded::Committed).count();
        assert_eq!(committed, 1, "{:?}", ledger.batches(&BatchFilter::default()).await);
        let owner = if one == Recorded::Committed { "b1" } else { "b2" };
        let owners = ledger.collected(&up).await.unwrap();
        assert_eq!(owners.len(), 700);
        assert!(owners.values().all(|batch| batch == owner));
    }
}

#[tokio::test]
async fn a_batch_is_to_be_published_until_it_is() {
    for place in places().await {
        let ledger = place.ledger().await;
        ledger.commit_batch(&batch("b1", &["m:1", "m:2"])).await.unwrap();
        let to_publish = |before: DateTime<Utc>| {
            let state = Some(BatchState::Committed);
            BatchFilter { state, before: Some(before), ..BatchFilter::default() }
        };
        let soon = Utc::now() + TimeDelta::seconds(1);
        let found = ledger.batches(&to_publish(soon)).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].messages, found[0].bytes), (2, 10));
        assert_eq!(found[0].staged_key, "_collect/game/1");
        let earlier = Utc::now() - TimeDelta::hours(1);
        assert!(ledger.batches(&to_publish(earlier)).await.unwrap().is_empty());
        ledger.batch_published("b1").await.unwrap();
        let published = of(&ledger, "b1").await.unwrap();
        assert_eq!(published.state, BatchState::Published);
        ledger.batch_published("b1").await.unwrap();
        assert_eq!(of(&ledger, "b1").await.unwrap(), published, "the first time stands");
        assert!(ledger.batches(&to_publish(soon)).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn messages_are_forgotten_when_their_time_has_come() {
    for place in places().await {
        let ledger = place.ledger().await;
        let old = Batch { forget_at: Utc::now(), ..batch("b1", &["m:1", "m:2"]) };
        ledger.commit_batch(&old).await.unwrap();
        ledger.commit_batch(&batch("b2", &["m:3"])).await.unwrap();
        let later = Utc::now() + TimeDelta::days(1);
        assert_eq!(ledger.forget_collected(later).await.unwrap(), 2);
        assert_eq!(ledger.forget_collected(later).await.unwrap(), 0);
        let known = ledger.collected(&["m:1", "m:2", "m:3"]).await.unwrap();
        assert_eq!(known.into_keys().collect::<Vec<_>>(), ["m:3"]);
    }
}
