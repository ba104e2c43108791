//! An endpoint of its own for a test, and SDK clients of it.

use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use millrace_localaws::{Clock, Config, Server};
use tempfile::TempDir;

/// An endpoint over a folder that lasts as long as the test.
pub(crate) struct Endpoint {
    pub(crate) data: TempDir,
    pub(crate) server: Server,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    clock: Clock,
}

impl Endpoint {
    pub(crate) async fn start() -> Self {
        Self::over(TempDir::new().unwrap()).await
    }

    pub(crate) async fn over(data: TempDir) -> Self {
        Self::start_with(data, Clock::system()).await
    }

    /// One over a folder of its own that goes by `clock`.
    pub(crate) async fn by(clock: &Clock) -> Self {
        Self::start_with(TempDir::new().unwrap(), clock.clone()).await
    }

    async fn start_with(data: TempDir, clock: Clock) -> Self {
        let config = Config { clock: clock.clone(), ..config(data.path()) };
        let server = Server::start(config).await.unwrap();
        let (sqs, sns) = (sqs(&server.url()), sns(&server.url()));
        Self { data, server, sqs, sns, clock }
    }

    /// Stops it and starts another over the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.server.stop().await;
        Self::start_with(self.data, self.clock).await
    }

    /// Creates a queue with attributes; answers its URL.
    pub(crate) async fn queue(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        let mut request = self.sqs.create_queue().queue_name(name);
        for (name, value) in attributes {
            request = request.attributes(QueueAttributeName::from(*name), *value);
        }
        request.send().await.unwrap().queue_url.unwrap()
    }

    pub(crate) async fn send(&self, queue: &str, body: &str) -> String {
        let sent = self.sqs.send_message().queue_url(queue).message_body(body).send().await;
        sent.unwrap().message_id.unwrap()
    }

    /// Receives up to ten messages with all their attributes, at once.
    pub(crate) async fn receive(&self, queue: &str) -> Vec<Message> {
        self.receive_for(queue, 0).await
    }

    /// Receives up to ten messages with all their attributes, waiting.
    pub(crate) async fn receive_for(&self, queue: &str, seconds: i32) -> Vec<Message> {
        let request = self.sqs.receive_message().queue_url(queue);
        let request = request.max_number_of_messages(10).wait_time_seconds(seconds);
        let request = request.message_system_attribute_names("All".into());
        let received = request.message_attribute_names("All").send().await;
        received.unwrap().messages.unwrap_or_default()
    }

    pub(crate) async fn attribute(&self, queue: &str, name: &str) -> Option<String> {
        let request =
            self.sqs.get_queue_attributes().queue_url(queue).attribute_names("All".into());
        let attributes = request.send().await.unwrap().attributes.unwrap_or_default();
        attributes.get(&QueueAttributeName::from(name)).cloned()
    }

    pub(crate) async fn hold(
        &self,
        queue: &str,
        message: &Message,
        seconds: i32,
    ) -> Result<(), Refusal> {
        let request = self.sqs.change_message_visibility().queue_url(queue);
        let request = request.receipt_handle(handle(message)).visibility_timeout(seconds);
        request.send().await.map(drop).map_err(Refusal::of)
    }

    pub(crate) async fn delete(&self, queue: &str, message: &Message) {
        let request = self.sqs.delete_message().queue_url(queue);
        request.receipt_handle(handle(message)).send().await.unwrap();
    }
}

/// An error answer: its code and message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn of<E: ProvideErrorMetadata, R>(error: SdkError<E, R>) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self { code: text(error.code()), message: text(error.message()) }
    }
}

pub(crate) fn config(data: &Path) -> Config {
    let mut config = Config::new(data);
    config.bind.set_port(0);
    config
}

pub(crate) fn sqs(url: &str) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version_latest()
        .endpoint_url(url)
        .region(aws_sdk_sqs::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_sqs::config::Credentials::new("a", "b", None, None, "test"))
        .retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

pub(crate) fn sns(url: &str) -> aws_sdk_sns::Client {
    let config = aws_sdk_sns::Config::builder()
        .behavior_version_latest()
        .endpoint_url(url)
        .region(aws_sdk_sns::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_sns::config::Credentials::new("a", "b", None, None, "test"))
        .build();
    aws_sdk_sns::Client::from_conf(config)
}

pub(crate) fn handle(message: &Message) -> String {
    message.receipt_handle.clone().unwrap()
}

pub(crate) fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

pub(crate) fn system(message: &Message, name: &str) -> Option<String> {
    message.attributes.as_ref()?.get(&name.into()).cloned()
}

/// Asks again until the answer is there, for ten seconds.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "it did not come about in ten seconds");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Lets a receive in the same test begin to wait. Nothing fails if it has not:
/// the test would prove a little less.
pub(crate) async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// A GET by hand: status line, headers and body as they came.
pub(crate) async fn get(server: &Server, path: &str) -> String {
    request(server, "GET", path, "").await
}

/// A request by hand: status line, headers and body of the answer as they came.
pub(crate) async fn request(server: &Server, method: &str, path: &str, body: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    let (address, length) = (server.addr(), body.len());
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
