//! FIFO queues: order, groups, deduplication.

use std::time::{Duration, SystemTime};

use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, QueueAttributeName, SendMessageBatchRequestEntry,
};
use millrace_localaws::Clock;

use crate::client::{Endpoint, Refusal, a_moment, bodies, eventually, handle, system};

const FIFO: [(&str, &str); 1] = [("FifoQueue", "true")];
const BY_CONTENT: [(&str, &str); 2] =
    [("FifoQueue", "true"), ("ContentBasedDeduplication", "true")];
const MINUTE: Duration = Duration::from_secs(60);

async fn send(endpoint: &Endpoint, url: &str, group: &str, body: &str) -> SendMessageOutput {
    let send = endpoint.sqs.send_message().queue_url(url).message_body(body);
    send.message_group_id(group).message_deduplication_id(body).send().await.unwrap()
}

async fn receive(endpoint: &Endpoint, url: &str, max: i32) -> Vec<Message> {
    let receive = endpoint.sqs.receive_message().queue_url(url).max_number_of_messages(max);
    receive.send().await.unwrap().messages.unwrap_or_default()
}

fn sequence(message: &Message) -> u128 {
    let number = system(message, "SequenceNumber").unwrap();
    assert_eq!(number.len(), 20);
    number.parse().unwrap()
}

#[tokio::test]
async fn a_group_comes_in_order_and_is_blocked_while_in_flight() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders.fifo", &FIFO).await;
    for (group, body) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a3"), ("b", "b2")] {
        send(&endpoint, &url, group, body).await;
    }
    let first = receive(&endpoint, &url, 2).await;
    assert_eq!(bodies(&first), ["a1", "a2"], "several of one group in one receive");
    assert_eq!(bodies(&receive(&endpoint, &url, 10).await), ["b1", "b2"], "others go on");
    assert!(receive(&endpoint, &url, 10).await.is_empty());
    endpoint.delete(&url, &first[0]).await;
    assert!(receive(&endpoint, &url, 10).await.is_empty(), "a2 is still in flight");
    endpoint.hold(&url, &first[1], 0).await.unwrap();
    assert_eq!(bodies(&receive(&endpoint, &url, 10).await), ["a2", "a3"]);
}

#[tokio::test]
async fn what_is_received_says_where_it_belongs() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders.fifo", &FIFO).await;
    let sent = send(&endpoint, &url, "g", "one").await;
    send(&endpoint, &url, "g", "two").await;
    let received = endpoint.receive(&url).await;
    assert_eq!(system(&received[0], "MessageGroupId").as_deref(), Some("g"));
    assert_eq!(system(&received[0], "MessageDeduplicationId").as_deref(), Some("one"));
    assert_eq!(system(&received[0], "SequenceNumber"), sent.sequence_number);
    assert!(sequence(&received[0]) < sequence(&received[1]));
}

#[tokio::test]
async fn a_duplicate_is_accepted_as_its_original_for_five_minutes() {
    let clock = Clock::stopped(SystemTime::now());
    let endpoint = Endpoint::by(&clock).await;
    let url = endpoint.queue("orders.fifo", &FIFO).await;
    let original = send(&endpoint, &url, "g", "one").await;
    let message = endpoint.receive(&url).await.remove(0);
    endpoint.delete(&url, &message).await;
    clock.advance(4 * MINUTE);
    let endpoint = endpoint.restart().await;
    let url = endpoint.queue("orders.fifo", &FIFO).await;
    let duplicate = send(&endpoint, &url, "other", "one").await;
    assert_eq!(duplicate.message_id, original.message_id);
    assert_eq!(duplicate.sequence_number, original.sequence_number);
    endpoint.sqs.purge_queue().queue_url(&url).send().await.unwrap();
    let duplicate = send(&endpoint, &url, "g", "one").await;
    assert_eq!(duplicate.message_id, original.message_id, "purged or not");
    assert!(endpoint.receive(&url).await.is_empty());
    clock.advance(MINUTE);
    let again = send(&endpoint, &url, "g", "one").await;
    assert_ne!(again.message_id, original.message_id);
    assert!(again.sequence_number > original.sequence_number);
    assert_eq!(bodies(&endpoint.receive(&url).await), ["one"]);
}

