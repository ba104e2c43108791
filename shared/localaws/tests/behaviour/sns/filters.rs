//! Filter policies.

use aws_sdk_sns::types::MessageAttributeValue;

use crate::aws::Aws;
use crate::queue::bodies;
use crate::refusal::refused;

/// Publishes messages of attributes, each (name, type, value) or none, of which
/// only the last is to pass `policy`.
async fn only_the_last_passes(policy: &str, messages: &[(&str, &str, &str)]) {
    let aws = Aws::start().await;
    let (topic, queue) = (aws.topic().await, aws.queue(&[]).await);
    let attributes = [("RawMessageDelivery", "true"), ("FilterPolicy", policy)];
    aws.subscribe(&topic, &queue, &attributes).await;
    for (number, (name, kind, value)) in messages.iter().enumerate() {
        let attribute = MessageAttributeValue::builder().data_type(*kind).string_value(*value);
        let request = aws.sns.publish().topic_arn(&topic).message(number.to_string());
        request.message_attributes(*name, attribute.build().unwrap()).send().await.unwrap();
    }
    let last = (messages.len() - 1).to_string();
    assert_eq!(bodies(&[aws.receive_one(&queue).await]), [last]);
    assert!(aws.receive(&queue).await.is_empty());
}

/// A message passes if an attribute has one of the values in the policy.
/// (SNS Developer Guide, Subscription filter policies)
#[tokio::test]
async fn an_attribute_passes_by_its_value() {
    let messages = [("other", "String", "a"), ("kind", "String", "c"), ("kind", "String", "b")];
    only_the_last_passes(r#"{"kind": ["a", "b"]}"#, &messages).await;
}

/// With `prefix` an attribute passes by what it begins with. (SNS Developer
/// Guide, String value matching)
#[tokio::test]
async fn an_attribute_passes_by_what_it_begins_with() {
    let messages = [("kind", "String", "invoice"), ("kind", "String", "order-7")];
    only_the_last_passes(r#"{"kind": [{"prefix": "order-"}]}"#, &messages).await;
}

/// A number passes if it is in the range. (SNS Developer Guide, Numeric value
/// matching)
#[tokio::test]
async fn a_number_passes_by_its_range() {
    let messages = [("n", "Number", "10"), ("n", "Number", "100.5"), ("n", "Number", "99.5")];
    only_the_last_passes(r#"{"n": [{"numeric": [">", 10, "<=", 100]}]}"#, &messages).await;
}

/// An attribute of type `String.Array` passes if one of its elements does.
/// (SNS Developer Guide, Message attributes; String value matching)
#[tokio::test]
async fn an_array_passes_by_one_of_its_elements() {
    let messages =
        [("tags", "String.Array", r#"["x", "y"]"#), ("tags", "String.Array", r#"["x", "a"]"#)];
    only_the_last_passes(r#"{"tags": ["a"]}"#, &messages).await;
}

/// `{"exists": false}` passes messages without the attribute. (SNS Developer
/// Guide, Key matching)
#[tokio::test]
async fn an_absent_attribute_can_be_asked_for() {
    let messages = [("kind", "String", "a"), ("other", "String", "a")];
    only_the_last_passes(r#"{"kind": [{"exists": false}]}"#, &messages).await;
}

/// With the scope `MessageBody` the policy looks at the properties of the body,
/// also nested ones. (SNS Developer Guide, Filter policy scope)
#[tokio::test]
async fn a_policy_can_look_at_the_body() {
    let aws = Aws::start().await;
    let (topic, queue) = (aws.topic().await, aws.queue(&[]).await);
    let policy = r#"{"order": {"state": [{"anything-but": ["draft"]}]}}"#;
    let attributes = [
        ("RawMessageDelivery", "true"),
        ("FilterPolicyScope", "MessageBody"),
        ("FilterPolicy", policy),
    ];
    aws.subscribe(&topic, &queue, &attributes).await;
    for state in ["draft", "paid"] {
        let message = format!(r#"{{"order": {{"state": "{state}"}}}}"#);
        aws.sns.publish().topic_arn(&topic).message(message).send().await.unwrap();
    }
    let passed = aws.receive_json(&queue).await;
    assert_eq!(passed["order"]["state"], "paid");
    assert!(aws.receive(&queue).await.is_empty());
}

/// A filter policy that is no JSON is refused as `InvalidParameter`.
/// (SetSubscriptionAttributes)
#[tokio::test]
async fn a_policy_is_json() {
    let aws = Aws::start().await;
    let (topic, queue) = (aws.topic().await, aws.queue(&[]).await);
    let subscription = aws.subscribe(&topic, &queue, &[]).await;
    let request = aws.sns.set_subscription_attributes().subscription_arn(subscription);
    let request = request.attribute_name("FilterPolicy").attribute_value("{no");
    assert_eq!(refused(request.send().await), "InvalidParameter");
}
