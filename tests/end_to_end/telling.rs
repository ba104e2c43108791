//! Who is told what: one alert for many bad files, one for an outage that many
//! workers are in, and an event for every file.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use millrace_tests::TestDatabase;
use serde_json::{Value, json};

use crate::books::{self, Books, Published};
use crate::fleet::Fleet;
use crate::journey::PIPELINE;
use crate::outages::Way;
use crate::stack::{Stack, wait_for};

/// A queue that alerts are sent to.
pub(crate) const OPS: &str = "sqs:arn:aws:sqs:us-east-1:000000000000:ops";

/// Seconds that a cause is quiet for.
const DIGEST: u64 = 4;

/// A queue that messages are collected from.
pub(crate) struct Collected {
    sqs: aws_sdk_sqs::Client,
    url: String,
    /// What came so far.
    pub(crate) messages: Vec<Value>,
}

impl Collected {
    /// Creates the queue.
    pub(crate) async fn create(stack: &Stack, name: &str) -> Self {
        let sqs = stack.sqs().await;
        let created = sqs.create_queue().queue_name(name).send().await.expect("created");
        let url = created.queue_url().expect("a URL").to_owned();
        Self { sqs, url, messages: Vec::new() }
    }

    /// Takes what is there, waiting a moment for the first.
    pub(crate) async fn collect(&mut self, wait: i32) -> &[Value] {
        let request = self.sqs.receive_message().queue_url(&self.url).wait_time_seconds(wait);
        let received = request.max_number_of_messages(10).send().await.expect("received");
        for message in received.messages() {
            let body = message.body().expect("a body");
            self.messages.push(serde_json::from_str(body).expect("JSON"));
            let delete = self.sqs.delete_message().queue_url(&self.url);
            delete
                .receipt_handle(message.receipt_handle().expect("a handle"))
                .send()
                .await
                .unwrap();
        }
        &self.messages
    }

    /// Waits until so many came.
    pub(crate) async fn at_least(&mut self, count: usize, stack: &Stack) -> &[Value] {
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while self.collect(1).await.len() < count {
            let late = std::time::Instant::now() > deadline;
            assert!(!late, "{:#?}\n{}", self.messages, stack.log_text());
        }
        &self.messages
    }

    /// Collects until there are so many alerts of a kind; answers those.
    pub(crate) async fn of_kind(&mut self, kind: &str, count: usize, stack: &Stack) -> Vec<Value> {
        self.until(count, stack, |alert| alert["kind"] == kind).await
    }

    /// Collects until there are so many alerts that are meant; answers those.
    pub(crate) async fn until(
        &mut self,
        count: usize,
        stack: &Stack,
        is_meant: impl Fn(&Value) -> bool,
    ) -> Vec<Value> {
        let deadline = std::time::Instant::now() + Duration::from_secs(120);
        loop {
            let all = self.collect(1).await.iter().map(alert);
            let found: Vec<_> = all.filter(&is_meant).collect();
            if found.len() >= count {
                return found;
            }
            let late = std::time::Instant::now() > deadline;
            assert!(!late, "{:#?}\n{}", self.messages, stack.log_text());
        }
    }
}

fn alert(message: &Value) -> Value {
    serde_json::from_str(message["Message"].as_str().expect("a message")).expect("JSON")
}

pub(crate) async fn put(stack: &Stack, key: &str, text: &str) {
    let body = ByteStream::from(text.as_bytes().to_vec());
    let request = stack.s3().await.put_object().bucket("shop-raw").key(key);
    request.body(body).send().await.expect("stored");
}

