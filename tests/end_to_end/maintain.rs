//! Upkeep end to end: what was lost is found and loaded once, small objects are
//! joined while queries go on, and what nobody needs any more is removed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use serde_json::{Value, json};

use crate::exports::keys;
use crate::stack::{Stack, wait_for};
use crate::telling::{Collected, OPS, put};
use crate::warehouse::{ledger, sqlite};

const PIPELINE: &str = r#"
version = 1
name = "shop"

[datasets.orders]
match = "orders/{country}/*.csv"
[datasets.orders.schema]
columns = [
  { name = "id", type = "int64", required = true },
  { name = "total", type = "decimal(10,2)" },
  { name = "note", type = "string" },
]
[datasets.orders.rejects]
max = "50%"
[datasets.orders.parquet]
partition_by = ["country"]
row_group_rows = 3
[datasets.orders.load]
table = "orders"
mode = "replace_file"

[datasets.notes]
match = "notes/*.csv"
[datasets.notes.schema]
columns = [{ name = "order_id", type = "int64" }]
[[datasets.notes.expect]]
rule = "references(order_id, orders.id)"

[maintain.reconcile]
older_than = "0s"
[maintain.compact]
min_files = 2
[maintain.retention]
superseded = "1s"
rejects = "1s"

[stages.ingest]
visibility = "5s"
[stages.transform]
visibility = "5s"
[stages.load]
visibility = "5s"
[stages.maintain]
visibility = "5s"
max_receive_count = 20
"#;

fn count(runs: &[Value], state: &str) -> usize {
    runs.iter().filter(|run| run["state"] == state).count()
}

/// Runs upkeep by its worker, to the end.
fn upkeep(stack: &Stack, name: &str) -> Value {
    let run = stack.json(&["schedule", "run", name, "--wait", "--timeout", "120"]);
    assert_eq!(run["state"], "done", "{run}\n{}", stack.log_text());
    run["counts"].clone()
}

/// Publishes an object of which nobody hears.
async fn put_unheard(stack: &Stack, key: &str, text: &str) {
    stack.begin_faults(&json!({"faults": [{"service": "s3", "do": "lose"}]}));
    put(stack, key, text).await;
    wait_for("the notification to be lost", Duration::from_secs(30), || {
        (stack.faults()[0]["happened"] == 1).then_some(())
    });
    stack.end_faults();
}

async fn row(stack: &Stack, sql: &str) -> i64 {
    sqlite(stack, sql).await
}