#[tokio::test]
async fn duplicates_are_found_by_content_and_within_a_batch() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders.fifo", &BY_CONTENT).await;
    let entry = |id: &str, body: &str| {
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(body);
        entry.message_group_id("g").build().unwrap()
    };
    let batch = endpoint.sqs.send_message_batch().queue_url(&url);
    let batch = batch.entries(entry("1", "x")).entries(entry("2", "y")).entries(entry("3", "x"));
    let sent = batch.send().await.unwrap().successful;
    assert_eq!(sent[0].message_id(), sent[2].message_id());
    assert_eq!(sent[0].sequence_number(), sent[2].sequence_number());
    assert_ne!(sent[0].message_id(), sent[1].message_id());
    let received = endpoint.receive(&url).await;
    assert_eq!(bodies(&received), ["x", "y"]);
    let sha256_of_x = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    assert_eq!(system(&received[0], "MessageDeduplicationId").as_deref(), Some(sha256_of_x));
    let given = endpoint.sqs.send_message().queue_url(&url).message_body("x");
    let given = given.message_group_id("g").message_deduplication_id("given").send().await.unwrap();
    assert_ne!(given.message_id(), Some(sent[0].message_id()), "a given id goes before the body");
}

#[tokio::test]
async fn ids_may_be_told_apart_by_group() {
    let endpoint = Endpoint::start().await;
    let by_group = [
        ("FifoQueue", "true"),
        ("DeduplicationScope", "messageGroup"),
        ("FifoThroughputLimit", "perMessageGroupId"),
    ];
    let url = endpoint.queue("orders.fifo", &by_group).await;
    let (a, b) = (send(&endpoint, &url, "a", "x").await, send(&endpoint, &url, "b", "x").await);
    let again = send(&endpoint, &url, "a", "x").await;
    assert_ne!(a.message_id, b.message_id);
    assert_eq!(a.message_id, again.message_id);
    let scope = endpoint.attribute(&url, "DeduplicationScope").await;
    assert_eq!(scope.as_deref(), Some("messageGroup"));
}

#[tokio::test]
async fn what_a_queue_type_does_not_know_is_refused() {
    let endpoint = Endpoint::start().await;
    let (url, standard) =
        (endpoint.queue("orders.fifo", &FIFO).await, endpoint.queue("orders", &[]).await);
    let send = |url: &str| endpoint.sqs.send_message().queue_url(url).message_body("x");
    let fifo = || send(&url).message_group_id("g").message_deduplication_id("d");
    for (request, code) in [
        (send(&url), "MissingParameter"),
        (send(&url).message_group_id("g"), "InvalidParameterValue"),
        (fifo().delay_seconds(1), "InvalidParameterValue"),
        (fifo().message_group_id("a b"), "InvalidParameterValue"),
        (fifo().message_deduplication_id("x".repeat(129)), "InvalidParameterValue"),
        (send(&standard).message_deduplication_id("d"), "InvalidParameterValue"),
    ] {
        assert_eq!(Refusal::of(request.send().await.unwrap_err()).code, code);
    }
    fifo().delay_seconds(0).send().await.expect("no delay is none");
    let receive = endpoint.sqs.receive_message().queue_url(&standard);
    let refusal = receive.receive_request_attempt_id("a").send().await.unwrap_err();
    assert_eq!(Refusal::of(refusal).code, "InvalidParameterValue");
}

