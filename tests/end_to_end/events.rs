//! Events in every envelope: what carries an object is acted on, the rest is
//! skipped or dead-lettered for a stated reason, and nothing gets stuck.

use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};

use crate::journey::PIPELINE;
use crate::stack::{Stack, real_data};
use crate::warehouse::sqlite;

async fn send(stack: &Stack, body: &str) {
    let sqs = stack.sqs().await;
    let url = sqs.get_queue_url().queue_name("shop-ingest").send().await.unwrap();
    let send = sqs.send_message().queue_url(url.queue_url().unwrap());
    send.message_body(body).send().await.expect("sent");
}

fn record(key: &str, etag: &str) -> Value {
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": { "name": "shop-raw" },
            "object": { "key": key, "eTag": etag, "size": 20 },
        },
    })
}

#[tokio::test]
async fn every_record_of_a_message_counts_and_keys_are_decoded() {
    let stack = Stack::start(PIPELINE);
    let keys = ["a b+c.csv", "100%.csv", "naïve/ü.csv", "d%2Fe.csv"];
    let s3 = stack.s3().await;
    for (number, key) in keys.into_iter().enumerate() {
        let body = format!("id,total,note\n{},1,\n", number + 1).into_bytes();
        let request = s3.put_object().bucket("shop-raw").key(format!("orders/de/{key}"));
        request.body(ByteStream::from(body)).send().await.expect("stored");
    }
    // `naïve/ü.csv` lies a folder deeper than the pattern reaches.
    let runs = stack.wait_for_runs("three loads", |runs| {
        runs.iter().filter(|run| run["state"] == "loaded").count() == 3
    });
    let mut loaded: Vec<_> = runs.iter().map(|run| run["key"].as_str().unwrap()).collect();
    loaded.sort_unstable();
    assert_eq!(loaded, ["orders/de/100%.csv", "orders/de/a b+c.csv", "orders/de/d%2Fe.csv"]);
    let trace = stack.json(&["trace", "orders/de/a b+c.csv"]);
    let etag = trace["versions"][0]["etag"].as_str().unwrap().to_owned();

    // Both in one message, without a sequencer, as some emulators send them.
    let gone = record("orders/de/gone.csv", "e0");
    let again = record("orders/de/a+b%2Bc.csv", &etag);
    send(&stack, &json!({ "Records": [gone, again] }).to_string()).await;
    let runs = stack.wait_for_runs("both records", |runs| {
        runs.iter().any(|run| run["key"] == "orders/de/gone.csv" && run["state"] == "failed")
    });
    assert!(
        runs.iter()
            .filter(|run| run["key"] == "orders/de/a b+c.csv")
            .all(|run| { run["state"] == "loaded" || run["state"] == "unchanged" })
    );
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM orders").await, 3);
}

#[tokio::test]
async fn what_no_dataset_takes_is_skipped_and_counted() {
    let stack = Stack::start(PIPELINE);
    let s3 = stack.s3().await;
    let request = s3.put_object().bucket("shop-raw").key("invoices/1.pdf");
    request.body(ByteStream::from_static(b"%PDF")).send().await.unwrap();
    let mut other = record("orders/de/a.csv", "e");
    other["s3"]["bucket"]["name"] = "somebody-elses".into();
    send(&stack, &json!({ "Records": [other] }).to_string()).await;
    stack.wait_until_drained();
    let status = stack.json(&["status"]);
    let skipped = status["skipped"].as_array().expect("a list");
    let reasons: Vec<_> = skipped.iter().map(|skip| skip["reason"].as_str().unwrap()).collect();
    assert!(reasons.iter().any(|reason| reason.contains("pattern")), "{status:#}");
    assert!(reasons.iter().any(|reason| reason.contains("bucket")), "{status:#}");
    let trace = stack.json(&["trace", "invoices/1.pdf"]);
    assert!(trace["skipped"].is_string(), "{trace:#}");
}

#[tokio::test]
async fn every_published_envelope_is_handled() {
    let Some(folder) = real_data() else { return };
    let stack = Stack::start(PIPELINE);
    let mut sent = 0;
    for entry in folder.join("events").read_dir().expect("events") {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let event: Value = serde_json::from_str(&text).unwrap();
        let bodies = event["Records"].as_array().into_iter().flatten();
        for body in bodies.filter_map(|record| record["body"].as_str()) {
            send(&stack, body).await;
            sent += 1;
        }
        send(&stack, &text).await;
        sent += 1;
    }
    assert!(sent > 30, "{sent}");
    stack.wait_until_drained();
    let status = stack.json(&["status"]);
    let skipped = status["skipped"].as_array().expect("a list").len();
    assert!(skipped > 0, "{status:#}");
}
