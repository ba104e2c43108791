//! Just enough of SQS to drain a queue, as fast as sockets go: the contenders
//! are measured, not the endpoint.

use std::env;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::measure::unix_millis;

const BODY: &str = r#"{\"version\":1,\"task\":\"transform\",\"file_id\":\"0f8fad5bd9cb469fa16570867728950e\",\"dataset\":\"expenses\",\"object\":{\"bucket\":\"finance-raw\",\"key\":\"raw/Expenses/2024/january.csv\",\"etag\":\"9bb58f26192e4ba00f01e2e7b136bbd8\"},\"trace_id\":\"1-67891233-abcdef012345678912345678\"}"#;

const ATTRIBUTES: &str = r#","Attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1700000000000","ApproximateFirstReceiveTimestamp":"1700000000001"}"#;

/// Receipt handles are about this long in SQS.
const RECEIPT_PADDING: usize = 300;

struct Queue {
    left: AtomicUsize,
    requests: AtomicUsize,
    first: Mutex<Option<f64>>,
    latency: Duration,
}

/// Serves a queue that holds `messages`, prints its port, and at the end the
/// number of requests and the moment of the first receive.
pub(crate) fn serve(messages: &str) {
    let latency = env::var("DRAIN_LATENCY_MS").ok().and_then(|ms| ms.parse().ok()).unwrap_or(0);
    let queue: &'static Queue = Box::leak(Box::new(Queue {
        left: AtomicUsize::new(messages.parse().unwrap()),
        requests: AtomicUsize::new(0),
        first: Mutex::new(None),
        latency: Duration::from_millis(latency),
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        let (stop, mut stopped) = tokio::sync::mpsc::channel(1);
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted.unwrap();
                    stream.set_nodelay(true).unwrap();
                    tokio::spawn(connection(stream, queue, stop.clone()));
                }
                _ = stopped.recv() => break,
            }
        }
    });
    let first = queue.first.lock().unwrap().unwrap_or_default();
    println!("{} {first}", queue.requests.load(Ordering::Relaxed));
}

async fn connection(
    mut stream: TcpStream,
    queue: &'static Queue,
    stop: tokio::sync::mpsc::Sender<()>,
) {
    let mut buffer = Vec::with_capacity(32 * 1024);
    let (mut answer, mut response) = (String::new(), String::new());
    loop {
        let Some((head, length)) = request(&mut stream, &mut buffer).await else { return };
        if buffer.starts_with(b"STOP") {
            stop.send(()).await.unwrap();
            return;
        }
        answer.clear();
        queue.answer(&buffer[..head], &buffer[head..head + length], &mut answer).await;
        response.clear();
        write!(
            response,
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len(),
        )
        .unwrap();
        if stream.write_all(response.as_bytes()).await.is_err() {
            return;
        }
        buffer.drain(..head + length);
    }
}

/// Reads until a whole request is there: the lengths of its head and body.
async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(usize, usize)> {
    loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            let length = header(&buffer[..end], b"content-length: ").unwrap_or(0);
            if buffer.len() >= end + 4 + length {
                return Some((end + 4, length));
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn header(head: &[u8], name: &[u8]) -> Option<usize> {
    let start = find(head, name)? + name.len();
    let digits = head[start..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0')))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

impl Queue {
    async fn answer(&self, head: &[u8], body: &[u8], answer: &mut String) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        let start = find(head, b"AmazonSQS.").unwrap() + b"AmazonSQS.".len();
        match &head[start..start + 3] {
            b"Rec" => self.receive(body, answer).await,
            b"Get" => answer.push_str(r#"{"QueueUrl":"http://127.0.0.1/000000000000/drain"}"#),
            _ => succeed(body, answer),
        }
    }

    async fn receive(&self, body: &[u8], answer: &mut String) {
        self.first.lock().unwrap().get_or_insert_with(unix_millis);
        let max = header(body, br#""MaxNumberOfMessages":"#).unwrap();
        let take = |left: usize| Some(left - left.min(max));
        let before = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).unwrap();
        if before == 0 {
            // A short long poll: the contenders are about to stop.
            tokio::time::sleep(Duration::from_millis(20)).await;
            return answer.push_str("{}");
        }
        let attributes = find(body, b"ApproximateReceiveCount").map_or("", |_| ATTRIBUTES);
        answer.push_str(r#"{"Messages":["#);
        for number in (before.saturating_sub(max)..before).rev() {
            let comma = if number + 1 == before { "" } else { "," };
            write!(
                answer,
                r#"{comma}{{"MessageId":"6ac5b7a0-1d2f-4c8e-9c42-{number:012}","ReceiptHandle":"AQEB{number:0RECEIPT_PADDING$}","MD5OfBody":"9bb58f26192e4ba00f01e2e7b136bbd8","Body":"{BODY}"{attributes}}}"#,
            )
            .unwrap();
        }
        answer.push_str("]}");
    }
}

/// Says that every entry of a batch succeeded.
fn succeed(body: &[u8], answer: &mut String) {
    answer.push_str(r#"{"Failed":[],"Successful":["#);
    let mut rest = body;
    let mut comma = "";
    while let Some(at) = find(rest, br#""Id":""#) {
        rest = &rest[at + br#""Id":""#.len()..];
        let end = find(rest, b"\"").unwrap();
        let id = std::str::from_utf8(&rest[..end]).unwrap();
        write!(answer, r#"{comma}{{"Id":"{id}"}}"#).unwrap();
        comma = ",";
    }
    answer.push_str("]}");
}
