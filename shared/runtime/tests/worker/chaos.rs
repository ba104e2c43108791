//! Whatever fails, every message is handled or buried in the end, and none is
//! lost.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millrace_queue::Queue;
use millrace_retry::{Curve, FailureClass};
use millrace_runtime::Outcome;
use proptest::prelude::*;
use tokio::time::sleep;

use crate::world::{Scripted, World, failed, forwarded};

const MESSAGES: usize = 60;

#[derive(Debug, Clone)]
struct Plan {
    /// What each attempt does, in turn.
    attempts: Vec<u8>,
    receives: usize,
    sends: usize,
    send_answers: usize,
    deletes: usize,
    changes: usize,
    records: usize,
    concurrency: usize,
    run_secs: u64,
}

fn plans() -> impl Strategy<Value = Plan> {
    let faults = (0..6_usize, 0..6_usize, 0..6_usize, 0..12_usize, 0..6_usize, 0..6_usize);
    (prop::collection::vec(0..8_u8, 1..40), faults, 1..12_usize, 1..90_u64).prop_map(
        |(attempts, faults, concurrency, run_secs)| {
            let (receives, sends, send_answers, deletes, changes, records) = faults;
            Plan {
                attempts,
                receives,
                sends,
                send_answers,
                deletes,
                changes,
                records,
                concurrency,
                run_secs,
            }
        },
    )
}

async fn attempt(kind: u8, body: String) -> Outcome {
    match kind {
        0 => failed(FailureClass::Transient),
        1 => failed(FailureClass::Poison),
        2 => panic!("attempt at {body}"),
        3 => failed(FailureClass::Outage),
        4 => {
            sleep(Duration::from_secs(40)).await;
            forwarded(&body)
        }
        5 => Outcome::Abandoned,
        _ => forwarded(&body),
    }
}

async fn every_message_ends_up_somewhere(plan: Plan) {
    let world = World::new().with(|config| {
        *config = config.clone().concurrency(plan.concurrency);
        config.backoff.transient = Curve::from_secs(1, 10);
        config.backoff.outage = Curve::from_secs(1, 10);
    });
    world.fill(MESSAGES).await;
    world.queue.faults.receives.store(plan.receives, Ordering::SeqCst);
    world.queue.faults.deletes.store(plan.deletes, Ordering::SeqCst);
    world.queue.faults.changes.store(plan.changes, Ordering::SeqCst);
    world.next.faults.sends.store(plan.sends, Ordering::SeqCst);
    world.next.faults.send_answers.store(plan.send_answers, Ordering::SeqCst);
    world.dead_letters.faults.sends.store(plan.sends, Ordering::SeqCst);
    world.failures.fail.store(plan.records, Ordering::SeqCst);
    let turn = Arc::new(AtomicUsize::new(0));
    let handler = || {
        let (turn, attempts) = (Arc::clone(&turn), plan.attempts.clone());
        Scripted::new(move |delivery, _| {
            let kind = attempts[turn.fetch_add(1, Ordering::SeqCst) % attempts.len()];
            attempt(kind, delivery.body)
        })
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(24 * 3600);
    // Workers that live too short to finish anything, and then longer ones.
    for lives in 0.. {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", world.depth().await);
        let seconds = if lives < 20 { plan.run_secs } else { 300 };
        world.run(handler(), Duration::from_secs(seconds)).await;
        if world.depth().await.total() == 0 {
            break;
        }
    }
    let ended = Mutex::new(HashSet::new());
    for queue in [&world.next, &world.dead_letters] {
        let bodies = world.received_from(queue).await.into_iter().map(|received| received.body);
        ended.lock().unwrap().extend(bodies);
    }
    assert_eq!(ended.lock().unwrap().len(), MESSAGES);
    assert_eq!(world.queue.depth().await.unwrap().total(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_message_is_ever_lost(plan in plans()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(every_message_ends_up_somewhere(plan));
    }
}
