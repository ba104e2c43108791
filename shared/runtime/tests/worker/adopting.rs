//! A dead-letter queue is looked after: what the queue moved by itself is recorded,
//! what was dealt with leaves, and the rest stays as it is.

use std::sync::atomic::Ordering;
use std::time::Duration;

use millrace_queue::{Outgoing, Queue, REDRIVE_ATTRIBUTE, Receive, TRACE_ATTRIBUTE};
use millrace_retry::FailureClass;

use crate::flaky::{ALWAYS, Op};
use crate::world::{MAX_RECEIVES, SECOND, Scripted, VISIBILITY, World, done, failed, no_op};

/// A task that a worker could not settle, as SQS moves it.
const TASK: &str = r#"{"version":1,"task":"transform","file_id":"f1","dataset":"expenses",
    "contract":"c","object":{"bucket":"raw","key":"a.csv"},"trace_id":"t1"}"#;

/// Receives a message until the queue moves it.
async fn wear_out(world: &World) {
    let now = Receive { max: 10, wait: Duration::ZERO, visibility: Duration::ZERO };
    for _ in 0..=MAX_RECEIVES {
        world.queue.receive(now).await.unwrap();
    }
    assert_eq!(world.dead_letters.depth().await.unwrap().visible, 1);
}

async fn send(world: &World, message: Outgoing) {
    for sent in world.queue.send(&[message]).await {
        sent.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_queue_moved_by_itself_is_recorded_with_what_its_body_tells() {
    let world = World::new();
    send(&world, Outgoing::new(TASK)).await;
    wear_out(&world).await;
    world.run(no_op(), SECOND * 5).await;

    let letter = world.failures.letters().remove(0);
    assert_eq!((letter.class, letter.receive_count), (FailureClass::Poison, MAX_RECEIVES));
    assert!(letter.message.starts_with("received 3 times without"), "{}", letter.message);
    assert_eq!((letter.stage.as_str(), letter.queue.as_str()), ("test", "in"));
    assert_eq!(letter.dataset.as_deref(), Some("expenses"));
    assert_eq!((letter.file_id.as_deref(), letter.trace_id.as_str()), (Some("f1"), "t1"));

    let copies = world.received_from(&world.dead_letters).await;
    assert_eq!(copies.len(), 1, "the copy took the place of the message");
    assert_eq!(copies[0].body, TASK);
    assert_eq!(copies[0].attributes["reason_class"], "poison");
    assert_eq!(copies[0].attributes["source_message_id"], letter.message_id);
}

#[tokio::test(start_paused = true)]
async fn a_message_with_attributes_of_its_own_is_adopted_all_the_same() {
    let world = World::new();
    let message = Outgoing::new("no task").attribute(TRACE_ATTRIBUTE, "t9");
    send(&world, message).await;
    wear_out(&world).await;
    world.run(no_op(), SECOND * 5).await;
    let letter = world.failures.letters().remove(0);
    assert_eq!((letter.trace_id.as_str(), letter.dataset), ("t9", None));
}

#[tokio::test(start_paused = true)]
async fn it_is_seen_within_a_minute_or_so_while_the_worker_runs() {
    let world = World::new();
    let run = world.run(no_op(), SECOND * 90);
    let move_one = async {
        tokio::time::sleep(SECOND * 5).await;
        for sent in world.dead_letters.send(&[Outgoing::new("moved")]).await {
            sent.unwrap();
        }
    };
    tokio::join!(run, move_one);
    assert_eq!(world.failures.letters().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_on_record_is_not_received_at_all() {
    let world = World::new();
    world.fill(5).await;
    world.run(Scripted::new(|_, _| async { failed(FailureClass::Poison) }), SECOND * 5).await;
    assert_eq!(world.failures.letters().len(), 5);
    world.run(no_op(), SECOND * 300).await;
    let receives = world.dead_letters.ops().into_iter();
    assert_eq!(receives.filter(|op| matches!(op, Op::Receive(_))).count(), 0);
    assert_eq!(world.dead_letters.depth().await.unwrap().visible, 5);
}

#[tokio::test(start_paused = true)]
async fn what_was_dealt_with_leaves_and_the_rest_is_given_back() {
    let world = World::new();
    world.fill(25).await;
    world.run(Scripted::new(|_, _| async { failed(FailureClass::Poison) }), SECOND * 5).await;
    let over: Vec<_> =
        world.failures.letters()[..15].iter().map(|letter| letter.message_id.clone()).collect();
    world.failures.over.lock().unwrap().extend(over);
    world.run(no_op(), SECOND * 10).await;
    let depth = world.dead_letters.depth().await.unwrap();
    assert_eq!((depth.visible, depth.in_flight), (10, 0));
    assert_eq!(world.failures.letters().len(), 25, "nothing was recorded again");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_can_not_be_recorded_stays_in_the_dead_letter_queue() {
    let world = World::new();
    send(&world, Outgoing::new(TASK)).await;
    wear_out(&world).await;
    world.failures.fail.store(ALWAYS, Ordering::SeqCst);
    world.run(no_op(), SECOND * 5).await;
    assert_eq!(world.dead_letters.depth().await.unwrap().visible, 1);
    world.failures.fail.store(0, Ordering::SeqCst);
    world.run(no_op(), SECOND * 5).await;
    assert_eq!(world.failures.letters().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_redrive_that_is_handled_is_noted_and_one_that_fails_names_its_failure() {
    let world = World::new();
    for body in ["good", "bad"] {
        send(&world, Outgoing::new(body).attribute(REDRIVE_ATTRIBUTE, "in/m1")).await;
    }
    let handler = Scripted::new(|delivery, _| async move {
        if delivery.body == "good" { done() } else { failed(FailureClass::Poison) }
    });
    world.run(handler, VISIBILITY).await;
    assert_eq!(*world.failures.handled_again.lock().unwrap(), ["in/m1"]);
    assert_eq!(world.failures.letters()[0].redrive_of.as_deref(), Some("in/m1"));
}
