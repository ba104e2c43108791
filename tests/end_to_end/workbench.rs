//! The dead-letter workbench: from bad files to loaded ones, and from messages that
//! nobody settled to ones that are on record.

use std::io::Write;
use std::process::{Output, Stdio};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use serde_json::Value;

use crate::stack::{Stack, wait_for};
use crate::warehouse::sqlite;

const PIPELINE: &str = r#"
version = 1
name = "shop"

[datasets.orders]
match = "orders/*.csv"
[datasets.orders.schema]
columns = [
  { name = "id", type = "int64", required = true },
  { name = "day", type = "date", format = "%Y-%m-%d" },
]
[datasets.orders.rejects]
max = "10%"
[datasets.orders.load]
table = "orders"

[datasets.stock]
match = "stock/*.csv"
[datasets.stock.schema]
columns = [{ name = "id", type = "int64", required = true }]
[datasets.stock.rejects]
max = 0
[datasets.stock.load]
table = "stock"

[stages.ingest]
visibility = "5s"
[stages.transform]
visibility = "5s"
[stages.load]
visibility = "5s"
"#;

/// Two rows whose dates are written in another way than the contract says.
const ORDERS: &str = "id,day\n1,31/01/2024\n2,28/02/2024\n";

/// The contract under which they pass.
fn mended() -> String {
    PIPELINE.replace("%Y-%m-%d", "%d/%m/%Y")
}

async fn put(stack: &Stack, key: &str, body: &str) {
    let request = stack.s3().await.put_object().bucket("shop-raw").key(key);
    let body = ByteStream::from(body.as_bytes().to_vec());
    request.body(body).send().await.expect("stored");
}

async fn url(stack: &Stack, queue: &str) -> String {
    let found = stack.sqs().await.get_queue_url().queue_name(queue).send().await.unwrap();
    found.queue_url().unwrap().to_owned()
}

async fn send(stack: &Stack, queue: &str, body: &str) {
    let send = stack.sqs().await.send_message().queue_url(url(stack, queue).await);
    send.message_body(body).send().await.unwrap();
}

/// Messages in a queue: visible, and hidden.
async fn depth(stack: &Stack, queue: &str) -> (u64, u64) {
    let request = stack.sqs().await.get_queue_attributes().queue_url(url(stack, queue).await);
    let answer = request.attribute_names(Attribute::All).send().await.unwrap();
    let count = |name| answer.attributes().unwrap()[&name].parse().unwrap();
    let visible = count(Attribute::ApproximateNumberOfMessages);
    (visible, count(Attribute::ApproximateNumberOfMessagesNotVisible))
}

fn groups(stack: &Stack) -> Vec<(u64, String)> {
    let listed = stack.json(&["dlq", "list"]);
    let group = |group: &Value| {
        let name = group["datasets"][0].as_str().unwrap_or_default().to_owned();
        (group["count"].as_u64().expect("a count"), name)
    };
    listed.as_array().expect("a list").iter().map(group).collect()
}

fn wait_for_groups(stack: &Stack, expected: &[(u64, &str)]) {
    wait_for("the dead letters", Duration::from_secs(60), || {
        let mut groups = groups(stack);
        groups.sort();
        let groups: Vec<_> = groups.iter().map(|(count, name)| (*count, name.as_str())).collect();
        (groups == expected).then_some(())
    });
}

