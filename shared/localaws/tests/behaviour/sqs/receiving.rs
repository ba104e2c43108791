//! Long polling, and how much a receive returns.

use std::time::{Duration, Instant};

use crate::aws::Aws;
use crate::refusal::refused;

/// A receive with `WaitTimeSeconds` returns as soon as a message arrives.
/// (ReceiveMessage, WaitTimeSeconds)
#[tokio::test]
async fn a_waiting_receive_wakes() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let begin = Instant::now();
    let waiting = aws.sqs.receive_message().queue_url(&queue.url).wait_time_seconds(15);
    let waiting = tokio::spawn(waiting.send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    aws.send(&queue, "x").await;
    let got = waiting.await.unwrap().unwrap();
    assert_eq!(got.messages().len(), 1);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

/// A receive that waits in vain returns no messages when its time is over, not
/// before. (ReceiveMessage, WaitTimeSeconds)
#[tokio::test]
async fn a_receive_waits_for_its_time() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let begin = Instant::now();
    let request = aws.sqs.receive_message().queue_url(&queue.url).wait_time_seconds(1);
    assert!(request.send().await.unwrap().messages().is_empty());
    assert!(begin.elapsed() >= Duration::from_millis(900), "{:?}", begin.elapsed());
}

/// The queue's `ReceiveMessageWaitTimeSeconds` holds for receives that name no
/// time. (CreateQueue, ReceiveMessageWaitTimeSeconds)
#[tokio::test]
async fn a_queue_can_have_a_waiting_time() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[("ReceiveMessageWaitTimeSeconds", "1")]).await;
    let begin = Instant::now();
    let request = aws.sqs.receive_message().queue_url(&queue.url);
    assert!(request.send().await.unwrap().messages().is_empty());
    assert!(begin.elapsed() >= Duration::from_millis(900), "{:?}", begin.elapsed());
}

/// A receive never returns more than `MaxNumberOfMessages`, of which 1 is the
/// default. (ReceiveMessage, MaxNumberOfMessages)
#[tokio::test]
async fn a_receive_returns_one_message_by_default() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    for body in ["1", "2", "3"] {
        aws.send(&queue, body).await;
    }
    let request = aws.sqs.receive_message().queue_url(&queue.url).wait_time_seconds(1);
    assert_eq!(request.send().await.unwrap().messages().len(), 1);
}

/// `MaxNumberOfMessages` is 1 to 10; more is refused. (ReceiveMessage,
/// MaxNumberOfMessages)
#[tokio::test]
async fn ten_messages_are_the_most() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.sqs.receive_message().queue_url(&queue.url).max_number_of_messages(11);
    assert_eq!(refused(request.send().await), "InvalidParameterValue");
}

/// `WaitTimeSeconds` is 0 to 20; more is refused. (SQS Developer Guide, Short
/// and long polling)
#[tokio::test]
async fn twenty_seconds_are_the_longest_wait() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.sqs.receive_message().queue_url(&queue.url).wait_time_seconds(21);
    assert_eq!(refused(request.send().await), "InvalidParameterValue");
}
