//! What a queue gets of what is published.

use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};

use crate::aws::Aws;
use crate::queue::{attributes, bodies, system};
use crate::refusal::refused;

const RAW: (&str, &str) = ("RawMessageDelivery", "true");

fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap()
}

fn entry(id: &str, message: &str) -> PublishBatchRequestEntry {
    PublishBatchRequestEntry::builder().id(id).message(message).build().unwrap()
}

/// A queue gets a message in a JSON envelope that tells type, topic, id,
/// subject and attributes. (SNS Developer Guide, Amazon SNS message and JSON
/// formats)
#[tokio::test]
async fn a_message_comes_in_an_envelope() {
    let aws = Aws::start().await;
    let (topic, queue) = (aws.topic().await, aws.queue(&[]).await);
    aws.subscribe(&topic, &queue, &[]).await;
    let request = aws.sns.publish().topic_arn(&topic).message("x").subject("about");
    let id = request.message_attributes("kind", text("order")).send().await.unwrap().message_id;
    let envelope = aws.receive_json(&queue).await;
    assert_eq!(envelope["Type"], "Notification");
    assert_eq!(envelope["MessageId"].as_str(), id.as_deref());
    assert_eq!(envelope["TopicArn"], topic);
    assert_eq!((&envelope["Message"], &envelope["Subject"]), (&"x".into(), &"about".into()));
    assert_eq!(envelope["MessageAttributes"]["kind"]["Type"], "String");
    assert_eq!(envelope["MessageAttributes"]["kind"]["Value"], "order");
}

/// With raw delivery a queue gets the message as it is, and its attributes as
/// the queue's message attributes. (SNS Developer Guide, Raw message delivery)
#[tokio::test]
async fn a_message_can_come_raw() {
    let aws = Aws::start().await;
    let (topic, queue) = (aws.topic().await, aws.queue(&[]).await);
    aws.subscribe(&topic, &queue, &[RAW]).await;
    let request = aws.sns.publish().topic_arn(&topic).message("{\"a\": \"\u{e9}\"}");
    request.message_attributes("kind", text("order")).send().await.unwrap();
    let got = aws.receive_one(&queue).await;
    assert_eq!(got.body(), Some("{\"a\": \"\u{e9}\"}"));
    assert_eq!(attributes(&got)["kind"], "order");
}

/// With the message structure `json` each protocol gets its own text, `default`
/// where there is none. (Publish, MessageStructure)
#[tokio::test]
async fn a_protocol_can_have_its_own_text() {
    let aws = Aws::start().await;
    let (topic, queue) = (aws.topic().await, aws.queue(&[]).await);
    aws.subscribe(&topic, &queue, &[RAW]).await;
    let request = aws.sns.publish().topic_arn(&topic).message_structure("json");
    let request = request.message(r#"{"default": "for others", "sqs": "for queues"}"#);
    request.send().await.unwrap();
    assert_eq!(aws.receive_one(&queue).await.body(), Some("for queues"));
}

/// With the message structure `json` a message without `default` is refused.
/// (Publish, MessageStructure)
#[tokio::test]
async fn a_structured_message_has_a_default() {
    let aws = Aws::start().await;
    let topic = aws.topic().await;
    let request = aws.sns.publish().topic_arn(&topic).message_structure("json");
    assert_eq!(refused(request.message(r#"{"sqs": "x"}"#).send().await), "InvalidParameter");
}

/// A batch with one bad entry publishes the others; that one is in `Failed`.
/// (PublishBatch)
#[tokio::test]
async fn one_bad_entry_does_not_fail_the_others() {
    let aws = Aws::start().await;
    let (topic, queue) = (aws.topic().await, aws.queue(&[]).await);
    aws.subscribe(&topic, &queue, &[RAW]).await;
    let bad = PublishBatchRequestEntry::builder().id("bad").message("no JSON");
    let request = aws.sns.publish_batch().topic_arn(&topic);
    let request = request.publish_batch_request_entries(entry("good", "x"));
    let request =
        request.publish_batch_request_entries(bad.message_structure("json").build().unwrap());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.successful()[0].id(), Some("good"));
    assert_eq!(answer.failed()[0].id, "bad");
    assert_eq!(aws.receive_one(&queue).await.body(), Some("x"));
}

/// A batch of more than ten entries is `TooManyEntriesInBatchRequest`.
/// (PublishBatch)
#[tokio::test]
async fn eleven_entries_are_too_many() {
    let aws = Aws::start().await;
    let topic = aws.topic().await;
    let entries = (0..11).map(|number| entry(&format!("e{number}"), "x")).collect();
    let request = aws.sns.publish_batch().topic_arn(&topic);
    let answer = request.set_publish_batch_request_entries(Some(entries)).send().await;
    assert_eq!(refused(answer), "TooManyEntriesInBatchRequest");
}

/// A message group id is passed on to a standard queue, for fair queues.
/// (Publish, MessageGroupId)
#[tokio::test]
async fn a_group_is_passed_on() {
    let aws = Aws::start().await;
    let (topic, queue) = (aws.topic().await, aws.queue(&[]).await);
    aws.subscribe(&topic, &queue, &[RAW]).await;
    let request = aws.sns.publish().topic_arn(&topic).message("x").message_group_id("tenant");
    request.send().await.unwrap();
    let got = aws.receive_one(&queue).await;
    assert_eq!(system(&got, "MessageGroupId").as_deref(), Some("tenant"));
}

/// What is published goes to each queue that is subscribed. (SNS Developer
/// Guide, Fanout to Amazon SQS queues)
#[tokio::test]
async fn each_queue_gets_a_message() {
    let aws = Aws::start().await;
    let topic = aws.topic().await;
    let queues = [aws.queue(&[]).await, aws.queue(&[]).await];
    for queue in &queues {
        aws.subscribe(&topic, queue, &[RAW]).await;
    }
    aws.sns.publish().topic_arn(&topic).message("x").send().await.unwrap();
    for queue in &queues {
        assert_eq!(bodies(&[aws.receive_one(queue).await]), ["x"]);
    }
}

/// Publishing to a topic that is not there is `NotFound`. (Publish)
#[tokio::test]
async fn a_missing_topic_is_said_to_be_missing() {
    let aws = Aws::start().await;
    let topic = format!("{}-not-there", aws.topic().await);
    let answer = aws.sns.publish().topic_arn(topic).message("x").send().await;
    assert_eq!(refused(answer), "NotFound");
}
