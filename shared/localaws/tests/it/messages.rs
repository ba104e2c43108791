//! Sending: what is accepted, what comes out at the other end.

use aws_sdk_sqs::operation::send_message::SendMessageError;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};

use crate::client::{Endpoint, Refusal, bodies, handle, system};

fn text(data_type: &str, value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type(data_type);
    attribute.string_value(value).build().unwrap()
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

#[tokio::test]
async fn a_message_comes_out_as_it_went_in() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let body = "{\"name\": \"Ünïcode \u{1f980}\",\n\t\"path\": \"a\\\\b/c\"}";
    let id = endpoint.send(&url, body).await;
    let received = endpoint.receive(&url).await;
    assert_eq!(bodies(&received), [body]);
    assert_eq!(received[0].message_id(), Some(id.as_str()));
    assert_eq!(system(&received[0], "ApproximateReceiveCount").as_deref(), Some("1"));
    assert_eq!(system(&received[0], "SenderId").as_deref(), Some("000000000000"));
    let sent: u64 = system(&received[0], "SentTimestamp").unwrap().parse().unwrap();
    let first: u64 =
        system(&received[0], "ApproximateFirstReceiveTimestamp").unwrap().parse().unwrap();
    assert!(first >= sent && sent > 1_600_000_000_000, "{sent} {first}");
}

/// The SDK compares the digests it is answered with its own and fails if they
/// differ.
#[tokio::test]
async fn attributes_come_out_as_they_went_in_with_their_digest() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let binary = MessageAttributeValue::builder().data_type("Binary.png");
    let binary = binary.binary_value(Blob::new([0, 159, 255])).build().unwrap();
    let trace = MessageSystemAttributeValue::builder().data_type("String");
    let trace = trace.string_value("Root=1-2-3").build().unwrap();
    let send = endpoint.sqs.send_message().queue_url(&url).message_body("x");
    let send = send
        .message_attributes("zulu", text("String", "ü"))
        .message_attributes("alpha", text("Number.int", "42"))
        .message_attributes("picture", binary.clone())
        .message_system_attributes("AWSTraceHeader".into(), trace);
    let sent = send.send().await.unwrap();
    let received = endpoint.receive(&url).await.remove(0);
    assert!(sent.md5_of_message_attributes.is_some());
    assert_eq!(received.md5_of_message_attributes, sent.md5_of_message_attributes);
    assert_eq!(system(&received, "AWSTraceHeader").as_deref(), Some("Root=1-2-3"));
    let attributes = received.message_attributes.unwrap();
    assert_eq!(attributes["zulu"], text("String", "ü"));
    assert_eq!(attributes["alpha"], text("Number.int", "42"));
    assert_eq!(attributes["picture"], binary);
}

#[tokio::test]
async fn only_the_attributes_asked_for_are_answered() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[("VisibilityTimeout", "0")]).await;
    let send = endpoint.sqs.send_message().queue_url(&url).message_body("x");
    let send = send.message_attributes("order.id", text("String", "1"));
    send.message_attributes("other", text("String", "2")).send().await.unwrap();
    for (asked, expected) in [
        (None, vec![]),
        (Some("All"), vec!["order.id", "other"]),
        (Some("order.*"), vec!["order.id"]),
        (Some("other"), vec!["other"]),
        (Some("none"), vec![]),
    ] {
        let receive = endpoint.sqs.receive_message().queue_url(&url);
        let receive = receive.set_message_attribute_names(asked.map(|name| vec![name.to_owned()]));
        let message = receive.send().await.unwrap().messages.unwrap().remove(0);
        let mut names: Vec<String> =
            message.message_attributes.unwrap_or_default().into_keys().collect();
        names.sort();
        assert_eq!(names, expected, "{asked:?}");
        assert_eq!(message.attributes, None, "no system attributes unless asked for");
    }
}

#[tokio::test]
async fn a_batch_fails_entry_by_entry() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let batch = endpoint.sqs.send_message_batch().queue_url(&url);
    let batch = batch.entries(entry("good", "a")).entries(entry("bad", "\u{1}"));
    let result = batch.entries(entry("fine", "b")).send().await.unwrap();
    let sent: Vec<_> = result.successful().iter().map(|entry| entry.id()).collect();
    assert_eq!(sent, ["good", "fine"]);
    assert_eq!(result.failed()[0].id(), "bad");
    assert_eq!(result.failed()[0].code(), "InvalidMessageContents");
    assert!(result.failed()[0].sender_fault());
    assert_eq!(bodies(&endpoint.receive(&url).await), ["a", "b"]);
}

