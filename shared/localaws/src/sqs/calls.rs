//! The queues of one endpoint without its sockets, for tests of what no client
//! can see.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Sqs;
use crate::arn::Account;
use crate::background::Background;
use crate::clock::Clock;

/// Queues over a folder of their own, by a clock that stands.
pub(super) struct Calls {
    _dir: TempDir,
    pub(super) sqs: Arc<Sqs>,
    pub(super) clock: Clock,
}

impl Calls {
    pub(super) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let clock = Clock::stopped(UNIX_EPOCH + Duration::from_secs(1_000_000));
        let account = Account { region: "us-east-1".into(), id: "000000000000".into() };
        let (path, time) = (dir.path().to_owned(), clock.clone());
        let sqs = Sqs::open(path, account.into(), time, Background::default()).unwrap();
        Self { _dir: dir, sqs: Arc::new(sqs), clock }
    }

    /// Calls an operation that succeeds.
    pub(super) async fn call(&self, operation: &str, request: Value) -> Value {
        let request = request.to_string();
        let answer = self.sqs.answer(operation, "http://localhost", request.as_bytes());
        serde_json::from_slice(&answer.await.expect(operation)).unwrap()
    }

    /// Creates a queue; answers its URL.
    pub(super) async fn queue(&self, name: &str, attributes: Value) -> String {
        let request = json!({"QueueName": name, "Attributes": attributes});
        let created = self.call("CreateQueue", request).await;
        created["QueueUrl"].as_str().unwrap().to_owned()
    }

    pub(super) async fn send(&self, request: Value) -> Value {
        self.call("SendMessage", request).await
    }

    /// Receives up to ten messages, at once.
    pub(super) async fn receive(&self, url: &str) -> Value {
        let request =
            json!({"QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"]});
        self.call("ReceiveMessage", request).await["Messages"].take()
    }
}