#[tokio::test]
async fn a_fifo_queue_is_created_as_one_and_stays_one() {
    let endpoint = Endpoint::start().await;
    for (name, attribute, code) in [
        ("orders", Some(("FifoQueue", "true")), "InvalidParameterValue"),
        ("orders.fifo", None, "InvalidParameterValue"),
        ("orders", Some(("FifoQueue", "false")), "InvalidAttributeName"),
        ("orders", Some(("ContentBasedDeduplication", "true")), "InvalidAttributeName"),
    ] {
        let create = endpoint.sqs.create_queue().queue_name(name);
        let create = create.set_attributes(
            attribute.map(|(name, value)| [(QueueAttributeName::from(name), value.into())].into()),
        );
        assert_eq!(Refusal::of(create.send().await.unwrap_err()).code, code, "{name}");
    }
    let url = endpoint.queue("orders.fifo", &FIFO).await;
    assert_eq!(endpoint.queue("orders.fifo", &FIFO).await, url);
    for (name, value) in [
        ("FifoQueue", Some("true")),
        ("ContentBasedDeduplication", Some("false")),
        ("DeduplicationScope", Some("queue")),
        ("FifoThroughputLimit", Some("perQueue")),
    ] {
        assert_eq!(endpoint.attribute(&url, name).await.as_deref(), value, "{name}");
    }
    for (name, value) in [
        ("FifoQueue", "false"),
        ("DeduplicationScope", "x"),
        ("FifoThroughputLimit", "perMessageGroupId"),
    ] {
        let set = endpoint.sqs.set_queue_attributes().queue_url(&url);
        let refusal = set.attributes(name.into(), value).send().await.unwrap_err();
        assert_eq!(Refusal::of(refusal).code, "InvalidAttributeValue", "{name}");
    }
}

#[tokio::test]
async fn an_attempt_asked_again_gets_the_same_messages() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders.fifo", &FIFO).await;
    for body in ["1", "2", "3"] {
        send(&endpoint, &url, "g", body).await;
    }
    let attempt = |id: &str| {
        let receive = endpoint.sqs.receive_message().queue_url(&url).max_number_of_messages(2);
        let receive = receive.receive_request_attempt_id(id);
        async { receive.send().await.unwrap().messages.unwrap_or_default() }
    };
    let first = attempt("one").await;
    assert_eq!(attempt("one").await, first, "handles included");
    assert!(attempt("two").await.is_empty());
    endpoint.delete(&url, &first[0]).await;
    assert!(attempt("one").await.is_empty(), "not once something happened to them");
}

#[tokio::test]
async fn a_handle_is_of_no_use_once_its_time_ran_out() {
    let clock = Clock::stopped(SystemTime::now());
    let endpoint = Endpoint::by(&clock).await;
    let url = endpoint.queue("orders.fifo", &FIFO).await;
    send(&endpoint, &url, "g", "x").await;
    let message = endpoint.receive(&url).await.remove(0);
    clock.advance(MINUTE);
    let delete = endpoint.sqs.delete_message().queue_url(&url).receipt_handle(handle(&message));
    let refusal = Refusal::of(delete.send().await.unwrap_err());
    assert_eq!(refusal.code, "InvalidParameterValue");
    assert!(refusal.message.contains("The receipt handle has expired"), "{}", refusal.message);
    let entry = DeleteMessageBatchRequestEntry::builder().id("a").receipt_handle(handle(&message));
    let batch = endpoint.sqs.delete_message_batch().queue_url(&url);
    let result = batch.entries(entry.build().unwrap()).send().await.unwrap();
    assert_eq!(result.failed()[0].code(), "InvalidParameterValue");
    assert_eq!(endpoint.receive(&url).await.len(), 1);
}

#[tokio::test]
async fn a_waiting_receive_wakes_when_its_group_is_free() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders.fifo", &FIFO).await;
    send(&endpoint, &url, "g", "1").await;
    send(&endpoint, &url, "g", "2").await;
    let first = receive(&endpoint, &url, 1).await;
    let waiting = endpoint.receive_for(&url, 20);
    let delete = async {
        a_moment().await;
        endpoint.delete(&url, &first[0]).await;
    };
    let started = std::time::Instant::now();
    let (received, ()) = tokio::join!(waiting, delete);
    assert_eq!(bodies(&received), ["2"]);
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn order_and_blocked_groups_survive_a_restart() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders.fifo", &FIFO).await;
    for (group, body) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("b", "b2")] {
        send(&endpoint, &url, group, body).await;
    }
    let first = receive(&endpoint, &url, 1).await.remove(0);
    let endpoint = endpoint.restart().await;
    let url = endpoint.queue("orders.fifo", &FIFO).await;
    assert_eq!(bodies(&receive(&endpoint, &url, 10).await), ["b1", "b2"]);
    endpoint.hold(&url, &first, 0).await.unwrap();
    assert_eq!(bodies(&receive(&endpoint, &url, 10).await), ["a1", "a2"]);
}

