//! What an export reads or writes goes away in the middle and comes back: one whole
//! export comes of it, with one manifest and the right watermark, and however long it
//! is away costs no receive.

use std::time::Duration;

use millrace_tests::TestDatabase;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::exports::{in_warehouse, keys, manifest, run};
use crate::outages::Way;
use crate::stack::{Stack, wait_for};

/// Objects of a thousand rows of a kilobyte.
const PIPELINE: &str = r#"
version = 1
name = "shop"

[datasets.notes]
match = "notes/*.csv"

[exports.changes]
table = "changes"
to = "exports/changes/{time}/"
format = "csv"
object_rows = 1000
incremental = { column = "id" }

[stages.export]
visibility = "5s"
"#;

const ROWS: u64 = 30_000;
const FIRST: &str = "2026-01-31T01:00:00Z";
const SECOND: &str = "2026-01-31T02:00:00Z";
const FOLDER: &str = "exports/changes/20260131T010000Z/";
const LIMIT: Duration = Duration::from_secs(120);

/// Rows in SQLite, from an id on.
async fn rows(stack: &Stack, from: u64, to: u64) {
    let create = "CREATE TABLE IF NOT EXISTS changes (id INTEGER, text TEXT)";
    let fill = format!(
        "INSERT INTO changes WITH RECURSIVE n(id) AS (SELECT {from} UNION ALL \
         SELECT id + 1 FROM n WHERE id < {to}) SELECT id, printf('%01000d', id) FROM n"
    );
    in_warehouse(stack, &[create, &fill]).await;
}

fn begin(stack: &Stack) {
    let sent = stack.run(&["schedule", "run", "changes", "--at", FIRST]);
    assert!(sent.status.success(), "{sent:?}");
}

/// What the manifest lists is all that is there, each object as it says, and its
/// rows have these ids, each once.
async fn assert_whole(stack: &Stack, run: &Value, ids: std::ops::RangeInclusive<u64>) {
    assert_eq!((&run["state"], &run["rows"]), (&json!("done"), &json!(ids.clone().count())));
    let manifest = manifest(stack, run).await;
    let (mut found, mut listed) = (Vec::new(), Vec::new());
    for object in manifest["objects"].as_array().expect("objects") {
        let key = object["key"].as_str().expect("a key");
        let got = stack.s3().await.get_object().bucket("shop-lake").key(key).send().await;
        let bytes = got.expect(key).body.collect().await.expect("a body").to_vec();
        assert_eq!(object["bytes"], bytes.len(), "{key}");
        let text = String::from_utf8(bytes).expect("text");
        let id = |line: &str| line.split(',').next().expect("a value").parse::<u64>().expect(line);
        found.extend(text.lines().skip(1).map(id));
        listed.push(key.rsplit('/').next().expect("a name").to_owned());
    }
    found.sort_unstable();
    assert!(found.iter().copied().eq(ids.clone()), "{} rows", found.len());
    listed.insert(0, "_manifest.json".to_owned());
    let folder = run["manifest"].as_str().expect("a manifest");
    let folder = folder.strip_prefix("s3://shop-lake/").expect("the lake");
    let folder = folder.strip_suffix("_manifest.json").expect("its name");
    assert_eq!(keys(stack, "shop-lake", folder).await, listed);
    assert_eq!(run["watermark"]["to"], ids.end().to_string(), "{run}");
}

/// What the runs cost: no dead letter, and of no message more receives.
fn assert_cost(stack: &Stack, receives: usize) {
    let log = stack.log_text();
    let settled: Vec<&str> = log.lines().filter(|line| line.contains("outcome=")).collect();
    assert!(!settled.is_empty(), "{log}");
    let is_cheap =
        |line: &&str| (1..=receives).any(|n| line.contains(&format!("receive_count={n} ")));
    assert!(settled.iter().all(is_cheap), "{settled:#?}");
    assert_no_dead_letter(stack);
}

fn assert_no_dead_letter(stack: &Stack) {
    let letters = stack.json(&["dlq", "list"]);
    assert_eq!(letters, json!([]));
}

