//! Requests that fail, wait, or lose their answer.

use std::time::{Duration, Instant};

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use serde_json::json;

use crate::setup::Stand;

#[tokio::test]
async fn each_service_is_throttled_in_its_own_words() {
    let stand = Stand::with_faults(json!([
        {"do": "throttle", "service": "s3", "operation": "HeadBucket"},
        {"do": "throttle", "operation": ["PutObject", "SendMessage"]},
    ]))
    .await;
    let (s3, sqs) = (stand.s3(), stand.sqs());
    s3.create_bucket().bucket("raw").send().await.unwrap();
    let put = s3.put_object().bucket("raw").key("k").body(ByteStream::from_static(b"x"));
    let error = put.send().await.unwrap_err();
    assert_eq!(error.code(), Some("SlowDown"));
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 503);
    let queue = sqs.create_queue().queue_name("q").send().await.unwrap().queue_url.unwrap();
    let error = sqs.send_message().queue_url(queue).message_body("m").send().await.unwrap_err();
    assert!(error.code().unwrap().ends_with("RequestThrottled"), "{error:?}");
    assert_eq!(stand.happened(), [0, 2]);
}

#[tokio::test]
async fn an_error_is_given_as_it_was_asked_for_and_nothing_is_done() {
    let stand = Stand::with_faults(json!([
        {"do": "error", "operation": "PutObject", "status": 403, "code": "AccessDenied",
         "message": "no", "resource": "raw/secret/*"},
    ]))
    .await;
    let s3 = stand.s3();
    s3.create_bucket().bucket("raw").send().await.unwrap();
    let put = |key: &str| s3.put_object().bucket("raw").key(key).send();
    let error = put("secret/a b").await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Some("AccessDenied"), Some("no")));
    put("open").await.unwrap();
    let listed = s3.list_objects_v2().bucket("raw").send().await.unwrap();
    assert_eq!(listed.key_count(), Some(1));
}

#[tokio::test]
async fn a_lost_response_has_its_effect_and_a_lost_request_has_none() {
    let stand = Stand::with_faults(json!([
        {"do": "drop_before", "operation": "SendMessage", "count": 1},
        {"do": "drop_after", "operation": "SendMessage", "count": 1},
    ]))
    .await;
    let sqs = stand.sqs();
    let queue = sqs.create_queue().queue_name("q").send().await.unwrap().queue_url.unwrap();
    for body in ["lost", "unanswered", "fine"] {
        let sent = sqs.send_message().queue_url(&queue).message_body(body).send().await;
        let is_dropped = matches!(sent, Err(SdkError::DispatchFailure(_)));
        assert_eq!(is_dropped, body != "fine", "{body}: {sent:?}");
    }
    let received = sqs.receive_message().queue_url(&queue).max_number_of_messages(10);
    let received = received.send().await.unwrap().messages.unwrap();
    let mut bodies: Vec<_> = received.iter().filter_map(|message| message.body()).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["fine", "unanswered"]);
}

#[tokio::test]
async fn a_delayed_request_is_answered_later() {
    let stand = Stand::with_faults(json!([
        {"do": "delay", "delay": "300ms", "operation": "ListQueues"},
    ]))
    .await;
    let began = Instant::now();
    stand.sqs().list_queues().send().await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_body_is_cut_where_it_was_asked_for() {
    let stand = Stand::with_faults(json!([
        {"do": "cut", "operation": "GetObject", "bytes": 1_000_000, "count": 1},
    ]))
    .await;
    let s3 = stand.s3();
    s3.create_bucket().bucket("raw").send().await.unwrap();
    let content = vec![7u8; 3 << 20];
    s3.put_object().bucket("raw").key("k").body(content.clone().into()).send().await.unwrap();
    let mut got = s3.get_object().bucket("raw").key("k").send().await.unwrap();
    assert_eq!(got.content_length(), Some(3 << 20));
    let mut read = 0;
    let error = loop {
        match got.body.next().await {
            Some(Ok(piece)) => read += piece.len(),
            Some(Err(error)) => break error,
            None => panic!("the whole body arrived"),
        }
    };
    assert_eq!(read, 1_000_000, "{error}");
    let got = s3.get_object().bucket("raw").key("k").send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().to_vec(), content);
}

