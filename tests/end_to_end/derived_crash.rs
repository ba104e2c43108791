//! Derive workers that die in the middle: what they made is there once and whole,
//! and loaded once.

use serde_json::json;

use crate::derived::{ended, wait_for_runs};
use crate::stack::Stack;
use crate::telling::put;

const PIPELINE: &str = r#"
version = 1
name = "shop"

[datasets.sales]
match = "sales/*.csv"
[datasets.sales.schema]
mode = "strict"
columns = [
  { name = "shop", type = "string", required = true },
  { name = "amount", type = "int64", required = true },
]

[derived.totals]
sql = "select shop, sum(amount) as total from sales group by shop"
partition_by = ["shop"]
refresh = "partition"
debounce = "0s"
load = { table = "totals" }

[derived.grand]
sql = "select sum(total) as total from totals"
debounce = "0s"

[stages.derive]
visibility = "5s"
max_receive_count = 20
"#;

/// Derives once while a worker is killed at the point, and once more.
async fn survive(point: &str) {
    let fired = tempfile::tempdir().expect("a folder");
    let stack = Stack::start_with(
        PIPELINE,
        &[
            ("MILLRACE_FAILPOINTS", &format!("derive.{point}=kill")),
            ("MILLRACE_FAILPOINTS_DIR", fired.path().to_str().expect("text")),
        ],
    );
    put(&stack, "sales/1.csv", "shop,amount\na,1\nb,2\n").await;
    wait_for_runs(&stack, "grand", 1);
    assert!(fired.path().join(format!("derive.{point}")).exists(), "{point} did not fire");
    let grand = |stack: &Stack| stack.json(&["query", "select total from grand"]);
    assert_eq!(grand(&stack), json!([{ "total": 3 }]), "{point}");
    put(&stack, "sales/2.csv", "shop,amount\nb,40\n").await;
    let before = ended(&stack, "grand").len();
    wait_for_runs(&stack, "grand", before + 1);
    assert_eq!(grand(&stack), json!([{ "total": 43 }]), "{point}");
    let files = stack.json(&["runs", "--dataset", "totals"]);
    let files = files.as_array().expect("a list");
    assert!(files.iter().all(|file| file["state"] == "loaded"), "{point}: {files:?}");
    assert_eq!(files.len(), 3, "{point}: `a` is as it was: {files:?}");
    let status = stack.json(&["status"]);
    let tables = status["tables"].as_array().expect("tables");
    let totals = tables.iter().find(|table| table["table"] == "totals").expect("a table");
    assert_eq!((&totals["rows"], &totals["loads"]), (&2.into(), &3.into()), "{point}: {totals}");
}

#[tokio::test]
async fn killed_before_anything_is_written_it_is_derived_once() {
    survive("began").await;
}

#[tokio::test]
async fn killed_before_its_files_are_seen_it_is_derived_once() {
    survive("after_rows").await;
}

#[tokio::test]
async fn killed_before_the_ledger_knows_it_is_derived_once() {
    survive("before_commit").await;
}

#[tokio::test]
async fn killed_before_anybody_is_told_it_is_loaded_once() {
    survive("after_commit").await;
}

#[tokio::test]
async fn killed_before_its_message_is_deleted_it_is_loaded_once() {
    survive("after_send").await;
}
