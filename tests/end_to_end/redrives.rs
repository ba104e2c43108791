//! Dead letters on their way back: at a rate, after workers that the kernel
//! killed, by SQS's own redrive, and with the rows that stay rejected after it.

use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::types::MessageSystemAttributeName as SystemAttribute;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use serde_json::{Value, json};

use crate::books::{Books, PIPELINE, Published, visible_after};
use crate::fleet::Fleet;
use crate::stack::{Stack, wait_for};

const LIMIT: Duration = Duration::from_secs(60);

fn refused() -> Value {
    json!({ "fault": [{
        "do": "error", "status": 403, "code": "AccessDenied", "message": "Access Denied",
        "service": "s3", "operation": "GetObject", "resource": "books-raw/*",
    }] })
}

/// A stack with so many files that were refused, and no workers.
async fn with_dead_letters(files: u64) -> (Stack, Published) {
    // A message that came back before it was sent on would be two.
    let stack = Stack::start(&visible_after("30s"));
    stack.begin_faults(&refused());
    let fleet = Fleet::start(&stack, 1, &[]);
    let (s3, mut published) = (stack.s3().await, Published::default());
    for _ in 0..files {
        published.sale(&s3).await;
    }
    wait_for_dead_letters(&stack, files);
    stack.wait_until_drained();
    fleet.stop();
    stack.end_faults();
    (stack, published)
}

fn wait_for_dead_letters(stack: &Stack, count: u64) {
    wait_for("the dead letters", LIMIT, || {
        let groups = stack.json(&["dlq", "list"]);
        let groups = groups.as_array().expect("a list").iter();
        let found: u64 = groups.map(|group| group["count"].as_u64().expect("a count")).sum();
        (found == count).then_some(())
    });
}

fn wait_for_loaded(stack: &Stack, files: usize) {
    stack.wait_for_runs("the files", |runs| {
        runs.iter().filter(|run| run["state"] == "loaded").count() == files
    });
}

async fn url(stack: &Stack, queue: &str) -> String {
    let found = stack.sqs().await.get_queue_url().queue_name(queue).send().await.unwrap();
    found.queue_url().unwrap().to_owned()
}

async fn visible(stack: &Stack, queue: &str) -> String {
    let request = stack.sqs().await.get_queue_attributes().queue_url(url(stack, queue).await);
    let answer = request.attribute_names(Attribute::All).send().await.unwrap();
    answer.attributes().unwrap()[&Attribute::ApproximateNumberOfMessages].clone()
}

/// When each message of `sales` in a queue was sent, in milliseconds, in order.
async fn sent_at(stack: &Stack, queue: &str, count: usize) -> Vec<i64> {
    let (sqs, url, mut sent) = (stack.sqs().await, url(stack, queue).await, Vec::new());
    while sent.len() < count {
        let receive = sqs.receive_message().queue_url(&url).max_number_of_messages(10);
        let receive = receive.message_system_attribute_names(SystemAttribute::All);
        let received = receive.visibility_timeout(20).send().await.unwrap();
        assert!(!received.messages().is_empty(), "{} of {count}", sent.len());
        for message in received.messages() {
            let attributes = message.attributes().unwrap();
            sent.push(attributes[&SystemAttribute::SentTimestamp].parse().unwrap());
            assert_eq!(attributes[&SystemAttribute::MessageGroupId], "sales", "its turn");
            let hide = sqs.change_message_visibility().queue_url(&url).visibility_timeout(15);
            hide.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
        }
    }
    sent.sort_unstable();
    sent
}

#[tokio::test]
async fn a_redrive_keeps_its_rate() {
    const FILES: usize = 30;
    const RATE: usize = 6;
    let (stack, published) = with_dead_letters(FILES as u64).await;
    let redrive = ["dlq", "redrive", "--all", "--yes", "--canary", "0", "--rate", "6/s"];
    let sent = stack.json(&redrive);
    assert_eq!(sent["sent"], FILES, "{sent:#}");
    let sent_at = sent_at(&stack, "books-transform", FILES).await;
    let took = sent_at[FILES - 1] - sent_at[0];
    // The first second's worth goes at once.
    assert!((3_900..9_000).contains(&took), "{took} ms: {sent_at:?}");
    for window in sent_at.windows(RATE + 1) {
        assert!(window[RATE] - window[0] >= 900, "more than {RATE} in a second: {sent_at:?}");
    }
    let fleet = Fleet::start(&stack, 1, &[]);
    wait_for_loaded(&stack, FILES);
    fleet.stop();
    published.assert_exact(&Books::Sqlite, &stack).await;
}

