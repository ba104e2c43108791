//! Messages arrive, whole, and once they are deleted never again.

use std::time::Duration;

use millrace_queue::{Depth, Outgoing, TRACE_ATTRIBUTE};
use tokio::time::Instant;

use crate::world::{
    VISIBILITY, World, all_ok, receive, receive_all, receive_one, receives_nothing, send,
};

pub(crate) async fn a_message_arrives_as_it_was_sent(world: &World) {
    let queue = world.queue("q").await;
    let message = Outgoing::new("größe \"1\"\n<&>")
        .attribute(TRACE_ATTRIBUTE, "t-1")
        .attribute("dataset", "é")
        .attribute("empty", "")
        .grouped(Some("expenses".into()));
    all_ok(queue.send(std::slice::from_ref(&message)).await);
    let received = receive_one(queue.as_ref(), VISIBILITY).await;
    assert_eq!(received.body, message.body);
    assert_eq!(received.attributes, message.attributes);
    assert_eq!(received.group.as_deref(), Some("expenses"));
    assert_eq!(received.attributes.len(), 2, "an empty attribute is left out");
    assert_eq!(received.receive_count, 1);
    let sent_at = received.sent_at.expect("said");
    assert!(received.first_received_at.expect("said") >= sent_at);
    assert!(sent_at.elapsed().unwrap() < Duration::from_secs(60));
}

pub(crate) async fn an_empty_queue_is_waited_for(world: &World) {
    let queue = world.queue("q").await;
    let started = Instant::now();
    let received = queue.receive(receive(10, 1, VISIBILITY)).await.unwrap();
    assert!(received.is_empty());
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
}

pub(crate) async fn a_poll_ends_when_a_message_arrives(world: &World) {
    let queue = world.queue("q").await;
    let started = Instant::now();
    let (received, ()) = tokio::join!(queue.receive(receive(10, 20, VISIBILITY)), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        send(queue.as_ref(), &["b"]).await;
    });
    assert_eq!(received.unwrap().len(), 1);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

pub(crate) async fn a_delayed_message_arrives_later(world: &World) {
    let queue = world.queue("q").await;
    let delay = Duration::from_secs(1);
    let started = Instant::now();
    all_ok(queue.send(&[Outgoing { delay, ..Outgoing::new("b") }]).await);
    assert!(receives_nothing(queue.as_ref()).await);
    receive_one(queue.as_ref(), VISIBILITY).await;
    assert!(started.elapsed() >= delay, "{:?}", started.elapsed());
}

pub(crate) async fn a_deleted_message_never_comes_back(world: &World) {
    let queue = world.queue("q").await;
    send(queue.as_ref(), &["b"]).await;
    let received = receive_one(queue.as_ref(), Duration::from_secs(1)).await;
    let receipts = [received.receipt];
    all_ok(queue.delete(&receipts).await);
    all_ok(queue.delete(&receipts).await);
    let later = queue.receive(receive(10, 2, VISIBILITY)).await.unwrap();
    assert_eq!(later, []);
    assert_eq!(queue.depth().await.unwrap(), Depth::default());
}

pub(crate) async fn depth_counts_messages_by_state(world: &World) {
    let queue = world.queue("q").await;
    send(queue.as_ref(), &["a", "b", "c"]).await;
    let delay = Duration::from_secs(900);
    all_ok(queue.send(&[Outgoing { delay, ..Outgoing::new("d") }]).await);
    queue.receive(receive(1, 1, VISIBILITY)).await.unwrap();
    let depth = queue.depth().await.unwrap();
    assert_eq!(depth, Depth { visible: 2, in_flight: 1, delayed: 1 });
    assert_eq!(depth.total(), 4);
    assert_eq!(receive_all(queue.as_ref(), 2, VISIBILITY).await.len(), 2);
}