async fn wait_for_objects(stack: &Stack) {
    let deadline = std::time::Instant::now() + LIMIT;
    while keys(stack, "shop-lake", &format!("{FOLDER}part-")).await.len() < 2 {
        assert!(std::time::Instant::now() < deadline, "{}", stack.log_text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn assert_unfinished(stack: &Stack) {
    let there = keys(stack, "shop-lake", FOLDER).await;
    assert!(!there.contains(&"_manifest.json".to_owned()), "{there:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_in_the_middle_costs_the_receive_that_was_cut_alone() {
    let Some(database) = TestDatabase::create().await else { return };
    let mut connection = PgConnection::connect(database.url()).await.expect("a connection");
    let fill = "CREATE TABLE changes AS SELECT g AS id, lpad(g::text, 1000, '0') AS text \
                FROM generate_series(1, 30000) AS g";
    sqlx::query(fill).execute(&mut connection).await.expect("rows");
    let (way, url) = Way::before(database.url()).await;
    let own = PIPELINE.replace("table = \"changes\"", "table = \"changes\"\nurl = \"env:SOURCE\"");
    let stack = Stack::start_with(&own, &[("SOURCE", &url)]);
    // So slow that the rows are still being read when the first objects are there.
    stack.begin_faults(&json!({"faults": [{
        "service": "s3", "operation": "PutObject", "resource": "shop-lake/exports/*",
        "do": "delay", "delay": "300ms",
    }]}));
    begin(&stack);
    wait_for_objects(&stack).await;
    way.open.send_replace(false);
    wait_for("the worker to notice", LIMIT, || {
        stack.log_text().contains("outage: no messages are received").then_some(())
    });
    assert_unfinished(&stack).await;
    stack.end_faults();
    let more = "INSERT INTO changes SELECT g, 'later' FROM generate_series(30001, 30010) AS g";
    sqlx::query(more).execute(&mut connection).await.expect("rows");
    way.open.send_replace(true);
    let first = run(&stack, "changes", FIRST, &[]);
    assert_whole(&stack, &first, 1..=ROWS).await;
    let second = run(&stack, "changes", SECOND, &[]);
    assert_whole(&stack, &second, ROWS + 1..=ROWS + 10).await;
    stack.wait_until_drained();
    // The one in which the connection was cut; none for waiting.
    assert_cost(&stack, 2);
}

#[tokio::test]
async fn a_bucket_that_is_out_of_reach_in_the_middle_costs_nothing() {
    let stack = Stack::start(PIPELINE);
    rows(&stack, 1, ROWS).await;
    stack.begin_faults(&json!({"faults": [{
        "service": "s3", "operation": "PutObject", "resource": "shop-lake/exports/*",
        "do": "delay", "delay": "300ms",
    }]}));
    begin(&stack);
    wait_for_objects(&stack).await;
    // Longer than a message is tried again in hand: only who asks whether the bucket
    // is back waits for it.
    stack.begin_faults(&json!({"faults": [{
        "service": "s3", "resource": ["shop-lake", "shop-lake/*"], "do": "drop_before",
    }]}));
    wait_for("the outage to last", LIMIT, || {
        (stack.faults()[0]["happened"].as_u64() >= Some(18)).then_some(())
    });
    stack.end_faults();
    rows(&stack, ROWS + 1, ROWS + 10).await;
    let first = run(&stack, "changes", FIRST, &[]);
    assert_whole(&stack, &first, 1..=ROWS).await;
    let second = run(&stack, "changes", SECOND, &[]);
    assert_whole(&stack, &second, ROWS + 1..=ROWS + 10).await;
    stack.wait_until_drained();
    assert_cost(&stack, 1);
}

#[tokio::test]
async fn answers_that_are_lost_while_parts_are_sent_double_nothing() {
    let one = PIPELINE.replace("object_rows = 1000", "object_rows = 20000");
    let stack = Stack::start(&one);
    rows(&stack, 1, ROWS).await;
    let fault = |operation: &str, what: &Value| {
        let mut fault = json!({"service": "s3", "operation": operation, "resource": "shop-lake/*"});
        let all = fault.as_object_mut().expect("an object");
        all.extend(what.as_object().expect("an object").clone());
        fault
    };
    let lost = json!({"do": "drop_after", "count": 1});
    let busy = json!({"do": "error", "status": 503, "code": "SlowDown", "count": 8});
    stack.begin_faults(&json!({"faults": [
        fault("CreateMultipartUpload", &lost),
        fault("UploadPart", &lost),
        fault("UploadPart", &busy),
        fault("CompleteMultipartUpload", &lost),
        fault("PutObject", &lost),
    ]}));
    begin(&stack);
    let first = run(&stack, "changes", FIRST, &[]);
    assert_whole(&stack, &first, 1..=ROWS).await;
    let faults = stack.end_faults();
    assert!(faults.iter().all(|fault| fault["happened"] != 0), "{faults:#?}");
    rows(&stack, ROWS + 1, ROWS + 10).await;
    let second = run(&stack, "changes", SECOND, &[]);
    assert_whole(&stack, &second, ROWS + 1..=ROWS + 10).await;
    stack.wait_until_drained();
    assert_no_dead_letter(&stack);
}
