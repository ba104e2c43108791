//! Objects: throughput, and how soon a put is a message.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::limit;
use crate::peer::Peer;

const MIB: usize = 1 << 20;

pub(crate) async fn measure(peer: &Peer, note: &mut impl FnMut(&str, String)) {
    let mut client = Client::connect(&peer.address).await;
    client.s3("PUT", "/bench", b"").await;
    note("PUT 1 MiB", throughput(MIB, put(&mut client).await));
    let large = vec![7; 100 * MIB];
    client.s3("PUT", "/bench/large", &large).await;
    note("GET 100 MiB", throughput(100 * MIB, get(&mut client).await));
    let mut times = latencies(peer, &mut client).await;
    times.sort();
    if let Some(last) = times.len().checked_sub(1) {
        let at = |part: f64| times[(last as f64 * part) as usize].as_secs_f64() * 1e3;
        note("put until its message is received, p50", format!("{:.1} ms", at(0.5)));
        note("put until its message is received, p99", format!("{:.1} ms", at(0.99)));
    }
}

/// Bytes over the median time.
fn throughput(bytes: usize, mut times: Vec<Duration>) -> String {
    times.sort();
    format!("{:.0} MB/s", bytes as f64 / times[times.len() / 2].as_secs_f64() / 1e6)
}

async fn put(client: &mut Client) -> Vec<Duration> {
    let (body, started) = (vec![7; MIB], Instant::now());
    let mut times = Vec::new();
    for number in 0..300 {
        let began = Instant::now();
        client.s3("PUT", &format!("/bench/small/{number}"), &body).await;
        times.push(began.elapsed());
        if started.elapsed() > limit() {
            break;
        }
    }
    times
}

async fn get(client: &mut Client) -> Vec<Duration> {
    let started = Instant::now();
    let mut times = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(client.read_object("/bench/large").await, 100 * MIB);
        times.push(began.elapsed());
        if started.elapsed() > limit() {
            break;
        }
    }
    times
}

/// From the moment a put is sent to the moment a waiting receive has its
/// message.
async fn latencies(peer: &Peer, client: &mut Client) -> Vec<Duration> {
    let mut receiver = Client::connect(&peer.address).await;
    let url = receiver.create_queue("puts").await;
    let attributes = json!({"QueueUrl": url, "AttributeNames": ["QueueArn"]}).to_string();
    let attributes = receiver.sqs("GetQueueAttributes", &attributes).await;
    let arn = attributes["Attributes"]["QueueArn"].as_str().unwrap();
    let rule = format!(
        "<NotificationConfiguration><QueueConfiguration><Queue>{arn}</Queue>\
         <Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>"
    );
    client.s3("PUT", "/bench?notification", rule.as_bytes()).await;
    let wait = json!({"QueueUrl": url, "WaitTimeSeconds": 5, "MaxNumberOfMessages": 1}).to_string();
    let mut times = Vec::new();
    // The test event, where there is one.
    let at_once = json!({"QueueUrl": url, "MaxNumberOfMessages": 1}).to_string();
    receiver.sqs("ReceiveMessage", &at_once).await;
    let started = Instant::now();
    for number in 0..500 {
        let key = format!("told-{number}.");
        let path = format!("/bench/{key}");
        let receive = async {
            let answer = receiver.sqs("ReceiveMessage", &wait).await;
            let told =
                answer["Messages"][0]["Body"].as_str().is_some_and(|body| body.contains(&key));
            (told, Instant::now())
        };
        let put = async {
            // Lets the receive begin to wait.
            tokio::time::sleep(Duration::from_millis(2)).await;
            let began = Instant::now();
            client.s3("PUT", &path, b"x").await;
            began
        };
        let ((told, arrived), began) = futures::join!(receive, put);
        if told {
            times.push(arrived.saturating_duration_since(began));
        }
        if started.elapsed() > limit() {
            break;
        }
    }
    times
}
