//! What happens in the stages beside a file's journey: exports, derived datasets,
//! reports that are told of, streams, tables of the catalog, upkeep.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use millrace_catalog::TableSpec;
use millrace_glue::{Catalog, Glue};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::scenario::{LIMIT, failures, mended, put, scale, send, wait_for_state, waiting};
use crate::derived::ended;
use crate::exports::run as run_once;
use crate::stack::{Stack, wait_for};
use crate::telling::Collected;

/// The stages whose messages somebody may have made by hand.
const ASKED: [&str; 6] = ["export", "derive", "report", "maintain", "collect", "catalog"];

/// What has to be there before workers start: a database to export from, and the
/// topic that reports are told on.
pub(super) async fn prepare(stack: &Stack, stock: &str) {
    let rows = ["CREATE TABLE stock (name TEXT)", "INSERT INTO stock VALUES ('pen')"];
    in_database(stock, &rows).await;
    let sns = aws_sdk_sns::Client::new(&stack.sdk().await);
    let topic = sns.create_topic().name("sales").send().await.expect("a topic");
    let subscribe = sns.subscribe().set_topic_arn(topic.topic_arn).protocol("sqs");
    let subscribe = subscribe.endpoint("arn:aws:sqs:us-east-1:000000000000:readers");
    subscribe.attributes("RawMessageDelivery", "true").send().await.expect("a subscription");
}

async fn in_database(url: &str, statements: &[&str]) {
    let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.expect(url);
    for sql in statements {
        sqlx::query(AssertSqlSafe(*sql)).execute(&mut connection).await.expect(sql);
    }
}

/// Goes through all of it, once there are orders, articles and notes.
pub(super) async fn run(stack: &Stack, warehouse: &str) {
    derived(stack).await;
    exported(stack, warehouse).await;
    reported(stack).await;
    collected(stack).await;
    registered(stack).await;
    looked_for(stack).await;
    upkept(stack).await;
    misunderstood(stack).await;
}

/// A dataset of the lake alone changed, and so did what is made of it in turn.
async fn derived(stack: &Stack) {
    put(stack, "notes/more.csv", "note,topic\nink,writing\n").await;
    wait_for_state(stack, "notes/more.csv", "loaded");
    stack.wait_until_drained();
    for dataset in ["sold", "best"] {
        assert!(!ended(stack, dataset).is_empty(), "{dataset} was not made");
    }
}

/// Twice into one folder, the second time fewer rows; and from another database
/// to where files are published.
async fn exported(stack: &Stack, warehouse: &str) {
    let done = |name: &str, at: &str| {
        let done = run_once(stack, name, at, &[]);
        assert_eq!(done["state"], "done", "{done}");
    };
    done("orders", "2026-01-31T01:00:00Z");
    in_database(warehouse, &["DELETE FROM orders WHERE article = 'pen'"]).await;
    done("orders", "2026-01-31T02:00:00Z");
    done("stock", "2026-01-31T01:00:00Z");
}

/// Pages from both sources; somebody follows the link to one.
async fn reported(stack: &Stack) {
    let mut readers = Collected::create(stack, "readers").await;
    for name in ["sales", "articles"] {
        let done = run_once(stack, name, "2026-01-31T01:00:00Z", &[]);
        assert_eq!(done["state"], "done", "{done}");
    }
    let told = readers.at_least(1, stack).await[0].clone();
    let link = told["link"].as_str().expect("a link");
    let page = get(link);
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
}

