//! A received message is hidden for a while, not gone.

use std::time::Duration;

use millrace_queue::{QueueError, Receipt};
use tokio::time::Instant;

use crate::world::{VISIBILITY, World, all_ok, receive, receive_one, receives_nothing, send};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) async fn a_message_that_is_not_deleted_comes_back(world: &World) {
    let queue = world.queue("q").await;
    send(queue.as_ref(), &["b"]).await;
    let first = receive_one(queue.as_ref(), SECOND).await;
    assert!(receives_nothing(queue.as_ref()).await);
    let second = receive_one(queue.as_ref(), SECOND).await;
    assert_eq!(first.message_id, second.message_id);
    assert_eq!(first.body, second.body);
    assert_ne!(first.receipt, second.receipt);
    assert_eq!((first.receive_count, second.receive_count), (1, 2));
    assert_eq!(first.first_received_at, second.first_received_at);
}

pub(crate) async fn visibility_zero_hands_a_message_back_at_once(world: &World) {
    let queue = world.queue("q").await;
    send(queue.as_ref(), &["b"]).await;
    let first = receive_one(queue.as_ref(), VISIBILITY).await;
    all_ok(queue.change_visibility(&[(first.receipt, Duration::ZERO)]).await);
    let again = queue.receive(receive(1, 1, VISIBILITY)).await.unwrap();
    assert_eq!(again[0].receive_count, 2);
}

pub(crate) async fn an_extended_message_stays_hidden(world: &World) {
    let queue = world.queue("q").await;
    send(queue.as_ref(), &["b"]).await;
    let started = Instant::now();
    let first = receive_one(queue.as_ref(), SECOND).await;
    all_ok(queue.change_visibility(&[(first.receipt, SECOND * 3)]).await);
    let again = receive_one(queue.as_ref(), SECOND).await;
    assert_eq!(again.receive_count, 2);
    assert!(started.elapsed() >= SECOND * 3, "{:?}", started.elapsed());
}

pub(crate) async fn the_receipt_of_a_visible_message_has_expired(world: &World) {
    let queue = world.queue("q").await;
    send(queue.as_ref(), &["b"]).await;
    let first = receive_one(queue.as_ref(), VISIBILITY).await;
    let change = [(first.receipt, Duration::ZERO)];
    all_ok(queue.change_visibility(&change).await);
    let results = queue.change_visibility(&[(change[0].0.clone(), VISIBILITY)]).await;
    assert!(matches!(results[..], [Err(QueueError::ReceiptExpired { .. })]), "{results:?}");
    let foreign = [(Receipt::new("not a receipt"), VISIBILITY)];
    let results = queue.change_visibility(&foreign).await;
    assert!(matches!(results[..], [Err(QueueError::ReceiptExpired { .. })]), "{results:?}");
}

pub(crate) async fn an_outdated_receipt_deletes_nothing(world: &World) {
    let queue = world.queue("q").await;
    send(queue.as_ref(), &["b"]).await;
    let first = receive_one(queue.as_ref(), VISIBILITY).await;
    all_ok(queue.change_visibility(&[(first.receipt.clone(), Duration::ZERO)]).await);
    let second = receive_one(queue.as_ref(), VISIBILITY).await;
    all_ok(queue.delete(&[first.receipt]).await);
    assert_eq!(queue.depth().await.unwrap().in_flight, 1);
    all_ok(queue.delete(&[second.receipt]).await);
    assert_eq!(queue.depth().await.unwrap().in_flight, 0);
}
