//! What is collected, and what was before.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use millrace_collect::{Collected, NotCollected};
use millrace_ledger::BatchFilter;
use millrace_retry::FailureClass;
use millrace_storage::Storage;

use crate::world::{Answer, Right, World, hand_in, hand_in_with, record, stream};

/// Long enough for nothing to happen by itself.
const NEVER: Duration = Duration::from_secs(900);

async fn all(handed_in: Vec<tokio::task::JoinHandle<Answer>>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for answer in handed_in {
        answers.push(answer.await.expect("an answer"));
    }
    answers
}

fn lines(numbers: &[usize], name: &str) -> Vec<String> {
    let line = |n: &usize| format!("{{\"n\":{n},\"name\":\"{name}\"}}");
    numbers.iter().map(line).collect()
}

#[tokio::test]
async fn a_full_batch_is_an_object_and_groups_have_their_own() {
    let world = World::new(stream(2, NEVER)).await;
    let (one, other) = (record(1, "a", 1), record(2, "b", 1));
    let handed_in = [one, other, record(3, "a", 1), record(4, "b", 1)];
    let handed_in = handed_in.map(|record| hand_in(&world.collector, record));
    for answer in all(handed_in.into()).await {
        assert!(matches!(answer, Ok(Collected::Now(_))), "{answer:?}");
    }
    let mut expected = [lines(&[1, 3], "a"), lines(&[2, 4], "b")].concat();
    expected.sort();
    assert_eq!(world.published().await, expected);
    assert_eq!(world.keys("raw").await.len(), 2);
    assert!(world.keys("lake").await.is_empty(), "nothing is left where it was staged");
}

#[tokio::test]
async fn a_batch_that_is_old_enough_waits_for_no_more() {
    let world = World::new(stream(1000, Duration::from_millis(100))).await;
    let answer = hand_in(&world.collector, record(1, "a", 1)).await.expect("an answer");
    assert!(matches!(answer, Ok(Collected::Now(_))), "{answer:?}");
    assert_eq!(world.published().await, lines(&[1], "a"));
}

#[tokio::test]
async fn a_worker_that_stops_writes_what_it_has() {
    let world = World::new(stream(1000, NEVER)).await;
    let waiting = hand_in(&world.collector, record(1, "a", 1));
    while Arc::strong_count(&world.collector) < 3 {
        tokio::task::yield_now().await;
    }
    world.collector.flush();
    assert!(matches!(waiting.await.expect("an answer"), Ok(Collected::Now(_))));
    let late = hand_in(&world.collector, record(2, "a", 1)).await.expect("an answer");
    assert!(matches!(late, Ok(Collected::Now(_))), "and what comes late at once");
    assert_eq!(world.published().await, lines(&[1, 2], "a"));
}

#[tokio::test]
async fn a_message_that_is_delivered_again_is_collected_once() {
    let world = World::new(stream(2, NEVER)).await;
    let first = [1, 2].map(|id| hand_in(&world.collector, record(id, "a", 1)));
    let first = all(first.into()).await;
    let Ok(Collected::Now(batch)) = first[0].clone() else { panic!("{first:?}") };
    let again = [2, 3].map(|id| hand_in(&world.collector, record(id, "a", 2)));
    let again = all(again.into()).await;
    assert_eq!(again[0], Ok(Collected::Before(batch)));
    assert!(matches!(again[1], Ok(Collected::Now(_))), "{again:?}");
    // Nobody said that it was delivered before.
    let quietly = [3, 4].map(|id| hand_in(&world.collector, record(id, "a", 1)));
    let quietly = all(quietly.into()).await;
    assert!(matches!(quietly[0], Ok(Collected::Before(_))), "{quietly:?}");
    assert_eq!(world.published().await, lines(&[1, 2, 3, 4], "a"));
    assert!(world.keys("lake").await.is_empty());
}

#[tokio::test]
async fn a_message_that_comes_twice_in_a_batch_is_there_once() {
    let world = World::new(stream(3, NEVER)).await;
    let mut same = record(2, "a", 1);
    same.headers.insert("id".into(), "i1".into());
    let handed_in = [record(1, "a", 1), record(1, "a", 1), same];
    let handed_in = handed_in.map(|record| hand_in(&world.collector, record));
    let answers = all(handed_in.into()).await;
    assert!(matches!(answers[0], Ok(Collected::Now(_))), "{answers:?}");
    assert!(matches!(answers[1], Ok(Collected::Before(_))), "{answers:?}");
    assert!(matches!(answers[2], Ok(Collected::Duplicate(_))), "{answers:?}");
    assert_eq!(world.published().await, lines(&[1], "a"));
}

#[tokio::test]
async fn a_copy_of_a_message_is_the_message() {
    let world = World::new(stream(1, NEVER)).await;
    hand_in(&world.collector, record(1, "a", 1)).await.expect("an answer").expect("collected");
    let mut copy = record(2, "a", 1);
    copy.names.push("1".into());
    copy.headers.insert("id".into(), "another".into());
    let copied = hand_in(&world.collector, copy).await.expect("an answer");
    assert!(matches!(copied, Ok(Collected::Before(_))), "{copied:?}");
    assert_eq!(world.published().await, lines(&[1], "a"));
}

