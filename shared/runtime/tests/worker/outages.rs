//! An outage pauses the worker instead of using up receives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use millrace_retry::FailureClass;
use millrace_runtime::Failure;
use tokio::time::{Instant, sleep};
use tracing::Level;

use crate::flaky::Op;
use crate::log::Log;
use crate::world::{MAX_RECEIVES, SECOND, Scripted, World, done, failed};
use millrace_queue::Queue;

/// A handler whose database is down until told otherwise, and a count of the
/// probes.
fn down() -> (Scripted, Arc<AtomicBool>, Arc<AtomicUsize>) {
    let (up, probes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (asked, probing, count) = (Arc::clone(&up), Arc::clone(&up), Arc::clone(&probes));
    let handler = Scripted::new(move |_, _| {
        let up = asked.load(Ordering::SeqCst);
        async move { if up { done() } else { failed(FailureClass::Outage) } }
    });
    let handler = handler.probed(move || {
        count.fetch_add(1, Ordering::SeqCst);
        match probing.load(Ordering::SeqCst) {
            true => Ok(()),
            false => Err(Failure::new(FailureClass::Outage, "still down")),
        }
    });
    (handler, up, probes)
}

#[tokio::test(start_paused = true)]
async fn an_outage_stops_receiving_until_a_probe_succeeds() {
    let (log, _guard) = Log::capture();
    let world = World::new().with(|config| *config = config.clone().concurrency(1));
    world.fill(50).await;
    let (handler, up, probes) = down();
    let outage = async {
        sleep(SECOND * 60).await;
        let quiet = Instant::now();
        sleep(SECOND * 600).await;
        let ops = world.queue.ops_since(quiet);
        let hidden = |op: &Op| matches!(op, Op::Change(_));
        assert!(ops.iter().all(hidden), "nothing is received: {ops:?}");
        assert!((5..200).contains(&probes.load(Ordering::SeqCst)));
        assert_eq!(log.at(Level::ERROR).len(), 1, "{:?}", log.at(Level::ERROR));
        up.store(true, Ordering::SeqCst);
    };
    let (summary, ()) = tokio::join!(world.run(handler, SECOND * 1800), outage);
    assert_eq!((summary.done, summary.retried), (50, 0));
    assert_eq!(summary.received, 50, "no message spent a receive on the outage");
    assert_eq!(world.failures.letters(), []);
    assert_eq!(world.depth().await.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn messages_in_hand_wait_for_the_end_of_an_outage() {
    let world = World::new().with(|config| *config = config.clone().concurrency(4));
    world.fill(4).await;
    let (handler, up, _) = down();
    let seen = handler.seen();
    let slow = Arc::new(AtomicUsize::new(0));
    let handler = Staggered(handler, slow);
    let back = async {
        sleep(SECOND * 300).await;
        up.store(true, Ordering::SeqCst);
    };
    let (summary, ()) = tokio::join!(world.run(handler, SECOND * 1800), back);
    assert_eq!(summary.done, 4);
    assert_eq!(summary.dead_lettered, 0);
    let spent = seen.lock().unwrap().iter().map(|(_, count)| *count).max();
    assert_eq!(spent, Some(1), "{:?}", seen.lock().unwrap());
}

/// Delays each message a bit more than the one before.
struct Staggered(Scripted, Arc<AtomicUsize>);

#[async_trait::async_trait]
impl millrace_runtime::Handler for Staggered {
    async fn handle(
        &self,
        delivery: &millrace_runtime::Delivery,
        lease: &millrace_runtime::Lease,
    ) -> millrace_runtime::Outcome {
        let number = self.1.fetch_add(1, Ordering::SeqCst);
        sleep(SECOND * u32::try_from(number).unwrap()).await;
        self.0.handle(delivery, lease).await
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.0.probe().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_turn_comes_during_an_outage_is_not_tried() {
    let world = World::new().with(|config| *config = config.clone().concurrency(1));
    world.fill(60).await;
    let up = Arc::new(AtomicBool::new(true));
    let (handled, probed) = (Arc::clone(&up), Arc::clone(&up));
    let number = AtomicUsize::new(0);
    // Quick at first, so that many wait for their turn when it goes down.
    let handler = Scripted::new(move |_, _| {
        if number.fetch_add(1, Ordering::SeqCst) == 20 {
            handled.store(false, Ordering::SeqCst);
        }
        let up = handled.load(Ordering::SeqCst);
        async move {
            sleep(SECOND / 1000).await;
            if up { done() } else { failed(FailureClass::Outage) }
        }
    });
    let handler = handler.probed(move || match probed.load(Ordering::SeqCst) {
        true => Ok(()),
        false => Err(Failure::new(FailureClass::Outage, "still down")),
    });
    let seen = handler.seen();
    let back = async {
        sleep(SECOND * 300).await;
        assert_eq!(seen.lock().unwrap().len(), 21, "one message found out for all");
        assert!(world.depth().await.in_flight > 5, "{:?}", world.depth().await);
        up.store(true, Ordering::SeqCst);
    };
    let (summary, ()) = tokio::join!(world.run(handler, SECOND * 1800), back);
    assert_eq!((summary.done, summary.retried), (60, 0));
}

#[tokio::test(start_paused = true)]
async fn an_outage_at_the_last_receive_is_no_dead_letter() {
    let world = World::new().with(|config| config.max_receive_count = 1);
    world.fill(1).await;
    let (handler, up, _) = down();
    let back = async {
        sleep(SECOND * 600).await;
        up.store(true, Ordering::SeqCst);
    };
    let (summary, ()) = tokio::join!(world.run(handler, SECOND * 1800), back);
    assert_eq!((summary.received, summary.done, summary.dead_lettered), (1, 1, 0));
    assert_eq!(world.failures.letters(), []);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cries_outage_forever_is_a_dead_letter_in_the_end() {
    let world = World::new();
    world.fill(1).await;
    let handler = Scripted::new(|_, _| async { failed(FailureClass::Outage) });
    let summary = world.run(handler, SECOND * 7200).await;
    assert_eq!((summary.retried, summary.dead_lettered), (u64::from(MAX_RECEIVES) - 1, 1));
    assert_eq!(world.failures.letters()[0].class, FailureClass::Outage);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_counts_as_down() {
    let world = World::new();
    world.fill(1).await;
    let probes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&probes);
    let handled = AtomicUsize::new(0);
    let handler = Scripted::new(move |_, _| {
        let first = handled.fetch_add(1, Ordering::SeqCst) == 0;
        async move { if first { failed(FailureClass::Outage) } else { done() } }
    })
    .probed(move || {
        assert!(count.fetch_add(1, Ordering::SeqCst) > 0, "the first probe");
        Ok(())
    });
    let summary = world.run(handler, SECOND * 600).await;
    assert_eq!((summary.done, probes.load(Ordering::SeqCst)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_worker_stops_in_the_middle_of_an_outage() {
    let world = World::new().with(|config| config.max_receive_count = 1);
    world.fill(1).await;
    let (handler, _, _) = down();
    let started = Instant::now();
    let summary = world.run(handler, SECOND * 60).await;
    assert!(started.elapsed() < SECOND * 61, "{:?}", started.elapsed());
    assert_eq!((summary.released, summary.dead_lettered), (1, 0));
    assert_eq!(world.depth().await.visible, 1);
    assert_eq!(world.dead_letters.depth().await.unwrap().total(), 0);
}
