//! From `PutEvents` to the targets of rules.

use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::types::{
    DeadLetterConfig, InputTransformer, PutEventsRequestEntry, Target,
};
use serde_json::{Value, json};

use crate::client::{Endpoint, QUEUE, attribute};

/// A rule on the default bus and its targets.
async fn rule(endpoint: &Endpoint, name: &str, pattern: Value, targets: Vec<Target>) {
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    events.put_rule().name(name).event_pattern(pattern.to_string()).send().await.unwrap();
    let put = events.put_targets().rule(name).set_targets(Some(targets)).send().await.unwrap();
    assert_eq!(put.failed_entry_count(), 0);
}

fn target(id: &str, arn: &str) -> aws_sdk_eventbridge::types::builders::TargetBuilder {
    Target::builder().id(id).arn(arn)
}

fn queue_target(queue: &str) -> Target {
    target(queue, &format!("{QUEUE}{queue}")).build().unwrap()
}

fn entry(source: &str, detail: &str) -> PutEventsRequestEntry {
    PutEventsRequestEntry::builder().source(source).detail_type("Order").detail(detail).build()
}

async fn put(endpoint: &Endpoint, entries: Vec<PutEventsRequestEntry>) -> PutEventsOutput {
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    events.put_events().set_entries(Some(entries)).send().await.unwrap()
}

#[tokio::test]
async fn an_event_reaches_the_targets_of_the_rules_that_match() {
    let endpoint = Endpoint::start().await;
    let (matching, other) = (endpoint.queue("matching").await, endpoint.queue("other").await);
    let pattern = json!({"source": ["shop"], "detail": {"size": [{"numeric": [">", 5]}]}});
    rule(&endpoint, "large", pattern, vec![queue_target("matching")]).await;
    rule(&endpoint, "other", json!({"source": ["depot"]}), vec![queue_target("other")]).await;
    let sent = put(&endpoint, vec![entry("shop", "{\"size\": 7}"), entry("shop", "{}")]).await;
    assert_eq!(sent.failed_entry_count(), 0);
    // It is there as soon as the answer is.
    assert_eq!(endpoint.depth(&matching).await, 1);
    let event = endpoint.take_json(&matching, 1).await.remove(0);
    let expected = json!({
        "version": "0",
        "id": sent.entries()[0].event_id().unwrap(),
        "detail-type": "Order",
        "source": "shop",
        "account": "000000000000",
        "time": "2026-11-21T10:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {"size": 7},
    });
    assert_eq!(event, expected);
    assert_eq!(endpoint.depth(&other).await, 0);
}

#[tokio::test]
async fn a_rule_that_is_disabled_sends_nothing() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    rule(&endpoint, "r", json!({"source": ["shop"]}), vec![queue_target("a")]).await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    events.disable_rule().name("r").send().await.unwrap();
    put(&endpoint, vec![entry("shop", "{}")]).await;
    assert_eq!(endpoint.depth(&queue).await, 0);
    events.enable_rule().name("r").send().await.unwrap();
    put(&endpoint, vec![entry("shop", "{}")]).await;
    assert_eq!(endpoint.depth(&queue).await, 1);
}

#[tokio::test]
async fn a_target_gets_what_its_input_says() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    let arn = format!("{QUEUE}a");
    let transformer = InputTransformer::builder()
        .input_paths_map("name", "$.detail.items[1].name")
        .input_paths_map("item", "$.detail.items[0]")
        .input_template(
            r#"{"text": "got <name> by <aws.events.rule-name>", "item": <item>, "name": <name>}"#,
        );
    let targets = vec![
        target("1", &arn).input("{\"constant\": true}").build().unwrap(),
        target("2", &arn).input_path("$.detail.items").build().unwrap(),
        target("3", &arn).input_transformer(transformer.build().unwrap()).build().unwrap(),
    ];
    rule(&endpoint, "r", json!({"source": ["shop"]}), targets).await;
    let detail = r#"{"items": [{"id": 1}, {"name": "a \"b\""}]}"#;
    put(&endpoint, vec![entry("shop", detail)]).await;
    let bodies = endpoint.take_json(&queue, 3).await;
    for expected in [
        json!({"constant": true}),
        json!([{"id": 1}, {"name": "a \"b\""}]),
        json!({"text": "got a \"b\" by r", "item": {"id": 1}, "name": "a \"b\""}),
    ] {
        assert!(bodies.contains(&expected), "{expected} in {bodies:?}");
    }
}

