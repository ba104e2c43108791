//! Topics and their fan-out to queues.

use aws_sdk_sns::operation::publish::PublishError;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry, Tag};

use crate::client::{Endpoint, Refusal, bodies};

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:";

async fn topic(endpoint: &Endpoint, name: &str) -> String {
    endpoint.sns.create_topic().name(name).send().await.unwrap().topic_arn.unwrap()
}

/// Subscribes a new queue; answers the queue's URL and the subscription's ARN.
async fn subscribe(
    endpoint: &Endpoint,
    topic: &str,
    queue: &str,
    attributes: &[(&str, &str)],
) -> (String, String) {
    let url = endpoint.queue(queue, &[]).await;
    let subscribe = endpoint.sns.subscribe().topic_arn(topic).protocol("sqs");
    let mut subscribe = subscribe.endpoint(format!("{ARN}{queue}"));
    for (name, value) in attributes {
        subscribe = subscribe.attributes(*name, *value);
    }
    (url, subscribe.send().await.unwrap().subscription_arn.unwrap())
}

fn attribute(data_type: &str, value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type(data_type);
    attribute.string_value(value).build().unwrap()
}

#[tokio::test]
async fn a_message_arrives_wrapped_or_raw() {
    let endpoint = Endpoint::start().await;
    let topic = topic(&endpoint, "events").await;
    let (wrapped, _) = subscribe(&endpoint, &topic, "wrapped", &[]).await;
    let (raw, _) = subscribe(&endpoint, &topic, "raw", &[("RawMessageDelivery", "true")]).await;
    let publish = endpoint.sns.publish().topic_arn(&topic).message("{\"a\": \"<ü>\"}");
    let publish = publish.subject("Subject").message_attributes("kind", attribute("String", "x"));
    let id = publish.send().await.unwrap().message_id.unwrap();

    let plain = endpoint.receive(&raw).await.remove(0);
    assert_eq!(plain.body(), Some("{\"a\": \"<ü>\"}"));
    assert_eq!(plain.message_attributes.unwrap()["kind"].string_value(), Some("x"));

    let message = endpoint.receive(&wrapped).await.remove(0);
    assert_eq!(message.message_attributes, None);
    let envelope: serde_json::Value = serde_json::from_str(message.body().unwrap()).unwrap();
    let keys: Vec<_> = message
        .body()
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("  \"")?.split('"').next())
        .collect();
    let expected = [
        "Type",
        "MessageId",
        "TopicArn",
        "Subject",
        "Message",
        "Timestamp",
        "SignatureVersion",
        "Signature",
        "SigningCertURL",
        "UnsubscribeURL",
        "MessageAttributes",
    ];
    assert_eq!(keys, expected);
    assert_eq!(envelope["Type"], "Notification");
    assert_eq!(envelope["MessageId"], id);
    assert_eq!(envelope["TopicArn"], topic);
    assert_eq!(envelope["Message"], "{\"a\": \"<ü>\"}");
    assert_eq!(envelope["MessageAttributes"]["kind"]["Value"], "x");
}

