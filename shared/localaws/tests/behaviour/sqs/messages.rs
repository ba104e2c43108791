//! What is sent, and what of it comes back.

use std::time::Duration;

use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
};
use md5::{Digest, Md5};

use crate::aws::Aws;
use crate::queue::{attributes, system};
use crate::refusal::refused;

fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap()
}

fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A message comes back with the body that was sent, and both answers carry
/// its MD5 digest. (SendMessage, ReceiveMessage)
#[tokio::test]
async fn a_body_comes_back_with_its_digest() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let body = "{\"a\": 1} \u{e9}\u{4e16}\n<&>";
    let sent = aws.sqs.send_message().queue_url(&queue.url).message_body(body).send().await;
    assert_eq!(sent.unwrap().md5_of_message_body.unwrap(), md5(body.as_bytes()));
    let got = aws.receive_one(&queue).await;
    assert_eq!(got.body(), Some(body));
    assert_eq!(got.md5_of_body.unwrap(), md5(body.as_bytes()));
}

/// The digest of message attributes is the MD5 of their names, types and
/// values, sorted by name, each led by its length in four bytes.
/// (SQS Developer Guide, Calculating the MD5 message digest)
#[tokio::test]
async fn attributes_come_back_with_their_digest() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.sqs.send_message().queue_url(&queue.url).message_body("x");
    let sent = request.message_attributes("b", text("2")).message_attributes("a", text("one"));
    let mut digested = Vec::new();
    for (name, value) in [("a", "one"), ("b", "2")] {
        for (text, ahead) in [(name, None), ("String", None), (value, Some(1_u8))] {
            digested.extend(ahead);
            digested.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
            digested.extend(text.as_bytes());
        }
    }
    let digest = sent.send().await.unwrap().md5_of_message_attributes.unwrap();
    assert_eq!(digest, md5(&digested));
    let got = aws.receive_one(&queue).await;
    assert_eq!(got.md5_of_message_attributes.as_ref().unwrap(), &digest);
    assert_eq!(attributes(&got)["a"], "one");
}

/// Only the attributes that a receive names are returned; a name can end in
/// `.*` to name all that begin so. (ReceiveMessage, MessageAttributeNames)
#[tokio::test]
async fn attributes_are_returned_by_prefix() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.sqs.send_message().queue_url(&queue.url).message_body("x");
    let request = request.message_attributes("bar.one", text("1"));
    request.message_attributes("other", text("2")).send().await.unwrap();
    let request = aws.sqs.receive_message().queue_url(&queue.url).wait_time_seconds(1);
    let got = request.message_attribute_names("bar.*").send().await.unwrap().messages.unwrap();
    let names: Vec<_> = attributes(&got[0]).into_keys().collect();
    assert_eq!(names, ["bar.one"]);
}

/// A message tells when it was sent, when it was first received (milliseconds
/// since the epoch), how often, and by whom it was sent. (ReceiveMessage,
/// MessageSystemAttributeNames)
#[tokio::test]
async fn system_attributes_are_there_on_request() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    aws.send(&queue, "x").await;
    let got = aws.receive_one(&queue).await;
    let sent: u64 = system(&got, "SentTimestamp").unwrap().parse().unwrap();
    let first: u64 = system(&got, "ApproximateFirstReceiveTimestamp").unwrap().parse().unwrap();
    assert!(sent > 1_500_000_000_000 && first >= sent, "{sent} {first}");
    assert_eq!(system(&got, "ApproximateReceiveCount").unwrap(), "1");
    assert!(system(&got, "SenderId").is_some_and(|id| !id.is_empty()));
}

/// The X-Ray trace header can be sent as the message system attribute
/// `AWSTraceHeader` and is returned as it was. (SendMessage,
/// MessageSystemAttributes)
#[tokio::test]
async fn a_trace_header_is_returned() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
    let value = MessageSystemAttributeValue::builder().data_type("String").string_value(trace);
    let request = aws.sqs.send_message().queue_url(&queue.url).message_body("x");
    let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
    request.message_system_attributes(name, value.build().unwrap()).send().await.unwrap();
    let got = aws.receive_one(&queue).await;
    assert_eq!(system(&got, "AWSTraceHeader").as_deref(), Some(trace));
}

