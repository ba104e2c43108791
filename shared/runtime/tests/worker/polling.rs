//! How much is received, and with how many polls at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use millrace_queue::Queue;
use millrace_runtime::WorkerError;
use tokio::time::{Instant, sleep};
use tracing::Level;

use crate::flaky::Op;
use crate::log::Log;
use crate::world::{SECOND, Scripted, World, done, no_op, sleeps};

#[tokio::test(start_paused = true)]
async fn nothing_is_received_that_can_not_start_soon() {
    let world = World::new().with(|config| *config = config.clone().concurrency(2));
    world.fill(20).await;
    let watch = async {
        for _ in 0..10 {
            sleep(SECOND * 30).await;
            assert!(world.depth().await.in_flight <= 2, "{:?}", world.depth().await);
        }
    };
    let (summary, ()) = tokio::join!(world.run(sleeps(SECOND * 60), SECOND * 300), watch);
    assert!((8..=10).contains(&summary.done), "{summary:?}");
}

/// A handler that takes 50 ms, and the most that it ran at a time.
fn counting() -> (Scripted, Arc<AtomicUsize>) {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let high = Arc::clone(&most);
    let handler = Scripted::new(move |_, _| {
        let (running, high) = (Arc::clone(&running), Arc::clone(&high));
        async move {
            high.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(Duration::from_millis(50)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            done()
        }
    });
    (handler, most)
}

#[tokio::test(start_paused = true)]
async fn no_more_are_handled_at_a_time_than_configured() {
    let world = World::new().with(|config| *config = config.clone().concurrency(3));
    world.fill(60).await;
    let (handler, most) = counting();
    let summary = world.run(handler, SECOND * 5).await;
    assert_eq!((summary.done, most.load(Ordering::SeqCst)), (60, 3));
}

#[tokio::test(start_paused = true)]
async fn small_messages_are_handled_as_many_as_are_in_hand() {
    let world = World::new().with(|config| *config = config.clone().concurrency(3));
    world.fill(200).await;
    let (handler, most) = counting();
    let summary = world.run(handler.small(), SECOND * 5).await;
    let most = most.load(Ordering::SeqCst);
    assert_eq!(summary.done, 200);
    assert!(most > 10 && most <= world.config.max_in_hand, "{most}");
}

#[tokio::test(start_paused = true)]
async fn no_more_are_in_hand_than_configured() {
    let world = World::new().with(|config| config.max_in_hand = 12);
    *world.queue.latency.lock().unwrap() = Duration::from_millis(10);
    world.fill(500).await;
    let watch = async {
        let mut most = 0;
        for _ in 0..2_000 {
            sleep(Duration::from_millis(1)).await;
            most = most.max(world.depth().await.in_flight);
        }
        most
    };
    let (summary, most) =
        tokio::join!(world.run(sleeps(Duration::from_millis(1)), SECOND * 5), watch);
    assert_eq!(summary.done, 500);
    // Ten more may be on their way to be deleted, which needs no memory here.
    assert!(most <= 12 + 20, "{most}");
}

#[tokio::test(start_paused = true)]
async fn polls_in_flight_follow_the_load() {
    let world = World::new().with(|config| *config = config.clone().concurrency(25));
    *world.queue.latency.lock().unwrap() = Duration::from_millis(10);
    world.fill(5_000).await;
    let started = Instant::now();
    let drained = async {
        while world.depth().await.total() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
        let took = started.elapsed();
        assert!(world.queue.most_polling.load(Ordering::SeqCst) > 10);
        // After the longest wait for a message, all but one have come to an end.
        sleep(SECOND * 41).await;
        assert_eq!(world.queue.polling(), 1);
        took
    };
    let (_, took) = tokio::join!(world.run(no_op(), SECOND * 60), drained);
    // One poll at a time would take 10 ms for ten messages: five seconds.
    assert!(took < SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_makes_one_long_poll_at_a_time() {
    let world = World::new();
    world.run(no_op(), SECOND * 190).await;
    assert_eq!(world.queue.ops(), [const { Op::Receive(0) }; 10]);
    assert_eq!(world.queue.most_polling.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_arrives_is_started_at_once() {
    let world = World::new();
    let arrival = async {
        sleep(SECOND * 7).await;
        let sent = Instant::now();
        world.fill(1).await;
        while world.depth().await.total() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
        sent.elapsed()
    };
    let (_, took) = tokio::join!(world.run(no_op(), SECOND * 9), arrival);
    assert!(took < Duration::from_millis(5), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn polls_that_fail_are_repeated_with_pauses_and_one_warning() {
    let (log, _guard) = Log::capture();
    let world = World::new();
    world.queue.faults.receives.store(8, Ordering::SeqCst);
    world.fill(1).await;
    let summary = world.run(no_op(), SECOND * 300).await;
    assert_eq!(summary.done, 1);
    assert_eq!(log.at(Level::WARN).len(), 1, "{:?}", log.at(Level::WARN));
    assert_eq!(log.at(Level::INFO).len(), 2, "one message, and that it goes on");
}

#[tokio::test(start_paused = true)]
async fn a_worker_does_not_start_without_its_queues() {
    let mut world = World::new();
    world.config.dead_letter_queue = "nowhere".into();
    let error = world.worker(no_op()).run(sleep(SECOND)).await.expect_err("no such queue");
    assert!(matches!(error, WorkerError::Queue(_)), "{error}");
    world.config.concurrency = 0;
    let error = world.worker(no_op()).run(sleep(SECOND)).await.expect_err("no concurrency");
    assert!(error.to_string().contains("`concurrency` is 0"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_drained_by_several_workers_without_handling_twice() {
    let world = World::new();
    world.fill(300).await;
    let (one, other) = tokio::join!(
        world.run(sleeps(Duration::from_millis(20)), SECOND * 10),
        world.run(sleeps(Duration::from_millis(20)), SECOND * 10),
    );
    assert_eq!(one.done + other.done, 300);
    assert_eq!(one.received + other.received, 300);
    assert!(one.done > 50 && other.done > 50, "{one:?} {other:?}");
    assert_eq!(world.queue.depth().await.unwrap().total(), 0);
}
