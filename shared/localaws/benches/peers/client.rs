//! A bare HTTP/1.1 connection that is opened anew where the other side closes
//! it.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Client {
    address: String,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: &str) -> Self {
        Self::try_connect(address).await.unwrap()
    }

    pub(crate) async fn try_connect(address: &str) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self { address: address.to_owned(), stream, buffer: Vec::new() })
    }

    /// One SQS operation.
    pub(crate) async fn sqs(&mut self, operation: &str, body: &str) -> Value {
        self.try_sqs(operation, body).await.unwrap()
    }

    pub(crate) async fn try_sqs(&mut self, operation: &str, body: &str) -> Option<Value> {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\nx-amz-target: AmazonSQS.{operation}\r\n{}\
             content-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
            self.address,
            authorization("sqs"),
            body.len()
        );
        let answer = self.exchange(&head, body.as_bytes()).await?;
        serde_json::from_slice(&answer).ok()
    }

    /// Creates a queue; answers its URL.
    pub(crate) async fn create_queue(&mut self, name: &str) -> String {
        let created = self.sqs("CreateQueue", &json!({"QueueName": name}).to_string()).await;
        created["QueueUrl"].as_str().unwrap().to_owned()
    }

    /// One S3 request; answers the body.
    pub(crate) async fn s3(&mut self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let head = self.s3_head(method, path, body.len());
        self.exchange(&head, body).await.unwrap()
    }

    /// Reads an object without keeping it; answers its length.
    pub(crate) async fn read_object(&mut self, path: &str) -> usize {
        let head = self.s3_head("GET", path, 0);
        self.stream.write_all(head.as_bytes()).await.unwrap();
        self.buffer.clear();
        let start = loop {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0);
            if let Some(start) = end_of_head(&self.buffer) {
                break start;
            }
        };
        let length = length(&self.buffer[..start]).unwrap();
        let mut left = length - (self.buffer.len() - start);
        let mut sink = vec![0; 1 << 20];
        while left > 0 {
            let read = self.stream.read(&mut sink).await.unwrap();
            assert_ne!(read, 0, "the body ended early");
            left -= read;
        }
        if says_close(&self.buffer[..start]) {
            self.stream = TcpStream::connect(&self.address).await.unwrap();
        }
        length
    }

    fn s3_head(&self, method: &str, path: &str, length: usize) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{}x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n\
             content-length: {length}\r\n\r\n",
            self.address,
            authorization("s3"),
        )
    }

    async fn exchange(&mut self, head: &str, body: &[u8]) -> Option<Vec<u8>> {
        if let Some(answer) = self.try_exchange(head, body).await {
            return Some(answer);
        }
        *self = Self::try_connect(&self.address).await?;
        self.try_exchange(head, body).await
    }

    async fn try_exchange(&mut self, head: &str, body: &[u8]) -> Option<Vec<u8>> {
        self.stream.write_all(head.as_bytes()).await.ok()?;
        self.stream.write_all(body).await.ok()?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
            let Some(start) = end_of_head(&self.buffer) else { continue };
            let (head, body) = self.buffer.split_at(start);
            if body.len() >= length(head).unwrap_or(0) {
                let status = std::str::from_utf8(&head[..12]).unwrap();
                assert!(status.ends_with("200"), "{}", String::from_utf8_lossy(&self.buffer));
                let (body, closes) = (body.to_vec(), says_close(head));
                if closes {
                    self.stream = TcpStream::connect(&self.address).await.ok()?;
                }
                return Some(body);
            }
        }
    }
}

/// What tells peers which service is meant; nobody checks it.
fn authorization(service: &str) -> String {
    format!(
        "authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=00\r\nx-amz-date: 20260101T000000Z\r\n"
    )
}

fn says_close(head: &[u8]) -> bool {
    String::from_utf8_lossy(head).to_ascii_lowercase().contains("\r\nconnection: close\r\n")
}

fn end_of_head(answer: &[u8]) -> Option<usize> {
    answer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn length(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?.to_ascii_lowercase();
    head.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse().ok()
}
