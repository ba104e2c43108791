//! What lists name while much goes on: after upkeep, in a flood of files with two
//! workers, and once a dataset is partitioned by other columns.

use std::time::Duration;

use millrace_glue::Catalog;
use serde_json::Value;

use crate::registered::{LIMIT, days, glue, list_of, pipeline, table, wait_for_rows};
use crate::stack::{Stack, wait_for};
use crate::telling::put;

/// Waits until a day's list has so many objects, and nothing else is to be done.
async fn wait_for_objects(stack: &Stack, day: &str, count: usize) -> Vec<String> {
    let deadline = std::time::Instant::now() + LIMIT;
    loop {
        let list = list_of(stack, day).await;
        if list.len() == count && stack.is_drained() {
            return list;
        }
        let log = || stack.log_text();
        assert!(std::time::Instant::now() < deadline, "{list:?} of {day}\n{}", log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Every object of a list is there.
async fn assert_readable(stack: &Stack, list: &[String]) {
    let s3 = stack.s3().await;
    for url in list {
        let key = url.strip_prefix("s3://shop-lake/").expect("an object of the lake");
        let head = s3.head_object().bucket("shop-lake").key(key).send().await;
        assert!(head.is_ok(), "`{url}`: {head:?}");
    }
}

/// Two small objects of a day are joined and, at last, everything expires; `compact` and
/// `retain` do so and answer how many objects were joined and how many rows' objects
/// expired.
async fn kept_up(compact: impl Fn(&Stack) -> Value, retain: impl Fn(&Stack) -> Value) {
    let upkeep = "[maintain.compact]\nmin_files = 2\n\
                  [maintain.retention]\nsuperseded = \"1s\"\nlake = { orders = \"1s\" }\n";
    let stack = Stack::start(&pipeline("", upkeep));
    put(&stack, "orders/a.csv", "id,day\n1,2026-01-01\n").await;
    put(&stack, "orders/b.csv", "id,day\n2,2026-01-01\n3,2026-01-02\n").await;
    wait_for_rows(&stack, 3);
    let small = list_of(&stack, "2026-01-01").await;
    assert_eq!(small.len(), 2, "{small:?}");

    assert_eq!(compact(&stack)["objects"], 2);
    let joined = wait_for_objects(&stack, "2026-01-01", 1).await;
    assert!(!small.contains(&joined[0]), "{joined:?}");
    assert_readable(&stack, &joined).await;
    assert_eq!(list_of(&stack, "2026-01-02").await.len(), 1, "it was alone");

    wait_for("all to be old enough", LIMIT, || {
        let dry = stack.json(&["retention", "--dry-run"]);
        (dry["removed"]["expired"] == 2).then_some(())
    });
    assert_eq!(retain(&stack)["expired"], 2);
    wait_for_objects(&stack, "2026-01-01", 0).await;
    assert!(list_of(&stack, "2026-01-02").await.is_empty());
    assert!(days(&stack).await.is_empty(), "no partition is left");
    assert_eq!(table(&stack).await.partition_keys[0].name, "day", "the table is");
}

/// What a run of upkeep by the worker counted.
fn by_worker(stack: &Stack, name: &str) -> Value {
    let mut run = stack.json(&["schedule", "run", name, "--wait", "--timeout", "120"]);
    assert_eq!(run["state"], "done", "{run}");
    run["counts"].take()
}

#[tokio::test]
async fn lists_name_joined_objects_and_none_that_expired() {
    let run = |name: &'static str| move |stack: &Stack| by_worker(stack, name);
    kept_up(run("maintain-compact"), run("maintain-retention")).await;
}

#[tokio::test]
async fn what_is_joined_and_removed_by_hand_is_told_to_the_catalog() {
    let compact = |stack: &Stack| stack.json(&["compact"])[0].take();
    let retain = |stack: &Stack| stack.json(&["retention", "--yes"])["removed"].take();
    kept_up(compact, retain).await;
}

#[tokio::test]
async fn in_a_flood_two_workers_end_in_the_lists_of_the_newest_ledger() {
    const FILES: usize = 24;
    const DAYS: [&str; 3] = ["2026-01-01", "2026-01-02", "2026-01-03"];
    let slow = "seed = 11\n[[fault]]\nservice = \"s3\"\noperation = \"PutObject\"\n\
                resource = \"shop-lake/_symlinks/*\"\ndo = \"delay\"\ndelay = \"400ms\"\n\
                probability = 0.5\n";
    let two = format!("{}workers = 2\nconcurrency = 2\n", pipeline("", ""));
    let stack = Stack::start_with_faults(&two, slow);
    for version in 0..2 {
        for file in 0..FILES {
            let day = DAYS[(file + version) % DAYS.len()];
            let rows = format!("id,day\n{file},{day}\n");
            put(&stack, &format!("orders/{file}.csv"), &rows).await;
        }
    }
    wait_for_rows(&stack, FILES as u64);
    assert!(stack.faults()[0]["happened"].as_u64() > Some(0), "no list was slow");
    assert_eq!(days(&stack).await, DAYS);
    let letters = stack.json(&["dlq", "list", "--stage", "catalog"]);
    assert_eq!(letters.as_array().map(Vec::len), Some(0), "{letters}");
    let mut written = Vec::new();
    for day in DAYS {
        let list = list_of(&stack, day).await;
        assert_eq!(list.len(), FILES / DAYS.len(), "{day}");
        assert_readable(&stack, &list).await;
        written.push(list);
    }
    // What the command reckons from the ledger alone.
    let manifests = stack.run(&["catalog", "manifests"]);
    assert!(manifests.status.success(), "{manifests:?}");
    for (day, list) in DAYS.into_iter().zip(written) {
        assert_eq!(list_of(&stack, day).await, list, "{day}");
    }
}

#[tokio::test]
async fn other_partition_columns_make_the_table_anew_once_all_files_have_them() {
    let columns = "  { name = \"shop\", type = \"string\" },\n";
    let by_day = pipeline(columns, "");
    let mut stack = Stack::start(&by_day);
    put(&stack, "orders/a.csv", "id,day,shop\n1,2026-01-01,north\n").await;
    put(&stack, "orders/b.csv", "id,day,shop\n2,2026-01-02,south\n").await;
    wait_for_rows(&stack, 2);

    stack.down();
    stack.rewrite(&by_day.replace("partition_by = [\"day\"]", "partition_by = [\"shop\"]"));
    stack.up();
    put(&stack, "orders/c.csv", "id,day,shop\n3,2026-01-03,south\n").await;
    let letters = wait_for("a dead letter", LIMIT, || {
        let letters = stack.json(&["dlq", "list", "--stage", "catalog"]);
        (!letters.as_array()?.is_empty()).then_some(letters)
    });
    assert!(letters.to_string().contains("millrace replay --dataset orders"), "{letters}");
    assert_eq!(
        table(&stack).await.partition_keys[0].name,
        "day",
        "old files are in the old layout"
    );
    assert_eq!(days(&stack).await, ["2026-01-01", "2026-01-02"]);

    let replayed = stack.run(&["replay", "--dataset", "orders"]);
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    wait_for_rows(&stack, 3);
    let deadline = std::time::Instant::now() + LIMIT;
    while table(&stack).await.partition_keys[0].name != "shop" || !stack.is_drained() {
        assert!(std::time::Instant::now() < deadline, "{}", stack.log_text());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(days(&stack).await, ["north", "south"], "the partitions are shops");
    for day in ["2026-01-01", "2026-01-02"] {
        assert!(list_of(&stack, day).await.is_empty(), "{day} is no partition any more");
    }
    let partitions = glue(&stack).await.partitions("shop", "orders").await.expect("partitions");
    assert!(partitions.iter().all(|one| one.location.contains("/shop=")), "{partitions:?}");
    let plan = stack.json(&["catalog", "list"]);
    assert_eq!((&plan[0]["rows"], &plan[0]["registered"]["definitions"]), (&3.into(), &2.into()));
}
