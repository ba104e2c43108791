//! Files that are gone through again: rejected rows after the pipeline file was
//! mended, and whole files because they are wanted again.

use aws_sdk_s3::primitives::ByteStream;
use serde_json::Value;

use crate::stack::Stack;
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
  { name = "amount", type = "int64" },
]
[[datasets.orders.expect]]
rule = "amount > 0"
[datasets.orders.rejects]
max = "60%"
[datasets.orders.load]
table = "orders"

[stages.ingest]
visibility = "5s"
[stages.transform]
visibility = "5s"
[stages.load]
visibility = "5s"
"#;

/// Two good rows, and three that are rejected for a date, an amount and an id.
const ORDERS: &str = "id,day,amount\n1,2024-01-01,5\n2,02/01/2024,7\n3,2024-01-03,0\n\
                      4,2024-01-04,9\nx,2024-01-05,1\n";

async fn put(stack: &Stack, key: &str, body: &str) {
    let request = stack.s3().await.put_object().bucket("shop-raw").key(key);
    let body = ByteStream::from(body.as_bytes().to_vec());
    request.body(body).send().await.expect("stored");
}

fn loaded(runs: &[Value], files: usize) -> bool {
    runs.len() == files && runs.iter().all(|run| run["state"] == "loaded")
}

async fn count(stack: &Stack, what: &str) -> i64 {
    sqlite(stack, &format!("SELECT {what} FROM orders")).await
}

/// Rejected rows that nothing was done about.
fn outstanding(stack: &Stack) -> i64 {
    let totals = stack.json(&["rejects", "list"]);
    totals.as_array().expect("a list").iter().filter_map(|total| total["rows"].as_i64()).sum()
}

fn result(lines: &Value) -> (&str, &str) {
    let line = &lines.as_array().expect("a list")[0];
    (line["way"].as_str().expect("a word"), line["result"].as_str().expect("a word"))
}

#[tokio::test]
async fn rejected_rows_are_added_once_when_the_contract_lets_them_pass() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "orders/1.csv", ORDERS).await;
    stack.wait_for_runs("the file", |runs| loaded(runs, 1));
    assert_eq!((count(&stack, "count(*)").await, outstanding(&stack)), (2, 3));
    let replay = ["rejects", "replay", "--dataset", "orders"];
    assert_eq!(result(&stack.json(&replay)), ("none", "left"));

    let formats = r#"format = ["%Y-%m-%d", "%d/%m/%Y"]"#;
    stack.rewrite(&PIPELINE.replace(r#"format = "%Y-%m-%d""#, formats));
    let planned = stack.json(&["rejects", "replay", "orders/1.csv", "--dry-run"]);
    assert_eq!(result(&planned), ("rejected rows", "dry run"));
    assert_eq!(result(&stack.json(&replay)), ("rejected rows", "started"));
    let runs = stack.wait_for_runs("the replay", |runs| loaded(runs, 2));
    assert_eq!(runs[0]["rows"]["loaded"], 1);
    assert_eq!((&runs[0]["rows"]["rejected"], &runs[0]["rows"]["skipped"]), (&2.into(), &2.into()));
    assert_eq!(runs[0]["replay"]["of"], runs[1]["file_id"]);
    assert_eq!((count(&stack, "count(*)").await, outstanding(&stack)), (3, 2));
    assert_eq!(result(&stack.json(&replay)), ("none", "left"));

    // What is left gets a chance of its own, and the rows in the lake add up.
    let mended = PIPELINE.replace(r#"format = "%Y-%m-%d""#, formats);
    stack.rewrite(&mended.replace("amount > 0", "amount >= 0"));
    assert_eq!(result(&stack.json(&replay)), ("rejected rows", "started"));
    stack.wait_for_runs("the second replay", |runs| loaded(runs, 3));
    assert_eq!((count(&stack, "count(*)").await, outstanding(&stack)), (4, 1));
    assert_eq!(count(&stack, "sum(amount)").await, 21);
    let lake = stack.json(&["query", "select count(*) as n, sum(amount) as s from orders"]);
    assert_eq!((&lake[0]["n"], &lake[0]["s"]), (&4.into(), &21.into()));
    assert_eq!(count(&stack, "count(DISTINCT id)").await, 4);
}

#[tokio::test]
async fn a_file_that_is_read_in_another_way_is_gone_through_as_a_whole() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "orders/1.csv", "id,day,amount\n1,2024-01-01,5\n2,2024-01-02,none\n").await;
    // A file of which too much is wrong is refused, and mended with the others.
    put(&stack, "orders/2.csv", "id,day,amount\n3,2024-01-01,none\n4,2024-01-02,none\n").await;
    let ended = |runs: &[Value]| {
        let state = |state: &str| runs.iter().filter(|run| run["state"] == state).count();
        (state("loaded"), state("failed")) == (1, 1)
    };
    stack.wait_for_runs("both files", ended);
    stack.rewrite(&PIPELINE.replace(
        "[datasets.orders.schema]",
        "csv = { null = [\"\", \"none\"] }\n[datasets.orders.schema]",
    ));
    let lines = stack.json(&["rejects", "replay", "--dataset", "orders"]);
    let ways = lines.as_array().expect("a list").iter().map(|line| line["way"].clone());
    assert_eq!(ways.collect::<Vec<_>>(), ["whole object", "whole object"]);
    // The one that was refused is where it belongs as well, as its replay.
    stack.wait_for_runs("the replays", |runs| loaded(runs, 4));
    assert_eq!(count(&stack, "count(*)").await, 4);
    assert_eq!(count(&stack, "count(DISTINCT id)").await, 4);
    assert_eq!((count(&stack, "sum(amount)").await, outstanding(&stack)), (5, 0));
}

#[tokio::test]
async fn files_are_loaded_again_on_request_and_their_rows_are_there_once() {
    let stack = Stack::start(PIPELINE);
    for file in 0..3 {
        put(&stack, &format!("orders/{file}.csv"), &ORDERS.replace("9\n", &format!("{file}1\n")))
            .await;
    }
    stack.wait_for_runs("the files", |runs| loaded(runs, 3));
    let sum = count(&stack, "sum(amount)").await;
    sqlite(&stack, "DELETE FROM orders RETURNING id").await;
    let replay = |more: &[&str]| stack.json(&[&["replay", "--dataset", "orders"], more].concat());
    assert_eq!(result(&replay(&[])), ("from the lake", "started"));
    stack.wait_for_runs("the replay", |runs| loaded(runs, 6));
    assert_eq!((count(&stack, "count(*)").await, count(&stack, "sum(amount)").await), (6, sum));
    assert_eq!(result(&replay(&["--from", "source"])), ("whole object", "started"));
    let runs = stack.wait_for_runs("the second replay", |runs| loaded(runs, 9));
    assert_eq!((count(&stack, "count(*)").await, count(&stack, "sum(amount)").await), (6, sum));
    assert_eq!(runs[0]["rows"]["loaded"], 2);
    assert!(replay(&["--since", "2999-01-01"]).as_array().expect("a list").is_empty());
    let lake = stack.json(&["query", "select count(*) as n from orders"]);
    assert_eq!((&lake[0]["n"], outstanding(&stack)), (&6.into(), 9));
}
