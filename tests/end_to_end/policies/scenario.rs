//! Whatever happens to a pipeline, in one go: files that load, that are rejected in
//! part and whole, poison, objects that are gone, dead letters that are redriven,
//! adopted and dealt with, rows that are replayed. What the stages beside a file's
//! journey do is in `beside`.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use serde_json::{Value, json};

use super::{PIPELINE, STAGES, beside};
use crate::stack::{Stack, wait_for};

pub(super) const LIMIT: Duration = Duration::from_secs(60);

const BUCKETS: [&str; 2] = ["shop-raw", "shop-lake"];

/// Goes through all of it.
pub(super) async fn run(stack: &Stack, warehouse: &str, stock: &str) {
    beside::prepare(stack, stock).await;
    let secrets = aws_sdk_secretsmanager::Client::new(&stack.sdk().await);
    for (name, url) in [("shop/warehouse", warehouse), ("shop/stock", stock)] {
        let created = secrets.create_secret().name(name).secret_string(url);
        created.send().await.expect("a secret");
    }
    stack.sqs().await.create_queue().queue_name("ops").send().await.expect("a queue");
    // Workers that found no secret are started again, later and later.
    scale_all(stack, 0);
    scale_all(stack, 1);

    put(stack, "articles/all.ndjson", "{\"name\":\"pen\"}\n").await;
    put(stack, "notes/all.csv", "note,topic\npen,paper\n").await;
    wait_for_state(stack, "articles/all.ndjson", "loaded");
    wait_for_state(stack, "notes/all.csv", "loaded");
    // The first run of upkeep would send a file that it meets on its way once more.
    stack.wait_until_drained();
    gone_before_it_is_loaded(stack).await;
    version_objects(stack).await;
    good_and_bad_files(stack).await;
    replayed(stack).await;
    beside::run(stack, warehouse).await;
    looked_after(stack).await;
    stack.wait_until_drained();
}

/// Parquet that is deleted while nobody loads; more of it than goes with a message.
async fn gone_before_it_is_loaded(stack: &Stack) {
    scale(stack, &["load=0"]);
    let row = |row: u64| format!("{},2024-01-31,pen\n", row.pow(3) % 1_000_000_007);
    let rows: String = (1..=10_000).map(row).collect();
    put(stack, "orders/gone.csv", &format!("id,day,article\n{rows}")).await;
    wait_for_state(stack, "orders/gone.csv", "transformed");
    let s3 = stack.s3().await;
    let listed = s3.list_objects_v2().bucket("shop-lake").prefix("orders/").send().await.unwrap();
    for object in listed.contents() {
        let delete = s3.delete_object().bucket("shop-lake").key(object.key().expect("a key"));
        delete.send().await.expect("deleted");
    }
    scale(stack, &["load=1"]);
    wait_for_state(stack, "orders/gone.csv", "failed");
}

async fn version_objects(stack: &Stack) {
    let s3 = stack.s3().await;
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    for bucket in BUCKETS {
        let put = s3.put_bucket_versioning().bucket(bucket);
        put.versioning_configuration(enabled.clone().build()).send().await.expect("versioned");
    }
}

async fn good_and_bad_files(stack: &Stack) {
    let rows = "id,day,article\n1,2024-01-31,pen\n2,31/01/2024,pen\n3,2024-02-01,ink\n";
    put(stack, "orders/good.csv", rows).await;
    // More than goes with a message, so that load reads the lake.
    let name = |row: u64| format!("{{\"name\":\"{}\"}}\n", row.pow(3) % 1_000_000_007);
    put(stack, "articles/many.ndjson", &(1..=10_000).map(name).collect::<String>()).await;
    put(stack, "orders/wrong.csv", "id,day,article\nx,2024-01-31,pen\n").await;
    put(stack, "articles/more.ndjson", "{\"name\":\"ink\"}\n{\"name\":null}\n").await;
    put(stack, "orders/poison.csv.gz", "\u{1f}\u{8}\u{8}\u{0}cut off").await;
    for (stage, body) in [("ingest", "no event"), ("load", "no task"), ("ingest", &missing())] {
        send(stack, &format!("shop-{stage}"), body).await;
    }
    wait_for_state(stack, "orders/good.csv", "loaded");
    for key in ["articles/more.ndjson", "articles/many.ndjson"] {
        wait_for_state(stack, key, "loaded");
    }
    for key in ["orders/wrong.csv", "orders/never.csv"] {
        wait_for_state(stack, key, "failed");
    }
    // It fails again: what is meant is that it is sent again.
    stack.run(&["dlq", "redrive", "--stage", "transform", "--class", "contract", "--yes"]);
    put(stack, "orders/wrong.csv", "id,day,article\n9,2024-01-31,pen\n").await;
    wait_for_state(stack, "orders/wrong.csv", "loaded");
    stack.wait_until_drained();
}

