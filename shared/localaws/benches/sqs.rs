//! How fast the embedded SQS is: `cargo bench -p millrace-localaws --bench sqs`.
//!
//! Eight clients over loopback, each a bare HTTP connection, so that what is
//! measured is the endpoint and not an SDK. Batches of ten, bodies of 200
//! bytes. `MESSAGES` sets how many (default 200,000).

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::{Duration, Instant};

use millrace_localaws::{Config, Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CLIENTS: usize = 8;
const BATCH: usize = 10;
const BODY: usize = 200;

fn main() {
    let messages = std::env::var("MESSAGES").ok().and_then(|text| text.parse().ok());
    let messages: usize = messages.unwrap_or(200_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(messages));
}

async fn run(messages: usize) {
    let data = TempDir::new().unwrap();
    let server = Server::start(config(&data)).await.unwrap();
    let url = Client::connect(&server).await.create_queue("orders").await;

    let before = resident();
    measure("send", &server, &url, messages, send).await;
    let per_message = resident().saturating_sub(before) / messages;
    println!("memory: {per_message} bytes a message, its body of {BODY} included");
    measure("receive + delete", &server, &url, messages, drain).await;

    let mut client = Client::connect(&server).await;
    let small = client.create_queue("small").await;
    send(&mut client, &small, 100 * BATCH).await;
    let few = receive_latency(&mut client, &small).await;
    measure("send again", &server, &url, messages, send).await;
    let many = receive_latency(&mut client, &url).await;
    println!("one receive: {few:?} with 1,000 queued, {many:?} with {messages} queued");

    server.stop().await;
    let started = Instant::now();
    let server = Server::start(config(&data)).await.unwrap();
    println!("start over {messages} messages: {:?}", started.elapsed());
    server.stop().await;
}

fn config(data: &TempDir) -> Config {
    let mut config = Config::new(data.path());
    config.bind.set_port(0);
    config
}

/// Lets every client do its part of `work` and prints how long that took, and
/// how much processor time of clients and endpoint together.
async fn measure<F>(what: &str, server: &Server, url: &str, messages: usize, work: F)
where
    F: AsyncFn(&mut Client, &str, usize) + Copy,
{
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::connect(server).await);
    }
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let parts = clients.iter_mut().map(|client| work(client, url, messages / CLIENTS));
    futures::future::join_all(parts).await;
    let rate = messages as f64 / started.elapsed().as_secs_f64();
    let cpu = (cpu_seconds() - cpu) * 100_000.0 / messages as f64;
    println!("{what}: {rate:.0} messages a second, {cpu:.2} CPU-s per 100,000");
}

/// Processor time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.split(' ').skip(13).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

async fn send(client: &mut Client, url: &str, messages: usize) {
    let body = "x".repeat(BODY);
    let entries: Vec<Value> =
        (0..BATCH).map(|id| json!({"Id": id.to_string(), "MessageBody": body})).collect();
    let request = json!({"QueueUrl": url, "Entries": entries}).to_string();
    for _ in 0..messages / BATCH {
        client.call("SendMessageBatch", &request).await;
    }
}

async fn drain(client: &mut Client, url: &str, _: usize) {
    loop {
        let handles = receive(client, url).await;
        if handles.is_empty() {
            return;
        }
        let entries: Vec<Value> = handles
            .into_iter()
            .enumerate()
            .map(|(id, handle)| json!({"Id": id.to_string(), "ReceiptHandle": handle}))
            .collect();
        client
            .call("DeleteMessageBatch", &json!({"QueueUrl": url, "Entries": entries}).to_string())
            .await;
    }
}

async fn receive(client: &mut Client, url: &str) -> Vec<String> {
    let request = json!({"QueueUrl": url, "MaxNumberOfMessages": BATCH}).to_string();
    let answer: Value =
        serde_json::from_slice(&client.call("ReceiveMessage", &request).await).unwrap();
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    messages.iter().map(|message| message["ReceiptHandle"].as_str().unwrap().to_owned()).collect()
}

/// The median time of a receive of ten.
async fn receive_latency(client: &mut Client, url: &str) -> Duration {
    let mut times = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        assert!(!receive(client, url).await.is_empty());
        times.push(started.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

/// A bare HTTP/1.1 connection.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(server.addr()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    async fn create_queue(&mut self, name: &str) -> String {
        let answer = self.call("CreateQueue", &json!({"QueueName": name}).to_string()).await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        answer["QueueUrl"].as_str().unwrap().to_owned()
    }

    async fn call(&mut self, operation: &str, body: &str) -> Vec<u8> {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-target: AmazonSQS.{operation}\r\n\
             content-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        loop {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0);
            if let Some(body) = whole_body(&self.buffer) {
                return body.to_vec();
            }
        }
    }
}

/// The body of a response once it is there as a whole.
fn whole_body(response: &[u8]) -> Option<&[u8]> {
    let end = response.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&response[..end]).unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let body = &response[end..];
    (body.len() == length.parse::<usize>().unwrap()).then_some(body)
}