fn exit_code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn bad_files_are_one_group_and_all_load_when_the_contract_is_mended() {
    const FILES: u64 = 24;
    let stack = Stack::start(PIPELINE);
    for file in 0..FILES {
        put(&stack, &format!("orders/{file}.csv"), ORDERS).await;
    }
    put(&stack, "stock/1.csv", "id\nnone\n").await;
    wait_for_groups(&stack, &[(1, "stock"), (FILES, "orders")]);

    // Nothing was mended: a few go first, fail again, and the others stay.
    let redrive = ["dlq", "redrive", "--dataset", "orders", "--yes", "--canary", "2"];
    let output = stack.run(&[&redrive[..], &["-o", "json"]].concat());
    assert_eq!(exit_code(&output), 3, "{output:?}");
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&said["selected"], &said["sent"]), (&FILES.into(), &2.into()));
    assert_eq!(said["failed_again"][0]["same_cause"], true, "{said:#}");
    wait_for_groups(&stack, &[(1, "stock"), (FILES, "orders")]);

    stack.rewrite(&mended());
    let planned = stack.json(&["dlq", "redrive", "--dataset", "orders", "--dry-run"]);
    assert_eq!(planned["dead_letters"][0]["way"], "read again", "{planned:#}");
    let said = stack.json(&redrive);
    assert_eq!((&said["sent"], &said["canaries"]), (&FILES.into(), &2.into()), "{said:#}");
    assert_eq!(said["failed_again"], Value::Array(Vec::new()));
    stack.wait_for_runs("the files", |runs| {
        let states = |state: &str| runs.iter().filter(|run| run["state"] == state).count() as u64;
        states("failed") == 1 && states("loaded") == runs.len() as u64 - 1
    });
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM orders").await, 2 * FILES as i64);
    wait_for_groups(&stack, &[(1, "stock")]);

    // The other dead letter is untouched, and the only one left in its queue.
    wait_for_depth(&stack, "shop-transform-dlq", 1).await;
    assert_eq!(depth(&stack, "shop-transform-dlq").await, (1, 0));
    let all = stack.json(&["dlq", "list", "--each", "--all", "--dataset", "orders"]);
    let all = all.as_array().expect("a list");
    assert_eq!(all.len() as u64, FILES + 2, "the two that failed again are failures of their own");
    assert!(all.iter().all(|failure| failure["state"] == "loaded"), "{all:#?}");
    let id = all[0]["message_id"].as_str().expect("an id");
    let shown = stack.json(&["dlq", "show", id]);
    assert_eq!(shown["actions"][0]["action"], "redrive", "{shown:#}");
    assert!(shown["actions"][0]["actor"].as_str().unwrap().contains('@'));
    assert!(shown["first_rejects"][0]["raw"].as_str().unwrap().contains("2024"), "{shown:#}");
    assert_eq!(shown["hops"][0]["stage"], "ingest");
    let people = text(&stack.run(&["dlq", "show", id]).stdout);
    for part in ["transform contract: loaded", "body", "\"task\": \"transform\"", "what was done"] {
        assert!(people.contains(part), "{part}: {people}");
    }
}

#[tokio::test]
async fn what_sqs_moved_by_itself_is_adopted_and_can_be_sent_again() {
    let idle = PIPELINE.replace("[stages.transform]\n", "[stages.transform]\nworkers = 0\n");
    let stack = Stack::start(&idle);
    put(&stack, "stock/1.csv", "id\n7\n").await;
    let (sqs, queue) = (stack.sqs().await, url(&stack, "shop-transform").await);
    // As if workers were killed again and again: received, and never settled.
    wait_for_depth(&stack, "shop-transform", 1).await;
    for _ in 0..6 {
        let receive = sqs.receive_message().queue_url(&queue).visibility_timeout(0);
        receive.wait_time_seconds(1).send().await.unwrap();
    }
    wait_for_depth(&stack, "shop-transform-dlq", 1).await;
    assert!(groups(&stack).is_empty(), "nobody has seen it yet");

    let adopted = stack.json(&["dlq", "adopt", "--stage", "transform"]);
    assert_eq!((&adopted[0]["adopted"], &adopted[0]["removed"]), (&1.into(), &0.into()));
    let each = stack.json(&["dlq", "list", "--each"]);
    let failure = &each[0];
    assert_eq!((&failure["class"], &failure["dataset"]), (&"poison".into(), &"stock".into()));
    assert_eq!(failure["object"], "s3://shop-raw/stock/1.csv");
    let said = failure["message"].as_str().unwrap();
    assert!(said.contains("5 times without ever being settled"), "{said}");
    let shown = stack.json(&["dlq", "show", failure["message_id"].as_str().unwrap()]);
    assert_eq!(shown["actions"][0]["action"], "adopt");
    let again = stack.json(&["dlq", "adopt"]);
    let (adopted, kept) = (&again[1]["adopted"], &again[1]["kept"]);
    assert_eq!((adopted, kept), (&0.into(), &1.into()), "it is on record by now");

    let sent = stack.json(&["dlq", "redrive", "--all", "--yes"]);
    assert_eq!((&sent["sent"], &sent["copies_removed"]), (&1.into(), &1.into()), "{sent:#}");
    assert_eq!(depth(&stack, "shop-transform-dlq").await, (0, 0));
    let received = sqs.receive_message().queue_url(&queue).message_attribute_names("All");
    let received = received.wait_time_seconds(5).send().await.unwrap();
    let message = received.messages().first().expect("it is back");
    let attributes = message.message_attributes().expect("attributes");
    let of = attributes["redrive_of"].string_value().unwrap();
    assert_eq!(of, format!("shop-transform/{}", failure["message_id"].as_str().unwrap()));
}

