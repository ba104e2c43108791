//! Queues: rates at several lengths, and memory per message.

use std::cell::Cell;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};

use crate::client::Client;
use crate::limit;
use crate::peer::Peer;

const CLIENTS: usize = 8;
const BATCH: usize = 10;
const BODY: usize = 200;

pub(crate) async fn measure(peer: &Peer, note: &mut impl FnMut(&str, String)) {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::connect(&peer.address).await);
    }
    let url = clients[0].create_queue("bench").await;
    let (mut queued, before) = (0, peer.resident());
    for backlog in backlogs() {
        let (added, took) = send(&mut clients, &url, backlog - queued, 4 * limit()).await;
        queued += added;
        if backlog >= 100_000 {
            note(&format!("send, up to {backlog}"), rate(added, took));
        }
        if queued < backlog {
            note(
                &format!("cycle (send, receive, delete) at {backlog}"),
                format!("only {queued} could be queued"),
            );
            continue;
        }
        let (cycled, took) = cycle(&mut clients, &url).await;
        note(&format!("cycle (send, receive, delete) at {backlog}"), rate(cycled, took));
    }
    let memory = peer.resident().saturating_sub(before) / queued.max(1);
    note(
        "memory per queued message, without its body",
        format!("{} B", memory.saturating_sub(BODY)),
    );
    let (drained, took) = drain(&mut clients, &url).await;
    note(&format!("receive and delete from {queued} on"), rate(drained, took));
}

fn backlogs() -> Vec<usize> {
    let text = std::env::var("BACKLOGS").unwrap_or_else(|_| "100,100000,1000000".to_owned());
    text.split(',').map(|length| length.parse().unwrap()).collect()
}

fn rate(messages: usize, took: Duration) -> String {
    format!("{:.0} messages/s", messages as f64 / took.as_secs_f64())
}

/// Sends until there are so many or the time is over.
async fn send(
    clients: &mut [Client],
    url: &str,
    messages: usize,
    within: Duration,
) -> (usize, Duration) {
    let (request, started) = (batch(url), Instant::now());
    let (left, sent) = (&Cell::new(messages.div_ceil(BATCH)), &Cell::new(0));
    join_all(clients.iter_mut().map(|client| {
        let request = &request;
        async move {
            while left.get() > 0 && started.elapsed() < within {
                left.set(left.get() - 1);
                client.sqs("SendMessageBatch", request).await;
                sent.set(sent.get() + BATCH);
            }
        }
    }))
    .await;
    (sent.get(), started.elapsed())
}

/// Every client sends ten, receives ten and deletes them, again and again: the
/// queue keeps its length.
async fn cycle(clients: &mut [Client], url: &str) -> (usize, Duration) {
    let (request, started, within) = (batch(url), Instant::now(), limit() / 3);
    let cycled = &Cell::new(0);
    join_all(clients.iter_mut().map(|client| {
        let request = &request;
        async move {
            while started.elapsed() < within {
                client.sqs("SendMessageBatch", request).await;
                let taken = take(client, url).await;
                cycled.set(cycled.get() + taken);
            }
        }
    }))
    .await;
    (cycled.get(), started.elapsed())
}

/// Receives and deletes until nothing is left or the time is over.
async fn drain(clients: &mut [Client], url: &str) -> (usize, Duration) {
    let (started, within, drained) = (Instant::now(), limit(), &Cell::new(0));
    join_all(clients.iter_mut().map(|client| async move {
        while started.elapsed() < within {
            match take(client, url).await {
                0 => return,
                taken => drained.set(drained.get() + taken),
            }
        }
    }))
    .await;
    (drained.get(), started.elapsed())
}

/// Receives up to ten and deletes them.
async fn take(client: &mut Client, url: &str) -> usize {
    let request = json!({"QueueUrl": url, "MaxNumberOfMessages": BATCH}).to_string();
    let answer = client.sqs("ReceiveMessage", &request).await;
    let Some(messages) = answer["Messages"].as_array().filter(|found| !found.is_empty()) else {
        return 0;
    };
    let entry = |(id, message): (usize, &Value)| json!({"Id": id.to_string(), "ReceiptHandle": message["ReceiptHandle"]});
    let entries: Vec<Value> = messages.iter().enumerate().map(entry).collect();
    let request = json!({"QueueUrl": url, "Entries": entries}).to_string();
    client.sqs("DeleteMessageBatch", &request).await;
    messages.len()
}

fn batch(url: &str) -> String {
    let body = "x".repeat(BODY);
    let entry = |id: usize| json!({"Id": id.to_string(), "MessageBody": body});
    let entries: Vec<Value> = (0..BATCH).map(entry).collect();
    json!({"QueueUrl": url, "Entries": entries}).to_string()
}
