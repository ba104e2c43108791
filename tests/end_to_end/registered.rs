//! The catalog stage end to end: tables and partitions are registered as files land,
//! evolve with the contract, and are right in the end whoever dies in between.

use std::time::Duration;

use millrace_catalog::TableSpec;
use millrace_glue::{Catalog, Glue};
use serde_json::Value;

use crate::outputs::Documentation;
use crate::stack::{Stack, wait_for};
use crate::telling::put;

pub(crate) const LIMIT: Duration = Duration::from_secs(90);

pub(crate) fn pipeline(columns: &str, catalog: &str) -> String {
    format!(
        r#"
version = 1
name = "shop"

[datasets.orders]
match = "orders/*.csv"

[datasets.orders.schema]
columns = [
  {{ name = "id", type = "int64" }},
  {{ name = "day", type = "date" }},
{columns}]

[datasets.orders.parquet]
partition_by = ["day"]

[catalog]
debounce = "0s"
{catalog}

[stages.catalog]
visibility = "5s"
max_receive_count = 20
"#
    )
}

pub(crate) async fn glue(stack: &Stack) -> Glue {
    Glue::new(&stack.sdk().await)
}

pub(crate) async fn table(stack: &Stack) -> TableSpec {
    let found = glue(stack).await.table("shop", "orders").await.expect("an answer");
    found.expect("a table")
}

pub(crate) async fn days(stack: &Stack) -> Vec<String> {
    let found = glue(stack).await.partitions("shop", "orders").await.expect("partitions");
    let mut days: Vec<String> = found.into_iter().map(|one| one.values.concat()).collect();
    days.sort();
    days
}

pub(crate) async fn list_of(stack: &Stack, day: &str) -> Vec<String> {
    let key = format!("_symlinks/orders/day={day}/manifest");
    let got = stack.s3().await.get_object().bucket("shop-lake").key(&key).send().await;
    let body = got.expect(&key).body.collect().await.expect("a body").to_vec();
    String::from_utf8(body).expect("text").lines().map(str::to_owned).collect()
}

/// The table as `catalog list` has it, once it shows as much as lives.
pub(crate) fn wait_for_rows(stack: &Stack, rows: u64) -> Value {
    let what = format!("{rows} rows in the catalog");
    wait_for(&what, LIMIT, || {
        if !stack.is_drained() {
            return None;
        }
        let table = stack.json(&["catalog", "list"]).get(0)?.clone();
        (table["rows"] == rows && !table["registered"].is_null()).then_some(table)
    })
}

#[tokio::test]
async fn partitions_come_with_files_columns_with_the_contract_and_both_go_again() {
    let mut stack = Stack::start(&pipeline("", ""));
    put(&stack, "orders/a.csv", "id,day\n1,2026-01-01\n2,2026-01-02\n").await;
    let listed = wait_for_rows(&stack, 2);
    Documentation::read().assert_describes("catalog list", &Value::from(vec![listed.clone()]));
    assert_eq!(listed["registered"]["definitions"], 1, "{listed}");
    assert!(listed["partitions"][0]["registered_at"].is_string(), "{listed}");
    assert_eq!(days(&stack).await, ["2026-01-01", "2026-01-02"]);
    let first = list_of(&stack, "2026-01-01").await;
    assert_eq!(first.len(), 1, "{first:?}");

    stack.down();
    stack.rewrite(&pipeline(
        "  { name = \"note\", type = \"string\", description = \"Why\" },\n",
        "",
    ));
    stack.up();
    put(&stack, "orders/b.csv", "id,day,note\n3,2026-01-03,late\n").await;
    let listed = wait_for_rows(&stack, 3);
    assert_eq!(listed["registered"]["definitions"], 2, "{listed}");
    let columns: Vec<String> =
        table(&stack).await.columns.into_iter().map(|one| one.name).collect();
    assert_eq!(columns, ["id", "note"]);
    let partitions = glue(&stack).await.partitions("shop", "orders").await.expect("partitions");
    assert_eq!(partitions.len(), 3);
    assert!(partitions.iter().all(|one| one.columns == partitions[0].columns), "{partitions:?}");

    put(&stack, "orders/a.csv", "id,day,note\n1,2026-01-01,\n").await;
    wait_for_rows(&stack, 2);
    assert_eq!(days(&stack).await, ["2026-01-01", "2026-01-03"]);
    assert_ne!(list_of(&stack, "2026-01-01").await, first, "the object of the newer version");
    assert!(list_of(&stack, "2026-01-02").await.is_empty(), "nothing lives there");

    let glue = glue(&stack).await;
    glue.delete_table("shop", "orders").await.expect("deleted by hand");
    let plan = stack.json(&["catalog", "refresh", "--dry-run"]);
    Documentation::read().assert_describes("catalog refresh", &plan);
    assert_eq!((&plan[0]["change"], &plan[0]["added"]), (&"new".into(), &2.into()), "{plan}");
    assert_eq!(glue.table("shop", "orders").await.expect("an answer"), None, "only shown");
    stack.json(&["catalog", "refresh"]);
    assert_eq!(days(&stack).await, ["2026-01-01", "2026-01-03"]);
    let again = stack.json(&["catalog", "refresh"]);
    assert_eq!((&again[0]["change"], &again[0]["added"]), (&"as it was".into(), &0.into()));
}

