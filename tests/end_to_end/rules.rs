//! Rules that look beyond the row, and one file that feeds several datasets.

use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};

use crate::stack::Stack;
use crate::warehouse::{ledger, sqlite};

/// Customers and their orders; orders and returns lie in the same files.
const PIPELINE: &str = r#"
version = 1
name = "shop"

[lake]
raw = "shop-raw"
curated = "shop-lake"

[datasets.customers]
match = "customers/*.csv"
schema = { mode = "strict", columns = [{ name = "id", type = "int64", required = true }] }
expect = [
  { rule = "unique(id)" },
  { rule = "row_count between 1 and 1000", on_fail = "reject_file" },
]
load = { table = "customers", mode = "replace_file" }

[datasets.orders]
match = "sales/*.ndjson"
where = "kind = 'order'"
expect = [
  { rule = "references(customer, customers.id)" },
  { rule = "unique(id)" },
  { rule = "max_age(at) <= interval '100000 days'", on_fail = "reject_file" },
  { rule = "max_age(at) <= interval '1 second'", on_fail = "warn" },
]
load = { table = "orders" }
[datasets.orders.schema]
mode = "strict"
extra = "ignore"
columns = [
  { name = "kind", type = "string", required = true },
  { name = "id", type = "int64", required = true },
  { name = "customer", type = "int64", required = true },
  { name = "at", type = "timestamp" },
]

[datasets.returns]
match = "sales/*.ndjson"
where = "kind = 'return'"
load = { table = "returns" }
[datasets.returns.schema]
mode = "strict"
extra = "ignore"
columns = [
  { name = "kind", type = "string", required = true },
  { name = "order", type = "int64", required = true },
  { name = "reason", type = "string", required = true },
]

[stages.ingest]
visibility = "5s"
[stages.transform]
visibility = "5s"
[stages.load]
visibility = "5s"
"#;

const SALES: &str = r#"{"kind":"order","id":1,"customer":7,"at":"2024-01-31T12:00:00"}
{"kind":"order","id":2,"customer":9,"at":"2024-01-30T12:00:00"}
{"kind":"return","order":1,"reason":"too small"}
{"kind":"order","id":1,"customer":7}
{"kind":"return","order":2}
{"kind":"gift","to":"somebody"}
"#;

async fn put(stack: &Stack, key: &str, body: &str) {
    let body = ByteStream::from(body.as_bytes().to_vec());
    let request = stack.s3().await.put_object().bucket("shop-raw").key(key);
    request.body(body).send().await.expect("stored");
}

fn loaded(runs: &[Value], dataset: &str) -> bool {
    runs.iter().any(|run| run["dataset"] == dataset && run["state"] == "loaded")
}

/// The rejects of a file, by the rule they broke.
async fn rejects(stack: &Stack, run: &Value) -> Vec<(u64, String)> {
    let key = run["rejects_key"].as_str().expect("rejects");
    let object = stack.s3().await.get_object().bucket("shop-lake").key(key).send().await.unwrap();
    let text = object.body.collect().await.unwrap().into_bytes();
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let reject = |line| {
        let reject: Value = serde_json::from_slice(line).unwrap();
        (reject["line"].as_u64().unwrap(), reject["rule"].as_str().unwrap().to_owned())
    };
    lines.map(reject).collect()
}

