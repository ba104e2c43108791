//! A dataset whose files do not come is told of, and so is that they came at last.

use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::Connection;

use crate::doctor::{doctor, health};
use crate::journey::PIPELINE;
use crate::stack::Stack;
use crate::telling::{Collected, OPS, put};
use crate::warehouse;

/// The first of January: however long the test takes, no other time comes meanwhile,
/// but for one night of the year.
const YEARLY: &str = "cron(0 0 1 1 ? *)";

#[tokio::test]
async fn a_late_dataset_is_told_once_shown_and_told_again_when_its_files_come() {
    let freshness = format!("[datasets.orders.freshness]\nexpected = \"{YEARLY}\"\n");
    let told = format!("[alerts]\nsubscribe = [\"{OPS}\"]\n");
    let mut stack = Stack::start(&format!("{PIPELINE}\n{freshness}{told}"));
    Collected::create(&stack, "ops").await;
    let freshness = |stack: &Stack| stack.json(&["status"])["freshness"][0].clone();
    let state = freshness(&stack);
    assert_eq!((&state["dataset"], &state["late_since"]), (&"orders".into(), &Value::Null));

    let deadline = Instant::now() + Duration::from_secs(60);
    let watched = "SELECT COUNT(*) FROM millrace_freshness";
    while warehouse::ledger(&stack, watched).await == 0 {
        assert!(Instant::now() < deadline, "nobody watches: {}", stack.log_text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // As if it had been watched for years.
    stack.down();
    let watched = "UPDATE millrace_freshness SET watched_since = '2020-01-01T00:00:00.000000Z'";
    let mut ledger = warehouse::open_ledger(&stack).await;
    let changed = sqlx::query(watched).execute(&mut ledger).await.expect("changed");
    assert_eq!(changed.rows_affected(), 1);
    ledger.close().await.expect("closed");
    stack.up();

    let mut ops = Collected::create(&stack, "ops").await;
    let late = ops.at_least(1, &stack).await[0].clone();
    assert_eq!(late["Subject"], "shop: no new files of orders");
    assert_eq!(late["MessageAttributes"]["kind"]["Value"], "late_dataset");
    assert_eq!(late["MessageAttributes"]["dataset"]["Value"], "orders");
    let state = freshness(&stack);
    let since = state["late_since"].as_str().expect("it is late");
    assert!(since.ends_with("-01-01T00:00:00Z"), "{since}");
    let said = stack.run(&["status"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("late since 20"), "{said}");
    let (_, findings) = doctor(&stack, &["--no-canary"]);
    assert_eq!(health(&findings, "freshness", "orders"), ["doubtful"], "{findings:#?}");
    assert_eq!(health(&findings, "topic", "shop-alerts"), ["good"], "{findings:#?}");

    put(&stack, "orders/de/a.csv", "id,total,note\n1,1,\n").await;
    let over = ops.at_least(2, &stack).await[1].clone();
    assert_eq!(over["MessageAttributes"]["kind"]["Value"], "recovery");
    let subject = over["Subject"].as_str().expect("a subject");
    assert!(subject.starts_with("shop: orders has new files again, late by"), "{subject}");
    assert_eq!(freshness(&stack)["late_since"], Value::Null);
    assert_eq!(ops.collect(1).await.len(), 2, "{:#?}", ops.messages);
}