#[tokio::test]
async fn partitions_that_are_reckoned_are_not_registered() {
    let stack = Stack::start(&pipeline("", "projection = \"2026-01-01,NOW\"\ndatabase = \"shop\""));
    put(&stack, "orders/a.csv", "id,day\n1,2026-01-01\n2,2026-01-02\n").await;
    wait_for_rows(&stack, 2);
    let table = table(&stack).await;
    assert_eq!(table.parameters["projection.day.range"], "2026-01-01,NOW");
    assert!(days(&stack).await.is_empty());
    assert_eq!(list_of(&stack, "2026-01-02").await.len(), 1);
}

#[tokio::test]
async fn a_table_that_somebody_made_by_hand_stays_as_it_is() {
    let stack = Stack::start(&pipeline("", ""));
    let glue = glue(&stack).await;
    let by_hand = TableSpec {
        name: "orders".into(),
        description: None,
        location: "s3://mine/".into(),
        columns: Vec::new(),
        partition_keys: Vec::new(),
        parameters: std::iter::once(("mine".into(), "yes".into())).collect(),
    };
    glue.ensure_database("shop").await.expect("a database");
    glue.create_table("shop", &by_hand).await.expect("a table");
    put(&stack, "orders/a.csv", "id,day\n1,2026-01-01\n").await;
    let letters = wait_for("a dead letter", LIMIT, || {
        let letters = stack.json(&["dlq", "list", "--stage", "catalog"]);
        (!letters.as_array()?.is_empty()).then_some(letters)
    });
    assert!(letters.to_string().contains("is not kept by pipeline `shop`"), "{letters}");
    assert_eq!(table(&stack).await, by_hand);
    let refused = stack.run(&["catalog", "refresh"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`shop.orders`"));
    glue.delete_table("shop", "orders").await.expect("deleted");
    let redriven = stack.run(&["dlq", "redrive", "--stage", "catalog", "--all", "--yes"]);
    assert!(redriven.status.success(), "{}", String::from_utf8_lossy(&redriven.stderr));
    wait_for_rows(&stack, 1);
    assert_eq!(days(&stack).await, ["2026-01-01"]);
}

/// Registers a file and a newer version of it while a worker is killed at the point.
async fn survive(point: &str) {
    let fired = tempfile::tempdir().expect("a folder");
    let stack = Stack::start_with(
        &pipeline("", ""),
        &[
            ("MILLRACE_FAILPOINTS", &format!("catalog.{point}=kill@2")),
            ("MILLRACE_FAILPOINTS_DIR", fired.path().to_str().expect("text")),
        ],
    );
    put(&stack, "orders/a.csv", "id,day\n1,2026-01-01\n2,2026-01-02\n").await;
    wait_for_rows(&stack, 2);
    let before = list_of(&stack, "2026-01-01").await;
    put(&stack, "orders/a.csv", "id,day\n1,2026-01-01\n3,2026-01-03\n4,2026-01-03\n").await;
    wait_for("the worker to die", LIMIT, || {
        fired.path().join(format!("catalog.{point}")).exists().then_some(())
    });
    wait_for_rows(&stack, 3);
    assert_eq!(days(&stack).await, ["2026-01-01", "2026-01-03"], "{point}");
    assert_ne!(list_of(&stack, "2026-01-01").await, before, "{point}");
    assert!(list_of(&stack, "2026-01-02").await.is_empty(), "{point}");
    assert_eq!(list_of(&stack, "2026-01-03").await.len(), 1, "{point}");
}

#[tokio::test]
async fn killed_before_the_lists_it_is_right_in_the_end() {
    survive("began").await;
}

#[tokio::test]
async fn killed_between_lists_and_table_it_is_right_in_the_end() {
    survive("after_rows").await;
}

#[tokio::test]
async fn killed_between_table_and_partitions_it_is_right_in_the_end() {
    survive("before_commit").await;
}

#[tokio::test]
async fn killed_before_the_ledger_knows_it_is_right_in_the_end() {
    survive("before_record").await;
}

#[tokio::test]
async fn killed_when_the_ledger_knows_it_is_right_in_the_end() {
    survive("after_record").await;
}
