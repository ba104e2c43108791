//! What is not tried again is recorded, sent to the dead-letter queue, and only
//! then deleted.

use std::sync::atomic::Ordering;

use millrace_contract::ObjectVersion;
use millrace_queue::Queue;
use millrace_retry::FailureClass;
use millrace_runtime::{Failure, Outcome, Subject};

use crate::flaky::{ALWAYS, Op};
use crate::world::{MAX_RECEIVES, SECOND, Scripted, VISIBILITY, World, done, failed};

fn fails(class: FailureClass) -> Scripted {
    Scripted::new(move |_, _| async move { failed(class) })
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_carries_why_what_and_when() {
    let world = World::new();
    world.fill(1).await;
    let handler = Scripted::new(|_, _| async {
        let subject = Subject {
            dataset: Some("expenses".into()),
            object: Some(ObjectVersion {
                bucket: "raw".into(),
                key: "a.csv".into(),
                version_id: None,
                etag: "e".into(),
                sequencer: None,
                size: None,
            }),
            file_id: Some("f1".into()),
        };
        let failure = Failure::new(FailureClass::Contract, "2 of 10 rows rejected");
        Outcome::Failed(failure.about(subject).rejects("s3://lake/_rejects/f1"))
    });
    let summary = world.run(handler, SECOND).await;
    assert_eq!(summary.dead_lettered, 1);
    assert_eq!(world.depth().await.total(), 0);

    let letter = world.failures.letters().remove(0);
    assert_eq!((letter.stage.as_str(), letter.queue.as_str()), ("test", "in"));
    assert_eq!((letter.body.as_str(), letter.receive_count), ("m0", 1));
    assert_eq!(letter.rejects.as_deref(), Some("s3://lake/_rejects/f1"));
    assert_eq!(letter.file_id.as_deref(), Some("f1"));
    assert!(letter.first_seen <= letter.last_seen);

    let dead = world.received_from(&world.dead_letters).await.remove(0);
    assert_eq!(dead.body, "m0");
    let attribute = |name: &str| dead.attributes[name].as_str();
    assert_eq!(attribute("reason_class"), "contract");
    assert_eq!(attribute("reason"), "2 of 10 rows rejected");
    assert_eq!(attribute("dataset"), "expenses");
    assert_eq!(attribute("object"), "s3://raw/a.csv");
    assert_eq!(attribute("trace_id"), letter.trace_id);
    assert_eq!(attribute("fingerprint"), letter.fingerprint);
    assert_eq!(dead.attributes.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn only_classes_that_may_pass_are_tried_again() {
    for class in FailureClass::ALL.into_iter().filter(|class| !class.is_retryable()) {
        let world = World::new();
        world.fill(1).await;
        let summary = world.run(fails(class), SECOND).await;
        assert_eq!((summary.received, summary.dead_lettered), (1, 1), "{class}");
        assert_eq!(world.failures.letters()[0].class, class);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_receive_records_why_instead_of_leaving_it_to_the_redrive() {
    let world = World::new();
    world.fill(1).await;
    let handler = fails(FailureClass::Transient);
    let seen = handler.seen();
    let summary = world.run(handler, SECOND * 600).await;
    assert_eq!(seen.lock().unwrap().len(), MAX_RECEIVES as usize);
    assert_eq!((summary.retried, summary.dead_lettered), (u64::from(MAX_RECEIVES) - 1, 1));
    let letter = &world.failures.letters()[0];
    assert_eq!((letter.class, letter.receive_count), (FailureClass::Transient, MAX_RECEIVES));
    let dead = world.received_from(&world.dead_letters).await;
    assert_eq!(dead[0].attributes["receive_count"], MAX_RECEIVES.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_not_recorded_does_not_leave_its_queue() {
    let world = World::new();
    world.failures.fail.store(1, Ordering::SeqCst);
    world.fill(1).await;
    let summary = world.run(fails(FailureClass::Poison), SECOND * 120).await;
    assert_eq!((summary.retried, summary.dead_lettered), (1, 1));
    assert_eq!(world.failures.letters().len(), 1);
    assert_eq!(world.received_from(&world.dead_letters).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_recorded_is_left_to_the_redrive() {
    let world = World::new();
    world.failures.fail.store(ALWAYS, Ordering::SeqCst);
    world.fill(1).await;
    let handler = fails(FailureClass::Poison);
    let seen = handler.seen();
    world.run(handler, SECOND * 600).await;
    assert_eq!(seen.lock().unwrap().len(), MAX_RECEIVES as usize);
    let dead = world.received_from(&world.dead_letters).await;
    assert_eq!(dead[0].body, "m0");
    assert_eq!(world.depth().await.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_queue_that_fails_keeps_the_message() {
    let world = World::new();
    world.dead_letters.faults.sends.store(1, Ordering::SeqCst);
    world.fill(1).await;
    let summary = world.run(fails(FailureClass::Poison), SECOND * 120).await;
    assert_eq!((summary.retried, summary.dead_lettered), (1, 1));
    assert_eq!(world.received_from(&world.dead_letters).await.len(), 1);
    let deletes = world.queue.ops().into_iter().filter(|op| matches!(op, Op::Delete(_))).count();
    assert_eq!(deletes, 1, "deleted once, when the letter was sent");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_dead_letter_and_leaves_the_others_alone() {
    let world = World::new().with(|config| *config = config.clone().concurrency(2));
    world.fill(40).await;
    let handler = Scripted::new(|delivery, _| async move {
        assert!(!delivery.body.ends_with('3'), "message {} is no good", delivery.body);
        done()
    });
    let summary = world.run(handler, SECOND * 5).await;
    assert_eq!((summary.done, summary.dead_lettered), (36, 4));
    let letters = world.failures.letters();
    let mut texts: Vec<_> = letters.iter().map(|letter| letter.message.as_str()).collect();
    texts.sort_unstable();
    assert_eq!(texts[0], "the handler panicked: message m13 is no good");
    assert!(letters.iter().all(|letter| letter.class == FailureClass::Poison));
    assert_eq!(world.depth().await.total(), 0);
    let prints: std::collections::HashSet<_> =
        letters.iter().map(|letter| letter.fingerprint.as_str()).collect();
    assert_eq!(prints.len(), 1, "they are of one kind");
}

#[tokio::test(start_paused = true)]
async fn a_slow_record_does_not_cost_the_lease() {
    let world = World::new();
    *world.dead_letters.latency.lock().unwrap() = VISIBILITY * 3;
    world.fill(1).await;
    let handler = fails(FailureClass::Poison);
    let seen = handler.seen();
    let summary = world.run(handler, VISIBILITY * 4).await;
    assert_eq!((summary.dead_lettered, seen.lock().unwrap().len()), (1, 1));
    assert_eq!(world.dead_letters.depth().await.unwrap().total(), 1);
}
