//! An adapter under test, and waiting for what takes time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::config::Credentials;
use millrace_localaws::{Config, Server};
use millrace_queue::memory::Memory;
use millrace_queue::{Outgoing, Queue, QueueError, QueueSpec, Queues, Receive, Received, Sqs};
use tempfile::TempDir;

pub(crate) const VISIBILITY: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) queues: Arc<dyn Queues>,
    admin: Admin,
}

enum Admin {
    Memory(Memory),
    Sqs(Sqs),
}

impl World {
    pub(crate) fn memory() -> Self {
        let memory = Memory::new();
        Self { queues: Arc::new(memory.clone()), admin: Admin::Memory(memory) }
    }

    pub(crate) async fn sqs() -> (Self, Server, TempDir) {
        let data = TempDir::new().unwrap();
        let mut config = Config::new(data.path());
        config.bind.set_port(0);
        let server = Server::start(config).await.unwrap();
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(server.url())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .load()
            .await;
        let sqs = Sqs::new(&sdk);
        (Self { queues: Arc::new(sqs.clone()), admin: Admin::Sqs(sqs) }, server, data)
    }

    pub(crate) async fn ensure(&self, spec: QueueSpec) -> Result<(), QueueError> {
        match &self.admin {
            Admin::Memory(memory) => memory.ensure_queue(&spec).map(drop),
            Admin::Sqs(sqs) => sqs.ensure_queue(&spec).await.map(drop),
        }
    }

    pub(crate) async fn queue(&self, name: &str) -> Arc<dyn Queue> {
        self.ensure(QueueSpec::new(name)).await.unwrap();
        self.queues.queue(name).await.unwrap()
    }
}

pub(crate) fn receive(max: usize, wait_secs: u64, visibility: Duration) -> Receive {
    Receive { max, wait: Duration::from_secs(wait_secs), visibility }
}

/// Receives messages until there are `count`, which must be soon.
pub(crate) async fn receive_all(
    queue: &dyn Queue,
    count: usize,
    visibility: Duration,
) -> HashMap<String, Received> {
    let mut all = HashMap::new();
    let receiving = async {
        while all.len() < count {
            for received in queue.receive(receive(10, 5, visibility)).await.unwrap() {
                all.insert(received.message_id.clone(), received);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), receiving).await.expect("all arrive");
    all
}

pub(crate) async fn receive_one(queue: &dyn Queue, visibility: Duration) -> Received {
    receive_all(queue, 1, visibility).await.into_values().next().unwrap()
}

pub(crate) async fn receives_nothing(queue: &dyn Queue) -> bool {
    queue.receive(receive(10, 0, VISIBILITY)).await.unwrap().is_empty()
}

pub(crate) async fn send(queue: &dyn Queue, bodies: &[&str]) {
    let messages: Vec<_> = bodies.iter().map(|&body| Outgoing::new(body)).collect();
    all_ok(queue.send(&messages).await);
}

pub(crate) fn all_ok(results: Vec<Result<(), QueueError>>) {
    for result in results {
        result.unwrap();
    }
}