#[tokio::test]
async fn a_bad_message_costs_nobody_else_anything() {
    let world = World::new(stream(2, NEVER)).await;
    let good = hand_in(&world.collector, record(1, "a", 1));
    let mut bad = record(2, "a", 1);
    bad.body = "{".into();
    let Err(NotCollected::Verdict(failure)) = hand_in(&world.collector, bad).await.expect("ends")
    else {
        panic!("collected")
    };
    assert_eq!(failure.class, FailureClass::Poison);
    let other = hand_in(&world.collector, record(3, "a", 1));
    for answer in all(vec![good, other]).await {
        assert!(matches!(answer, Ok(Collected::Now(_))), "{answer:?}");
    }
    assert_eq!(world.published().await, lines(&[1, 3], "a"));
}

#[tokio::test]
async fn whoever_loses_the_right_to_a_message_does_not_commit_it() {
    let world = World::new(stream(2, NEVER)).await;
    let right = Arc::new(Right::default());
    // It is lost when the batch is staged already.
    let taken = Arc::clone(&right);
    *world.store.on_staged.lock().expect("a lock") = Some(Box::new(move || taken.take_away()));
    let lost = hand_in_with(&world.collector, record(1, "a", 1), right);
    let kept = hand_in(&world.collector, record(2, "a", 1));
    assert_eq!(lost.await.expect("ends"), Err(NotCollected::Lost));
    assert!(matches!(kept.await.expect("ends"), Ok(Collected::Now(_))));
    assert_eq!(world.published().await, lines(&[2], "a"));
    assert!(world.ledger.collected(&["m:1"]).await.expect("an answer").is_empty());
    assert!(world.keys("lake").await.is_empty());
}

#[tokio::test]
async fn two_workers_with_the_same_messages_write_them_once() {
    let world = World::new(stream(50, NEVER)).await;
    let other = world.another(stream(50, NEVER));
    let mut handed_in = Vec::new();
    for id in 0..50 {
        handed_in.push(hand_in(&world.collector, record(id, "a", 1)));
        handed_in.push(hand_in(&other, record(id, "a", 1)));
    }
    for answer in all(handed_in).await {
        assert!(answer.is_ok(), "{answer:?}");
    }
    let mut expected = lines(&(0..50).collect::<Vec<_>>(), "a");
    expected.sort();
    assert_eq!(world.published().await, expected);
}

#[tokio::test]
async fn what_was_committed_is_published_by_whoever_has_the_message_next() {
    let world = World::new(stream(2, NEVER)).await;
    world.store.refuses_new.store(true, Ordering::SeqCst);
    let first = [1, 2].map(|id| hand_in(&world.collector, record(id, "a", 1)));
    for answer in all(first.into()).await {
        let Err(NotCollected::Verdict(failure)) = answer else { panic!("{answer:?}") };
        assert_eq!(failure.class, FailureClass::Transient);
    }
    assert!(world.published().await.is_empty());
    assert_eq!(world.keys("lake").await.len(), 1, "it lies where it was staged");
    world.store.refuses_new.store(false, Ordering::SeqCst);
    let other = world.another(stream(1, NEVER));
    let again = hand_in(&other, record(1, "a", 2)).await.expect("an answer");
    assert!(matches!(again, Ok(Collected::Before(_))), "{again:?}");
    assert_eq!(world.published().await, lines(&[1, 2], "a"));
    assert!(world.keys("lake").await.is_empty());
}

#[tokio::test]
async fn what_was_committed_is_published_although_no_message_comes_again() {
    let world = World::new(stream(1, NEVER)).await;
    world.store.refuses_new.store(true, Ordering::SeqCst);
    hand_in(&world.collector, record(1, "a", 1)).await.expect("ends").expect_err("not published");
    world.store.refuses_new.store(false, Ordering::SeqCst);
    let soon = Utc::now() + TimeDelta::seconds(1);
    assert_eq!(world.collector.publish_overdue(soon).await, Ok(1));
    assert_eq!(world.published().await, lines(&[1], "a"));
    assert_eq!(world.collector.publish_overdue(soon).await, Ok(0));
}

#[tokio::test]
async fn a_late_writer_of_an_object_finds_it_there() {
    let world = World::new(stream(1, NEVER)).await;
    world.store.refuses_new.store(true, Ordering::SeqCst);
    hand_in(&world.collector, record(1, "a", 1)).await.expect("ends").expect_err("not published");
    world.store.refuses_new.store(false, Ordering::SeqCst);
    // Somebody published it, and died before the ledger knew.
    let batch = world.ledger.batches(&BatchFilter::default()).await.expect("batches").remove(0);
    let theirs = Bytes::from_static(b"{\"n\":1,\"name\":\"a\"}\n");
    world.store.put_new(&batch.bucket, &batch.key, theirs).await.expect("stored");
    let again = hand_in(&world.collector, record(1, "a", 2)).await.expect("ends");
    assert_eq!(again, Ok(Collected::Before(batch.id)));
    assert_eq!(world.keys("raw").await.len(), 1);
}

#[tokio::test]
async fn what_nobody_commits_any_more_is_removed_and_what_is_committed_stays() {
    let world = World::new(stream(1, NEVER)).await;
    world.store.refuses_new.store(true, Ordering::SeqCst);
    hand_in(&world.collector, record(1, "a", 1)).await.expect("ends").expect_err("not published");
    let committed = world.keys("lake").await;
    let orphan = "_collect/game/1700000000000000-0123";
    world.store.put("lake", orphan, Bytes::from_static(b"x")).await.expect("stored");
    world.collector.tidy(Utc::now()).await.expect("tidied");
    assert_eq!(world.keys("lake").await, committed, "the old one is gone");
    world.collector.tidy(Utc::now() + TimeDelta::days(2)).await.expect("tidied");
    assert_eq!(world.keys("lake").await, committed, "a committed one is needed");
    assert!(world.ledger.collected(&["m:1"]).await.expect("an answer").is_empty(), "forgotten");
}
