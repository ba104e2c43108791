//! Batches: each entry is answered for itself.

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    SendMessageBatchRequestEntry,
};

use crate::aws::Aws;
use crate::queue::handle;
use crate::refusal::refused;

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

/// A batch of which one entry is bad is answered with success: that entry is
/// in `Failed`, the others are sent. (SendMessageBatch)
#[tokio::test]
async fn one_bad_entry_does_not_fail_the_others() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.sqs.send_message_batch().queue_url(&queue.url);
    let request = request.entries(entry("good", "x")).entries(entry("bad", "a\u{1}b"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.successful[0].id, "good");
    assert_eq!((answer.failed[0].id.as_str(), answer.failed[0].sender_fault), ("bad", true));
    assert_eq!(aws.receive_one(&queue).await.body(), Some("x"));
}

/// Two entries of the same id in a batch are `BatchEntryIdsNotDistinct`.
/// (SendMessageBatch)
#[tokio::test]
async fn ids_in_a_batch_are_distinct() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.sqs.send_message_batch().queue_url(&queue.url);
    let answer = request.entries(entry("a", "1")).entries(entry("a", "2")).send().await;
    assert_eq!(refused(answer), "BatchEntryIdsNotDistinct");
}

/// A batch of more than ten entries is `TooManyEntriesInBatchRequest`.
/// (SendMessageBatch)
#[tokio::test]
async fn eleven_entries_are_too_many() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let entries = (0..11).map(|number| entry(&format!("e{number}"), "x")).collect();
    let request = aws.sqs.send_message_batch().queue_url(&queue.url);
    let answer = request.set_entries(Some(entries)).send().await;
    assert_eq!(refused(answer), "TooManyEntriesInBatchRequest");
}

/// A batch without entries is `EmptyBatchRequest`. (SendMessageBatch)
#[tokio::test]
async fn an_empty_batch_is_refused() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.sqs.send_message_batch().queue_url(&queue.url);
    assert_eq!(refused(request.set_entries(Some(Vec::new())).send().await), "EmptyBatchRequest");
}

/// All messages of a batch together have the limit that one has, 1 MiB: more is
/// `BatchRequestTooLong`. (SendMessageBatch)
#[tokio::test]
async fn a_batch_has_a_limit_of_its_own() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let body = "x".repeat(600 * 1024);
    let request = aws.sqs.send_message_batch().queue_url(&queue.url);
    let answer = request.entries(entry("a", &body)).entries(entry("b", &body)).send().await;
    assert_eq!(refused(answer), "BatchRequestTooLong");
}

/// Deleting a batch with one bad receipt handle deletes the others; that one
/// is in `Failed` as `ReceiptHandleIsInvalid`. (DeleteMessageBatch)
#[tokio::test]
async fn a_bad_handle_fails_alone_in_a_delete() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    aws.send(&queue, "x").await;
    let message = aws.receive_one(&queue).await;
    let entry = |id: &str, handle: &str| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(id);
        entry.receipt_handle(handle).build().unwrap()
    };
    let request = aws.sqs.delete_message_batch().queue_url(&queue.url);
    let request = request.entries(entry("good", &handle(&message)));
    let answer = request.entries(entry("bad", "no handle")).send().await.unwrap();
    assert_eq!(answer.successful[0].id, "good");
    assert_eq!(answer.failed[0].id, "bad");
    assert_eq!(answer.failed[0].code, "ReceiptHandleIsInvalid");
}

/// Changing the visibility of a batch answers for each entry; one that is out
/// of 0 to 43,200 s fails alone. (ChangeMessageVisibilityBatch)
#[tokio::test]
async fn a_bad_timeout_fails_alone_in_a_batch() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    for body in ["1", "2"] {
        aws.send(&queue, body).await;
    }
    let messages = aws.receive_all(&queue, 2).await;
    let entry = |id: &str, number: usize, seconds: i32| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id);
        let entry = entry.receipt_handle(handle(&messages[number]));
        entry.visibility_timeout(seconds).build().unwrap()
    };
    let request = aws.sqs.change_message_visibility_batch().queue_url(&queue.url);
    let request = request.entries(entry("good", 0, 0)).entries(entry("bad", 1, 43_201));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.successful[0].id, "good");
    assert_eq!(answer.failed[0].id, "bad");
}
