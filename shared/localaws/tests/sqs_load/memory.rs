//! How much memory a queued message takes: `SQS_MEMORY_MESSAGES` says over how
//! many it is measured.

use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::client::sqs;
use crate::process::{Process, number};

/// Bytes of memory a queued message may take beyond its body.
const LIMIT: u64 = 500;
const CLIENTS: usize = 4;
const BODY: usize = 64;

/// Groups there are messages of; none of a queue without.
async fn measure(queue: &str, groups: Option<usize>) -> u64 {
    let data = TempDir::new().unwrap();
    let process = Process::start(data.path());
    let client = sqs(&process.url);
    let create = client.create_queue().queue_name(queue);
    let fifo = queue.ends_with(".fifo").then(|| (QueueAttributeName::FifoQueue, "true".into()));
    let create = create.set_attributes(fifo.map(|fifo| [fifo].into()));
    let url = create.send().await.unwrap().queue_url.unwrap();
    let messages = number("SQS_MEMORY_MESSAGES", 30_000);
    fill(&client, &url, 1000, groups).await;
    let before = process.resident();
    fill(&client, &url, messages, groups).await;
    let each = process.resident().saturating_sub(before) / messages as u64;
    each.saturating_sub(BODY as u64)
}

async fn fill(client: &aws_sdk_sqs::Client, url: &str, messages: usize, groups: Option<usize>) {
    let mut clients = JoinSet::new();
    for sender in 0..CLIENTS {
        let (client, url) = (client.clone(), url.to_owned());
        clients.spawn(async move {
            for batch in 0..messages / CLIENTS / 10 {
                let entries = (0..10).map(|at| {
                    let id = format!("{messages}-{sender}-{batch}-{at}");
                    let entry = SendMessageBatchRequestEntry::builder().id(at.to_string());
                    let entry = entry.message_body(format!("{id:x<BODY$}"));
                    let entry = entry.set_message_group_id(
                        groups.map(|groups| format!("group-{}", (batch * 10 + at) % groups)),
                    );
                    let is_fifo = url.ends_with(".fifo");
                    entry.set_message_deduplication_id(is_fifo.then_some(id)).build().unwrap()
                });
                let send = client.send_message_batch().queue_url(&url);
                let sent = send.set_entries(Some(entries.collect())).send().await.unwrap();
                assert!(sent.failed().is_empty(), "{sent:?}");
            }
        });
    }
    clients.join_all().await;
}

#[tokio::test]
async fn a_queued_message_takes_few_bytes_beyond_its_body() {
    for (queue, groups) in [("plain", None), ("fair", Some(100)), ("orders.fifo", Some(1000))] {
        let bytes = measure(queue, groups).await;
        eprintln!("{queue}: {bytes} bytes a message beyond its body");
        assert!(bytes <= LIMIT, "{queue}: {bytes} bytes");
    }
}
