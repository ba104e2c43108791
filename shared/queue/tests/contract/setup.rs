//! Queues are found by name, and set up any number of times.

use std::sync::Arc;
use std::time::Duration;

use millrace_queue::{QueueError, QueueSpec};

use crate::world::{VISIBILITY, World, receive_one, send};

pub(crate) async fn a_queue_that_does_not_exist_is_not_found(world: &World) {
    let missing = world.queues.queue("nowhere").await.err();
    assert_eq!(missing, Some(QueueError::not_found("nowhere")));
    let dangling = world.ensure(QueueSpec::new("q").redrive("nowhere", 3)).await;
    assert_eq!(dangling, Err(QueueError::not_found("nowhere")));
}

pub(crate) async fn a_queue_is_found_once(world: &World) {
    let one = world.queue("q").await;
    let other = world.queues.queue("q").await.unwrap();
    assert!(Arc::ptr_eq(&one, &other));
    assert_eq!(one.name(), "q");
}

pub(crate) async fn setting_a_queue_up_again_changes_what_differs(world: &World) {
    let queue = world.queue("q").await;
    world.queue("q-dlq").await;
    send(queue.as_ref(), &["b"]).await;
    let changed = QueueSpec::new("q").visibility(Duration::from_secs(60)).redrive("q-dlq", 1);
    world.ensure(changed.clone()).await.unwrap();
    world.ensure(changed).await.unwrap();
    let received = receive_one(queue.as_ref(), Duration::ZERO).await;
    assert_eq!(received.receive_count, 1, "messages survive");
    let dead_letters = world.queues.queue("q-dlq").await.unwrap();
    let receive = crate::world::receive(10, 1, VISIBILITY);
    assert_eq!(queue.receive(receive).await.unwrap(), [], "the new policy holds");
    assert_eq!(receive_one(dead_letters.as_ref(), VISIBILITY).await.body, "b");
}
