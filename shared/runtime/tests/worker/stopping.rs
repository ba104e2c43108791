//! On the signal to stop: no new work, unstarted work handed back, running work
//! finished or handed back, and nothing counted as failed.

use std::time::Duration;

use millrace_queue::{Outgoing, Queue, TRACE_ATTRIBUTE};
use millrace_runtime::Outcome;
use tokio::time::{Instant, sleep};

use crate::flaky::Op;
use crate::world::{MAX_RECEIVES, SECOND, Scripted, VISIBILITY, World, done, no_op, sleeps};

const STOP_TIMEOUT: Duration = Duration::from_secs(25);

#[tokio::test(start_paused = true)]
async fn running_work_is_finished_within_the_stop_timeout() {
    let world = World::new();
    world.fill(1).await;
    let summary = world.run(sleeps(SECOND * 20), SECOND).await;
    assert_eq!((summary.done, summary.released), (1, 0));
    assert_eq!(world.depth().await.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn work_that_takes_longer_is_given_up_and_handed_back_at_once() {
    let world = World::new();
    world.fill(1).await;
    let started = Instant::now();
    let summary = world.run(sleeps(SECOND * 3600), SECOND).await;
    assert_eq!(started.elapsed(), SECOND + STOP_TIMEOUT);
    assert_eq!((summary.done, summary.released, summary.retried), (0, 1, 0));
    assert_eq!(world.depth().await.visible, 1);
}

#[tokio::test(start_paused = true)]
async fn interrupted_is_not_failed_however_often() {
    let world = World::new();
    let traced = Outgoing::new("m").attribute(TRACE_ATTRIBUTE, "t-1");
    world.queue.send(&[traced]).await;
    for _ in 0..MAX_RECEIVES * 2 {
        world.run(sleeps(SECOND * 3600), SECOND).await;
        assert_eq!(world.depth().await.visible, 1);
    }
    let handler = Scripted::new(|delivery, _| async move {
        assert_eq!(delivery.trace_id, "t-1");
        assert_eq!(delivery.origins().len(), 2, "it says whose copy it is");
        done()
    });
    assert_eq!(world.run(handler, SECOND).await.done, 1);
    assert_eq!(world.failures.letters(), []);
    assert_eq!(world.dead_letters.depth().await.unwrap().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_a_last_poll_brings_is_not_failed_either() {
    let world = World::new();
    world.fill(1).await;
    *world.queue.latency.lock().unwrap() = SECOND;
    for _ in 0..MAX_RECEIVES * 2 {
        let summary = world.run(no_op(), SECOND / 2).await;
        assert_eq!((summary.received, summary.released), (1, 1));
    }
    assert_eq!(world.run(no_op(), SECOND * 5).await.done, 1);
    assert_eq!(world.dead_letters.depth().await.unwrap().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_give_up_by_itself_when_the_worker_stops() {
    let world = World::new();
    world.fill(1).await;
    let handler = Scripted::new(|_, _| async {
        sleep(SECOND * 3).await;
        Outcome::Abandoned
    });
    let summary = world.run(handler, SECOND).await;
    assert_eq!((summary.retried, summary.dead_lettered), (0, 0));
    assert_eq!(world.depth().await.visible, 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_started_is_handed_back_at_once() {
    let world = World::new().with(|config| *config = config.clone().concurrency(1));
    world.fill(30).await;
    // Quick, so that more are taken than are handled at once; then stuck.
    let handler = Scripted::new(|delivery, _| async move {
        let number: u64 = delivery.body[1..].parse().unwrap();
        sleep(if number < 8 { Duration::from_millis(1) } else { SECOND * 10 }).await;
        done()
    });
    let seen = handler.seen();
    let stop = async {
        sleep(SECOND * 2).await;
        assert!(world.depth().await.in_flight > 5, "{:?}", world.depth().await);
        sleep(SECOND * 2).await;
        assert_eq!(world.depth().await.in_flight, 1, "all but the running one");
    };
    let (summary, ()) = tokio::join!(world.run(handler, SECOND * 3), stop);
    assert_eq!(summary.done, seen.lock().unwrap().len() as u64);
    assert_eq!(summary.done + summary.released, summary.received);
    assert_eq!(world.depth().await.visible, 30 - summary.done);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_under_way_loses_no_message() {
    let world = World::new();
    *world.queue.latency.lock().unwrap() = SECOND;
    world.fill(3).await;
    let handler = no_op();
    let seen = handler.seen();
    // The signal comes while the messages are on their way.
    let summary = world.run(handler, SECOND / 2).await;
    assert_eq!(seen.lock().unwrap().len(), 0);
    assert_eq!((summary.received, summary.released), (3, 3));
    assert_eq!(world.depth().await.visible, 3);
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_lets_its_poll_end() {
    let world = World::new();
    let started = Instant::now();
    let arrival = async {
        sleep(SECOND * 10).await;
        world.fill(1).await;
    };
    let (summary, ()) = tokio::join!(world.run(no_op(), SECOND * 5), arrival);
    assert_eq!((summary.received, summary.released), (1, 1));
    assert_eq!(world.depth().await.visible, 1);
    assert_eq!(started.elapsed(), SECOND * 10);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_received_after_the_signal() {
    let world = World::new();
    world.fill(1).await;
    let stopped = Instant::now() + SECOND;
    let late = async {
        sleep(SECOND * 2).await;
        world.fill(20).await;
    };
    let (summary, ()) = tokio::join!(world.run(sleeps(SECOND * 20), SECOND), late);
    assert_eq!(summary.done, 1);
    let received = |op: &Op| matches!(op, Op::Receive(_));
    let polls = world.queue.ops_since(stopped).iter().filter(|op| received(op)).count();
    assert_eq!(polls, 1, "the one under way");
    assert_eq!(world.depth().await.visible, 20);
}

#[tokio::test(start_paused = true)]
async fn deletes_that_linger_are_made_before_the_worker_ends() {
    let world = World::new().with(|config| {
        config.linger = SECOND * 5;
        config.stop_timeout = STOP_TIMEOUT;
    });
    world.fill(2).await;
    let handler = Scripted::new(|delivery, _| async move {
        sleep(if delivery.body == "m0" { SECOND } else { VISIBILITY * 100 }).await;
        done()
    });
    let summary = world.run(handler, SECOND * 2).await;
    assert_eq!((summary.done, summary.released), (1, 1));
    assert_eq!(world.depth().await.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusing_queue_ends_the_worker_after_its_running_work() {
    // The poll that follows is answered by a queue that is gone.
    let world = World::new();
    world.fill(1).await;
    world.queue.refuse_after(1);
    let error = world.worker(sleeps(SECOND * 10)).run(std::future::pending()).await;
    let said = error.expect_err("refused").to_string();
    assert!(said.contains("sqs:ReceiveMessage"), "{said}");
    assert_eq!(world.depth().await.total(), 0, "what ran was finished");
}