#[tokio::test]
async fn a_batch_as_a_whole_can_be_wrong() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let send = |entries: Vec<SendMessageBatchRequestEntry>| {
        let batch = endpoint.sqs.send_message_batch().queue_url(&url);
        async { batch.set_entries(Some(entries)).send().await.unwrap_err().into_service_error() }
    };
    let error = send(vec![]).await;
    assert!(matches!(error, SendMessageBatchError::EmptyBatchRequest(_)), "{error:?}");
    let error = send((0..11).map(|id| entry(&id.to_string(), "x")).collect()).await;
    assert!(matches!(error, SendMessageBatchError::TooManyEntriesInBatchRequest(_)), "{error:?}");
    let error = send(vec![entry("a", "x"), entry("a", "y")]).await;
    assert!(matches!(error, SendMessageBatchError::BatchEntryIdsNotDistinct(_)), "{error:?}");
    let error = send(vec![entry("a b", "x")]).await;
    assert!(matches!(error, SendMessageBatchError::InvalidBatchEntryId(_)), "{error:?}");
    let half = "x".repeat(600_000);
    let error = send(vec![entry("a", &half), entry("b", &half)]).await;
    assert!(matches!(error, SendMessageBatchError::BatchRequestTooLong(_)), "{error:?}");
    assert!(endpoint.receive(&url).await.is_empty());
}

#[tokio::test]
async fn a_message_has_at_most_a_mebibyte() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let whole = "x".repeat(1 << 20);
    endpoint.send(&url, &whole).await;
    assert_eq!(endpoint.receive(&url).await[0].body().map(str::len), Some(1 << 20));
    let more = endpoint.sqs.send_message().queue_url(&url).message_body(whole + "x");
    assert_eq!(Refusal::of(more.send().await.unwrap_err()).code, "InvalidParameterValue");
}

#[tokio::test]
async fn a_message_that_breaks_the_rules_is_refused() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let send = || endpoint.sqs.send_message().queue_url(&url);
    let error = send().message_body("\u{0}").send().await.unwrap_err().into_service_error();
    assert!(matches!(error, SendMessageError::InvalidMessageContents(_)), "{error:?}");
    let empty = send().message_body("").send().await.unwrap_err();
    assert_eq!(Refusal::of(empty).code, "MissingParameter");
    let late = send().message_body("x").delay_seconds(901).send().await.unwrap_err();
    assert_eq!(Refusal::of(late).code, "InvalidParameterValue");
    for (name, attribute) in [
        ("AWS.name", text("String", "x")),
        ("n", text("Number", "many")),
        ("n", text("Colour", "red")),
    ] {
        let wrong = send().message_body("x").message_attributes(name, attribute).send().await;
        assert_eq!(Refusal::of(wrong.unwrap_err()).code, "InvalidParameterValue", "{name}");
    }
    let gone = endpoint.sqs.send_message().queue_url(format!("{url}-none")).message_body("x");
    let error = gone.send().await.unwrap_err().into_service_error();
    assert!(matches!(error, SendMessageError::QueueDoesNotExist(_)), "{error:?}");
}

#[tokio::test]
async fn a_deleted_message_does_not_come_back() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[("VisibilityTimeout", "0")]).await;
    endpoint.send(&url, "a").await;
    let message = endpoint.receive(&url).await.remove(0);
    endpoint.delete(&url, &message).await;
    endpoint.delete(&url, &message).await;
    assert!(endpoint.receive(&url).await.is_empty());
}

#[tokio::test]
async fn deletions_in_a_batch_fail_one_by_one() {
    use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry as Entry;
    let endpoint = Endpoint::start().await;
    let (url, other) = (endpoint.queue("a", &[]).await, endpoint.queue("b", &[]).await);
    endpoint.send(&url, "x").await;
    endpoint.send(&other, "y").await;
    let (mine, foreign) = (endpoint.receive(&url).await, endpoint.receive(&other).await);
    let entry =
        |id: &str, handle: String| Entry::builder().id(id).receipt_handle(handle).build().unwrap();
    let batch = endpoint.sqs.delete_message_batch().queue_url(&url);
    let batch = batch
        .entries(entry("mine", handle(&mine[0])))
        .entries(entry("foreign", handle(&foreign[0])))
        .entries(entry("nonsense", "nonsense".into()));
    let result = batch.send().await.unwrap();
    assert_eq!(result.successful()[0].id(), "mine");
    let failed: Vec<_> = result.failed().iter().map(|entry| (entry.id(), entry.code())).collect();
    assert_eq!(
        failed,
        [("foreign", "ReceiptHandleIsInvalid"), ("nonsense", "ReceiptHandleIsInvalid")]
    );
}
