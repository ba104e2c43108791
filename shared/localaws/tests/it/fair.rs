//! Fair queues: standard queues whose messages have groups.

use crate::client::{Endpoint, bodies, system};

async fn send(endpoint: &Endpoint, url: &str, group: &str, body: &str) {
    let send = endpoint.sqs.send_message().queue_url(url).message_body(body);
    send.message_group_id(group).send().await.unwrap();
}

#[tokio::test]
async fn a_group_with_a_backlog_does_not_keep_the_others_waiting() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    for number in 0..30 {
        send(&endpoint, &url, "noisy", &format!("noisy-{number}")).await;
    }
    send(&endpoint, &url, "quiet", "quiet-0").await;
    send(&endpoint, &url, "quiet", "quiet-1").await;
    endpoint.send(&url, "plain").await;
    let received = endpoint.receive(&url).await;
    let expected = [
        "noisy-0", "quiet-0", "plain", "noisy-1", "quiet-1", "noisy-2", "noisy-3", "noisy-4",
        "noisy-5", "noisy-6",
    ];
    assert_eq!(bodies(&received), expected);
    let group = |at: usize| system(&received[at], "MessageGroupId");
    assert_eq!(group(0).as_deref(), Some("noisy"));
    assert_eq!(group(1).as_deref(), Some("quiet"));
    assert_eq!(group(2), None);
    assert_eq!(system(&received[0], "SequenceNumber"), None);
}

#[tokio::test]
async fn messages_of_a_group_are_received_in_parallel() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    send(&endpoint, &url, "a", "1").await;
    send(&endpoint, &url, "a", "2").await;
    let receive = || endpoint.sqs.receive_message().queue_url(&url).send();
    let first = receive().await.unwrap().messages.unwrap();
    let second = receive().await.unwrap().messages.unwrap();
    assert_eq!((bodies(&first), bodies(&second)), (vec!["1"], vec!["2"]));
}

#[tokio::test]
async fn groups_are_told_apart_after_a_restart() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    for (group, body) in [("a", "a-0"), ("a", "a-1"), ("b", "b-0")] {
        send(&endpoint, &url, group, body).await;
    }
    let endpoint = endpoint.restart().await;
    let url = endpoint.queue("orders", &[]).await;
    assert_eq!(bodies(&endpoint.receive(&url).await), ["a-0", "b-0", "a-1"]);
}
