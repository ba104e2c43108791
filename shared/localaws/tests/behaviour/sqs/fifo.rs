//! FIFO queues: order, groups, deduplication.

use std::time::Duration;

use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_sdk_sqs::types::QueueAttributeName;

use crate::aws::{Aws, unique};
use crate::queue::{Queue, bodies, system};
use crate::refusal::refused;

const FIFO: (&str, &str) = ("FifoQueue", "true");
const BY_CONTENT: (&str, &str) = ("ContentBasedDeduplication", "true");

impl Aws {
    /// Sends to a group of a FIFO queue that deduplicates by content.
    async fn send_to(&self, queue: &Queue, group: &str, body: &str) -> SendMessageOutput {
        let request = self.sqs.send_message().queue_url(&queue.url).message_body(body);
        request.message_group_id(group).send().await.unwrap()
    }
}

/// The name of a FIFO queue ends in `.fifo`; another is refused. (CreateQueue,
/// QueueName)
#[tokio::test]
async fn a_fifo_queue_is_named_so() {
    let aws = Aws::start().await;
    let request = aws.sqs.create_queue().queue_name(unique("orders"));
    let request = request.attributes(QueueAttributeName::FifoQueue, "true");
    assert_eq!(refused(request.send().await), "InvalidParameterValue");
}

/// Messages of a group are received in the order in which they were sent.
/// (SQS Developer Guide, FIFO delivery logic)
#[tokio::test]
async fn a_group_keeps_its_order() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[FIFO, BY_CONTENT]).await;
    for body in ["1", "2", "3", "4"] {
        aws.send_to(&queue, "g", body).await;
    }
    assert_eq!(bodies(&aws.receive(&queue).await), ["1", "2", "3", "4"]);
}

/// While messages of a group are in flight no more of that group are returned;
/// other groups go on. (ReceiveMessage, ReceiveRequestAttemptId)
#[tokio::test]
async fn a_group_in_flight_holds_up_itself_alone() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[FIFO, BY_CONTENT]).await;
    aws.send_to(&queue, "a", "a1").await;
    aws.send_to(&queue, "a", "a2").await;
    let held = aws.receive_one(&queue).await;
    assert_eq!(held.body(), Some("a1"));
    aws.send_to(&queue, "b", "b1").await;
    assert_eq!(bodies(&aws.receive(&queue).await), ["b1"]);
    aws.delete(&queue, &held).await;
    assert_eq!(bodies(&aws.receive(&queue).await), ["a2"]);
}

/// A message that was not deleted comes again before those after it in its
/// group. (SQS Developer Guide, FIFO delivery logic)
#[tokio::test]
async fn a_message_given_back_comes_first_again() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[FIFO, BY_CONTENT]).await;
    aws.send_to(&queue, "g", "1").await;
    aws.send_to(&queue, "g", "2").await;
    let first = aws.receive_one(&queue).await;
    aws.hold(&queue, &first, 0).await;
    assert_eq!(bodies(&aws.receive(&queue).await), ["1", "2"]);
}

/// A message with a deduplication id that was sent within five minutes is
/// accepted and not delivered. (SendMessage, MessageDeduplicationId)
#[tokio::test]
async fn a_deduplication_id_is_delivered_once() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[FIFO]).await;
    for body in ["first", "second"] {
        let request = aws.sqs.send_message().queue_url(&queue.url).message_body(body);
        let request = request.message_group_id("g").message_deduplication_id("same");
        request.send().await.unwrap();
    }
    assert_eq!(bodies(&aws.receive(&queue).await), ["first"]);
}

/// A deduplication id is remembered after its message was received and deleted.
/// (SendMessage, MessageDeduplicationId)
#[tokio::test]
async fn a_deleted_message_is_still_a_duplicate() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[FIFO, BY_CONTENT]).await;
    aws.send_to(&queue, "g", "x").await;
    let message = aws.receive_one(&queue).await;
    aws.delete(&queue, &message).await;
    aws.send_to(&queue, "g", "x").await;
    assert!(aws.receive(&queue).await.is_empty());
}

