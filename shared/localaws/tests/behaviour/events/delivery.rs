//! What a target gets of an event.

use aws_sdk_eventbridge::types::{DeadLetterConfig, InputTransformer, RetryPolicy};
use serde_json::json;

use super::{event, to};
use crate::aws::Aws;
use crate::queue::attributes;

/// A queue gets the whole event as JSON: version, id, source, detail type,
/// account, time, region, resources, detail. (PutTargets; EventBridge User
/// Guide, Event structure)
#[tokio::test]
async fn a_target_gets_the_whole_event() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let rule = aws.rule_to(&queue).await;
    aws.put_event(&rule.source, &json!({"id": 7})).await;
    let got = aws.receive_json(&queue).await;
    assert_eq!((&got["version"], &got["source"]), (&json!("0"), &json!(rule.source)));
    assert_eq!(
        (&got["detail-type"], &got["region"]),
        (&json!("Order Placed"), &json!("us-east-1"))
    );
    assert_eq!((&got["detail"], &got["resources"]), (&json!({"id": 7}), &json!([])));
    let time = got["time"].as_str().unwrap();
    assert!(time.ends_with('Z') && time.len() == 20, "{time}");
    assert!(got["id"].as_str().is_some_and(|id| id.len() == 36), "{got}");
}

/// With `Input` a target gets that constant in place of the event. (PutTargets)
#[tokio::test]
async fn a_target_can_get_a_constant() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let rule = aws.rule().await;
    aws.target(&rule, to(&queue).input(r#"{"constant":true}"#).build().unwrap()).await;
    aws.put_event(&rule.source, &json!({})).await;
    assert_eq!(aws.receive_json(&queue).await, json!({"constant": true}));
}

/// With `InputPath` a target gets that part of the event. (PutTargets)
#[tokio::test]
async fn a_target_can_get_a_part() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let rule = aws.rule().await;
    aws.target(&rule, to(&queue).input_path("$.detail.order").build().unwrap()).await;
    aws.put_event(&rule.source, &json!({"order": {"id": 7}})).await;
    assert_eq!(aws.receive_json(&queue).await, json!({"id": 7}));
}

/// With an `InputTransformer` a target gets the template with the values of the
/// paths in it: JSON as it is outside of quotes, text within. (PutTargets;
/// InputTransformer)
#[tokio::test]
async fn a_target_can_get_a_template() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let rule = aws.rule().await;
    let template = r#"{"order": <id>, "says": "order <id> is <state>"}"#;
    let transformer = InputTransformer::builder()
        .input_paths_map("id", "$.detail.id")
        .input_paths_map("state", "$.detail.state")
        .input_template(template)
        .build()
        .unwrap();
    aws.target(&rule, to(&queue).input_transformer(transformer).build().unwrap()).await;
    aws.put_event(&rule.source, &json!({"id": 7, "state": "paid"})).await;
    let expected = json!({"order": 7, "says": "order 7 is paid"});
    assert_eq!(aws.receive_json(&queue).await, expected);
}

/// An event whose target is gone goes to the target's dead-letter queue, with
/// `RULE_ARN`, `TARGET_ARN` and `ERROR_CODE` as message attributes. (EventBridge
/// User Guide, Using dead-letter queues)
#[tokio::test]
async fn an_undeliverable_event_goes_to_the_dead_letter_queue() {
    let aws = Aws::start().await;
    let dead = aws.queue(&[]).await;
    let gone = aws.queue(&[]).await;
    let rule = aws.rule().await;
    let letters = DeadLetterConfig::builder().arn(&dead.arn).build();
    let retry = RetryPolicy::builder().maximum_retry_attempts(0).build();
    let target = to(&gone).dead_letter_config(letters).retry_policy(retry);
    aws.target(&rule, target.build().unwrap()).await;
    aws.sqs.delete_queue().queue_url(&gone.url).send().await.unwrap();
    aws.put_event(&rule.source, &json!({"id": 7})).await;
    let letter = aws.receive_one(&dead).await;
    assert_eq!(crate::queue::json(&letter)["detail"]["id"], 7);
    let attributes = attributes(&letter);
    assert_eq!(attributes["RULE_ARN"], rule.arn);
    assert_eq!(attributes["TARGET_ARN"], gone.arn);
    assert!(attributes.contains_key("ERROR_CODE"), "{attributes:?}");
}

/// `PutEvents` answers for each entry: a bad one has an error code, the others
/// are sent. (PutEvents)
#[tokio::test]
async fn one_bad_event_does_not_fail_the_others() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let rule = aws.rule_to(&queue).await;
    let good = event(&rule.source, &json!({"id": 7}));
    let bad = aws_sdk_eventbridge::types::PutEventsRequestEntry::builder();
    let bad = bad.source(&rule.source).detail_type("x").detail("no JSON").build();
    let answer = aws.events.put_events().entries(bad).entries(good).send().await.unwrap();
    assert_eq!(answer.failed_entry_count, 1);
    assert_eq!(answer.entries()[0].error_code(), Some("MalformedDetail"));
    let id = answer.entries()[1].event_id().unwrap();
    assert_eq!(aws.receive_json(&queue).await["id"], id);
}