#[tokio::test]
async fn a_filter_lets_through_what_it_says() {
    let endpoint = Endpoint::start().await;
    let topic = topic(&endpoint, "events").await;
    let raw = ("RawMessageDelivery", "true");
    let by_attribute = r#"{"kind": [{"prefix": "order"}], "size": [{"numeric": [">", 5]}]}"#;
    let (filtered, _) =
        subscribe(&endpoint, &topic, "a", &[raw, ("FilterPolicy", by_attribute)]).await;
    let by_body = [
        raw,
        ("FilterPolicy", r#"{"detail": {"state": ["done"]}}"#),
        ("FilterPolicyScope", "MessageBody"),
    ];
    let (by_body, _) = subscribe(&endpoint, &topic, "b", &by_body).await;
    for (kind, size, body) in [
        ("order-new", "6", r#"{"detail": {"state": "new"}}"#),
        ("order-new", "5", r#"{"detail": {"state": "done"}}"#),
        ("other", "6", "no JSON"),
    ] {
        let publish = endpoint.sns.publish().topic_arn(&topic).message(body);
        let publish = publish.message_attributes("kind", attribute("String", kind));
        publish.message_attributes("size", attribute("Number", size)).send().await.unwrap();
    }
    assert_eq!(bodies(&endpoint.receive(&filtered).await), [r#"{"detail": {"state": "new"}}"#]);
    assert_eq!(bodies(&endpoint.receive(&by_body).await), [r#"{"detail": {"state": "done"}}"#]);
}

#[tokio::test]
async fn a_batch_is_published_entry_by_entry() {
    let endpoint = Endpoint::start().await;
    let topic = topic(&endpoint, "events").await;
    let (queue, _) = subscribe(&endpoint, &topic, "a", &[("RawMessageDelivery", "true")]).await;
    let entry = |id: &str, message: &str| {
        PublishBatchRequestEntry::builder().id(id).message(message).build().unwrap()
    };
    let batch = endpoint.sns.publish_batch().topic_arn(&topic);
    let batch = batch.publish_batch_request_entries(entry("1", "one"));
    let batch = batch.publish_batch_request_entries(entry("2", ""));
    let batch = batch.publish_batch_request_entries(entry("3", "three"));
    let result = batch.send().await.unwrap();
    let sent: Vec<_> = result.successful().iter().filter_map(|entry| entry.id()).collect();
    assert_eq!(sent, ["1", "3"]);
    assert_eq!(result.failed()[0].id(), "2");
    assert_eq!(result.failed()[0].code(), "InvalidParameter");
    assert_eq!(bodies(&endpoint.receive(&queue).await), ["one", "three"]);
}

#[tokio::test]
async fn a_message_can_differ_by_protocol() {
    let endpoint = Endpoint::start().await;
    let topic = topic(&endpoint, "events").await;
    let (queue, _) = subscribe(&endpoint, &topic, "a", &[("RawMessageDelivery", "true")]).await;
    let publish = || endpoint.sns.publish().topic_arn(&topic).message_structure("json");
    publish().message(r#"{"default": "d", "sqs": "s"}"#).send().await.unwrap();
    publish().message(r#"{"default": "d", "email": "e"}"#).send().await.unwrap();
    assert_eq!(bodies(&endpoint.receive(&queue).await), ["s", "d"]);
    let refused = publish().message(r#"{"sqs": "s"}"#).send().await.unwrap_err();
    assert_eq!(Refusal::of(refused).code, "InvalidParameter");
}

#[tokio::test]
async fn subscriptions_are_described_changed_and_ended() {
    let endpoint = Endpoint::start().await;
    let topic = topic(&endpoint, "events").await;
    let (queue, arn) = subscribe(&endpoint, &topic, "a", &[]).await;
    assert_eq!(subscribe(&endpoint, &topic, "a", &[]).await.1, arn, "subscribing is idempotent");
    let set = endpoint.sns.set_subscription_attributes().subscription_arn(&arn);
    let set = set.attribute_name("RawMessageDelivery").attribute_value("true");
    set.send().await.unwrap();
    let get = endpoint.sns.get_subscription_attributes().subscription_arn(&arn);
    let attributes = get.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes["RawMessageDelivery"], "true");
    assert_eq!(attributes["Endpoint"], format!("{ARN}a"));
    assert_eq!(attributes["PendingConfirmation"], "false");
    let list = endpoint.sns.list_subscriptions_by_topic().topic_arn(&topic);
    assert_eq!(
        list.send().await.unwrap().subscriptions()[0].subscription_arn(),
        Some(arn.as_str())
    );
    endpoint.sns.unsubscribe().subscription_arn(&arn).send().await.unwrap();
    endpoint.sns.publish().topic_arn(&topic).message("x").send().await.unwrap();
    assert!(endpoint.receive(&queue).await.is_empty());
}

#[tokio::test]
async fn an_email_is_a_file_in_the_mail_folder() {
    let endpoint = Endpoint::start().await;
    let topic = topic(&endpoint, "alerts").await;
    for (protocol, address) in [("email", "ops@example.com"), ("email-json", "bot@example.com")] {
        let subscribe = endpoint.sns.subscribe().topic_arn(&topic).protocol(protocol);
        let subscribed = subscribe.endpoint(address).send().await.unwrap();
        assert!(subscribed.subscription_arn().unwrap().starts_with(&topic), "confirmed at once");
    }
    let publish = endpoint.sns.publish().topic_arn(&topic).message("line 1\nline 2");
    publish.subject("ALARM: depth").send().await.unwrap();
    let mails = mail(&endpoint, "email");
    assert_eq!(mails.len(), 2);
    let plain = mails.iter().find(|mail| mail.contains("To: ops@example.com")).unwrap();
    assert!(plain.contains("\r\nSubject: ALARM: depth\r\n"), "{plain}");
    assert!(plain.contains("\r\n\r\nline 1\r\nline 2\r\n"), "{plain}");
    let json = mails.iter().find(|mail| mail.contains("To: bot@example.com")).unwrap();
    let (_, body) = json.split_once("\r\n\r\n").unwrap();
    let envelope: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(envelope["Message"], "line 1\nline 2");
}

#[tokio::test]
async fn a_text_message_is_a_file_in_the_mail_folder() {
    let endpoint = Endpoint::start().await;
    endpoint.sns.publish().phone_number("+4915112345678").message("hello").send().await.unwrap();
    let texts = mail(&endpoint, "sms");
    assert!(texts[0].starts_with("To: +4915112345678\n"), "{texts:?}");
    assert!(texts[0].ends_with("\n\nhello\n"), "{texts:?}");
    let wrong = endpoint.sns.publish().phone_number("ops").message("x").send().await.unwrap_err();
    assert_eq!(Refusal::of(wrong).code, "InvalidParameter");
}

/// What lies in a mail folder.
fn mail(endpoint: &Endpoint, kind: &str) -> Vec<String> {
    let files = std::fs::read_dir(endpoint.data.path().join("outbox").join(kind)).unwrap();
    files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

#[tokio::test]
async fn a_queue_that_is_gone_does_not_fail_the_publisher() {
    let endpoint = Endpoint::start().await;
    let topic = topic(&endpoint, "events").await;
    let dead = endpoint.queue("dead", &[]).await;
    let policy = format!(r#"{{"deadLetterTargetArn": "{ARN}dead"}}"#);
    let attributes = [("RedrivePolicy", policy.as_str()), ("RawMessageDelivery", "true")];
    let (queue, _) = subscribe(&endpoint, &topic, "a", &attributes).await;
    endpoint.sqs.delete_queue().queue_url(&queue).send().await.unwrap();
    endpoint.sns.publish().topic_arn(&topic).message("x").send().await.unwrap();
    assert_eq!(bodies(&endpoint.receive(&dead).await), ["x"]);
}

#[tokio::test]
async fn errors_are_typed() {
    let endpoint = Endpoint::start().await;
    let none = "arn:aws:sns:us-east-1:000000000000:none";
    let error = endpoint.sns.publish().topic_arn(none).message("x").send().await.unwrap_err();
    let error = error.into_service_error();
    assert!(matches!(error, PublishError::NotFoundException(_)), "{error:?}");
    let topic = topic(&endpoint, "events").await;
    let error = endpoint.sns.publish().topic_arn(&topic).message("").send().await.unwrap_err();
    let error = error.into_service_error();
    assert!(matches!(error, PublishError::InvalidParameterException(_)), "{error:?}");
    let subscribe = endpoint.sns.subscribe().topic_arn(&topic).protocol("sqs");
    let subscribe = subscribe.endpoint(format!("{ARN}a")).attributes("FilterPolicy", "{\"a\": 1}");
    let error = subscribe.send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_parameter_exception(), "{error:?}");
}

#[tokio::test]
async fn topics_subscriptions_and_tags_survive_a_restart() {
    let endpoint = Endpoint::start().await;
    let tag = Tag::builder().key("team").value("finance").build().unwrap();
    let create = endpoint.sns.create_topic().name("events").tags(tag.clone());
    let create = create.attributes("DisplayName", "Events");
    let topic = create.send().await.unwrap().topic_arn.unwrap();
    subscribe(&endpoint, &topic, "a", &[("RawMessageDelivery", "true")]).await;

    let endpoint = endpoint.restart().await;
    let topics = endpoint.sns.list_topics().send().await.unwrap();
    assert_eq!(topics.topics()[0].topic_arn(), Some(topic.as_str()));
    let attributes = endpoint.sns.get_topic_attributes().topic_arn(&topic).send().await.unwrap();
    let attributes = attributes.attributes.unwrap();
    assert_eq!(attributes["DisplayName"], "Events");
    assert_eq!(attributes["SubscriptionsConfirmed"], "1");
    let tags = endpoint.sns.list_tags_for_resource().resource_arn(&topic).send().await.unwrap();
    assert_eq!(tags.tags(), [tag]);
    endpoint.sns.publish().topic_arn(&topic).message("x").send().await.unwrap();
    let queue = endpoint.queue("a", &[]).await;
    assert_eq!(bodies(&endpoint.receive(&queue).await), ["x"]);
    endpoint.sns.delete_topic().topic_arn(&topic).send().await.unwrap();
    assert!(endpoint.sns.list_subscriptions().send().await.unwrap().subscriptions().is_empty());
}