/// After the interval of five minutes the same deduplication id is delivered
/// again. (SendMessage, MessageDeduplicationId)
#[tokio::test]
async fn deduplication_ends_after_five_minutes() {
    let aws = Aws::start().await;
    let interval = Duration::from_secs(301);
    if !aws.can_pass(interval) {
        return;
    }
    let queue = aws.queue(&[FIFO, BY_CONTENT]).await;
    aws.send_to(&queue, "g", "x").await;
    let message = aws.receive_one(&queue).await;
    aws.delete(&queue, &message).await;
    aws.pass(interval).await;
    aws.send_to(&queue, "g", "x").await;
    aws.receive_one(&queue).await;
}

/// With `ContentBasedDeduplication` the id is the SHA-256 of the body, without
/// the attributes: the same body is delivered once. (SendMessage,
/// MessageDeduplicationId)
#[tokio::test]
async fn the_same_content_is_delivered_once() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[FIFO, BY_CONTENT]).await;
    for body in ["x", "x", "y"] {
        aws.send_to(&queue, "g", body).await;
    }
    let got = aws.receive(&queue).await;
    assert_eq!(bodies(&got), ["x", "y"]);
    let sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    assert_eq!(system(&got[0], "MessageDeduplicationId").as_deref(), Some(sha256));
}

/// Without a deduplication id and without `ContentBasedDeduplication` a send
/// fails. (SendMessage, MessageDeduplicationId)
#[tokio::test]
async fn a_deduplication_id_is_needed() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[FIFO]).await;
    let request = aws.sqs.send_message().queue_url(&queue.url).message_body("x");
    assert_eq!(refused(request.message_group_id("g").send().await), "InvalidParameterValue");
}

/// Without a `MessageGroupId` a send to a FIFO queue fails. (SendMessage,
/// MessageGroupId)
#[tokio::test]
async fn a_group_is_needed() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[FIFO, BY_CONTENT]).await;
    let request = aws.sqs.send_message().queue_url(&queue.url).message_body("x");
    assert_eq!(refused(request.send().await), "MissingParameter");
}

/// Sequence numbers grow within a group, and a message tells its own when it is
/// received. (SendMessage, SequenceNumber)
#[tokio::test]
async fn sequence_numbers_grow() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[FIFO, BY_CONTENT]).await;
    let mut sent = Vec::new();
    for body in ["1", "2", "3"] {
        sent.push(aws.send_to(&queue, "g", body).await.sequence_number.unwrap());
    }
    let numbers: Vec<u128> = sent.iter().map(|number| number.parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let got = aws.receive(&queue).await;
    let received: Vec<_> = got.iter().map(|got| system(got, "SequenceNumber").unwrap()).collect();
    assert_eq!(received, sent);
}

/// A message of a FIFO queue can't have a delay of its own. (SendMessage,
/// DelaySeconds)
#[tokio::test]
async fn a_fifo_message_has_no_delay_of_its_own() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[FIFO, BY_CONTENT]).await;
    let request = aws.sqs.send_message().queue_url(&queue.url).message_body("x");
    let request = request.message_group_id("g").delay_seconds(5);
    assert_eq!(refused(request.send().await), "InvalidParameterValue");
}

/// A receive that is repeated with its `ReceiveRequestAttemptId` gets the same
/// messages with the same receipt handles. (ReceiveMessage,
/// ReceiveRequestAttemptId)
#[tokio::test]
async fn a_repeated_attempt_gets_the_same_messages() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[FIFO, BY_CONTENT]).await;
    aws.send_to(&queue, "g", "x").await;
    let attempt = || {
        let request = aws.sqs.receive_message().queue_url(&queue.url);
        request.receive_request_attempt_id("attempt-1").send()
    };
    let (first, again) = (attempt().await.unwrap(), attempt().await.unwrap());
    assert_eq!(first.messages().len(), 1);
    assert_eq!(first.messages()[0].receipt_handle, again.messages()[0].receipt_handle);
}