#[tokio::test]
async fn of_lost_notifications_every_file_is_loaded_once_after_a_reconcile() {
    const FILES: usize = 100;
    let alerts = format!("[alerts]\nsubscribe = [\"{OPS}\"]\non = [\"lost_events\"]\n");
    let plan = "seed = 7\n[[fault]]\ndo = \"lose\"\nservice = \"s3\"\nprobability = 0.1\n";
    let stack = Stack::start_with_faults(&format!("{PIPELINE}{alerts}"), plan);
    let mut ops = Collected::create(&stack, "ops").await;
    for number in 0..FILES {
        let key = format!("orders/de/a b+{number}é.csv");
        put(&stack, &key, &format!("id,total,note\n{number},1.50,x\n{number},2,\n")).await;
    }
    // Notifications are sent behind the answers.
    wait_for("all notifications", Duration::from_secs(30), || {
        (stack.faults()[0]["matched"] == FILES).then_some(())
    });
    let lost = stack.end_faults()[0]["happened"].as_u64().expect("a number") as usize;
    assert!((2..40).contains(&lost), "{lost} of {FILES} were lost");
    put(&stack, "orders/de/bad.csv", "id,total,note\nx,1,\n").await;
    put(&stack, "stray.txt", "?").await;
    stack.wait_for_runs("what was heard of", |runs| {
        count(runs, "loaded") == FILES - lost && count(runs, "failed") == 1
    });
    stack.wait_until_drained();

    let dry = stack.json(&["reconcile", "--dry-run"]);
    assert_eq!((&dry["lost"], &dry["listed"]), (&json!(lost), &json!(FILES + 1)), "{dry}");
    assert_eq!(dry["known"], FILES + 1 - lost, "what failed is known");
    assert_eq!(dry["files"].as_array().map(Vec::len), Some(lost));
    let counts = upkeep(&stack, "maintain-reconcile");
    assert_eq!(counts["lost"], lost, "{counts}");
    stack.wait_for_runs("all of them", |runs| count(runs, "loaded") == FILES);
    stack.wait_until_drained();
    assert_eq!(row(&stack, "SELECT COUNT(*) FROM orders").await, 2 * FILES as i64);
    assert_eq!(row(&stack, "SELECT COUNT(DISTINCT id) FROM orders").await, FILES as i64);

    let again = upkeep(&stack, "maintain-reconcile");
    assert_eq!((&again["lost"], &again["stuck"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!(again["known"], FILES + 1);
    let runs = stack.json(&["maintenance", "--upkeep", "reconcile"]);
    assert_eq!(runs.as_array().map(Vec::len), Some(2), "{runs}");
    let told = ops.of_kind("lost_events", 1, &stack).await;
    assert!(told[0].to_string().contains(&format!("{lost} objects")), "{told:?}");
}

#[tokio::test]
async fn what_was_found_neither_overwrites_what_is_newer_nor_is_refused_for_what_is_older() {
    for versioned in [false, true] {
        let stack = Stack::start(PIPELINE);
        if versioned {
            let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
            let s3 = stack.s3().await;
            let request = s3.put_bucket_versioning().bucket("shop-raw");
            request.versioning_configuration(on.build()).send().await.expect("versioned");
        }
        let key = "orders/de/a.csv";
        let text = |id: u32| format!("id,total,note\n{id},1,\n");
        let is_there = async |id: i64| {
            stack.wait_until_drained();
            assert_eq!(row(&stack, "SELECT COUNT(*) FROM orders").await, 1, "{versioned}");
            assert_eq!(row(&stack, "SELECT id FROM orders").await, id, "{versioned}");
        };
        let reconcile = |lost: u32| {
            let found = stack.json(&["reconcile"]);
            assert_eq!(found["lost"], lost, "{versioned}: {found}");
        };
        put(&stack, key, &text(1)).await;
        stack.wait_for_runs("the first", |runs| count(runs, "loaded") == 1);
        // Its event is lost, and it is older than the one that is heard of next.
        put_unheard(&stack, key, &text(2)).await;
        reconcile(1);
        is_there(2).await;
        put(&stack, key, &text(3)).await;
        stack.wait_for_runs("the third", |runs| count(runs, "loaded") == 3);
        is_there(3).await;
        // Back to what it was at first, unheard of.
        put_unheard(&stack, key, &text(1)).await;
        reconcile(1);
        is_there(1).await;
        reconcile(0);
        put(&stack, key, &text(3)).await;
        stack.wait_for_runs("the fifth", |runs| count(runs, "loaded") == 5);
        is_there(3).await;
        reconcile(0);
    }
}

#[tokio::test]
async fn files_that_lost_their_message_go_on() {
    let stuck =
        PIPELINE.replace("older_than = \"0s\"", "older_than = \"0s\"\nstuck_after = \"0s\"");
    let stack = Stack::start(&stuck.replace("[stages.load]\n", "[stages.load]\nworkers = 0\n"));
    put(&stack, "orders/de/a.csv", "id,total,note\n1,1,\n").await;
    stack.wait_for_runs("the file to wait", |runs| count(runs, "transformed") == 1);
    let sqs = stack.sqs().await;
    let url = sqs.get_queue_url().queue_name("shop-load").send().await.expect("a queue");
    sqs.purge_queue().queue_url(url.queue_url().expect("a URL")).send().await.expect("purged");
    let counts = upkeep(&stack, "maintain-reconcile");
    assert_eq!(counts["stuck"], 1, "{counts}");
    stack.json(&["scale", "load=1"]);
    stack.wait_for_runs("the file to be loaded", |runs| count(runs, "loaded") == 1);
    assert_eq!(row(&stack, "SELECT COUNT(*) FROM orders").await, 1);
}

/// All rows of the lake, in order.
fn rows(stack: &Stack) -> Value {
    stack.json(&["query", "select id, total, note, country from orders order by id, total, note"])
}

/// The lake's objects of the dataset.
async fn objects(stack: &Stack) -> BTreeSet<String> {
    let request = stack.s3().await.list_objects_v2().bucket("shop-lake").prefix("orders/");
    let listed = request.send().await.expect("a listing");
    listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
}

/// Publishes six small files of two countries, with nulls and texts of any kind.
async fn publish(stack: &Stack) {
    for (number, country) in (0..6).zip(["de", "fr"].into_iter().cycle()) {
        let body = format!(
            "id,total,note\n{number},{number}.25,\"é, {number}\"\n{},,\n{},0.00,\"\"\n",
            number + 10,
            number + 20
        );
        put(stack, &format!("orders/{country}/{number}.csv"), &body).await;
    }
    stack.wait_for_runs("six files", |runs| count(runs, "loaded") == 6);
    stack.wait_until_drained();
}

#[tokio::test]
async fn small_objects_are_joined_and_removed_and_rows_are_the_same_throughout() {
    let stack = Stack::start(PIPELINE);
    publish(&stack).await;
    let before = rows(&stack);
    assert_eq!(before.as_array().map(Vec::len), Some(18));
    let dry = stack.json(&["compact", "--dry-run"]);
    assert_eq!((&dry[0]["joined"], &dry[0]["objects"]), (&json!(2), &json!(6)), "{dry}");
    assert_eq!(objects(&stack).await.len(), 6);
    let counts = upkeep(&stack, "maintain-compact");
    assert_eq!((&counts["joined"], &counts["rows"]), (&json!(2), &json!(18)), "{counts}");
    assert_eq!(objects(&stack).await.len(), 8, "readers may still be at the old ones");
    assert_eq!(rows(&stack), before);
    assert_eq!(stack.json(&["compact"])[0]["joined"], 0, "nothing is left to join");

    // A version that takes the place of one that was joined: the others' rows stay.
    put(&stack, "orders/de/0.csv", "id,total,note\n99,1.00,new\n").await;
    stack.wait_for_runs("the new version", |runs| count(runs, "loaded") == 7);
    let after = rows(&stack);
    let ids = |rows: &Value| -> Vec<i64> {
        rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    let mut expected: Vec<i64> = ids(&before);
    expected.retain(|id| ![0, 10, 20].contains(id));
    expected.push(99);
    assert_eq!(ids(&after), expected);

    // What was joined goes once nobody can be reading it any more.
    let removed = wait_for("the old objects to be removed", Duration::from_secs(60), || {
        let kept = stack.json(&["retention", "--dry-run"]);
        (kept["removed"]["lake_objects"] == 6).then(|| upkeep(&stack, "maintain-retention"))
    });
    assert_eq!(removed["lake_objects"], 6, "{removed}");
    assert_eq!(objects(&stack).await.len(), 3);
    assert_eq!(rows(&stack), after);
    // Keys of other datasets are read where they lie, without those that left.
    put(&stack, "notes/a.csv", "order_id\n1\n10\n22\n99\n").await;
    let runs = stack.wait_for_runs("the notes", |runs| count(runs, "loaded") == 8);
    let notes = runs.iter().find(|run| run["dataset"] == "notes").expect("a run");
    assert_eq!(notes["rows"]["rejected"], 1, "{notes}");
    let replay = stack.json(&["replay", "orders/fr/1.csv", "--from", "lake"]);
    assert_eq!(replay[0]["result"], "started", "{replay}");
    stack.wait_for_runs("the replay", |runs| count(runs, "loaded") == 9);
    assert_eq!(rows(&stack), after);
    assert_eq!(row(&stack, "SELECT COUNT(*) FROM orders").await, 16);
    assert_eq!(row(&stack, "SELECT COUNT(*) FROM orders WHERE note = 'é, 1'").await, 1);
    stack.wait_until_drained();
    assert_eq!(upkeep(&stack, "maintain-retention")["lake_objects"], 0);
}

#[tokio::test]
async fn what_derived_datasets_no_longer_need_is_removed_too() {
    let derived = "[derived.totals]\nsql = \"select sum(total) as total from orders\"\n\
                   debounce = \"0s\"\nload = { table = \"totals\" }\n";
    let stack = Stack::start(&format!("{PIPELINE}{derived}"));
    let asked = || stack.json(&["query", "select total from totals"]);
    for (number, total) in [(0, "1.00"), (1, "3.00"), (2, "6.00")] {
        let body = format!("id,total,note\n{number},{}.00,\n", number + 1);
        put(&stack, &format!("orders/de/{number}.csv"), &body).await;
        stack.wait_until_drained();
        assert_eq!(asked(), json!([{ "total": total }]));
    }
    let written = async || keys(&stack, "shop-lake", "totals/").await;
    assert!(written().await.len() >= 3, "one of each run");
    wait_for("the old ones to go", Duration::from_secs(60), || {
        let kept = stack.json(&["retention", "--dry-run"]);
        (kept["removed"]["lake_objects"] == 2).then_some(())
    });
    assert_eq!(upkeep(&stack, "maintain-retention")["lake_objects"], 2);
    assert_eq!(written().await.len(), 1);
    assert_eq!(asked(), json!([{ "total": "6.00" }]));
}

/// Compacts while a worker is killed at the point; rows are the same before and after.
async fn survive(point: &str) {
    let fired = tempfile::tempdir().expect("a folder");
    let stack = Stack::start_with(
        PIPELINE,
        &[
            ("MILLRACE_FAILPOINTS", &format!("maintain.{point}=kill")),
            ("MILLRACE_FAILPOINTS_DIR", fired.path().to_str().expect("text")),
        ],
    );
    publish(&stack).await;
    let before = rows(&stack);
    // Twice at once: one of them does it.
    let send = ["schedule", "run", "maintain-compact", "--at", "2026-01-31T01:00:00Z"];
    assert!(stack.run(&send).status.success());
    let again = ["--wait", "--timeout", "120"];
    let run = stack.json(&[&send[..], &again[..]].concat());
    assert_eq!(run["state"], "done", "{point}: {run}");
    assert!(fired.path().join(format!("maintain.{point}")).exists(), "{point} did not fire");
    stack.wait_until_drained();
    assert_eq!(rows(&stack), before, "{point}");
    let placed = "SELECT COUNT(*) FROM millrace_placements";
    assert_eq!(ledger(&stack, placed).await, 6, "{point}");
    // What an attempt left that was cut short goes with what was joined, not
    // necessarily in one run.
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut left = objects(&stack).await.len();
    while left > 2 && Instant::now() < deadline {
        upkeep(&stack, "maintain-retention");
        left = objects(&stack).await.len();
    }
    assert_eq!(left, 2, "{point}");
    assert_eq!(rows(&stack), before, "{point}");
}

#[tokio::test]
async fn killed_before_it_joins_no_row_is_lost_or_doubled() {
    survive("began").await;
}

#[tokio::test]
async fn killed_before_the_object_is_visible_no_row_is_lost_or_doubled() {
    survive("after_rows").await;
}

#[tokio::test]
async fn killed_before_the_ledger_knows_no_row_is_lost_or_doubled() {
    survive("before_commit").await;
}

#[tokio::test]
async fn killed_once_the_ledger_knows_no_row_is_lost_or_doubled() {
    survive("after_commit").await;
}

#[tokio::test]
async fn rejected_rows_go_by_age_and_a_schedule_starts_upkeep() {
    let daily = "[maintain.retention]\nschedule = \"rate(1 minute)\"";
    let stack = Stack::start(&PIPELINE.replace("[maintain.retention]", daily));
    put(&stack, "orders/de/a.csv", "id,total,note\n1,1,\nx,2,\n").await;
    stack.wait_for_runs("the file", |runs| count(runs, "loaded") == 1);
    wait_for("the rejects to be removed", Duration::from_secs(90), || {
        stack.advance("1m");
        let runs = stack.json(&["maintenance"]);
        let removed = |run: &Value| run["counts"]["reject_objects"] == 1;
        runs.as_array().expect("a list").iter().any(removed).then_some(())
    });
    let run = &stack.json(&["runs"])[0];
    assert_eq!((&run["rows"]["rejected"], &run["rejects_key"]), (&json!(1), &Value::Null), "{run}");
    let refused = stack.run(&["retention"]);
    assert_eq!(refused.status.code(), Some(2), "there is nobody to ask");
    let listed = stack.json(&["schedule", "list"]);
    assert_eq!(listed[0]["name"], "maintain-retention", "{listed}");
    assert_eq!(listed[0]["last"]["state"], "done", "{listed}");
}
