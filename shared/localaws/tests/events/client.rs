//! An endpoint of its own for a test, with a clock that the test moves.

use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use millrace_localaws::{Clock, Config, Server};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:";
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// 2026-11-21T10:00:00Z, a Saturday.
const NOW: u64 = 1_795_255_200;

/// An endpoint over a folder that lasts as long as the test.
pub(crate) struct Endpoint {
    pub(crate) data: TempDir,
    pub(crate) clock: Clock,
    pub(crate) server: Server,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sdk: aws_config::SdkConfig,
}

impl Endpoint {
    pub(crate) async fn start() -> Self {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        Self::over(TempDir::new().unwrap(), Clock::stopped(now)).await
    }

    async fn over(data: TempDir, clock: Clock) -> Self {
        let mut config = Config::new(data.path());
        config.bind.set_port(0);
        config.clock = clock.clone();
        let server = Server::start(config).await.unwrap();
        let sdk = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .endpoint_url(server.url())
            .region(aws_config::Region::new("us-east-1"))
            .credentials_provider(aws_sdk_sqs::config::SharedCredentialsProvider::new(
                Credentials::new("a", "b", None, None, "test"),
            ))
            .build();
        let sqs = aws_sdk_sqs::Client::new(&sdk);
        Self { data, clock, server, sqs, sdk }
    }

    /// Stops it, lets time pass, and starts another over the same folder.
    pub(crate) async fn restart_after(self, time: Duration) -> Self {
        self.server.stop().await;
        self.clock.advance(time);
        Self::over(self.data, self.clock).await
    }

    /// Creates a queue; answers its URL.
    pub(crate) async fn queue(&self, name: &str) -> String {
        let created = self.sqs.create_queue().queue_name(name).send().await;
        created.unwrap().queue_url.unwrap()
    }

    /// The messages in a queue, once there are so many; they are deleted.
    pub(crate) async fn take(&self, queue: &str, count: usize) -> Vec<Message> {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut taken = Vec::new();
        while taken.len() < count {
            assert!(Instant::now() < deadline, "{} of {count} messages came", taken.len());
            let request = self.sqs.receive_message().queue_url(queue).max_number_of_messages(10);
            let request = request.wait_time_seconds(1).message_attribute_names("All");
            for message in request.send().await.unwrap().messages.unwrap_or_default() {
                let delete = self.sqs.delete_message().queue_url(queue);
                let delete = delete.receipt_handle(message.receipt_handle().unwrap());
                delete.send().await.unwrap();
                taken.push(message);
            }
        }
        assert_eq!(taken.len(), count);
        taken
    }

    /// The bodies of so many messages as JSON.
    pub(crate) async fn take_json(&self, queue: &str, count: usize) -> Vec<Value> {
        let messages = self.take(queue, count).await;
        let json = |message: &Message| serde_json::from_str(message.body().unwrap()).unwrap();
        messages.iter().map(json).collect()
    }

    /// How many messages there are in a queue.
    pub(crate) async fn depth(&self, queue: &str) -> usize {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let request = self.sqs.get_queue_attributes().queue_url(queue);
        let answer = request.attribute_names(name.clone()).send().await.unwrap();
        answer.attributes.unwrap()[&name].parse().unwrap()
    }
}

/// A message attribute's text.
pub(crate) fn attribute<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.message_attributes()?.get(name)?.string_value()
}