/// What a browser gets of a URL of this machine.
fn get(url: &str) -> String {
    let rest = url.strip_prefix("http://").expect("plain HTTP");
    let (address, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(address).expect("the endpoint");
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Messages become a batch, whose worker dies before it is published.
async fn collected(stack: &Stack) {
    for number in 0..10 {
        send(stack, "shop-collect", &format!("{{\"n\":{number}}}")).await;
    }
    wait_for("the batch to be published", LIMIT, || {
        let batches = stack.json(&["batches", "--state", "published"]);
        let sum = batches.as_array().expect("a list").iter();
        (sum.filter_map(|batch| batch["messages"].as_u64()).sum::<u64>() == 10).then_some(())
    });
}

/// A table whose partitions come and go, with other columns, and then partitioned by
/// others.
async fn registered(stack: &Stack) {
    wait_for_partitions(stack, &["paper", "writing"]).await;
    put(stack, "notes/more.csv", "note,topic\nink,\n").await;
    wait_for_partitions(stack, &["__HIVE_DEFAULT_PARTITION__", "paper"]).await;

    let wider =
        mended().replace(NOTES, &format!("  {{ name = \"by\", type = \"string\" }},\n{NOTES}"));
    restarted(stack, &wider);
    put(stack, "notes/more.csv", "by,note,topic\nme,ink,paper\n").await;
    wait_for_partitions(stack, &["paper"]).await;
    let columns: Vec<String> =
        table(stack).await.columns.into_iter().map(|column| column.name).collect();
    assert!(columns.contains(&"by".to_owned()), "{columns:?}");

    let other = wider.replace("partition_by = [\"topic\"]", "partition_by = [\"by\"]");
    restarted(stack, &other);
    let replayed = stack.run(&["replay", "--dataset", "notes"]);
    assert!(replayed.status.success(), "{replayed:?}");
    wait_for_partitions(stack, &["__HIVE_DEFAULT_PARTITION__", "me"]).await;
    assert_eq!(table(stack).await.partition_keys[0].name, "by");
    restarted(stack, &mended());
}

/// The columns of notes in the pipeline file, from the last on.
const NOTES: &str = "  { name = \"topic\", type = \"string\" },\n";

/// Has the workers go by another pipeline file.
fn restarted(stack: &Stack, pipeline: &str) {
    stack.rewrite(pipeline);
    scale(stack, &["ingest=0", "transform=0", "catalog=0"]);
    scale(stack, &["ingest=1", "transform=1", "catalog=1"]);
}

async fn table(stack: &Stack) -> TableSpec {
    let glue = Glue::new(&stack.sdk().await);
    glue.table("shop", "notes").await.expect("an answer").expect("a table")
}

/// Waits until these partitions are registered and nothing else is to be done.
async fn wait_for_partitions(stack: &Stack, wanted: &[&str]) {
    let glue = Glue::new(&stack.sdk().await);
    let deadline = Instant::now() + LIMIT;
    loop {
        let found = glue.partitions("shop", "notes").await.unwrap_or_default();
        let mut found: Vec<String> = found.into_iter().map(|one| one.values.concat()).collect();
        found.sort();
        if found == wanted && stack.is_drained() {
            return;
        }
        let log = || stack.log_text();
        assert!(Instant::now() < deadline, "{found:?} instead of {wanted:?}\n{}", log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Messages of a stage that are lost before anybody hears of them.
async fn lost(stack: &Stack, stage: &str, key: &str) {
    scale(stack, &[&format!("{stage}=0")]);
    put(stack, key, "id,day,article\n77,,pen\n").await;
    wait_for("the message", LIMIT, || (waiting(stack, stage) > 0).then_some(()));
    let sqs = stack.sqs().await;
    let queue = sqs.get_queue_url().queue_name(format!("shop-{stage}")).send().await;
    let purge = sqs.purge_queue().set_queue_url(queue.expect("a queue").queue_url);
    purge.send().await.expect("purged");
}

/// Files whose message was lost, in each stage of their journey.
async fn looked_for(stack: &Stack) {
    let stages = ["load", "transform", "ingest"];
    for stage in stages {
        lost(stack, stage, &format!("orders/lost-in-{stage}.csv")).await;
    }
    upkeep(stack, "maintain-reconcile");
    scale(stack, &["load=1", "transform=1", "ingest=1"]);
    for stage in stages {
        wait_for_state(stack, &format!("orders/lost-in-{stage}.csv"), "loaded");
    }
    stack.wait_until_drained();
}

/// Objects are joined, and what nobody needs any more is removed once it is old
/// enough.
async fn upkept(stack: &Stack) {
    let removable = || stack.json(&["retention", "--dry-run"])["removed"].clone();
    let count = |counts: &Value, what: &str| counts[what].as_u64().unwrap_or_default();
    let superseded = count(&removable(), "lake_objects");
    let dry = stack.json(&["compact", "--dry-run"]);
    let small: u64 = dry.as_array().expect("a list").iter().map(|one| count(one, "objects")).sum();
    assert!(count(&upkeep(stack, "maintain-compact"), "joined") > 0);
    wait_for("all that was joined to be old enough", LIMIT, || {
        let removed = removable();
        let all = count(&removed, "lake_objects") >= superseded + small;
        (all && count(&removed, "reject_objects") > 0).then_some(())
    });
    upkeep(stack, "maintain-retention");
}

fn upkeep(stack: &Stack, name: &str) -> Value {
    let done = stack.json(&["schedule", "run", name, "--wait", "--timeout", "120"]);
    assert_eq!(done["state"], "done", "{done}");
    done["counts"].clone()
}

/// Messages that no stage can read are dead letters.
async fn misunderstood(stack: &Stack) {
    let before = failures(stack);
    for stage in ASKED {
        send(stack, &format!("shop-{stage}"), "no task").await;
    }
    wait_for("dead letters", LIMIT, || (failures(stack) == before + ASKED.len()).then_some(()));
}
