//! A client: one HTTP/1.1 connection, requests in the AWS JSON 1.0 protocol.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that is opened again if the endpoint closes it.
pub(crate) struct Client {
    address: String,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects to the endpoint of this URL.
    pub(crate) async fn connect(url: &str) -> Self {
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let mut client = Self { address, stream: None, buffer: Vec::new() };
        client.stream = Some(client.open().await);
        client
    }

    async fn open(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Calls an operation; answers what it answered.
    pub(crate) async fn call(&mut self, operation: &str, request: &Value) -> Value {
        let body = request.to_string();
        // Nobody checks the signature; some find the service by its scope.
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\nx-amz-target: AmazonSQS.{operation}\r\n\
             content-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\
             x-amz-date: 20250101T000000Z\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/sqs/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=0\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.open().await,
        };
        stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        let head = loop {
            assert_ne!(stream.read_buf(&mut self.buffer).await.unwrap(), 0, "no whole answer");
            if let Some(head) = Head::read(&self.buffer) {
                break head;
            }
        };
        while self.buffer.len() < head.end + head.length {
            assert_ne!(stream.read_buf(&mut self.buffer).await.unwrap(), 0, "no whole answer");
        }
        if !head.closes {
            self.stream = Some(stream);
        }
        let body = &self.buffer[head.end..head.end + head.length];
        assert!(head.is_success, "{operation}: {}", String::from_utf8_lossy(body));
        serde_json::from_slice(body).unwrap_or(Value::Null)
    }
}

/// The head of an answer.
struct Head {
    is_success: bool,
    /// Whether the connection ends with the answer.
    closes: bool,
    /// Where the body begins.
    end: usize,
    /// Bytes of the body.
    length: usize,
}

impl Head {
    /// Reads it once it is there as a whole.
    fn read(answer: &[u8]) -> Option<Self> {
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&answer[..end]).unwrap().to_ascii_lowercase();
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        let length = header("content-length:").expect("an answer of known length");
        Some(Self {
            is_success: head.split(' ').nth(1) == Some("200"),
            closes: head.starts_with("http/1.0")
                || header("connection:").is_some_and(|value| value.trim() == "close"),
            end,
            length: length.trim().parse().unwrap(),
        })
    }
}