async fn wait_for_depth(stack: &Stack, queue: &str, messages: u64) {
    for _ in 0..300 {
        if depth(stack, queue).await.0 == messages {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{queue} does not hold {messages}");
}

/// Runs a command with something on its standard input.
fn run_with(stack: &Stack, arguments: &[&str], input: &str) -> Output {
    let mut command = stack.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("millrace runs");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    child.wait_with_output().expect("it ends")
}

#[tokio::test]
async fn a_body_is_changed_and_kept_and_garbage_given_up_for_a_reason() {
    let stack = Stack::start(PIPELINE);
    for body in ["{\"Records\": \"gone\"", "garbage"] {
        send(&stack, "shop-ingest", body).await;
    }
    wait_for("both", Duration::from_secs(60), || {
        let each = stack.json(&["dlq", "list", "--each"]);
        (each.as_array().unwrap().len() == 2).then_some(())
    });
    let lines = text(&stack.run(&["dlq", "export"]).stdout);
    let exported: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("NDJSON")).collect();
    let id = |body: &str| {
        let found = exported.iter().find(|line| line["body"] == body).expect(body);
        found["message_id"].as_str().unwrap().to_owned()
    };
    let (event, garbage) = (id("{\"Records\": \"gone\""), id("garbage"));

    let unfit = run_with(&stack, &["dlq", "edit", &event, "--body-file", "-"], "still none");
    assert_eq!(exit_code(&unfit), 1, "{unfit:?}");
    assert!(text(&unfit.stderr).contains("the ingest stage could not read"), "{unfit:?}");
    let mended = r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3",
        "eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"shop-raw"},
        "object":{"key":"nobody/takes.this","size":1,"eTag":"e"}}}]}"#;
    let edited = run_with(&stack, &["dlq", "edit", &event[..13], "--body-file", "-"], mended);
    assert_eq!(exit_code(&edited), 0, "{edited:?}");
    let sent = stack.json(&["dlq", "redrive", &event, "--yes", "--canary", "1"]);
    assert_eq!((&sent["sent"], &sent["failed_again"]), (&1.into(), &Value::Array(Vec::new())));
    let shown = stack.json(&["dlq", "show", &event]);
    assert_eq!((&shown["state"], &shown["body"]), (&"handled".into(), &mended.into()));
    assert_eq!(shown["original_body"], "{\"Records\": \"gone\"");

    let without = stack.run(&["dlq", "discard", &garbage, "--yes"]);
    assert_eq!(exit_code(&without), 2, "{without:?}");
    let unasked = stack.run(&["dlq", "discard", &garbage, "--reason", "noise"]);
    assert_eq!(exit_code(&unasked), 2, "{unasked:?}");
    assert!(text(&unasked.stderr).contains("--yes"), "{unasked:?}");
    let unsaid = stack.run(&["dlq", "discard", "--reason", "noise", "--yes"]);
    assert_eq!(exit_code(&unsaid), 2, "{unsaid:?}");
    let given_up = stack.json(&["dlq", "discard", "--all", "--reason", "noise", "--yes"]);
    assert_eq!((&given_up["discarded"], &given_up["copies_removed"]), (&1.into(), &1.into()));
    let shown = stack.json(&["dlq", "show", &garbage]);
    assert_eq!((&shown["state"], &shown["discard_reason"]), (&"discarded".into(), &"noise".into()));
    let actions: Vec<_> = shown["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action["action"].clone())
        .collect();
    assert_eq!(actions, ["discard"]);
    assert_eq!(depth(&stack, "shop-ingest-dlq").await, (0, 0));
    assert!(groups(&stack).is_empty());
}
