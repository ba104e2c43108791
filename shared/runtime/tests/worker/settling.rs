//! What is done with a message after its handler said what happened.

use std::sync::atomic::Ordering;
use std::time::Duration;

use millrace_queue::{Outgoing, Queue, TRACE_ATTRIBUTE};
use millrace_retry::{Curve, FailureClass};
use millrace_runtime::{Counts, Done, Forward, Outcome, Subject, TRACEPARENT_ATTRIBUTE};
use tracing::Level;

use crate::flaky::{ALWAYS, Op};
use crate::log::Log;
use crate::world::{SECOND, Scripted, VISIBILITY, World, done, failed, forwarded, no_op};

#[tokio::test(start_paused = true)]
async fn a_handled_message_is_deleted() {
    let world = World::new();
    world.fill(3).await;
    let summary = world.run(no_op(), SECOND).await;
    assert_eq!((summary.received, summary.done), (3, 3));
    assert_eq!(world.depth().await.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_on_is_sent_before_the_message_is_deleted() {
    let world = World::new();
    *world.next.latency.lock().unwrap() = SECOND;
    let traced = Outgoing::new("m").attribute(TRACE_ATTRIBUTE, "t-1");
    world.queue.send(&[traced]).await;
    let started = tokio::time::Instant::now();
    world.run(Scripted::new(|_, _| async { forwarded("f") }), SECOND * 5).await;
    let deleted = world.queue.moment_of(|op| matches!(op, Op::Delete(_)));
    assert!(deleted >= started + SECOND, "the send takes a second");
    let sent = world.received_from(&world.next).await;
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].body.as_str(), &*sent[0].attributes[TRACE_ATTRIBUTE]), ("f", "t-1"));
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_on_carries_the_trace_and_its_group() {
    let world = World::new();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traceparent = format!("00-{trace}-00f067aa0ba902b7-01");
    let traced = Outgoing::new("m").attribute(TRACEPARENT_ATTRIBUTE, &traceparent);
    world.queue.send(&[traced.grouped(Some("sales".into()))]).await;
    let handler = Scripted::new(|delivery, _| async move {
        assert_eq!(delivery.trace.parent.as_deref(), Some("00f067aa0ba902b7"));
        let forward = Forward::new("next", delivery.trace.span.clone());
        Outcome::Done(Done::new("done").forward(forward.of(delivery.group.expect("a group"))))
    });
    world.run(handler, SECOND).await;
    let sent = world.received_from(&world.next).await;
    let expected = format!("00-{trace}-{}-01", sent[0].body);
    assert_eq!(sent[0].attributes[TRACEPARENT_ATTRIBUTE], expected, "this span is the parent");
    assert_eq!(sent[0].attributes[TRACE_ATTRIBUTE], trace, "workers before this version read it");
    assert_eq!(sent[0].group.as_deref(), Some("sales"));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_could_not_be_sent_on_stays_and_is_tried_again() {
    let world = World::new();
    world.next.faults.sends.store(1, Ordering::SeqCst);
    world.fill(1).await;
    let handler = Scripted::new(|_, _| async { forwarded("f") });
    let seen = handler.seen();
    let summary = world.run(handler, SECOND * 60).await;
    assert_eq!((summary.retried, summary.done), (1, 1));
    assert_eq!(*seen.lock().unwrap(), [("m0".to_owned(), 1), ("m0".to_owned(), 2)]);
    assert_eq!(world.received_from(&world.next).await.len(), 1);
    assert_eq!(world.depth().await.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_send_sends_again_rather_than_never() {
    let world = World::new();
    world.next.faults.send_answers.store(1, Ordering::SeqCst);
    world.fill(1).await;
    world.run(Scripted::new(|_, _| async { forwarded("f") }), SECOND * 60).await;
    assert_eq!(world.received_from(&world.next).await.len(), 2);
    assert_eq!(world.depth().await.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_queue_to_send_to_that_does_not_exist_loses_nothing() {
    let world = World::new();
    world.fill(1).await;
    let summary = world
        .run(
            Scripted::new(|_, _| async {
                let forward = millrace_runtime::Forward::new("nowhere", "f");
                Outcome::Done(Done::new("done").forward(forward))
            }),
            SECOND * 120,
        )
        .await;
    assert_eq!((summary.done, summary.dead_lettered), (0, 1));
    let letters = world.failures.letters();
    assert!(letters[0].message.contains("there is no queue `nowhere`"), "{letters:?}");
    assert_eq!(world.received_from(&world.dead_letters).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_fails_is_tried_again() {
    let world = World::new();
    world.queue.faults.deletes.store(2, Ordering::SeqCst);
    world.fill(2).await;
    let handler = no_op();
    let seen = handler.seen();
    world.run(handler, SECOND * 60).await;
    assert_eq!(seen.lock().unwrap().len(), 2, "nothing came back");
    assert_eq!(world.depth().await.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_can_not_be_deleted_is_delivered_again() {
    let world = World::new();
    world.queue.faults.deletes.store(ALWAYS, Ordering::SeqCst);
    world.fill(1).await;
    let handler = no_op();
    let seen = handler.seen();
    world.run(handler, VISIBILITY + SECOND * 5).await;
    assert_eq!(*seen.lock().unwrap(), [("m0".to_owned(), 1), ("m0".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_passing_failure_comes_back_after_its_backoff_and_not_sooner() {
    let mut delays = Vec::new();
    for (class, cap) in [(FailureClass::Transient, 1000), (FailureClass::Throttled, 2000)] {
        let world = World::new().with(|config| {
            config.backoff.transient = Curve::from_secs(1000, 1000);
            config.backoff.throttled = Curve::from_secs(2000, 2000);
        });
        world.fill(1).await;
        let summary =
            world.run(Scripted::new(move |_, _| async move { failed(class) }), SECOND).await;
        // One that comes back while the worker stops is handed back at once.
        let mut changed = changes(&world);
        changed.retain(|delay| !delay.is_zero());
        // One draw in a thousand is over before the worker is told to stop.
        assert!(!changed.is_empty());
        assert_eq!(summary.retried, changed.len() as u64, "{changed:?}");
        assert!(changed.iter().all(|delay| *delay <= SECOND * cap), "{changed:?}");
        assert_eq!(world.failures.letters(), []);
        delays.extend(changed);
    }
    // One in a million draws is less than a millisecond from the start.
    assert!(delays.iter().any(|delay| *delay > Duration::from_millis(1)), "{delays:?}");
}

fn changes(world: &World) -> Vec<Duration> {
    let changed = |op| match op {
        Op::Change(delays) => delays,
        Op::Receive(_) | Op::Send(_) | Op::Delete(_) => Vec::new(),
    };
    world.queue.ops().into_iter().flat_map(changed).collect()
}

#[tokio::test(start_paused = true)]
async fn every_message_is_one_line_in_the_log() {
    let (log, _guard) = Log::capture();
    let world = World::new();
    world.fill(4).await;
    let handler = Scripted::new(|delivery, _| async move {
        match delivery.body.as_str() {
            "m0" => failed(FailureClass::Poison),
            "m1" if delivery.receive_count == 1 => failed(FailureClass::Transient),
            "m2" => panic!("no good"),
            _ => Outcome::Done(
                Done::new("loaded")
                    .about(Subject { dataset: Some("expenses".into()), ..Subject::default() })
                    .counts(Counts { rows_loaded: Some(7), ..Counts::default() }),
            ),
        }
    });
    world.run(handler, SECOND * 60).await;
    let mut lines = log.at(Level::INFO);
    lines.sort();
    assert_eq!(lines.len(), 5, "{lines:#?}");
    let dead = lines.iter().filter(|line| line.contains("outcome=\"dead_lettered\"")).count();
    let retried = lines.iter().filter(|line| line.contains("outcome=\"retried\"")).count();
    assert_eq!((dead, retried), (2, 1));
    let loaded = "dataset=\"expenses\" outcome=\"done\" note=loaded rows.loaded=7 duration_ms=0 ";
    assert!(lines.iter().any(|line| line == loaded), "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn bodies_are_not_logged() {
    let (log, _guard) = Log::capture();
    let world = World::new();
    world.queue.send(&[Outgoing::new("secret-value")]).await;
    world.run(Scripted::new(|_, _| async { done() }), SECOND).await;
    let all = [Level::INFO, Level::WARN, Level::ERROR, Level::DEBUG].map(|level| log.at(level));
    assert!(!all.concat().join("\n").contains("secret-value"));
}