/// Each worker is killed as soon as it has the message, as the kernel does when
/// memory runs out, until SQS has had enough and moves it by itself.
#[tokio::test]
async fn a_message_that_kills_its_workers_is_adopted_and_loads_when_it_no_longer_does() {
    let pipeline = PIPELINE.replace("max_receive_count = 1000", "max_receive_count = 3");
    let stack = Stack::start(&pipeline);
    let (s3, mut published) = (stack.s3().await, Published::default());
    let fleet = Fleet::start(&stack, 1, &[("MILLRACE_FAILPOINTS", "transform.received=kill")]);
    published.sale(&s3).await;
    wait_for("the last worker that it kills", LIMIT, || (fleet.deaths() >= 3).then_some(()));
    let began = Instant::now();
    while visible(&stack, "books-transform-dlq").await != "1" {
        assert!(began.elapsed() < LIMIT, "{}", stack.log_text());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(fleet.deaths(), 3, "as often as it was received");
    drop(fleet);

    // Workers look when they start, and about every minute.
    let fleet = Fleet::start(&stack, 1, &[]);
    wait_for_dead_letters(&stack, 1);
    let each = stack.json(&["dlq", "list", "--each"]);
    let failure = &each[0];
    assert_eq!((&failure["class"], &failure["dataset"]), (&json!("poison"), &json!("sales")));
    assert_eq!(failure["object"], "s3://books-raw/sales/00000.csv");
    let said = failure["message"].as_str().expect("a message");
    assert!(said.contains("received 3 times without ever being settled"), "{said}");
    let id = failure["message_id"].as_str().expect("an id");
    let shown = stack.json(&["dlq", "show", id]);
    assert_eq!((&shown["receive_count"], &shown["stage"]), (&json!(3), &json!("transform")));
    assert_eq!(shown["hops"][0]["stage"], "ingest", "{shown:#}");
    assert!(shown["trace_id"].is_string(), "{shown:#}");
    let actions = shown["actions"].as_array().expect("actions");
    assert_eq!(actions[0]["action"], "adopt", "{shown:#}");

    let sent = stack.json(&["dlq", "redrive", id, "--yes", "--canary", "1"]);
    let found = ["sent", "failed_again", "copies_removed"].map(|name| &sent[name]);
    assert_eq!(found, [&json!(1), &json!([]), &json!(1)]);
    assert_eq!(visible(&stack, "books-transform-dlq").await, "0");
    stack.wait_until_drained();
    fleet.stop();
    published.assert_exact(&Books::Sqlite, &stack).await;
}

/// Who redrives in the console of SQS gets the files loaded, and the record knows.
#[tokio::test]
async fn what_sqs_redrives_by_itself_is_loaded_and_closed_on_record() {
    const FILES: usize = 12;
    let (stack, published) = with_dead_letters(FILES as u64).await;
    let arn = |queue: &str| format!("arn:aws:sqs:us-east-1:000000000000:{queue}");
    let sqs = stack.sqs().await;
    let start = sqs.start_message_move_task().source_arn(arn("books-transform-dlq"));
    start.destination_arn(arn("books-transform")).send().await.expect("a task");
    let fleet = Fleet::start(&stack, 1, &[]);
    wait_for_loaded(&stack, FILES);
    wait_for_dead_letters(&stack, 0);
    stack.wait_until_drained();
    fleet.stop();
    assert_eq!(visible(&stack, "books-transform-dlq").await, "0");
    let open = "SELECT count(*) FROM millrace_failures WHERE resolution <> 'loaded'";
    Books::Sqlite.expect_history(&stack, open, 0).await;
    published.assert_exact(&Books::Sqlite, &stack).await;
}

/// A file is refused for its bad row, let in without it, and the row follows when
/// the rule is gone.
#[tokio::test]
async fn rows_that_stay_rejected_after_a_redrive_are_replayed() {
    let rule = "[[datasets.sales.expect]]\nrule = \"price >= 0\"\n[datasets.sales.rejects]";
    let strict = PIPELINE.replacen("[datasets.sales.rejects]", rule, 1);
    let stack = Stack::start(&strict);
    let fleet = Fleet::start(&stack, 1, &[]);
    let body = ByteStream::from_static(b"id,price\n1,5\n2,-5\n");
    let put = stack.s3().await.put_object().bucket("books-raw").key("sales/a.csv").body(body);
    put.send().await.expect("stored");
    wait_for_dead_letters(&stack, 1);

    stack.rewrite(&strict.replacen("max = \"10%\"", "max = \"60%\"", 1));
    let sent = stack.json(&["dlq", "redrive", "--all", "--yes", "--canary", "1"]);
    let found = ["sent", "failed_again"].map(|name| &sent[name]);
    assert_eq!(found, [&json!(1), &json!([])]);
    stack.wait_until_drained();
    let sum = "SELECT sum(id) FROM sales";
    assert_eq!(Books::Sqlite.number(&stack, sum).await, 1);
    let outstanding = stack.json(&["rejects", "list"]);
    assert_eq!(outstanding.as_array().expect("a list").len(), 1, "{outstanding:#}");

    stack.rewrite(&PIPELINE.replacen("max = \"10%\"", "max = \"60%\"", 1));
    stack.json(&["rejects", "replay", "--dataset", "sales"]);
    stack.wait_until_drained();
    fleet.stop();
    let outstanding = stack.json(&["rejects", "list"]);
    assert_eq!(outstanding, json!([]));
    assert_eq!(Books::Sqlite.number(&stack, sum).await, 3);
    assert_eq!(Books::Sqlite.number(&stack, "SELECT count(*) FROM sales").await, 2);
    wait_for_dead_letters(&stack, 0);
}
