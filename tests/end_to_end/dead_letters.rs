//! What can't be loaded ends in a dead-letter queue with its reason, and costs
//! nobody else anything.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::types::MessageSystemAttributeName;

use crate::journey::PIPELINE;
use crate::stack::Stack;
use crate::warehouse::sqlite;

async fn put(stack: &Stack, key: &str, body: &[u8]) {
    let body = ByteStream::from(body.to_vec());
    let request = stack.s3().await.put_object().bucket("shop-raw").key(key);
    request.body(body).send().await.expect("stored");
}

async fn dead_letter(stack: &Stack, queue: &str) -> aws_sdk_sqs::types::Message {
    let sqs = stack.sqs().await;
    let url = sqs.get_queue_url().queue_name(queue).send().await.unwrap();
    let received = sqs
        .receive_message()
        .queue_url(url.queue_url().unwrap())
        .wait_time_seconds(20)
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .unwrap();
    received.messages().first().cloned().expect("a dead letter")
}

fn attribute<'m>(message: &'m aws_sdk_sqs::types::Message, name: &str) -> &'m str {
    let attributes = message.message_attributes().expect("attributes");
    attributes[name].string_value().expect(name)
}

#[tokio::test]
async fn a_truncated_file_is_poison_and_the_good_ones_beside_it_load() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "orders/de/broken.csv", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 75, 4]).await;
    put(&stack, "orders/de/good.csv", b"id,total,note\n1,1,\n").await;
    let runs = stack.wait_for_runs("both", |runs| {
        let states: Vec<_> = runs.iter().map(|run| run["state"].as_str().unwrap()).collect();
        states.contains(&"failed") && states.contains(&"loaded")
    });
    assert_eq!(runs.len(), 2);
    let letter = dead_letter(&stack, "shop-transform-dlq").await;
    assert_eq!(attribute(&letter, "reason_class"), "poison");
    assert_eq!(attribute(&letter, "dataset"), "orders");
    assert!(attribute(&letter, "reason").contains("byte"), "{letter:?}");
    assert!(letter.body().unwrap().contains("orders/de/broken.csv"));
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM orders").await, 1);
}

#[tokio::test]
async fn a_file_with_too_many_bad_rows_loads_nothing_and_keeps_its_rejects() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "orders/de/a.csv", b"id,total,note\nx,1,\ny,1,\n3,1,\n").await;
    let runs = stack.wait_for_runs("the verdict", |runs| {
        runs.first().is_some_and(|run| run["state"] == "failed")
    });
    let reason = runs[0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("2 of 3 rows"), "{reason}");
    let letter = dead_letter(&stack, "shop-transform-dlq").await;
    assert_eq!(attribute(&letter, "reason_class"), "contract");
    let listed = stack.s3().await.list_objects_v2().bucket("shop-lake").send().await.unwrap();
    let keys: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
    assert!(keys.iter().all(|key| key.starts_with("_rejects/orders/")), "{keys:?}");
    assert_eq!(keys.len(), 1);
    let tables = "SELECT count(*) FROM sqlite_master WHERE name = 'orders'";
    assert_eq!(sqlite(&stack, tables).await, 0);
}

#[tokio::test]
async fn a_header_that_differs_is_reported_whole() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "orders/de/a.csv", b"id,amount\n1,1\n").await;
    let runs = stack.wait_for_runs("the verdict", |runs| {
        runs.first().is_some_and(|run| run["state"] == "failed")
    });
    let reason = runs[0]["reason"].as_str().expect("a reason");
    for part in ["`total` is missing", "`note` is missing", "`amount`"] {
        assert!(reason.contains(part), "{reason}");
    }
}

#[tokio::test]
async fn garbage_on_the_queue_is_dead_lettered_with_its_body() {
    let stack = Stack::start(PIPELINE);
    let sqs = stack.sqs().await;
    let url = sqs.get_queue_url().queue_name("shop-transform").send().await.unwrap();
    let send = sqs.send_message().queue_url(url.queue_url().unwrap());
    send.message_body("{\"not\": \"a task\"}").send().await.unwrap();
    let letter = dead_letter(&stack, "shop-transform-dlq").await;
    assert_eq!(letter.body(), Some("{\"not\": \"a task\"}"));
    assert_eq!(attribute(&letter, "reason_class"), "poison");
    assert_eq!(attribute(&letter, "stage"), "transform");
}

/// Both kinds of refusal: of the bucket's, which says nothing, and of the key's,
/// which says all.
const REVOKED: &str = r#"
[[fault]]
do = "error"
service = "s3"
operation = "GetObject"
resource = "shop-raw/orders/fr/*"
status = 403
code = "AccessDenied"
message = "Access Denied"

[[fault]]
do = "error"
service = "s3"
operation = "GetObject"
resource = "shop-raw/orders/it/*"
status = 403
code = "AccessDenied"
message = "User: arn:aws:sts::1:assumed-role/w/t is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/k because no identity-based policy allows it"
"#;

#[tokio::test]
async fn files_whose_access_is_revoked_name_the_permission_and_the_others_load() {
    let stack = Stack::start_with_faults(PIPELINE, REVOKED);
    for (country, id) in [("fr", 1), ("it", 2), ("de", 3)] {
        let body = format!("id,total,note\n{id},1,\n");
        put(&stack, &format!("orders/{country}/a.csv"), body.as_bytes()).await;
    }
    let runs = stack.wait_for_runs("all of them", |runs| {
        let ended =
            |run: &&serde_json::Value| ["loaded", "failed"].iter().any(|s| run["state"] == *s);
        runs.iter().filter(ended).count() == 3
    });
    let reason = |key: &str| {
        let run = runs.iter().find(|run| run["key"] == key).expect(key);
        (run["state"].as_str().unwrap(), run["reason"].as_str().unwrap_or_default().to_owned())
    };
    let (state, why) = reason("orders/fr/a.csv");
    assert_eq!(state, "failed");
    assert!(why.contains("s3:GetObject on `arn:aws:s3:::shop-raw/orders/fr/a.csv`"), "{why}");
    let (state, why) = reason("orders/it/a.csv");
    assert_eq!(state, "failed");
    assert!(why.contains("kms:Decrypt on `arn:aws:kms:eu-west-1:1:key/k`"), "{why}");
    assert_eq!(reason("orders/de/a.csv").0, "loaded");
    let letter = dead_letter(&stack, "shop-transform-dlq").await;
    assert_eq!(attribute(&letter, "reason_class"), "denied");
    assert_eq!(attribute(&letter, "receive_count"), "1", "it is not tried again");
}
