//! Any number of entries, and an answer for every one of them.

use std::time::Duration;

use millrace_queue::{MAX_BATCH_BYTES, Outgoing, QueueError, Receipt};

use crate::world::{VISIBILITY, World, all_ok, receive_all, receive_one, send};

pub(crate) async fn more_than_ten_entries_are_split(world: &World) {
    let queue = world.queue("q").await;
    let bodies: Vec<String> = (0..25).map(|number| format!("b{number}")).collect();
    send(queue.as_ref(), &bodies.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let received = receive_all(queue.as_ref(), 25, VISIBILITY).await;
    let mut arrived: Vec<_> = received.values().map(|message| message.body.clone()).collect();
    arrived.sort_by_key(|body| body[1..].parse::<u32>().unwrap());
    assert_eq!(arrived, bodies);
    let change = |receipt: &Receipt| (receipt.clone(), VISIBILITY + Duration::from_secs(1));
    let receipts: Vec<_> = received.into_values().map(|message| message.receipt).collect();
    all_ok(queue.change_visibility(&receipts.iter().map(change).collect::<Vec<_>>()).await);
    all_ok(queue.delete(&receipts).await);
    assert_eq!(queue.depth().await.unwrap().total(), 0);
}

pub(crate) async fn more_than_a_mebibyte_is_split(world: &World) {
    let queue = world.queue("q").await;
    let message = Outgoing::new("x".repeat(MAX_BATCH_BYTES / 3));
    all_ok(queue.send(&vec![message; 5]).await);
    assert_eq!(receive_all(queue.as_ref(), 5, VISIBILITY).await.len(), 5);
}

pub(crate) async fn a_message_that_is_too_large_fails_alone(world: &World) {
    let queue = world.queue("q").await;
    let large = Outgoing::new("x".repeat(MAX_BATCH_BYTES + 1));
    let results = queue.send(&[Outgoing::new("a"), large, Outgoing::new("b")]).await;
    assert!(results[0].is_ok() && results[2].is_ok(), "{results:?}");
    assert!(matches!(results[1], Err(QueueError::TooLarge { .. })), "{results:?}");
    assert_eq!(receive_all(queue.as_ref(), 2, VISIBILITY).await.len(), 2);
}

pub(crate) async fn an_entry_that_is_refused_fails_alone(world: &World) {
    let queue = world.queue("q").await;
    send(queue.as_ref(), &["b"]).await;
    let received = receive_one(queue.as_ref(), VISIBILITY).await;
    let foreign = Receipt::new("not a receipt");
    let results = queue.delete(&[foreign, received.receipt]).await;
    assert!(results[0].is_err() && results[1].is_ok(), "{results:?}");
    assert_eq!(queue.depth().await.unwrap().total(), 0);
}
