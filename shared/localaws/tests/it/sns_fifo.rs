//! FIFO topics: what they ask for, and that nothing is delivered twice.

use aws_sdk_sns::types::PublishBatchRequestEntry;

use crate::client::{Endpoint, Refusal, bodies};

async fn topic(endpoint: &Endpoint, by_content: &str) -> String {
    let create = endpoint.sns.create_topic().name("orders.fifo").attributes("FifoTopic", "true");
    let create = create.attributes("ContentBasedDeduplication", by_content);
    create.send().await.unwrap().topic_arn.unwrap()
}

/// Subscribes a queue; answers its URL.
async fn subscribe(endpoint: &Endpoint, topic: &str) -> String {
    let url = endpoint.queue("a", &[]).await;
    let subscribe = endpoint.sns.subscribe().topic_arn(topic).protocol("sqs");
    let subscribe = subscribe.endpoint("arn:aws:sqs:us-east-1:000000000000:a");
    subscribe.attributes("RawMessageDelivery", "true").send().await.unwrap();
    url
}

#[tokio::test]
async fn a_duplicate_is_answered_alike_and_delivered_once() {
    let endpoint = Endpoint::start().await;
    let topic = topic(&endpoint, "false").await;
    let queue = subscribe(&endpoint, &topic).await;
    let publish = |id: &str, message: &str| {
        let publish = endpoint.sns.publish().topic_arn(&topic).message(message);
        publish.message_group_id("g").message_deduplication_id(id).send()
    };
    let first = publish("1", "one").await.unwrap();
    let again = publish("1", "one, again").await.unwrap();
    let second = publish("2", "two").await.unwrap();
    assert_eq!(first.message_id(), again.message_id());
    assert_eq!(first.sequence_number(), again.sequence_number());
    assert_eq!(first.sequence_number().unwrap().len(), 20);
    assert!(second.sequence_number() > first.sequence_number());
    assert_eq!(bodies(&endpoint.receive(&queue).await), ["one", "two"]);
}

#[tokio::test]
async fn content_can_stand_for_the_deduplication_id() {
    let endpoint = Endpoint::start().await;
    let topic = topic(&endpoint, "true").await;
    let queue = subscribe(&endpoint, &topic).await;
    for message in ["one", "one", "two"] {
        let publish = endpoint.sns.publish().topic_arn(&topic).message(message);
        publish.message_group_id("g").send().await.unwrap();
    }
    assert_eq!(bodies(&endpoint.receive(&queue).await), ["one", "two"]);
}

#[tokio::test]
async fn groups_and_deduplication_ids_are_asked_for() {
    let endpoint = Endpoint::start().await;
    let topic = topic(&endpoint, "false").await;
    let publish = || endpoint.sns.publish().topic_arn(&topic).message("x");
    for refused in [publish(), publish().message_group_id("g"), publish().message_group_id("ü")] {
        let refused = Refusal::of(refused.send().await.unwrap_err());
        assert_eq!(refused.code, "InvalidParameter", "{}", refused.message);
    }
    let entry = |id: &str, group: Option<&str>| {
        let entry = PublishBatchRequestEntry::builder().id(id).message(id);
        let entry = entry.set_message_group_id(group.map(str::to_owned));
        entry.message_deduplication_id(id).build().unwrap()
    };
    let batch = endpoint.sns.publish_batch().topic_arn(&topic);
    let batch = batch.publish_batch_request_entries(entry("1", Some("g")));
    let result = batch.publish_batch_request_entries(entry("2", None)).send().await.unwrap();
    assert!(result.successful()[0].sequence_number().is_some());
    assert_eq!(result.failed()[0].id(), "2");
}

#[tokio::test]
async fn names_and_subscribers_fit_the_kind_of_topic() {
    let endpoint = Endpoint::start().await;
    let create = |name: &str| endpoint.sns.create_topic().name(name);
    for refused in [create("a.fifo"), create("a").attributes("FifoTopic", "true"), create("a b")] {
        assert_eq!(Refusal::of(refused.send().await.unwrap_err()).code, "InvalidParameter");
    }
    let fifo = topic(&endpoint, "false").await;
    let standard = create("standard").send().await.unwrap().topic_arn.unwrap();
    for (topic, protocol, subscriber) in [
        (&fifo, "email", "ops@example.com"),
        (&standard, "sqs", "arn:aws:sqs:us-east-1:000000000000:a.fifo"),
        (&standard, "email", "nobody"),
        (&standard, "pigeon", "x"),
    ] {
        let subscribe = endpoint.sns.subscribe().topic_arn(topic).protocol(protocol);
        let refused = Refusal::of(subscribe.endpoint(subscriber).send().await.unwrap_err());
        assert_eq!(refused.code, "InvalidParameter", "{subscriber}");
    }
    let publish = endpoint.sns.publish().topic_arn(&standard).message("x");
    let refused = publish.message_deduplication_id("1").send().await.unwrap_err();
    assert_eq!(Refusal::of(refused).code, "InvalidParameter");
}
