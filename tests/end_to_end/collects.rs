//! Collecting end to end: messages on a queue become objects, and these become
//! rows, each message once.

use std::time::Duration;

use aws_sdk_sqs::types::MessageAttributeValue;

use crate::exports::keys;
use crate::fleet::Fleet;
use crate::outputs::Documentation;
use crate::stack::{Stack, wait_for};
use crate::warehouse;

const PIPELINE: &str = r#"
version = 1
name = "shop"

[streams.clicks]
to = "raw/clicks/{kind}/{yyyy}-{mm}-{dd}/{batch}_{unix_us}.ndjson.gz"
batch = { count = 10, age = "1s" }
dedupe = { attribute = "id" }

[streams.carts]
to = "raw/carts/{batch}.json"
batch = { count = 10, age = "1s" }
envelope = true

[datasets.clicks]
match = "raw/clicks/{kind}/*/*.ndjson.gz"
load = { table = "clicks" }
[datasets.clicks.schema]
columns = [{ name = "n", type = "int64", required = true }, { name = "kind", type = "string" }]

[datasets.carts]
match = "raw/carts/*.json"
format = "json"
json = { flatten = true }
load = { table = "carts" }
[datasets.carts.schema]
mode = "strict"
extra = "ignore"
columns = [
  { name = "n", from = "body.n", type = "int64", required = true },
  { name = "place", from = "meta.offset", type = "int64", required = true },
  { name = "size", from = "meta.size", type = "int64", required = true },
  { name = "sent_at", from = "meta.sent_at", type = "timestamptz_ms", required = true },
]

[stages.collect]
visibility = "5s"
max_receive_count = 20
"#;

/// Sends lines by `millrace send`.
fn send(stack: &Stack, stream: &str, lines: &[String]) {
    let file = stack.folder().join(format!("{stream}.ndjson"));
    std::fs::write(&file, lines.join("\n")).expect("a file");
    let file = file.display().to_string();
    let sent = stack.json(&["send", &file, "--stream", stream]);
    assert_eq!(sent["messages"], lines.len(), "{sent}");
    assert_eq!(sent["queue"], "shop-collect");
    Documentation::read().assert_describes("send", &sent);
}

/// Sends messages with an id that is their number.
async fn send_with_ids(stack: &Stack, numbers: impl Iterator<Item = i64>) {
    let sqs = stack.sqs().await;
    let queue = sqs.get_queue_url().queue_name("shop-collect").send().await.expect("a queue");
    let text = |text: String| {
        let value = MessageAttributeValue::builder().data_type("String").string_value(text);
        value.build().expect("an attribute")
    };
    for number in numbers {
        let sent = sqs
            .send_message()
            .set_queue_url(queue.queue_url.clone())
            .message_body(format!("{{ \"n\": {number},\n \"kind\": \"web\" }}"))
            .message_attributes("stream", text("clicks".into()))
            .message_attributes("id", text(number.to_string()))
            .send();
        sent.await.expect("sent");
    }
}

async fn count(stack: &Stack, sql: &str) -> i64 {
    warehouse::sqlite(stack, sql).await
}

