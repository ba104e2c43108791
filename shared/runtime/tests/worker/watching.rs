//! What others can see of a worker: whether it gets on, what it did, and that its
//! task is protected while there is long work. And that one group's flood does
//! not hold up the others.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use millrace_queue::{Outgoing, Queue};
use millrace_retry::FailureClass;
use millrace_runtime::{ProtectionError, Stuck, TaskProtection};
use tokio::time::{Instant, sleep};

use crate::world::{SECOND, Scripted, World, done, failed, no_op, sleeps};

/// When protection was set and dropped, in seconds from its making.
struct Recorded {
    started: Instant,
    asked: Mutex<Vec<(u64, bool)>>,
}

#[async_trait]
impl TaskProtection for Recorded {
    async fn protect(&self, lasting: Option<Duration>) -> Result<(), ProtectionError> {
        let at = self.started.elapsed().as_secs();
        self.asked.lock().unwrap().push((at, lasting.is_some()));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_task_is_protected_while_there_is_long_work_and_not_for_good() {
    let world = World::new();
    world.fill(1).await;
    let protection = Arc::new(Recorded { started: Instant::now(), asked: Mutex::default() });
    let worker = world.worker(sleeps(SECOND * 20)).protected_by(Arc::clone(&protection) as _);
    worker.run(sleep(SECOND * 60)).await.unwrap();
    let asked = protection.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[0].1 && asked[0].0 <= 3, "{asked:?}");
    assert!(!asked[1].1 && (28..35).contains(&asked[1].0), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_and_a_busy_one_get_on() {
    for handler in [no_op(), sleeps(SECOND * 3_000)] {
        let world = World::new();
        world.fill(20).await;
        let worker = world.worker(handler);
        let liveness = worker.liveness();
        let check = async {
            for _ in 0..60 {
                sleep(SECOND * 30).await;
                assert_eq!(liveness.check(), Ok(()));
            }
        };
        worker.run(check).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_never_ends_is_noticed() {
    let world = World::new();
    *world.queue.latency.lock().unwrap() = SECOND * 3_600;
    let worker = world.worker(no_op());
    let liveness = worker.liveness();
    let check = async {
        sleep(SECOND * 290).await;
        assert_eq!(liveness.check(), Ok(()));
        sleep(SECOND * 20).await;
        assert!(matches!(liveness.check(), Err(Stuck::Polling(_))), "{:?}", liveness.check());
    };
    worker.run(check).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_end_of_an_outage_is_no_standstill() {
    let world = World::new();
    world.fill(1).await;
    let handler = Scripted::new(|_, _| async { failed(FailureClass::Outage) })
        .probed(|| Err(millrace_runtime::Failure::new(FailureClass::Outage, "still")));
    let worker = world.worker(handler);
    let (liveness, metrics) = (worker.liveness(), worker.metrics());
    let check = async {
        for _ in 0..60 {
            sleep(SECOND * 60).await;
            assert_eq!(liveness.check(), Ok(()));
        }
        assert!(metrics.prometheus().contains("millrace_outage{stage=\"test\"} 1"));
    };
    worker.run(check).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_done_can_be_scraped() {
    let world = World::new();
    world.fill(3).await;
    let worker = world.worker(Scripted::new(|delivery, _| async move {
        if delivery.body == "m1" { failed(FailureClass::Contract) } else { done() }
    }));
    let metrics = worker.metrics();
    worker.run(sleep(SECOND)).await.unwrap();
    let text = metrics.prometheus();
    for line in [
        "millrace_messages_received_total{stage=\"test\"} 3",
        "millrace_messages_in_hand{stage=\"test\"} 0",
        "millrace_messages_total{stage=\"test\",outcome=\"done\",class=\"\"} 2",
        "millrace_messages_total{stage=\"test\",outcome=\"dead_lettered\",class=\"contract\"} 1",
        "millrace_lag_seconds_count{stage=\"test\"} 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_hand_a_flood_of_one_group_holds_up_no_other() {
    let world = World::new().with(|config| {
        config.concurrency = 2;
        config.max_in_hand = 40;
    });
    // Quick at first, so that the worker takes many at once.
    let send = |group: &'static str, count: usize| {
        (0..count)
            .map(move |_| Outgoing::new(group).grouped(Some(group.into())))
            .collect::<Vec<_>>()
    };
    world.queue.send(&send("warm", 10)).await;
    let handler = Scripted::new(|delivery, _| async move {
        sleep(Duration::from_millis(if delivery.body == "warm" { 1 } else { 50 })).await;
        done()
    });
    let seen = handler.seen();
    let flood = async {
        sleep(SECOND).await;
        let mut all = send("a", 30);
        all.extend(send("b", 4));
        world.queue.send(&all).await;
        sleep(SECOND * 5).await;
    };
    world.worker(handler).run(flood).await.unwrap();
    let seen = seen.lock().unwrap();
    let seen: Vec<&str> =
        seen.iter().map(|(body, _)| body.as_str()).filter(|body| *body != "warm").collect();
    let last = seen.iter().rposition(|body| *body == "b").expect("b");
    assert!(last < 20, "b is done at {last} of {seen:?}");
}
