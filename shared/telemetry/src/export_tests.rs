//! A collector that takes spans, one that is gone, and one that gives no answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use millrace_runtime::{Counts, Delivery, Ending, Part, Subject};

use super::*;

fn settings(address: &str, queue: usize) -> Settings {
    Settings {
        url: format!("http://{address}/v1/traces"),
        headers: vec![("x-tenant".to_owned(), "t".to_owned())],
        timeout: Duration::from_secs(5),
        resource: vec![("service.name".to_owned(), "p-load".to_owned())],
        delay: Duration::from_millis(5),
        batch: 512,
        queue,
    }
}

/// A message with one part below it is settled.
fn settle(exporter: &Exporter, id: &str) {
    let delivery = Delivery::new(id, "b");
    let part = Part { name: "record", began: SystemTime::now(), took: Duration::from_millis(1) };
    exporter.settled(&Settlement {
        stage: "load",
        queue: "p-load",
        delivery: &delivery,
        ending: Ending::Done,
        class: None,
        note: "loaded",
        subject: &Subject::default(),
        counts: Counts::default(),
        took: Duration::from_millis(2),
        parts: &[part],
    });
}

async fn until(what: &str, ready: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !ready() {
        assert!(Instant::now() < deadline, "timed out waiting for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Reads one request: its head and its body.
fn read(stream: &TcpStream) -> (String, Value) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).expect("a head") > 0, "{head}");
    }
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned)
    });
    let mut body = vec![0; length.expect("a length").parse().expect("a number")];
    reader.read_exact(&mut body).expect("a body");
    (head.to_ascii_lowercase(), serde_json::from_slice(&body).expect("JSON"))
}

#[tokio::test]
async fn spans_are_posted_and_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (sender, requests) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _gone = sender.send(read(&stream));
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            stream.write_all(answer.as_bytes()).expect("answered");
        }
    });
    let exporter = Exporter::start(settings(&address, 100));
    settle(&exporter, "m-1");
    until("the spans", || exporter.exported() == 2).await;
    let (head, body) = requests.recv().expect("a request");
    assert!(head.starts_with("post /v1/traces "), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("x-tenant: t"), "{head}");
    let resource = &body["resourceSpans"][0];
    assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "p-load");
    let spans = resource["scopeSpans"][0]["spans"].as_array().expect("spans");
    assert_eq!(spans.len(), 2);
    assert_eq!(spans[1]["name"], "load record");
    assert_eq!(spans[1]["parentSpanId"], spans[0]["spanId"]);
    assert_eq!(spans[1]["traceId"], spans[0]["traceId"]);
    assert_eq!(exporter.dropped(), 0);
    exporter.stop().await;
    settle(&exporter, "m-2");
    assert_eq!(exporter.exported(), 2, "what comes behind the end is nobody's");
}

#[tokio::test]
async fn a_collector_that_is_gone_costs_spans_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let exporter = Exporter::start(settings(&address, 100));
    settle(&exporter, "m-1");
    until("the loss", || exporter.dropped() == 2).await;
    settle(&exporter, "m-2");
    until("another loss", || exporter.dropped() == 4).await;
    assert_eq!(exporter.exported(), 0);
}

#[tokio::test]
async fn a_collector_without_an_answer_holds_nobody_up_and_no_more_than_the_queue() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (queue, batch, messages) = (10, 4, 10_000_u64);
    let mut settings = settings(&address, queue);
    settings.batch = batch;
    settings.timeout = Duration::from_secs(600);
    let exporter = Exporter::start(settings);
    let started = Instant::now();
    for number in 0..messages {
        settle(&exporter, &format!("m-{number}"));
        tokio::task::yield_now().await;
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    // What waits is a full queue and the batch that was posted; the rest is counted.
    let kept = 2 * messages - exporter.dropped();
    assert!(kept <= (queue + batch) as u64, "{kept}");
    let stopping = Instant::now();
    exporter.stop().await;
    assert!(stopping.elapsed() < LAST + Duration::from_secs(3), "{:?}", stopping.elapsed());
    drop(listener);
}