/// Waits until as many rows are there, and nothing is on its way any more.
async fn wait_for_rows(stack: &Stack, table: &str, rows: i64) {
    let deadline = std::time::Instant::now() + Duration::from_secs(90);
    let loaded = format!(
        "SELECT COALESCE(SUM(rows_loaded), 0) FROM millrace_files WHERE dataset = '{table}'"
    );
    while warehouse::ledger(stack, &loaded).await < rows {
        assert!(std::time::Instant::now() < deadline, "{table}: {}", stack.log_text());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stack.wait_until_drained();
    assert_eq!(count(stack, &format!("SELECT COUNT(*) FROM {table}")).await, rows, "{table}");
}

#[tokio::test]
async fn messages_become_objects_and_rows() {
    let stack = Stack::start(PIPELINE);
    send_with_ids(&stack, 0..25).await;
    // Sent twice: the first counts.
    send_with_ids(&stack, 20..25).await;
    let carts: Vec<String> = (0..12).map(|n| format!("{{\"n\": {n}, \"other\": [1]}}")).collect();
    send(&stack, "carts", &carts);
    wait_for_rows(&stack, "clicks", 25).await;
    wait_for_rows(&stack, "carts", 12).await;
    assert_eq!(count(&stack, "SELECT SUM(n) FROM clicks WHERE kind = 'web'").await, 300);
    assert_eq!(count(&stack, "SELECT MIN(place) FROM carts").await, 0);
    assert!(count(&stack, "SELECT MAX(place) FROM carts").await < 10);
    assert_eq!(count(&stack, "SELECT MAX(size) FROM carts").await, 23);
    let batches = stack.json(&["batches", "--stream", "carts"]);
    Documentation::read().assert_describes("batches", &batches);
    let batches = batches.as_array().expect("a list");
    let messages: u64 = batches.iter().filter_map(|batch| batch["messages"].as_u64()).sum();
    assert_eq!(messages, 12, "{batches:#?}");
    assert!(batches.iter().all(|batch| batch["state"] == "published"), "{batches:#?}");
    assert!(keys(&stack, "shop-lake", "_collect/").await.is_empty());
    let queues = stack.json(&["status"])["queues"].clone();
    assert!(queues.as_array().expect("queues").iter().any(|queue| queue["stage"] == "collect"));
}

#[tokio::test]
async fn a_bad_message_is_a_dead_letter_alone() {
    let stack = Stack::start(PIPELINE);
    let mut lines: Vec<String> =
        (0..9).map(|n| format!("{{\"n\":{n},\"kind\":\"web\"}}")).collect();
    // No id, of a stream that tells messages apart by theirs.
    send(&stack, "clicks", &lines[..1]);
    lines.iter_mut().for_each(|line| line.push(' '));
    lines.push("no JSON".into());
    send(&stack, "carts", &lines);
    wait_for_rows(&stack, "carts", 9).await;
    let letters = wait_for("dead letters", Duration::from_secs(30), || {
        let letters = stack.json(&["dlq", "list", "--stage", "collect", "--each"]);
        let letters = letters.as_array().expect("a list").clone();
        (letters.len() == 2).then_some(letters)
    });
    let said =
        |letter: &serde_json::Value| letter["message"].as_str().unwrap_or_default().to_owned();
    let mut reasons: Vec<String> = letters.iter().map(said).collect();
    reasons.sort();
    assert!(reasons[0].starts_with("the body is not one JSON object"), "{reasons:?}");
    assert!(reasons[1].starts_with("the message has no attribute `id`"), "{reasons:?}");
}

/// Collects while a worker is killed at the point.
async fn survive(point: &str) {
    let fired = tempfile::tempdir().expect("a folder");
    let stack = Stack::start_with(
        PIPELINE,
        &[
            ("MILLRACE_FAILPOINTS", &format!("collect.{point}=kill@2")),
            ("MILLRACE_FAILPOINTS_DIR", fired.path().to_str().expect("text")),
        ],
    );
    send_with_ids(&stack, 0..40).await;
    wait_for_rows(&stack, "clicks", 40).await;
    assert!(fired.path().join(format!("collect.{point}")).exists(), "{point} did not fire");
    assert_eq!(count(&stack, "SELECT COUNT(DISTINCT n) FROM clicks").await, 40, "{point}");
    assert!(stack.json(&["batches", "--state", "committed"]) == serde_json::json!([]), "{point}");
}

#[tokio::test]
async fn killed_before_a_batch_is_staged_each_message_is_collected_once() {
    survive("began").await;
}

#[tokio::test]
async fn killed_before_the_commit_each_message_is_collected_once() {
    survive("before_commit").await;
}

#[tokio::test]
async fn killed_when_a_batch_is_staged_each_message_is_collected_once() {
    survive("after_rows").await;
}

#[tokio::test]
async fn killed_before_the_batch_is_published_each_message_is_collected_once() {
    survive("after_commit").await;
}

#[tokio::test]
async fn killed_before_the_ledger_knows_each_message_is_collected_once() {
    survive("before_record").await;
}

#[tokio::test]
async fn killed_before_the_messages_are_deleted_each_is_collected_once() {
    survive("before_delete").await;
}

#[tokio::test]
async fn killed_when_the_ledger_knows_each_message_is_collected_once() {
    survive("after_record").await;
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_writes_what_it_has() {
    let patient = PIPELINE.replace("age = \"1s\"", "age = \"15m\"");
    let patient = patient.replace("[stages.collect]", "[stages.collect]\nworkers = 0");
    let stack = Stack::start(&patient);
    let fleet = Fleet::of(&stack, &["collect"]);
    send_with_ids(&stack, 0..5).await;
    let all_in_hand = || {
        let status = stack.json(&["status"]);
        let queues = status["queues"].as_array().expect("queues").clone();
        let queue = queues.into_iter().find(|queue| queue["stage"] == "collect");
        queue.filter(|queue| queue["in_flight"] == 5)
    };
    wait_for("the messages to be in hand", Duration::from_secs(30), all_in_hand);
    fleet.stop();
    wait_for_rows(&stack, "clicks", 5).await;
}