#[tokio::test]
async fn many_bad_files_are_one_alert_and_a_digest_and_every_file_is_an_event() {
    let told = format!("[alerts]\nsubscribe = [\"{OPS}\"]\ndigest = \"{DIGEST}s\"\n[events]\n");
    let stack = Stack::start(&format!("{PIPELINE}\n{told}"));
    let mut ops = Collected::create(&stack, "ops").await;
    let mut events = Collected::create(&stack, "events").await;
    let bridge = aws_sdk_eventbridge::Client::new(&stack.sdk().await);
    let rule = bridge.put_rule().name("ours").event_pattern(r#"{"source":["millrace"]}"#);
    rule.send().await.expect("a rule");
    let target = aws_sdk_eventbridge::types::Target::builder().id("q");
    let target = target.arn("arn:aws:sqs:us-east-1:000000000000:events").build().expect("a target");
    bridge.put_targets().rule("ours").targets(target).send().await.expect("a target");

    put(&stack, "orders/de/good.csv", "id,total,note\n1,1,\n").await;
    put(&stack, "orders/de/0.csv", "id,total,note\nx,1,\n").await;
    let began = std::time::Instant::now();
    ops.at_least(1, &stack).await;
    for number in 1..30 {
        put(&stack, &format!("orders/de/{number}.csv"), "id,total,note\nx,1,\ny,1,\n").await;
    }
    ops.at_least(2, &stack).await;
    stack.wait_until_drained();

    events.at_least(31, &stack).await;
    let mut by_type: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &events.messages {
        assert_eq!(event["source"], "millrace");
        *by_type.entry(event["detail-type"].as_str().expect("a type")).or_default() += 1;
    }
    let expected = [("Millrace File Loaded", 1), ("Millrace File Rejected", 30)];
    assert_eq!(by_type, BTreeMap::from(expected));
    let loaded =
        events.messages.iter().find(|event| event["detail-type"] == "Millrace File Loaded");
    let detail = &loaded.expect("an event")["detail"];
    assert_eq!(detail["object"]["key"], "orders/de/good.csv");
    assert_eq!(
        detail["rows"],
        json!({"read": 1, "written": 1, "rejected": 0, "skipped": 0, "loaded": 1})
    );

    let total = |alerts: &[Value]| -> u64 {
        alerts.iter().map(|one| alert(one)["count"].as_u64().expect("a count")).sum()
    };
    wait_for_total(&mut ops, total, 30).await;
    let digests = usize::try_from(began.elapsed().as_secs() / DIGEST).expect("few");
    assert!(ops.messages.len() <= 2 + digests, "{:#?}", ops.messages);
    let first = &ops.messages[0];
    assert!(
        first["Subject"].as_str().expect("a subject").contains("of orders rejected"),
        "{first}"
    );
    assert_eq!(first["MessageAttributes"]["kind"]["Value"], "file_rejected");
    assert_eq!(first["MessageAttributes"]["dataset"]["Value"], "orders");
    let digest = alert(ops.messages.last().expect("a digest"));
    assert_eq!((&digest["digest"], &digest["total"]), (&json!(true), &json!(30)));
}

async fn wait_for_total(ops: &mut Collected, total: impl Fn(&[Value]) -> u64, expected: u64) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while total(ops.collect(1).await) < expected {
        assert!(std::time::Instant::now() < deadline, "{:#?}", ops.messages);
    }
    assert_eq!(total(&ops.messages), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_many_workers_are_in_is_one_alert_and_its_end_another() {
    let Some(database) = TestDatabase::create().await else { return };
    let (way, url) = Way::before(database.url()).await;
    let told = format!("[alerts]\nsubscribe = [\"{OPS}\"]\non = [\"outage\", \"dead_letter\"]\n");
    let pipeline = format!("{}\n{told}", books::PIPELINE);
    let stack = Stack::start_with(&pipeline, &[("DATABASE_URL", &url)]);
    let mut ops = Collected::create(&stack, "ops").await;
    let fleet = Fleet::start(&stack, 2, &[]);
    let (s3, mut published) = (stack.s3().await, Published::default());
    published.version(&s3, 1).await;
    for _ in 0..40 {
        published.sale(&s3).await;
    }
    stack.wait_for_runs("the first loads", |runs| {
        runs.iter().filter(|run| run["state"] == "loaded").count() > 5
    });

    way.open.send_replace(false);
    for _ in 0..20 {
        published.sale(&s3).await;
    }
    // Those of ingest at least: what one that pauses hands back, the other one receives.
    wait_for("several workers to pause", Duration::from_secs(60), || {
        (stack.log_text().matches("outage: no messages are received").count() >= 2).then_some(())
    });
    ops.at_least(1, &stack).await;
    way.open.send_replace(true);
    ops.at_least(2, &stack).await;
    stack.wait_until_drained();
    let kinds: Vec<_> = ops
        .collect(5)
        .await
        .iter()
        .map(|one| one["MessageAttributes"]["kind"]["Value"].clone())
        .collect();
    assert_eq!(kinds, ["outage", "recovery"], "{:#?}", ops.messages);
    assert!(alert(&ops.messages[1])["lasted_ms"].as_u64().expect("a time") > 3_000);
    fleet.stop();
    let books = Books::Postgres(database.url().to_owned());
    published.assert_exact(&books, &stack).await;
}