#[tokio::test]
async fn the_delay_of_a_fifo_queue_is_that_of_its_messages() {
    let clock = Clock::stopped(SystemTime::now());
    let endpoint = Endpoint::by(&clock).await;
    let url = endpoint.queue("orders.fifo", &[("FifoQueue", "true"), ("DelaySeconds", "60")]).await;
    send(&endpoint, &url, "g", "1").await;
    assert!(endpoint.receive(&url).await.is_empty());
    let set = endpoint.sqs.set_queue_attributes().queue_url(&url);
    set.attributes(QueueAttributeName::DelaySeconds, "900").send().await.unwrap();
    clock.advance(2 * MINUTE);
    assert!(endpoint.receive(&url).await.is_empty(), "also of those sent before it was set");
    let set = endpoint.sqs.set_queue_attributes().queue_url(&url);
    set.attributes(QueueAttributeName::DelaySeconds, "0").send().await.unwrap();
    assert_eq!(bodies(&endpoint.receive(&url).await), ["1"]);
}

fn policy(target: &str) -> String {
    let arn = format!("arn:aws:sqs:us-east-1:000000000000:{target}");
    format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1}}"#)
}

#[tokio::test]
async fn dead_letters_stay_within_the_type_and_keep_group_and_order() {
    let endpoint = Endpoint::start().await;
    let dead = endpoint.queue("dead.fifo", &FIFO).await;
    endpoint.queue("dead", &[]).await;
    let url = endpoint.queue("orders.fifo", &FIFO).await;
    let standard = endpoint.queue("orders", &[]).await;
    let set = |url: &str, target: &str| {
        let set = endpoint.sqs.set_queue_attributes().queue_url(url);
        set.attributes(QueueAttributeName::RedrivePolicy, policy(target)).send()
    };
    for (url, target) in [(&url, "dead"), (&standard, "dead.fifo")] {
        let refusal = Refusal::of(set(url, target).await.unwrap_err());
        assert_eq!(refusal.code, "InvalidParameterValue");
        assert!(refusal.message.contains("same type"), "{}", refusal.message);
    }
    set(&url, "dead.fifo").await.unwrap();
    for (group, body) in [("a", "a1"), ("a", "a2"), ("b", "b1")] {
        send(&endpoint, &url, group, body).await;
    }
    for message in endpoint.receive(&url).await {
        endpoint.hold(&url, &message, 0).await.unwrap();
    }
    send(&endpoint, &url, "a", "a3").await;
    assert_eq!(bodies(&receive(&endpoint, &url, 10).await), ["a3"], "no longer held up");
    let letters = endpoint.receive(&dead).await;
    assert_eq!(bodies(&letters), ["a1", "a2", "b1"]);
    assert_eq!(system(&letters[0], "MessageGroupId").as_deref(), Some("a"));
    assert_eq!(system(&letters[0], "MessageDeduplicationId").as_deref(), Some("a1"));
    for letter in &letters {
        endpoint.hold(&dead, letter, 0).await.unwrap();
    }
    let start = endpoint.sqs.start_message_move_task();
    start.source_arn("arn:aws:sqs:us-east-1:000000000000:dead.fifo").send().await.unwrap();
    eventually(|| async {
        let left = endpoint.attribute(&dead, "ApproximateNumberOfMessages").await;
        (left.as_deref() == Some("0")).then_some(())
    })
    .await;
    let back = eventually(|| async {
        let back = endpoint.receive(&url).await;
        (!back.is_empty()).then_some(back)
    })
    .await;
    assert_eq!(bodies(&back), ["b1"], "a3 is in flight, before a1 and a2 of its group");
    assert_eq!(system(&back[0], "MessageGroupId").as_deref(), Some("b"));
}