/// A body with a character outside of XML's is refused as
/// `InvalidMessageContents`. (SendMessage)
#[tokio::test]
async fn control_characters_are_refused() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.sqs.send_message().queue_url(&queue.url).message_body("a\u{1}b");
    assert_eq!(refused(request.send().await), "InvalidMessageContents");
}

/// A message of more bytes than the queue's `MaximumMessageSize` is refused.
/// (CreateQueue, MaximumMessageSize)
#[tokio::test]
async fn a_message_over_the_queues_limit_is_refused() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[("MaximumMessageSize", "1024")]).await;
    aws.send(&queue, &"x".repeat(1024)).await;
    let more = aws.sqs.send_message().queue_url(&queue.url).message_body("x".repeat(1025));
    assert_eq!(refused(more.send().await), "InvalidParameterValue");
}

/// A message can have up to 10 attributes; one with 11 is refused.
/// (SQS Developer Guide, Amazon SQS message attributes)
#[tokio::test]
async fn eleven_attributes_are_refused() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let mut request = aws.sqs.send_message().queue_url(&queue.url).message_body("x");
    for number in 0..11 {
        request = request.message_attributes(format!("a{number}"), text("1"));
    }
    assert_eq!(refused(request.send().await), "InvalidParameterValue");
}

/// A message with `DelaySeconds` can be received when these are over, not
/// before, and counts as delayed until then. (SendMessage, DelaySeconds)
#[tokio::test]
async fn a_delayed_message_comes_later() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.sqs.send_message().queue_url(&queue.url).message_body("x");
    request.delay_seconds(2).send().await.unwrap();
    assert!(aws.receive(&queue).await.is_empty());
    let delayed = aws.attribute(&queue.url, "ApproximateNumberOfMessagesDelayed").await;
    assert_eq!(delayed.as_deref(), Some("1"));
    aws.pass(Duration::from_secs(2)).await;
    assert_eq!(aws.receive_one(&queue).await.body(), Some("x"));
}

/// The queue's `DelaySeconds` holds for messages that name none; a message's
/// own goes before it. (SendMessage, DelaySeconds)
#[tokio::test]
async fn a_messages_delay_goes_before_the_queues() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[("DelaySeconds", "900")]).await;
    aws.send(&queue, "later").await;
    let request = aws.sqs.send_message().queue_url(&queue.url).message_body("now");
    request.delay_seconds(0).send().await.unwrap();
    assert_eq!(aws.receive_one(&queue).await.body(), Some("now"));
    assert!(aws.receive(&queue).await.is_empty());
}

/// Standard queues take a `MessageGroupId` too (fair queues): it is returned,
/// and messages of one group can be in flight at the same time. (SendMessage,
/// MessageGroupId)
#[tokio::test]
async fn a_group_does_not_hold_a_standard_queue_up() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    for body in ["1", "2"] {
        let request = aws.sqs.send_message().queue_url(&queue.url).message_body(body);
        request.message_group_id("tenant").send().await.unwrap();
    }
    for message in aws.receive_all(&queue, 2).await {
        assert_eq!(system(&message, "MessageGroupId").as_deref(), Some("tenant"));
    }
}

/// SQS deletes a message that stays longer than the queue's
/// `MessageRetentionPeriod`. (DeleteMessage; CreateQueue)
#[tokio::test]
async fn messages_are_gone_after_the_retention_period() {
    let aws = Aws::start().await;
    let minute = Duration::from_secs(60);
    if !aws.can_pass(minute) {
        return;
    }
    let queue = aws.queue(&[("MessageRetentionPeriod", "60")]).await;
    aws.send(&queue, "old").await;
    aws.pass(minute).await;
    aws.send(&queue, "new").await;
    assert_eq!(aws.receive_one(&queue).await.body(), Some("new"));
    assert!(aws.receive(&queue).await.is_empty());
}
