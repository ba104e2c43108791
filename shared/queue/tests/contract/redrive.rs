//! What is received too often moves to the dead-letter queue.

use std::time::Duration;

use millrace_queue::{Outgoing, QueueSpec, Receive};

use crate::world::{VISIBILITY, World, all_ok, receive_one};

pub(crate) async fn a_message_received_too_often_moves_to_the_dead_letter_queue(world: &World) {
    let dead_letters = world.queue("q-dlq").await;
    world.ensure(QueueSpec::new("q").redrive("q-dlq", 2)).await.unwrap();
    let queue = world.queues.queue("q").await.unwrap();
    all_ok(queue.send(&[Outgoing::new("b").attribute("dataset", "d")]).await);
    let mut message_id = String::new();
    for count in 1..=2 {
        let received = receive_one(queue.as_ref(), VISIBILITY).await;
        assert_eq!(received.receive_count, count);
        message_id = received.message_id;
        all_ok(queue.change_visibility(&[(received.receipt, Duration::ZERO)]).await);
    }
    let third = Receive { max: 10, wait: Duration::from_secs(1), visibility: VISIBILITY };
    assert_eq!(queue.receive(third).await.unwrap(), []);
    let dead = receive_one(dead_letters.as_ref(), VISIBILITY).await;
    assert_eq!((dead.message_id, dead.body.as_str()), (message_id, "b"));
    assert_eq!(dead.attributes["dataset"], "d");
    assert_eq!(queue.depth().await.unwrap().total(), 0);
}