#[tokio::test]
async fn one_file_feeds_two_datasets_whose_keys_are_checked() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "customers/1.csv", "id\n7\n8\n8\n").await;
    stack.wait_for_runs("the customers", |runs| loaded(runs, "customers"));
    let file = stack.folder().join("sales/monday.ndjson");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, SALES).unwrap();
    let published = stack.json(&["publish", file.to_str().unwrap(), "--wait"]);
    let ends: Vec<_> = published.as_array().expect("a list").iter().collect();
    let named: Vec<_> = ends.iter().map(|end| end["dataset"].as_str().unwrap()).collect();
    assert_eq!(named, ["orders", "returns"]);
    let rows = |end: &Value| end["result"]["rows"].clone();
    assert_eq!(
        rows(ends[0]),
        json!({ "read": 6, "written": 1, "rejected": 2, "skipped": 3, "loaded": 1 })
    );
    assert_eq!(
        rows(ends[1]),
        json!({ "read": 6, "written": 1, "rejected": 1, "skipped": 4, "loaded": 1 })
    );
    let orders = rejects(&stack, &ends[0]["result"]).await;
    assert_eq!(
        orders,
        [(2, "references(customer, customers.id)".to_owned()), (4, "unique(id)".to_owned())]
    );
    assert_eq!(rejects(&stack, &ends[1]["result"]).await, [(5, "required".to_owned())]);
    assert_eq!(sqlite(&stack, "SELECT sum(id) FROM orders").await, 1);
    assert_eq!(sqlite(&stack, "SELECT sum(\"order\") FROM returns").await, 1);
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM customers").await, 2);

    let trace = stack.json(&["trace", "sales/monday.ndjson"]);
    let versions = trace["versions"].as_array().expect("versions");
    assert_eq!(versions.len(), 2);
    let warned = "SELECT sum(row_count) FROM millrace_rejects \
                  WHERE outcome = 'warned' AND rule LIKE 'max_age(at) <= interval _1 second_'";
    assert_eq!(ledger(&stack, warned).await, 1);
    // Redelivered: known to both, loaded twice by neither.
    resend(&stack, &versions[0]).await;
    stack.wait_until_drained();
    let trace = stack.json(&["trace", "sales/monday.ndjson"]);
    let states: Vec<_> = trace["versions"].as_array().unwrap().iter().collect();
    assert!(states.iter().all(|run| run["state"] == "loaded" || run["state"] == "unchanged"));
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM orders").await, 1);
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM returns").await, 1);
}

/// Sends the event of an object once more.
async fn resend(stack: &Stack, run: &Value) {
    let object = json!({ "key": run["key"], "eTag": run["etag"], "size": run["size"],
        "sequencer": run["sequencer"], "versionId": run["version_id"] });
    let record = json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": "shop-raw" }, "object": object },
    });
    let sqs = stack.sqs().await;
    let url = sqs.get_queue_url().queue_name("shop-ingest").send().await.unwrap();
    let send = sqs.send_message().queue_url(url.queue_url().unwrap());
    send.message_body(json!({ "Records": [record] }).to_string()).send().await.expect("sent");
}

#[tokio::test]
async fn a_reference_waits_for_the_first_file_it_refers_to() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "sales/1.ndjson", "{\"kind\":\"order\",\"id\":1,\"customer\":7}\n").await;
    stack.wait_for_runs("the returns", |runs| loaded(runs, "returns"));
    let log = |text: &str| stack.log_text().contains(text);
    crate::stack::wait_for("the refusal", std::time::Duration::from_secs(30), || {
        log("dataset `customers` has no files yet").then_some(())
    });
    put(&stack, "customers/1.csv", "id\n7\n").await;
    let runs = stack.wait_for_runs("the orders", |runs| loaded(runs, "orders"));
    let orders = runs.iter().find(|run| run["dataset"] == "orders").unwrap();
    assert_eq!((&orders["rows"]["loaded"], &orders["rows"]["rejected"]), (&1.into(), &0.into()));
}

#[tokio::test]
async fn a_file_without_rows_breaks_its_row_count() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "customers/1.csv", "id\nx\n").await;
    let runs = stack.wait_for_runs("the verdict", |runs| {
        runs.first().is_some_and(|run| run["state"] == "failed")
    });
    let reason = runs[0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("0 rows passed, which breaks `row_count between"), "{reason}");
    let listed = stack.s3().await.list_objects_v2().bucket("shop-lake").send().await.unwrap();
    let keys: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys.len(), 1, "the rejects stay, to say why: {keys:?}");
}

#[tokio::test]
async fn check_names_what_is_wrong_with_filters_and_rules() {
    let stack = Stack::start(PIPELINE);
    let broken = PIPELINE
        .replace("kind = 'return'", "knd = 'return'")
        .replace("customers.id)", "custmers.id)")
        .replace("row_count between 1 and 1000\", on_fail = \"reject_file\"", "row_count > 0\"");
    let file = stack.folder().join("broken.toml");
    std::fs::write(&file, broken).unwrap();
    let output = stack.run(&["check", file.to_str().unwrap(), "-o", "json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let problems = answer["problems"].as_array().expect("problems");
    let said: Vec<_> =
        problems.iter().map(|problem| problem["message"].as_str().unwrap()).collect();
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(said[0].contains("there is no row to reject"), "{said:#?}");
    assert!(said[1].contains("did you mean `customers`?"), "{said:#?}");
    assert!(said[2].contains("did you mean `kind`?"), "{said:#?}");
}
