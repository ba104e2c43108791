//! Visibility timeouts and what becomes of receipt handles.

use aws_sdk_sqs::operation::change_message_visibility::ChangeMessageVisibilityError;
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry as Entry;

use crate::client::{Endpoint, bodies, eventually, handle, system};

const NOT_IN_FLIGHT: &str = "AWS.SimpleQueueService.MessageNotInflight";

#[tokio::test]
async fn a_message_handed_back_is_received_again() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    endpoint.send(&url, "a").await;
    let first = endpoint.receive(&url).await.remove(0);
    assert!(endpoint.receive(&url).await.is_empty());
    endpoint.hold(&url, &first, 0).await.unwrap();
    let second = endpoint.receive(&url).await.remove(0);
    assert_eq!(system(&second, "ApproximateReceiveCount").as_deref(), Some("2"));
    assert_eq!(second.message_id, first.message_id);
    assert_ne!(second.receipt_handle, first.receipt_handle);
    let first_received = |message| system(message, "ApproximateFirstReceiveTimestamp");
    assert_eq!(first_received(&second), first_received(&first));
}

#[tokio::test]
async fn the_next_receive_makes_a_handle_stale() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    endpoint.send(&url, "a").await;
    let first = endpoint.receive(&url).await.remove(0);
    endpoint.hold(&url, &first, 0).await.unwrap();
    let second = endpoint.receive(&url).await.remove(0);
    let refusal = endpoint.hold(&url, &first, 60).await.unwrap_err();
    assert_eq!(refusal.code, NOT_IN_FLIGHT);
    endpoint.delete(&url, &first).await;
    endpoint.hold(&url, &second, 0).await.expect("the stale handle deleted nothing");
}

#[tokio::test]
async fn a_hold_that_ran_out_cannot_be_extended() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[("VisibilityTimeout", "1")]).await;
    endpoint.send(&url, "a").await;
    let message = endpoint.receive(&url).await.remove(0);
    eventually(|| async {
        let ready = endpoint.attribute(&url, "ApproximateNumberOfMessages").await;
        (ready.as_deref() == Some("1")).then_some(())
    })
    .await;
    let refusal = endpoint.hold(&url, &message, 60).await.unwrap_err();
    assert_eq!(refusal.code, NOT_IN_FLIGHT);
    endpoint.delete(&url, &message).await;
    assert!(endpoint.receive(&url).await.is_empty(), "its handle was the latest, so it deletes");
}

#[tokio::test]
async fn a_hold_can_be_extended() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[("VisibilityTimeout", "1")]).await;
    endpoint.send(&url, "a").await;
    let message = endpoint.receive(&url).await.remove(0);
    endpoint.hold(&url, &message, 600).await.unwrap();
    assert!(endpoint.receive_for(&url, 2).await.is_empty());
}

#[tokio::test]
async fn a_message_is_held_for_twelve_hours_at_most() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    endpoint.send(&url, "a").await;
    let message = endpoint.receive(&url).await.remove(0);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let refusal = endpoint.hold(&url, &message, 43_200).await.unwrap_err();
    assert_eq!(refusal.code, "InvalidParameterValue");
    assert!(refusal.message.contains("beyond the limit"), "{}", refusal.message);
    endpoint.hold(&url, &message, 43_199).await.expect("just short of it");
    let refusal = endpoint.hold(&url, &message, 43_201).await.unwrap_err();
    assert_eq!(refusal.code, "InvalidParameterValue");
}

#[tokio::test]
async fn handles_that_are_none_or_of_deleted_messages_are_told_apart() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let nonsense = endpoint.sqs.change_message_visibility().queue_url(&url);
    let nonsense = nonsense.receipt_handle("nonsense").visibility_timeout(0).send().await;
    let error = nonsense.unwrap_err().into_service_error();
    assert!(matches!(error, ChangeMessageVisibilityError::ReceiptHandleIsInvalid(_)), "{error:?}");
    endpoint.send(&url, "a").await;
    let message = endpoint.receive(&url).await.remove(0);
    endpoint.delete(&url, &message).await;
    let refusal = endpoint.hold(&url, &message, 60).await.unwrap_err();
    assert_eq!(refusal.code, "InvalidParameterValue");
    assert!(refusal.message.contains("Message does not exist"), "{}", refusal.message);
}

#[tokio::test]
async fn a_batch_of_holds_fails_one_by_one() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    for body in ["a", "b", "c"] {
        endpoint.send(&url, body).await;
    }
    let held = endpoint.receive(&url).await;
    endpoint.delete(&url, &held[1]).await;
    let entry = |id: &str, handle: String, seconds| {
        Entry::builder().id(id).receipt_handle(handle).visibility_timeout(seconds).build().unwrap()
    };
    let batch = endpoint.sqs.change_message_visibility_batch().queue_url(&url);
    let batch = batch
        .entries(entry("a", handle(&held[0]), 0))
        .entries(entry("deleted", handle(&held[1]), 0))
        .entries(entry("too-long", handle(&held[2]), 99_999))
        .entries(entry("c", handle(&held[2]), 0))
        .entries(entry("nonsense", "nonsense".into(), 0));
    let result = batch.send().await.unwrap();
    let done: Vec<_> = result.successful().iter().map(|entry| entry.id()).collect();
    assert_eq!(done, ["a", "c"]);
    let failed: Vec<_> = result.failed().iter().map(|entry| (entry.id(), entry.code())).collect();
    let expected = [
        ("deleted", "InvalidParameterValue"),
        ("too-long", "InvalidParameterValue"),
        ("nonsense", "ReceiptHandleIsInvalid"),
    ];
    assert_eq!(failed, expected);
    assert_eq!(bodies(&endpoint.receive(&url).await), ["a", "c"]);
}
