//! The bare loop and the worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use millrace_queue::Sqs;
use millrace_runtime::{
    DeadCopy, DeadLetter, Delivery, Done, FailureLog, FailureLogError, Handler, Lease, Outcome,
    Standing, Worker, WorkerConfig, telemetry,
};
use tokio::sync::Notify;

use crate::measure::report;

/// Drains `messages` in the way of `contender` and reports the cost.
pub(crate) fn run(contender: &str, messages: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let took = runtime.block_on(async {
        let config = aws_config::defaults(BehaviorVersion::latest()).load().await;
        let started = Instant::now();
        match contender {
            "worker" => worker(&config, messages).await,
            bare => loops(&config, messages, bare["bare-".len()..].parse().unwrap()).await,
        }
        started.elapsed()
    });
    report(took);
}

async fn loops(config: &SdkConfig, messages: usize, loops: usize) {
    let client = Client::new(config);
    let url = client.get_queue_url().queue_name("drain").send().await.unwrap();
    let url: Arc<str> = url.queue_url().unwrap().into();
    let handled = Arc::new(AtomicUsize::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..loops {
        let (client, url, handled) = (client.clone(), Arc::clone(&url), Arc::clone(&handled));
        tasks.spawn(async move {
            while handled.load(Ordering::Relaxed) < messages {
                handled.fetch_add(bare(&client, &url).await, Ordering::Relaxed);
            }
        });
    }
    tasks.join_all().await;
}

async fn bare(client: &Client, url: &str) -> usize {
    let request = client.receive_message().queue_url(url).max_number_of_messages(10);
    let received = request.wait_time_seconds(1).send().await.unwrap();
    let messages = received.messages.unwrap_or_default();
    if messages.is_empty() {
        return 0;
    }
    let entries: Vec<_> = messages
        .into_iter()
        .enumerate()
        .map(|(id, message)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(id.to_string())
                .set_receipt_handle(message.receipt_handle)
                .build()
                .unwrap()
        })
        .collect();
    let deleted = client.delete_message_batch().queue_url(url).set_entries(Some(entries));
    deleted.send().await.unwrap().successful.len()
}

/// Does nothing, and says when it has done so often enough.
struct NoOp {
    left: AtomicUsize,
    ended: Arc<Notify>,
}

#[async_trait]
impl Handler for NoOp {
    async fn handle(&self, _: &Delivery, _: &Lease) -> Outcome {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.ended.notify_one();
        }
        Outcome::Done(Done::new("nothing"))
    }
}

/// Never asked.
struct Unused;

#[async_trait]
impl FailureLog for Unused {
    async fn record(&self, dead_letter: &DeadLetter) -> Result<(), FailureLogError> {
        Err(FailureLogError::new(dead_letter.message.clone()))
    }

    async fn adopt(&self, dead_letter: &DeadLetter) -> Result<(), FailureLogError> {
        self.record(dead_letter).await
    }

    async fn open(&self, _: &str) -> Result<u64, FailureLogError> {
        Ok(0)
    }

    async fn standing(
        &self,
        _: &str,
        copies: &[DeadCopy],
    ) -> Result<Vec<Standing>, FailureLogError> {
        Ok(vec![Standing::Unknown; copies.len()])
    }

    async fn handled_again(&self, _: &str) -> Result<(), FailureLogError> {
        Ok(())
    }
}

async fn worker(config: &SdkConfig, messages: usize) {
    telemetry::init(telemetry::Format::Json);
    let ended = Arc::new(Notify::new());
    let handler = NoOp { left: AtomicUsize::new(messages), ended: Arc::clone(&ended) };
    let mut settings = WorkerConfig::new("drain", "drain").concurrency(16);
    settings.wait = Duration::from_secs(1);
    let worker =
        Worker::new(settings, Arc::new(Sqs::new(config)), Arc::new(handler), Arc::new(Unused));
    let summary = worker.run(async move { ended.notified().await }).await.unwrap();
    assert_eq!(summary.done, u64::try_from(messages).unwrap());
}
