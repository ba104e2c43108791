//! What was acknowledged outlives the endpoint, however often it is killed in
//! full flight: `SQS_KILLS` says how often.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, QueueAttributeName, SendMessageBatchRequestEntry,
};
use millrace_localaws::{Clock, Config, Server};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::client::{config, eventually, handle, sqs};
use crate::known::{Known, check_order};
use crate::process::{Process, number};

/// What is acknowledged in each life at least.
const SENT: usize = 120;
const DELETED: usize = 40;

#[tokio::test]
async fn everything_acknowledged_survives_every_kill() {
    let data = TempDir::new().unwrap();
    let (standard, fifo) = (Known::default(), Known::default());
    let unanswered = Arc::new(Mutex::new(Vec::new()));
    for life in 0..number("SQS_KILLS", 8) {
        let process = Process::start(data.path());
        let queues = Queues::open(&process.url).await;
        let mut clients = JoinSet::new();
        for client in 0..3 {
            clients.spawn(queues.clone().send(format!("{life}-{client}"), standard.clone()));
        }
        let groups = [0, 1].map(|client| format!("{life}-{client}"));
        for group in groups {
            clients.spawn(queues.clone().send_fifo(group, unanswered.clone(), fifo.clone()));
        }
        for _ in 0..2 {
            clients.spawn(queues.clone().drain(queues.standard.clone(), standard.clone()));
        }
        clients.spawn(queues.clone().drain(queues.fifo.clone(), fifo.clone()));
        let before = (standard.counts(), fifo.counts());
        eventually(|| async {
            let has_grown = |now: (usize, usize), before: (usize, usize)| {
                now.0 >= before.0 + SENT && now.1 >= before.1 + DELETED
            };
            let grown =
                has_grown(standard.counts(), before.0) && has_grown(fifo.counts(), before.1);
            grown.then_some(())
        })
        .await;
        process.kill();
        clients.join_all().await;
    }
    let (left, left_in_order) = left_in(&data).await;
    standard.check(&left);
    fifo.check(&left_in_order);
    check_order(&left_in_order);
}

/// What can be received once nothing is hidden any more: standard, FIFO.
async fn left_in(data: &TempDir) -> (Vec<String>, Vec<String>) {
    let clock = Clock::stopped(SystemTime::now() + Duration::from_secs(60));
    let server = Server::start(Config { clock, ..config(data.path()) }).await.unwrap();
    let queues = Queues::open(&server.url()).await;
    let mut left = (Vec::new(), Vec::new());
    for (queue, bodies) in [(&queues.standard, &mut left.0), (&queues.fifo, &mut left.1)] {
        loop {
            let received = queues.receive(queue).await.unwrap();
            if received.is_empty() {
                break;
            }
            assert!(queues.delete(queue, &received).await);
            bodies.extend(received.into_iter().filter_map(|message| message.body));
        }
    }
    left
}

/// The two queues, and what clients do with them until the endpoint is killed.
#[derive(Clone)]
struct Queues {
    client: Client,
    standard: String,
    fifo: String,
}

impl Queues {
    async fn open(url: &str) -> Self {
        let client = sqs(url);
        let standard = client.create_queue().queue_name("orders").send().await.unwrap();
        let fifo = client.create_queue().queue_name("orders.fifo");
        let fifo = fifo.attributes(QueueAttributeName::FifoQueue, "true").send().await.unwrap();
        let [standard, fifo] = [standard, fifo].map(|queue| queue.queue_url.unwrap());
        Self { client, standard, fifo }
    }

    /// Sends in batches of three.
    async fn send(self, name: String, known: Known) {
        for batch in 0.. {
            let entries = (0..3).map(|at| {
                let entry = SendMessageBatchRequestEntry::builder().id(at.to_string());
                entry.message_body(format!("{name}/{batch}-{at}")).build().unwrap()
            });
            let entries: Vec<_> = entries.collect();
            let bodies = entries.iter().map(|entry| entry.message_body.clone()).collect::<Vec<_>>();
            let send = self.client.send_message_batch().queue_url(&self.standard);
            let Ok(sent) = send.set_entries(Some(entries)).send().await else { return };
            assert!(sent.failed().is_empty());
            known.lock().sent.extend(bodies);
        }
    }

    /// Sends one by one in a group of its own, after what nobody had an answer
    /// to in an earlier life: a message that was stored is not stored again.
    async fn send_fifo(self, group: String, unanswered: Arc<Mutex<Vec<String>>>, known: Known) {
        let next = AtomicU64::new(0);
        loop {
            let retried = unanswered.lock().unwrap().pop();
            let new = || format!("{group}/{}", next.fetch_add(1, Ordering::Relaxed));
            let body = retried.unwrap_or_else(new);
            let send = self.client.send_message().queue_url(&self.fifo).message_body(&body);
            let send = send.message_deduplication_id(&body);
            let send = send.message_group_id(body.split('/').next().unwrap());
            if send.send().await.is_err() {
                unanswered.lock().unwrap().push(body);
                return;
            }
            known.lock().sent.insert(body);
        }
    }

    /// Receives and deletes.
    async fn drain(self, queue: String, known: Known) {
        loop {
            let Some(received) = self.receive(&queue).await else { return };
            if received.is_empty() {
                tokio::task::yield_now().await;
                continue;
            }
            let bodies: Vec<_> =
                received.iter().filter_map(|message| message.body.clone()).collect();
            if queue == self.fifo {
                check_order(&bodies);
            }
            known.lock().deleting.extend(bodies.iter().cloned());
            if !self.delete(&queue, &received).await {
                return;
            }
            known.lock().deleted.extend(bodies);
        }
    }

    /// Up to ten messages, hidden for half a minute; none if the endpoint is
    /// gone.
    async fn receive(&self, queue: &str) -> Option<Vec<Message>> {
        let receive = self.client.receive_message().queue_url(queue).max_number_of_messages(10);
        let received = receive.visibility_timeout(30).send().await.ok()?;
        Some(received.messages.unwrap_or_default())
    }

    /// Whether the deletion was acknowledged.
    async fn delete(&self, queue: &str, messages: &[Message]) -> bool {
        let entries = messages.iter().enumerate().map(|(at, message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(at.to_string());
            entry.receipt_handle(handle(message)).build().unwrap()
        });
        let delete = self.client.delete_message_batch().queue_url(queue);
        let Ok(deleted) = delete.set_entries(Some(entries.collect())).send().await else {
            return false;
        };
        assert!(deleted.failed().is_empty(), "{deleted:?}");
        true
    }
}
