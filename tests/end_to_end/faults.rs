//! Everything goes wrong at once between the workers and AWS, and every row is
//! there once.

use aws_sdk_s3::primitives::ByteStream;
use serde_json::Value;

use crate::journey::PIPELINE;
use crate::stack::Stack;
use crate::warehouse::sqlite;

const FILES: i64 = 40;
const ROWS: i64 = 50;

/// Of every kind of fault that a network, SQS and S3 may show by their own
/// documentation, more than anyone has seen.
const FAULTS: &str = r#"
seed = 5

[[fault]]                       # lost responses: done, and nobody knows
do = "drop_after"
service = "sqs"
operation = ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"]
probability = 0.2

[[fault]]                       # messages received by nobody
do = "drop_after"
service = "sqs"
operation = "ReceiveMessage"
resource = ["shop-ingest", "shop-transform", "shop-load"]
probability = 0.1

[[fault]]
do = "drop_before"
service = "sqs"
operation = ["ReceiveMessage", "SendMessageBatch"]
probability = 0.1

[[fault]]
do = "throttle"
operation = ["GetObject", "ReceiveMessage"]
probability = 0.1

[[fault]]
do = "cut"
service = "s3"
operation = "GetObject"
bytes = 300
probability = 0.2

[[fault]]
do = "error"
status = 503
code = "ServiceUnavailable"
service = "s3"
operation = ["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"]
resource = "shop-lake/*"
probability = 0.1

[[fault]]
do = "delay"
delay = "100ms"
random = true
probability = 0.2

[[fault]]                       # leases that end early: two workers on one file
do = "redeliver"
delay = "200ms"
probability = 0.2

[[fault]]
do = "reorder"
delay = "500ms"
probability = 0.3

[[fault]]
do = "duplicate"
service = "s3"
probability = 0.3
"#;

/// What fails is tried again soon: here it fails by chance.
const SOON: &str = r#"
[stages.ingest.retry]
transient = { base = "1s", cap = "4s" }
throttled = { base = "1s", cap = "4s" }
[stages.transform.retry]
transient = { base = "1s", cap = "4s" }
throttled = { base = "1s", cap = "4s" }
[stages.load.retry]
transient = { base = "1s", cap = "4s" }
throttled = { base = "1s", cap = "4s" }
"#;

#[tokio::test]
async fn every_row_is_there_once_whatever_goes_wrong() {
    let mut pipeline =
        PIPELINE.replace("visibility = \"5s\"", "visibility = \"5s\"\nmax_receive_count = 100");
    pipeline = pipeline.replace("[stages.load]", "[stages.load]\nworkers = 2");
    pipeline.push_str(SOON);
    let stack = Stack::start_with_faults(&pipeline, FAULTS);
    let s3 = stack.s3().await;
    for file in 0..FILES {
        let rows = (0..ROWS).map(|row| format!("{},{row}.50,row {row}\n", file * ROWS + row));
        let text = format!("id,total,note\n{}", rows.collect::<String>());
        let put = s3.put_object().bucket("shop-raw").key(format!("orders/de/{file}.csv"));
        put.body(ByteStream::from(text.into_bytes())).send().await.expect("stored");
    }
    let loaded = |runs: &[Value]| {
        runs.iter().filter(|run| run["state"] == "loaded").count() == FILES as usize
    };
    let runs = stack.wait_for_runs("the loads", loaded);
    assert_eq!(runs.len(), FILES as usize, "{runs:#?}");
    let faults = stack.end_faults();
    for fault in &faults {
        assert_ne!(fault["happened"], 0, "a fault of no effect proves nothing: {faults:#?}");
    }
    stack.wait_until_drained();
    let total = FILES * ROWS;
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM orders").await, total);
    assert_eq!(sqlite(&stack, "SELECT count(DISTINCT id) FROM orders").await, total);
    assert_eq!(sqlite(&stack, "SELECT sum(id) FROM orders").await, total * (total - 1) / 2);
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM millrace_loads").await, FILES);
    let status = stack.json(&["status"]);
    for queue in status["queues"].as_array().expect("queues") {
        assert_eq!(queue["dead_letters"], 0, "{queue}");
    }
}