#[tokio::test]
async fn entries_are_taken_or_refused_one_by_one() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    rule(&endpoint, "all", json!({"account": [{"exists": true}]}), vec![queue_target("a")]).await;
    let elsewhere = PutEventsRequestEntry::builder().event_bus_name("none").source("shop");
    let entries = vec![
        entry("shop", "{}"),
        entry("shop", "[]"),
        entry("aws.s3", "{}"),
        PutEventsRequestEntry::builder().source("shop").detail("{}").build(),
        elsewhere.detail_type("t").detail("{}").build(),
    ];
    let sent = put(&endpoint, entries).await;
    assert_eq!(sent.failed_entry_count(), 3);
    let codes: Vec<_> = sent.entries().iter().map(|entry| entry.error_code()).collect();
    let refused =
        [Some("MalformedDetail"), Some("NotAuthorizedForSourceException"), Some("InvalidArgument")];
    assert_eq!(codes[1..4], refused);
    assert_eq!((codes[0], codes[4]), (None, None));
    assert_eq!(endpoint.depth(&queue).await, 1);
}

#[tokio::test]
async fn an_event_goes_from_bus_to_bus_and_never_round() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    let bus = events.create_event_bus().name("second").send().await.unwrap();
    let second = bus.event_bus_arn().unwrap();
    let pattern = json!({"source": ["shop"]});
    let to_second = target("1", second).build().unwrap();
    rule(&endpoint, "forward", pattern.clone(), vec![to_second]).await;
    let put_rule = events.put_rule().name("back").event_bus_name(second);
    put_rule.event_pattern(pattern.to_string()).send().await.unwrap();
    let default = second.replace("second", "default");
    let dead = endpoint.queue("dead").await;
    let letters = DeadLetterConfig::builder().arn(format!("{QUEUE}dead")).build();
    let back = target("1", &default).dead_letter_config(letters).build().unwrap();
    let put_targets = events.put_targets().rule("back").event_bus_name("second").targets(back);
    put_targets.targets(queue_target("a")).send().await.unwrap();
    put(&endpoint, vec![entry("shop", "{}")]).await;
    assert_eq!(endpoint.depth(&queue).await, 1);
    let letter = endpoint.take(&dead, 1).await.remove(0);
    assert_eq!(attribute(&letter, "ERROR_CODE"), Some("THIRD_ACCOUNT_HOP_DETECTED"));
}

#[tokio::test]
async fn a_topic_is_a_target() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    let sns = aws_sdk_sns::Client::new(&endpoint.sdk);
    let topic = sns.create_topic().name("t").send().await.unwrap().topic_arn.unwrap();
    let subscribe = sns.subscribe().topic_arn(&topic).protocol("sqs");
    let subscribe = subscribe.endpoint(format!("{QUEUE}a"));
    subscribe.attributes("RawMessageDelivery", "true").send().await.unwrap();
    let to_topic = target("1", &topic).input("{\"alarm\": 1}").build().unwrap();
    rule(&endpoint, "r", json!({"source": ["shop"]}), vec![to_topic]).await;
    put(&endpoint, vec![entry("shop", "{}")]).await;
    assert_eq!(endpoint.take_json(&queue, 1).await, [json!({"alarm": 1})]);
}

#[tokio::test]
async fn what_a_target_does_not_take_goes_to_its_dead_letter_queue() {
    let endpoint = Endpoint::start().await;
    let dead = endpoint.queue("dead").await;
    let config = DeadLetterConfig::builder().arn(format!("{QUEUE}dead")).build();
    let gone = format!("{QUEUE}gone");
    let to_gone = target("1", &gone).input("{}").dead_letter_config(config).build().unwrap();
    rule(&endpoint, "r", json!({"source": ["shop"]}), vec![to_gone]).await;
    let sent = put(&endpoint, vec![entry("shop", "{}")]).await;
    assert_eq!(sent.failed_entry_count(), 0, "the sender does not learn of it");
    let letter = endpoint.take(&dead, 1).await.remove(0);
    let event: Value = serde_json::from_str(letter.body().unwrap()).unwrap();
    assert_eq!(event["source"], "shop", "the letter is the event, not what was made of it");
    let rule_arn = "arn:aws:events:us-east-1:000000000000:rule/r";
    assert_eq!(attribute(&letter, "RULE_ARN"), Some(rule_arn));
    assert_eq!(attribute(&letter, "TARGET_ARN"), Some(gone.as_str()));
    assert_eq!(attribute(&letter, "RETRY_ATTEMPTS"), Some("0"));
    assert!(attribute(&letter, "ERROR_CODE").is_some());
    assert!(attribute(&letter, "ERROR_MESSAGE").is_some());
    assert_eq!(attribute(&letter, "EXHAUSTED_RETRY_CONDITION"), None, "nothing was retried");
}
