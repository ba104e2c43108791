//! A file's whole journey: published, loaded once, unchanged, replaced.

use std::io::Write;

use aws_sdk_s3::primitives::ByteStream;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::stack::Stack;
use crate::warehouse::sqlite;

/// CSV that replaces by file, NDJSON that is keyed, a schema that is inferred.
pub(crate) const PIPELINE: &str = r#"
version = 1
name = "shop"

[lake]
raw = "shop-raw"
curated = "shop-lake"

[datasets.orders]
match = "orders/{country}/*.csv"
format = "csv"
[datasets.orders.schema]
mode = "strict"
columns = [
  { name = "id", type = "int64", required = true },
  { name = "total", type = "decimal(10,2)", required = true },
  { name = "note", type = "string" },
]
[[datasets.orders.expect]]
rule = "total >= 0"
[datasets.orders.rejects]
max = "50%"
[datasets.orders.parquet]
partition_by = ["country"]
[datasets.orders.load]
table = "orders"
mode = "replace_file"

[datasets.users]
match = "users/*.ndjson*"
format = "ndjson"
[datasets.users.schema]
mode = "infer"
[datasets.users.load]
table = "users"
mode = "upsert"
key = ["id"]

[stages.ingest]
visibility = "5s"
[stages.transform]
visibility = "5s"
[stages.load]
visibility = "5s"
"#;

async fn put(stack: &Stack, key: &str, body: &[u8]) {
    let body = ByteStream::from(body.to_vec());
    let request = stack.s3().await.put_object().bucket("shop-raw").key(key);
    request.body(body).send().await.expect("stored");
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn states(runs: &[serde_json::Value]) -> Vec<&str> {
    runs.iter().map(|run| run["state"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_file_is_loaded_once_and_a_changed_one_replaces_it() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "orders/de/a.csv", b"id,total,note\n1,10.50,x\n2,-1,bad\n3,4.25,\n").await;
    let runs = stack.wait_for_runs("the first load", |runs| states(runs) == ["loaded"]);
    let rows = &runs[0]["rows"];
    assert_eq!(
        (&rows["read"], &rows["written"], &rows["rejected"]),
        (&3.into(), &2.into(), &1.into())
    );
    assert_eq!(rows["loaded"], 2);
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM orders WHERE country = 'de'").await, 2);
    assert_eq!(sqlite(&stack, "SELECT cast(sum(total) * 100 AS integer) FROM orders").await, 1475);

    // The same again: not loaded twice, and `runs` says why.
    put(&stack, "orders/de/a.csv", b"id,total,note\n1,10.50,x\n2,-1,bad\n3,4.25,\n").await;
    let runs = stack.wait_for_runs("the second event", |runs| {
        runs.len() == 2 && runs[0]["state"] != "registered"
    });
    assert_eq!(states(&runs), ["unchanged", "loaded"]);
    assert!(runs[0]["reason"].is_string(), "{runs:#?}");
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM orders").await, 2);

    // Changed: exactly the new rows. And another key leaves them alone.
    put(&stack, "orders/de/a.csv", b"id,total,note\n7,1,\n8,2,\n9,3,\n").await;
    put(&stack, "orders/fr/a.csv", b"id,total,note\n1,1,\n").await;
    stack.wait_for_runs("the third version", |runs| {
        states(runs).iter().filter(|state| **state == "loaded").count() == 3
    });
    assert_eq!(sqlite(&stack, "SELECT sum(id) FROM orders WHERE country = 'de'").await, 24);
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM orders").await, 4);

    // Back to the first content: a new load, not "already loaded".
    put(&stack, "orders/de/a.csv", b"id,total,note\n1,10.50,x\n2,-1,bad\n3,4.25,\n").await;
    stack.wait_for_runs("the fourth version", |runs| {
        states(runs).iter().filter(|state| **state == "loaded").count() == 4
    });
    assert_eq!(sqlite(&stack, "SELECT sum(id) FROM orders WHERE country = 'de'").await, 4);
}

#[tokio::test]
async fn inferred_ndjson_is_upserted_by_key_plain_or_compressed() {
    let stack = Stack::start(PIPELINE);
    put(
        &stack,
        "users/1.ndjson",
        b"{\"id\":1,\"name\":\"Ana\"}\n{\"id\":2,\"name\":\"B\\u00e9\"}\n",
    )
    .await;
    stack.wait_for_runs("the first load", |runs| states(runs) == ["loaded"]);
    let second = gzip("{\"name\":\"Anna\",\"id\":1}\n{\"id\":3,\"name\":null}\n");
    put(&stack, "users/2.ndjson.gz", &second).await;
    stack.wait_for_runs("the second load", |runs| states(runs) == ["loaded", "loaded"]);
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM users").await, 3);
    assert_eq!(
        sqlite(&stack, "SELECT count(*) FROM users WHERE id = 1 AND name = 'Anna'").await,
        1
    );
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM users WHERE name = 'Bé'").await, 1);
}

#[tokio::test]
async fn objects_queues_and_database_survive_a_restart() {
    let mut stack = Stack::start(PIPELINE);
    put(&stack, "orders/de/a.csv", b"id,total,note\n1,1,\n").await;
    stack.wait_for_runs("the load", |runs| states(runs) == ["loaded"]);
    stack.down();
    stack.up();
    let object = stack.s3().await.get_object().bucket("shop-raw").key("orders/de/a.csv");
    let bytes = object.send().await.expect("still there").body.collect().await.unwrap();
    assert_eq!(bytes.into_bytes().as_ref(), b"id,total,note\n1,1,\n");
    put(&stack, "orders/de/a.csv", b"id,total,note\n1,1,\n").await;
    put(&stack, "orders/de/b.csv", b"id,total,note\n2,1,\n").await;
    let runs = stack.wait_for_runs("both", |runs| {
        runs.len() == 3
            && runs.iter().all(|run| run["state"] != "registered" && run["state"] != "transformed")
    });
    assert_eq!(states(&runs).iter().filter(|state| **state == "unchanged").count(), 1);
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM orders").await, 2);
}

#[tokio::test]
async fn parquet_lies_in_hive_folders_under_names_that_follow_from_the_file() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "orders/de/a.csv", b"id,total,note\n1,1,\n2,-1,\n").await;
    let runs = stack.wait_for_runs("the load", |runs| states(runs) == ["loaded"]);
    let file_id = runs[0]["file_id"].as_str().unwrap();
    let listed = stack.s3().await.list_objects_v2().bucket("shop-lake").send().await.unwrap();
    let keys: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
    let parquet = format!("orders/country=de/{file_id}-0000.parquet");
    let rejects = format!("_rejects/orders/{file_id}.ndjson");
    assert_eq!(keys, [rejects.as_str(), parquet.as_str()]);
    let object = stack.s3().await.get_object().bucket("shop-lake").key(&rejects);
    let text = object.send().await.unwrap().body.collect().await.unwrap().into_bytes();
    let reject: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!((&reject["line"], &reject["rule"]), (&3.into(), &"total >= 0".into()));
    assert_eq!(reject["raw"], "2,-1,");
}