/// Rows that were rejected, under contracts that take them.
async fn replayed(stack: &Stack) {
    stack.rewrite(&mended());
    for dataset in ["orders", "articles"] {
        let replayed = stack.run(&["rejects", "replay", "--dataset", dataset]);
        assert!(replayed.status.success(), "{replayed:?}");
    }
    stack.wait_until_drained();
}

/// The pipeline whose contracts take what was rejected.
pub(super) fn mended() -> String {
    let mended = PIPELINE.replace("%Y-%m-%d", "%d/%m/%Y");
    mended.replace("\"string\", required = true", "\"string\"")
}

/// Dead letters that nobody recorded, and one that was dealt with: workers look
/// after their queues when they start.
async fn looked_after(stack: &Stack) {
    scale_all(stack, 0);
    let before = failures(stack);
    for stage in STAGES {
        send(stack, &format!("shop-{stage}-dlq"), "moved by nobody").await;
    }
    scale_all(stack, 1);
    wait_for("the dead letters to be adopted", LIMIT, || {
        (failures(stack) == before + STAGES.len()).then_some(())
    });
}

/// The event of an object that is not there.
fn missing() -> String {
    let object = json!({ "key": "orders/never.csv", "eTag": "e0", "size": 20 });
    let record = json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": "shop-raw" }, "object": object },
    });
    json!({ "Records": [record] }).to_string()
}

pub(super) async fn put(stack: &Stack, key: &str, body: &str) {
    let body = ByteStream::from(body.as_bytes().to_vec());
    let put = stack.s3().await.put_object().bucket("shop-raw").key(key).body(body);
    put.send().await.expect("stored");
}

pub(super) async fn send(stack: &Stack, queue: &str, body: &str) {
    let sqs = stack.sqs().await;
    let found = sqs.get_queue_url().queue_name(queue).send().await.expect("a queue");
    let send = sqs.send_message().set_queue_url(found.queue_url).message_body(body);
    send.send().await.expect("sent");
}

fn scale_all(stack: &Stack, workers: usize) {
    let counts = STAGES.map(|stage| format!("{stage}={workers}"));
    scale(stack, &counts.each_ref().map(String::as_str));
}

/// Sets worker counts and waits until they are what was asked.
pub(super) fn scale(stack: &Stack, counts: &[&str]) {
    let scaled = stack.run(&[&["scale"], counts, &["--wait"]].concat());
    assert!(scaled.status.success(), "{scaled:?}");
}

pub(super) fn waiting(stack: &Stack, stage: &str) -> u64 {
    let status = stack.json(&["status"]);
    let queues = status["queues"].as_array().expect("queues");
    let queue = queues.iter().find(|queue| queue["stage"] == stage).expect("a queue");
    queue["visible"].as_u64().expect("a count")
}

pub(super) fn failures(stack: &Stack) -> usize {
    stack.json(&["dlq", "list", "--each", "--all"]).as_array().expect("a list").len()
}

pub(super) fn wait_for_state(stack: &Stack, key: &str, state: &str) {
    let is = |run: &Value| run["key"] == key && run["state"] == state;
    stack.wait_for_runs(&format!("{key} to be {state}"), |runs| runs.iter().any(is));
}
