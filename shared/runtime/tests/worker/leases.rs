//! Messages stay hidden while they are held, and whoever loses one keeps quiet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use millrace_retry::{Curve, FailureClass};
use millrace_runtime::Outcome;
use tokio::time::{Instant, sleep};

use crate::flaky::{ALWAYS, Op};
use crate::world::{SECOND, Scripted, VISIBILITY, World, done, failed, forwarded, sleeps};

#[tokio::test(start_paused = true)]
async fn a_message_stays_hidden_while_its_handler_works() {
    let world = World::new();
    world.fill(1).await;
    let handler = sleeps(VISIBILITY * 20);
    let seen = handler.seen();
    let summary = world.run(handler, VISIBILITY * 21).await;
    assert_eq!((summary.done, seen.lock().unwrap().len()), (1, 1));
    assert_eq!(world.depth().await.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_for_its_turn_stays_hidden_too() {
    let world = World::new().with(|config| *config = config.clone().concurrency(1));
    world.fill(40).await;
    // Quick at first, so that more are taken than can be handled at once.
    let handled = Arc::new(AtomicUsize::new(0));
    let handler = Scripted::new(move |_, _| {
        let number = handled.fetch_add(1, Ordering::SeqCst);
        async move {
            sleep(if number < 10 { SECOND / 100 } else { VISIBILITY }).await;
            done()
        }
    });
    let seen = handler.seen();
    world.run(handler, VISIBILITY * 40).await;
    assert!(seen.lock().unwrap().iter().all(|(_, count)| *count == 1));
    assert_eq!(seen.lock().unwrap().len(), 40);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_share_requests() {
    let world = World::new().with(|config| *config = config.clone().concurrency(20));
    world.fill(20).await;
    world.run(sleeps(VISIBILITY), VISIBILITY * 2).await;
    let beats: Vec<usize> = world
        .queue
        .ops()
        .into_iter()
        .filter_map(|op| match op {
            Op::Change(changes) => Some(changes.len()),
            Op::Receive(_) | Op::Send(_) | Op::Delete(_) => None,
        })
        .collect();
    assert!(!beats.is_empty() && beats.iter().all(|entries| *entries == 10), "{beats:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_loses_the_lease_finds_out_and_leaves_the_message_alone() {
    let world = World::new();
    world.queue.faults.changes.store(ALWAYS, Ordering::SeqCst);
    world.fill(1).await;
    let committed = Arc::new(AtomicUsize::new(0));
    let commits = Arc::clone(&committed);
    let handler = Scripted::new(move |delivery, lease| {
        let commits = Arc::clone(&commits);
        async move {
            if delivery.receive_count == 1 {
                sleep(VISIBILITY + SECOND).await;
            }
            if lease.check().is_ok() {
                commits.fetch_add(1, Ordering::SeqCst);
            }
            done()
        }
    });
    let seen = handler.seen();
    let summary = world.run(handler, VISIBILITY * 3).await;
    assert_eq!(seen.lock().unwrap().len(), 2, "another receive got it");
    assert_eq!(committed.load(Ordering::SeqCst), 1, "and only that one committed");
    assert_eq!((summary.lost, summary.done), (1, 1));
    assert_eq!(deletes(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_lost_while_sending_on_leaves_the_message_to_the_other_worker() {
    let world = World::new();
    world.queue.faults.changes.store(ALWAYS, Ordering::SeqCst);
    *world.next.latency.lock().unwrap() = VISIBILITY * 2;
    world.fill(1).await;
    let handler = Scripted::new(|_, _| async { forwarded("f") });
    let summary = world.run(handler, VISIBILITY * 3).await;
    assert!(summary.lost > 0, "{summary:?}");
    assert_eq!((summary.done, deletes(&world)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_expired_is_known_at_once() {
    let world = World::new();
    world.queue.faults.expiries.store(1, Ordering::SeqCst);
    world.fill(1).await;
    let started = Instant::now();
    let handler = Scripted::new(move |_, lease| async move {
        lease.lost().await;
        assert!(started.elapsed() < VISIBILITY / 2, "{:?}", started.elapsed());
        Outcome::Abandoned
    });
    let summary = world.run(handler, VISIBILITY / 2).await;
    assert_eq!((summary.lost, summary.released, summary.dead_lettered), (1, 0, 0));
    assert_eq!(deletes(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_lease_was_lost_is_not_recorded() {
    let world = World::new();
    world.queue.faults.changes.store(ALWAYS, Ordering::SeqCst);
    world.fill(1).await;
    let handler = Scripted::new(|_, lease| async move {
        lease.lost().await;
        failed(FailureClass::Poison)
    });
    let summary = world.run(handler, VISIBILITY).await;
    assert_eq!((summary.lost, summary.dead_lettered), (1, 0));
    assert_eq!(world.failures.letters(), []);
}

#[tokio::test(start_paused = true)]
async fn giving_up_without_a_reason_is_a_failure() {
    let world = World::new();
    world.fill(1).await;
    let handler = Scripted::new(|_, _| async { Outcome::Abandoned });
    let summary = world.run(handler, SECOND * 600).await;
    assert_eq!((summary.retried, summary.dead_lettered, summary.released), (2, 1, 0));
    assert!(world.failures.letters()[0].message.contains("gave up"));
}

#[tokio::test(start_paused = true)]
async fn a_late_heartbeat_does_not_override_the_retry_delay() {
    let world = World::new().with(|config| {
        // A delay that no heartbeat sets.
        config.backoff.transient = Curve::from_secs(400, 400);
    });
    *world.queue.change_latency.lock().unwrap() = SECOND * 5;
    world.fill(1).await;
    // A heartbeat is sent at a half of its interval and takes five seconds.
    let handler = Scripted::new(|_, _| async {
        sleep(VISIBILITY / 6 + SECOND).await;
        failed(FailureClass::Transient)
    });
    world.run(handler, SECOND * 12).await;
    let changes: Vec<Vec<Duration>> = world
        .queue
        .ops()
        .into_iter()
        .filter_map(|op| match op {
            Op::Change(changes) => Some(changes),
            Op::Receive(_) | Op::Send(_) | Op::Delete(_) => None,
        })
        .collect();
    assert!(changes.len() >= 2, "{changes:?}");
    assert_eq!(changes[0], [VISIBILITY], "the heartbeat comes first");
    assert_ne!(changes[1], [VISIBILITY], "and the retry delay last");
}

#[tokio::test(start_paused = true)]
async fn of_two_workers_with_the_same_message_one_commits() {
    let world = World::new();
    // The first worker's heartbeats are lost on the way; it is also slow.
    world.queue.faults.changes.store(ALWAYS, Ordering::SeqCst);
    world.fill(1).await;
    let committed = Arc::new(AtomicUsize::new(0));
    let handler = || {
        let commits = Arc::clone(&committed);
        Scripted::new(move |delivery, lease| {
            let commits = Arc::clone(&commits);
            async move {
                let slow = if delivery.receive_count == 1 { VISIBILITY * 2 } else { SECOND };
                sleep(slow).await;
                if lease.still_held() {
                    commits.fetch_add(1, Ordering::SeqCst);
                }
                done()
            }
        })
    };
    let (one, other) =
        tokio::join!(world.run(handler(), VISIBILITY * 3), world.run(handler(), VISIBILITY * 3),);
    assert_eq!(one.received + other.received, 2);
    assert_eq!(committed.load(Ordering::SeqCst), 1);
    assert_eq!(world.depth().await.total(), 0);
}

fn deletes(world: &World) -> usize {
    world.queue.ops().iter().filter(|op| matches!(op, Op::Delete(_))).count()
}