#[tokio::test]
async fn a_notification_is_lost_or_comes_twice() {
    let stand = Stand::with_faults(json!([
        {"do": "lose", "service": "s3", "resource": "lossy"},
        {"do": "duplicate", "service": "s3", "resource": "doubled"},
    ]))
    .await;
    let (s3, sqs) = (stand.s3(), stand.sqs());
    for queue in ["lossy", "doubled"] {
        let url = sqs.create_queue().queue_name(queue).send().await.unwrap().queue_url.unwrap();
        s3.create_bucket().bucket(queue).send().await.unwrap();
        let target = aws_sdk_s3::types::QueueConfiguration::builder()
            .queue_arn(format!("arn:aws:sqs:us-east-1:000000000000:{queue}"))
            .events("s3:ObjectCreated:*".into())
            .build()
            .unwrap();
        let target =
            aws_sdk_s3::types::NotificationConfiguration::builder().queue_configurations(target);
        let put = s3.put_bucket_notification_configuration().bucket(queue);
        put.notification_configuration(target.build()).send().await.unwrap();
        s3.put_object().bucket(queue).key("k").send().await.unwrap();
        let received = sqs.receive_message().queue_url(url).max_number_of_messages(10);
        let bodies = received.send().await.unwrap().messages.unwrap_or_default();
        let records = bodies.iter().filter(|message| message.body().unwrap().contains("Records"));
        assert_eq!(records.count(), if queue == "lossy" { 0 } else { 2 }, "{queue}");
    }
}

#[tokio::test]
async fn a_plan_can_be_replaced_over_http() {
    let stand = Stand::with_faults(json!([{"do": "throttle"}])).await;
    assert!(stand.sqs().list_queues().send().await.is_err());
    let put = crate::client::request(&stand.server, "PUT", "/_millrace/control/faults", "{}").await;
    assert!(put.starts_with("HTTP/1.1 200 OK"), "{put}");
    stand.sqs().list_queues().send().await.unwrap();
    let wrong = r#"{"fault": [{"do": "lose", "bytes": 1}]}"#;
    let put =
        crate::client::request(&stand.server, "PUT", "/_millrace/control/faults", wrong).await;
    assert!(put.contains("400 Bad Request") && put.contains("`bytes` has no effect"), "{put}");
}

#[tokio::test]
async fn a_message_is_delivered_to_two_and_overtaken_by_later_ones() {
    let stand = Stand::with_faults(json!([
        {"do": "redeliver", "resource": "doubled"},
        {"do": "reorder", "resource": "shuffled", "delay": "300ms", "probability": 0.5},
    ]))
    .await;
    let sqs = stand.sqs();
    let doubled = sqs.create_queue().queue_name("doubled").send().await.unwrap().queue_url.unwrap();
    sqs.send_message().queue_url(&doubled).message_body("m").send().await.unwrap();
    for _ in 0..2 {
        let received = sqs.receive_message().queue_url(&doubled).send().await.unwrap();
        assert_eq!(received.messages().len(), 1, "a hold of a minute ended at once");
    }
    let shuffled =
        sqs.create_queue().queue_name("shuffled").send().await.unwrap().queue_url.unwrap();
    for number in 0..40 {
        let send = sqs.send_message().queue_url(&shuffled).message_body(format!("{number:02}"));
        send.send().await.unwrap();
    }
    let mut bodies = Vec::new();
    while bodies.len() < 40 {
        let receive = sqs.receive_message().queue_url(&shuffled).wait_time_seconds(5);
        let received = receive.max_number_of_messages(10).send().await.unwrap();
        assert!(!received.messages().is_empty(), "after {bodies:?}");
        bodies.extend(received.messages.unwrap_or_default().into_iter().filter_map(|m| m.body));
    }
    assert!(!bodies.is_sorted(), "{bodies:?}");
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 40);
}
