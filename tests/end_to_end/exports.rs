//! Exports end to end: by the clock, by hand and by EventBridge's rules, from the
//! database to objects with their manifest.

use std::time::Duration;

use aws_sdk_eventbridge::types::Target;
use millrace_tests::TestDatabase;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::stack::{Stack, wait_for};

const PIPELINE: &str = r#"
version = 1
name = "shop"

[datasets.notes]
match = "notes/*.csv"

[exports.users]
table = "users"
to = "exports/users/{date}/"
timezone = "Australia/Canberra"
types = { registration_date = "date" }

[exports.transactions]
schedule = "rate(1 minute)"
query = "select transaction_id, user_id, total_cost, dt from transactions where dt <= :date order by 1"
to = "exports/transactions/{time}/"
format = "csv"

[exports.spent]
query = "select transaction_id, total_cost from transactions where user_id = {user}"
to = "spent/{user}/{date}/"
bucket = "raw"
format = "ndjson"
types = { total_cost = "decimal(12,2)" }

[exports.changes]
table = "users"
to = "exports/changes/{time}/"
format = "ndjson"
incremental = { column = "userid" }

[exports.broken]
query = "select * from nowhere"
to = "exports/broken/"

[stages.export]
visibility = "5s"
"#;

/// The tables of the batch demo: 2 users and 7 transactions.
const TABLES: [&str; 4] = [
    "CREATE TABLE users (userid INTEGER, registration_date TEXT)",
    "INSERT INTO users VALUES (1, '2026-01-31'), (2, '2026-01-30')",
    "CREATE TABLE transactions (transaction_id INTEGER, user_id INTEGER, total_cost DECIMAL(12,2), dt TEXT)",
    "INSERT INTO transactions VALUES (1,1,10.99,'2026-01-31'), (2,2,4.99,'2026-01-31'), \
     (3,2,4.99,'2026-01-28'), (4,1,4.99,'2026-01-28'), (5,1,5.99,'2026-01-29'), \
     (6,1,15.99,'2026-01-30'), (7,1,55.99,'2026-01-27')",
];

