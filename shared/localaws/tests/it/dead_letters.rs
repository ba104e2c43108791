//! Dead-letter queues.

use crate::client::{Endpoint, Refusal, bodies, system};

/// A queue that gives up after two receives, and its dead-letter queue.
async fn queues(endpoint: &Endpoint) -> (String, String) {
    let dead = endpoint.queue("orders-dlq", &[]).await;
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:orders-dlq","maxReceiveCount":"2"}"#;
    let attributes = [("RedrivePolicy", policy), ("VisibilityTimeout", "0")];
    (endpoint.queue("orders", &attributes).await, dead)
}

#[tokio::test]
async fn the_receive_that_exceeds_the_limit_moves_the_message() {
    let endpoint = Endpoint::start().await;
    let (url, dead) = queues(&endpoint).await;
    let id = endpoint.send(&url, "poison").await;
    let first = endpoint.receive(&url).await.remove(0);
    assert_eq!(endpoint.receive(&url).await.len(), 1);
    assert!(endpoint.receive(&dead).await.is_empty(), "not before it is received once more");
    endpoint.send(&url, "healthy").await;
    assert_eq!(bodies(&endpoint.receive(&url).await), ["healthy"]);
    let moved = endpoint.receive(&dead).await.remove(0);
    assert_eq!(moved.body(), Some("poison"));
    assert_eq!(moved.message_id(), Some(id.as_str()));
    assert_eq!(system(&moved, "ApproximateReceiveCount").as_deref(), Some("3"));
    let source = system(&moved, "DeadLetterQueueSourceArn");
    assert_eq!(source.as_deref(), Some("arn:aws:sqs:us-east-1:000000000000:orders"));
    assert_eq!(system(&moved, "SentTimestamp"), system(&first, "SentTimestamp"));
}

#[tokio::test]
async fn many_dead_letters_do_not_hide_the_healthy_message_behind_them() {
    let endpoint = Endpoint::start().await;
    let (url, dead) = queues(&endpoint).await;
    for number in 0..25 {
        endpoint.send(&url, &number.to_string()).await;
    }
    for _ in 0..5 {
        assert_eq!(endpoint.receive(&url).await.len(), 10);
    }
    endpoint.send(&url, "healthy").await;
    assert_eq!(bodies(&endpoint.receive(&url).await), ["healthy"]);
    let count = endpoint.attribute(&dead, "ApproximateNumberOfMessages").await;
    assert_eq!(count.as_deref(), Some("25"));
}

#[tokio::test]
async fn without_its_dead_letter_queue_a_message_stays() {
    let endpoint = Endpoint::start().await;
    let (url, dead) = queues(&endpoint).await;
    endpoint.sqs.delete_queue().queue_url(&dead).send().await.unwrap();
    endpoint.send(&url, "a").await;
    for _ in 0..4 {
        assert_eq!(endpoint.receive(&url).await.len(), 1);
    }
}

#[tokio::test]
async fn sources_of_a_dead_letter_queue_are_listed() {
    let endpoint = Endpoint::start().await;
    let (url, dead) = queues(&endpoint).await;
    let list = endpoint.sqs.list_dead_letter_source_queues().queue_url(&dead);
    assert_eq!(list.send().await.unwrap().queue_urls(), std::slice::from_ref(&url));
    let list = endpoint.sqs.list_dead_letter_source_queues().queue_url(&url);
    assert!(list.send().await.unwrap().queue_urls().is_empty());
}

#[tokio::test]
async fn a_dead_letter_queue_must_exist() {
    let endpoint = Endpoint::start().await;
    let policy =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:none","maxReceiveCount":2}"#;
    let create = endpoint.sqs.create_queue().queue_name("orders");
    let refused = create.attributes("RedrivePolicy".into(), policy).send().await.unwrap_err();
    let refusal = Refusal::of(refused);
    assert_eq!(refusal.code, "InvalidParameterValue");
    assert!(refusal.message.contains("Dead letter target does not exist"), "{}", refusal.message);
}

#[tokio::test]
async fn a_dead_letter_queue_says_who_may_use_it() {
    let endpoint = Endpoint::start().await;
    let (url, dead) = queues(&endpoint).await;
    let allow = |policy: String| {
        let set = endpoint.sqs.set_queue_attributes().queue_url(&dead);
        set.attributes("RedriveAllowPolicy".into(), policy).send()
    };
    let redrive = || async {
        let policy = endpoint.attribute(&url, "RedrivePolicy").await.unwrap();
        let set = endpoint.sqs.set_queue_attributes().queue_url(&url);
        set.attributes("RedrivePolicy".into(), policy).send().await
    };
    let by_queue = |name: &str| {
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
        format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{arn}"]}}"#)
    };
    for refusing in [r#"{"redrivePermission":"denyAll"}"#.to_owned(), by_queue("other")] {
        allow(refusing).await.unwrap();
        assert_eq!(Refusal::of(redrive().await.unwrap_err()).code, "InvalidParameterValue");
    }
    allow(by_queue("orders")).await.unwrap();
    redrive().await.unwrap();
    let wrong = allow(r#"{"redrivePermission":"byQueue"}"#.to_owned()).await;
    assert_eq!(Refusal::of(wrong.unwrap_err()).code, "InvalidAttributeValue");
}
