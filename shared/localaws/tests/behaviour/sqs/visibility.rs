//! How long a received message is hidden, and what its receipt handle is good
//! for.

use std::time::Duration;

use crate::aws::Aws;
use crate::queue::{handle, system};
use crate::refusal::refused;

/// A received message is hidden for the visibility timeout and can then be
/// received again. (SQS Developer Guide, Visibility timeout)
#[tokio::test]
async fn a_message_comes_back_when_its_timeout_is_over() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[("VisibilityTimeout", "2")]).await;
    let id = aws.send(&queue, "x").await;
    aws.receive_one(&queue).await;
    assert!(aws.receive(&queue).await.is_empty());
    aws.pass(Duration::from_secs(2)).await;
    assert_eq!(aws.receive_one(&queue).await.message_id.unwrap(), id);
}

/// A receive's own `VisibilityTimeout` goes before the queue's.
/// (ReceiveMessage, VisibilityTimeout)
#[tokio::test]
async fn a_receive_can_name_its_timeout() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[("VisibilityTimeout", "900")]).await;
    aws.send(&queue, "x").await;
    let request = aws.sqs.receive_message().queue_url(&queue.url).wait_time_seconds(1);
    let got = request.visibility_timeout(1).send().await.unwrap();
    assert_eq!(got.messages().len(), 1);
    aws.pass(Duration::from_secs(1)).await;
    aws.receive_one(&queue).await;
}

/// A changed visibility timeout counts from the change: it can be kept up, as
/// a heartbeat does. (ChangeMessageVisibility)
#[tokio::test]
async fn a_heartbeat_keeps_a_message_hidden() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[("VisibilityTimeout", "2")]).await;
    aws.send(&queue, "x").await;
    let message = aws.receive_one(&queue).await;
    for _ in 0..2 {
        aws.pass(Duration::from_millis(1200)).await;
        aws.hold(&queue, &message, 2).await;
    }
    assert!(aws.receive(&queue).await.is_empty());
}

/// A visibility timeout of 0 makes a message visible at once.
/// (ChangeMessageVisibility)
#[tokio::test]
async fn a_message_can_be_given_back_at_once() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    aws.send(&queue, "x").await;
    let message = aws.receive_one(&queue).await;
    aws.hold(&queue, &message, 0).await;
    aws.receive_one(&queue).await;
}

/// A visibility timeout of more than 12 hours is refused.
/// (ChangeMessageVisibility)
#[tokio::test]
async fn twelve_hours_are_the_longest_timeout() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    aws.send(&queue, "x").await;
    let message = aws.receive_one(&queue).await;
    let request = aws.sqs.change_message_visibility().queue_url(&queue.url);
    let request = request.receipt_handle(handle(&message)).visibility_timeout(43_201);
    assert_eq!(refused(request.send().await), "InvalidParameterValue");
}

/// Changing the visibility of a message that is not in flight is
/// `MessageNotInflight`. (ChangeMessageVisibility)
#[tokio::test]
async fn a_visible_message_is_not_in_flight() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    aws.send(&queue, "x").await;
    let message = aws.receive_one(&queue).await;
    aws.hold(&queue, &message, 0).await;
    let request = aws.sqs.change_message_visibility().queue_url(&queue.url);
    let request = request.receipt_handle(handle(&message)).visibility_timeout(30);
    assert_eq!(refused(request.send().await), "MessageNotInflight");
}

/// Something that is no receipt handle is `ReceiptHandleIsInvalid`.
/// (DeleteMessage)
#[tokio::test]
async fn nonsense_is_no_receipt_handle() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.sqs.delete_message().queue_url(&queue.url).receipt_handle("nonsense");
    assert_eq!(refused(request.send().await), "ReceiptHandleIsInvalid");
}

/// Deleting with an old receipt handle succeeds; the message might not be
/// deleted. The newest handle deletes it. (DeleteMessage, ReceiptHandle)
#[tokio::test]
async fn an_old_handle_is_answered_with_success() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    aws.send(&queue, "x").await;
    let first = aws.receive_one(&queue).await;
    aws.hold(&queue, &first, 0).await;
    let second = aws.receive_one(&queue).await;
    assert_ne!(handle(&first), handle(&second));
    aws.delete(&queue, &first).await;
    aws.delete(&queue, &second).await;
    let held = aws.attribute(&queue.url, "ApproximateNumberOfMessagesNotVisible").await;
    assert_eq!(held.as_deref(), Some("0"));
}

/// A message can be deleted by its newest receipt handle, also after its
/// visibility timeout is over. (DeleteMessage)
#[tokio::test]
async fn a_handle_outlives_its_timeout() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[("VisibilityTimeout", "1")]).await;
    aws.send(&queue, "x").await;
    let message = aws.receive_one(&queue).await;
    aws.pass(Duration::from_millis(1500)).await;
    aws.delete(&queue, &message).await;
    assert!(aws.receive(&queue).await.is_empty());
}

/// `ApproximateReceiveCount` is how often a message was received and not
/// deleted. (ReceiveMessage)
#[tokio::test]
async fn receives_are_counted() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    aws.send(&queue, "x").await;
    for count in ["1", "2", "3"] {
        let message = aws.receive_one(&queue).await;
        assert_eq!(system(&message, "ApproximateReceiveCount").as_deref(), Some(count));
        aws.hold(&queue, &message, 0).await;
    }
}