/// Runs SQL in the stack's warehouse.
pub(crate) async fn in_warehouse(stack: &Stack, statements: &[&str]) {
    let url = format!("sqlite://{}?mode=rwc", stack.data().join("warehouse.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("the warehouse");
    for sql in statements {
        sqlx::query(AssertSqlSafe(*sql)).execute(&mut connection).await.expect(sql);
    }
}

/// Runs an export by hand, to its end.
pub(crate) fn run(stack: &Stack, name: &str, at: &str, more: &[&str]) -> Value {
    let mut arguments = vec!["schedule", "run", name, "--at", at, "--wait", "--timeout", "120"];
    arguments.extend(more);
    stack.json(&arguments)
}

async fn object(stack: &Stack, bucket: &str, key: &str) -> Vec<u8> {
    let got = stack.s3().await.get_object().bucket(bucket).key(key).send().await.expect(key);
    got.body.collect().await.expect("a body").to_vec()
}

async fn text(stack: &Stack, bucket: &str, key: &str) -> String {
    String::from_utf8(object(stack, bucket, key).await).expect("text")
}

/// What is in a folder.
pub(crate) async fn keys(stack: &Stack, bucket: &str, prefix: &str) -> Vec<String> {
    let request = stack.s3().await.list_objects_v2().bucket(bucket).prefix(prefix);
    let listed = request.send().await.expect("a listing");
    let keys = listed.contents().iter().filter_map(|object| object.key());
    keys.map(|key| key[prefix.len()..].to_owned()).collect()
}

/// The manifest of a run.
pub(crate) async fn manifest(stack: &Stack, run: &Value) -> Value {
    let url = run["manifest"].as_str().expect("a manifest");
    let (bucket, key) = url.strip_prefix("s3://").expect("S3").split_once('/').expect("a key");
    serde_json::from_slice(&object(stack, bucket, key).await).expect("JSON")
}

fn runs(stack: &Stack, export: &str) -> Vec<Value> {
    let runs = stack.json(&["exports", "--export", export]);
    runs.as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_table_is_exported_once_for_its_time_in_its_time_zone() {
    let stack = Stack::start(PIPELINE);
    in_warehouse(&stack, &TABLES).await;
    let done = run(&stack, "users", "2026-01-30T15:00:00Z", &[]);
    assert_eq!((&done["state"], &done["rows"]), (&"done".into(), &2.into()), "{done}");
    // It is the next day already in Canberra.
    let folder = "exports/users/2026-01-31/";
    assert_eq!(done["manifest"], format!("s3://shop-lake/{folder}_manifest.json"));
    assert_eq!(keys(&stack, "shop-lake", folder).await, ["_manifest.json", "part-00000.parquet"]);
    let manifest = manifest(&stack, &done).await;
    assert_eq!(manifest["objects"][0]["key"], format!("{folder}part-00000.parquet"));
    assert_eq!(manifest["columns"][1]["type"], "date");
    let file = stack.folder().join("users.parquet");
    std::fs::write(
        &file,
        object(&stack, "shop-lake", &format!("{folder}part-00000.parquet")).await,
    )
    .expect("a file");
    let file = file.display().to_string();
    let query = ["query", "select * from users order by userid", "--file", &file];
    let read = stack.json(&query);
    assert_eq!(read[0]["registration_date"], "2026-01-31", "{read}");
    let again = run(&stack, "users", "2026-01-30T15:00:00Z", &[]);
    assert_eq!(again, done, "a second firing changes nothing");
    assert_eq!(runs(&stack, "users").len(), 1);
    let unknown = stack.run(&["schedule", "run", "user"]);
    assert_eq!(unknown.status.code(), Some(2));
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(said.contains("did you mean `users`?"), "{said}");
}

#[tokio::test]
async fn parameters_are_in_key_and_query_and_a_missing_one_is_named() {
    let stack = Stack::start(PIPELINE);
    in_warehouse(&stack, &TABLES).await;
    let at = "2026-01-31T02:00:00Z";
    let done = run(&stack, "spent", at, &["--param", "user=2", "--param", "date=2025-12-24"]);
    assert_eq!((&done["rows"], &done["parameters"]["user"]), (&2.into(), &"2".into()), "{done}");
    let key = "spent/2/2025-12-24/part-00000.ndjson";
    let lines = text(&stack, "shop-raw", key).await;
    assert_eq!(
        lines,
        "{\"transaction_id\":2,\"total_cost\":\"4.99\"}\n{\"transaction_id\":3,\"total_cost\":\"4.99\"}\n"
    );
    let failed = run(&stack, "spent", at, &[]);
    assert_eq!(failed["state"], "failed");
    let reason = failed["reason"].as_str().expect("a reason");
    assert!(reason.contains("parameter `user` has no value"), "{reason}");
    // A message that somebody made by hand.
    let sqs = stack.sqs().await;
    let url = sqs.get_queue_url().queue_name("shop-export").send().await.expect("a queue");
    let body = r#"{"export":"spent","user":1}"#;
    let request = sqs.send_message().queue_url(url.queue_url().expect("a URL")).message_body(body);
    request.send().await.expect("sent");
    wait_for("the run that was asked for by hand", Duration::from_secs(60), || {
        let is_it = |run: &Value| run["parameters"]["user"] == "1" && run["rows"] == 5;
        runs(&stack, "spent").iter().any(is_it).then_some(())
    });
}

#[tokio::test]
async fn schedules_fire_and_rules_do_and_both_can_be_turned_off() {
    let stack = Stack::start(PIPELINE);
    in_warehouse(&stack, &TABLES).await;
    let done = |count: usize| {
        wait_for("the schedule to fire", Duration::from_secs(60), || {
            let done: Vec<_> = runs(&stack, "transactions")
                .into_iter()
                .filter(|run| run["state"] == "done")
                .collect();
            (done.len() >= count).then_some(done)
        })
    };
    // The first comes before the tables are there, perhaps; those after it do not.
    stack.advance("1m");
    let first = done(1);
    stack.advance("1m");
    let runs_now = done(first.len() + 1);
    let times: Vec<_> = runs_now.iter().map(|run| run["scheduled_at"].clone()).collect();
    assert!(times.windows(2).all(|pair| pair[0] != pair[1]), "{times:?}");
    let key = runs_now[0]["manifest"].as_str().expect("a manifest");
    let key = key.strip_prefix("s3://shop-lake/").expect("the lake");
    let csv = text(&stack, "shop-lake", &key.replace("_manifest.json", "part-00000.csv")).await;
    assert!(
        csv.starts_with("transaction_id,user_id,total_cost,dt\n1,1,10.99,2026-01-31\n"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 8);

    let listed = stack.json(&["schedule", "list"]);
    assert_eq!(
        (&listed[0]["name"], &listed[0]["state"]),
        (&"transactions".into(), &"enabled".into())
    );
    assert_eq!(listed[0]["next"].as_array().map(Vec::len), Some(3), "{listed}");
    stack.json(&["schedule", "disable", "transactions"]);
    let listed = stack.json(&["schedule", "list"]);
    assert_eq!(
        (&listed[0]["state"], &listed[0]["next"]),
        (&"disabled".into(), &Value::Array(vec![]))
    );
    stack.wait_until_drained();
    assert_eq!(stack.json(&["schedule", "list"])[0]["last"]["state"], "done");
    let before = runs(&stack, "transactions").len();

    let bridge = aws_sdk_eventbridge::Client::new(&stack.sdk().await);
    let rule = bridge.put_rule().name("shop-users").schedule_expression("rate(1 minute)");
    rule.send().await.expect("a rule");
    let target = Target::builder().id("q").arn("arn:aws:sqs:us-east-1:000000000000:shop-export");
    let target = target.build().expect("a target");
    bridge.put_targets().rule("shop-users").targets(target).send().await.expect("a target");
    wait_for("the rule to fire", Duration::from_secs(60), || {
        stack.advance("1m");
        runs(&stack, "users").iter().any(|run| run["state"] == "done").then_some(())
    });
    assert_eq!(runs(&stack, "transactions").len(), before, "it was turned off");
}

#[tokio::test]
async fn an_incremental_export_takes_what_is_new() {
    let stack = Stack::start(PIPELINE);
    in_warehouse(&stack, &TABLES).await;
    let first = run(&stack, "changes", "2026-01-31T01:00:00Z", &[]);
    assert_eq!((&first["rows"], &first["watermark"]["to"]), (&2.into(), &"2".into()), "{first}");
    in_warehouse(&stack, &["INSERT INTO users VALUES (3, '2026-02-01')"]).await;
    let second = run(&stack, "changes", "2026-01-31T02:00:00Z", &[]);
    assert_eq!(second["rows"], 1, "{second}");
    let lines =
        text(&stack, "shop-lake", "exports/changes/20260131T020000Z/part-00000.ndjson").await;
    assert_eq!(lines, "{\"userid\":3,\"registration_date\":\"2026-02-01\"}\n");
    let watermark = manifest(&stack, &second).await["watermark"].clone();
    assert_eq!((&watermark["from"], &watermark["to"]), (&"2".into(), &"3".into()));
    let third = run(&stack, "changes", "2026-01-31T03:00:00Z", &[]);
    assert_eq!((&third["rows"], &third["objects"]), (&0.into(), &0.into()), "{third}");
    let folder = "exports/changes/20260131T030000Z/";
    assert_eq!(keys(&stack, "shop-lake", folder).await, ["_manifest.json"]);
}

#[tokio::test]
async fn wrong_sql_is_a_dead_letter_that_can_be_sent_again() {
    let stack = Stack::start(PIPELINE);
    in_warehouse(&stack, &TABLES).await;
    let failed = run(&stack, "broken", "2026-01-31T01:00:00Z", &[]);
    assert_eq!(failed["state"], "failed", "{failed}");
    let letters = wait_for("the dead letter", Duration::from_secs(30), || {
        let letters = stack.json(&["dlq", "list", "--stage", "export"]);
        (!letters.as_array().expect("a list").is_empty()).then_some(letters)
    });
    assert_eq!(letters[0]["class"], "contract", "{letters}");
    assert!(letters[0].to_string().contains("nowhere"), "{letters}");
    in_warehouse(&stack, &["CREATE TABLE nowhere (a INTEGER)"]).await;
    let redriven = stack.run(&["dlq", "redrive", "--stage", "export", "--all", "--yes"]);
    assert!(redriven.status.success(), "{}", String::from_utf8_lossy(&redriven.stderr));
    wait_for("the run to be done", Duration::from_secs(60), || {
        (runs(&stack, "broken")[0]["state"] == "done").then_some(())
    });
}

#[tokio::test]
async fn postgres_is_read_by_several_connections_into_objects_of_bounded_size() {
    let Some(database) = TestDatabase::create().await else { return };
    let exports = "\
        version = 1\nname = \"shop\"\n[datasets.notes]\nmatch = \"notes/*.csv\"\n\
        [exports.numbers]\ntable = \"numbers\"\nto = \"exports/numbers/\"\nobject_rows = 4000\n\
        split = { column = \"id\", parts = 4 }\n[stages.export]\nworkers = 2\nvisibility = \"5s\"\n";
    let stack = Stack::start_with(exports, &[("DATABASE_URL", database.url())]);
    let mut connection = PgConnection::connect(database.url()).await.expect("a connection");
    let fill = "CREATE TABLE numbers AS SELECT g AS id, 'n' || g AS name, g * 0.25::numeric(12,2) \
                AS price, now() AS at FROM generate_series(1, 20000) AS g";
    sqlx::query(fill).execute(&mut connection).await.expect("rows");
    // Twice at once: one worker does it, the other finds it done.
    let send = ["schedule", "run", "numbers", "--at", "2026-01-31T01:00:00Z"];
    assert!(stack.run(&send).status.success());
    let done = run(&stack, "numbers", "2026-01-31T01:00:00Z", &[]);
    assert_eq!((&done["rows"], &done["objects"]), (&20_000.into(), &8.into()), "{done}");
    stack.wait_until_drained();
    let once = runs(&stack, "numbers");
    assert_eq!((once.len(), &once[0]["attempts"]), (1, &1.into()), "{once:?}");
    let objects = manifest(&stack, &done).await["objects"].as_array().expect("objects").clone();
    assert!(objects.iter().all(|object| object["rows"].as_u64() <= Some(4_000)), "{objects:?}");
    assert_eq!(keys(&stack, "shop-lake", "exports/numbers/part-").await.len(), 8);
    // Fewer rows the next time: what is left over goes.
    sqlx::query("DELETE FROM numbers WHERE id > 100").execute(&mut connection).await.expect("gone");
    let next = run(&stack, "numbers", "2026-02-01T01:00:00Z", &[]);
    assert_eq!((&next["rows"], &next["objects"]), (&100.into(), &4.into()), "{next}");
    assert_eq!(keys(&stack, "shop-lake", "exports/numbers/part-").await.len(), 4);
}
