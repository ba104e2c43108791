//! What schedules invoke, and what becomes of what fails.

use aws_sdk_eventbridge::types::Target as RuleTarget;
use aws_sdk_scheduler::types::{DeadLetterConfig, EventBridgeParameters, RetryPolicy, Target};
use serde_json::{Value, json};

use crate::client::{Endpoint, HOUR, MINUTE, QUEUE, attribute};
use crate::{off, scheduler, target};

/// Due in an hour.
async fn once(endpoint: &Endpoint, name: &str, target: Target) {
    let create = scheduler(endpoint).create_schedule().name(name).flexible_time_window(off());
    let create = create.schedule_expression("at(2026-11-21T11:00:00)").target(target);
    create.send().await.unwrap();
}

#[tokio::test]
async fn the_input_tells_about_the_firing() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    let input = r#"{"arn": "<aws.scheduler.schedule-arn>", "at": "<aws.scheduler.scheduled-time>",
        "id": "<aws.scheduler.execution-id>", "attempt": <aws.scheduler.attempt-number>}"#;
    once(&endpoint, "s", target(&format!("{QUEUE}a")).input(input).build().unwrap()).await;
    endpoint.clock.advance(HOUR);
    let message = endpoint.take_json(&queue, 1).await.remove(0);
    assert_eq!(message["arn"], "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s");
    assert_eq!(message["at"], "2026-11-21T11:00:00Z");
    assert_eq!(message["attempt"], 1);
    assert_eq!(message["id"].as_str().unwrap().len(), 16);
}

#[tokio::test]
async fn without_an_input_a_target_gets_an_event() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    once(&endpoint, "s", target(&format!("{QUEUE}a")).build().unwrap()).await;
    endpoint.clock.advance(HOUR);
    let message = endpoint.take_json(&queue, 1).await.remove(0);
    assert_eq!(message["source"], "aws.scheduler");
    assert_eq!(message["detail-type"], "Scheduled Event");
    assert_eq!(message["time"], "2026-11-21T11:00:00Z");
}

#[tokio::test]
async fn a_universal_target_calls_an_operation() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    let sns = aws_sdk_sns::Client::new(&endpoint.sdk);
    let topic = sns.create_topic().name("t").send().await.unwrap().topic_arn.unwrap();
    let subscribe = sns.subscribe().topic_arn(&topic).protocol("sqs");
    let subscribe = subscribe.endpoint(format!("{QUEUE}a"));
    subscribe.attributes("RawMessageDelivery", "true").send().await.unwrap();
    let send = json!({
        "QueueUrl": queue,
        "MessageBody": "sent",
        "MessageAttributes": {"k": {"DataType": "String", "StringValue": "v"}},
    });
    let publish = json!({"TopicArn": topic, "Message": "published"});
    for (action, input) in [("sqs:sendMessage", send), ("sns:publish", publish)] {
        let target = target(&format!("arn:aws:scheduler:::aws-sdk:{action}"));
        let target = target.input(input.to_string()).build().unwrap();
        once(&endpoint, &action.replace(':', "-"), target).await;
    }
    endpoint.clock.advance(HOUR);
    let mut messages = endpoint.take(&queue, 2).await;
    messages.sort_by_key(|message| message.body().map(str::to_owned));
    assert_eq!(messages[0].body(), Some("published"));
    assert_eq!(messages[1].body(), Some("sent"));
    assert_eq!(attribute(&messages[1], "k"), Some("v"));
}

#[tokio::test]
async fn a_bus_is_a_target() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    let bus = events.create_event_bus().name("b").send().await.unwrap().event_bus_arn.unwrap();
    let put = events.put_rule().name("r").event_bus_name("b");
    put.event_pattern("{\"source\": [\"nightly\"]}").send().await.unwrap();
    let to_queue = RuleTarget::builder().id("1").arn(format!("{QUEUE}a")).build().unwrap();
    let put = events.put_targets().rule("r").event_bus_name("b").targets(to_queue);
    put.send().await.unwrap();
    let parameters = EventBridgeParameters::builder().detail_type("Run").source("nightly").build();
    let to_bus = target(&bus).event_bridge_parameters(parameters.unwrap());
    once(&endpoint, "s", to_bus.input("{\"job\": 1}").build().unwrap()).await;
    endpoint.clock.advance(HOUR);
    let event = endpoint.take_json(&queue, 1).await.remove(0);
    assert_eq!(event["detail-type"], "Run");
    assert_eq!(event["detail"], json!({"job": 1}));
}

#[tokio::test]
async fn what_fails_is_tried_again_and_dead_lettered_in_the_end() {
    let endpoint = Endpoint::start().await;
    let dead = endpoint.queue("dead").await;
    let letters = DeadLetterConfig::builder().arn(format!("{QUEUE}dead")).build();
    let retries = RetryPolicy::builder().maximum_retry_attempts(2).build();
    let to_none =
        target(&format!("{QUEUE}none")).input("{\"a\": \"<aws.scheduler.attempt-number>\"}");
    let to_none = to_none.dead_letter_config(letters).retry_policy(retries).build().unwrap();
    once(&endpoint, "s", to_none).await;
    endpoint.clock.advance(HOUR);
    let deadline = std::time::Instant::now() + MINUTE / 6;
    while endpoint.depth(&dead).await == 0 {
        assert!(std::time::Instant::now() < deadline, "it was not given up");
        endpoint.clock.advance(MINUTE / 60);
    }
    let letter = endpoint.take(&dead, 1).await.remove(0);
    let body: Value = serde_json::from_str(letter.body().unwrap()).unwrap();
    assert_eq!(body, json!({"a": "3"}));
    for (name, expected) in [
        ("ERROR_CODE", "AWS.SimpleQueueService.NonExistentQueue"),
        ("EXHAUSTED_RETRY_CONDITION", "MaximumRetryAttempts"),
        ("IS_PAYLOAD_TRUNCATED", "false"),
        ("RETRY_ATTEMPTS", "2"),
        ("SCHEDULED_TIME", "2026-11-21T11:00:00Z"),
        ("SCHEDULE_ARN", "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s"),
        ("TARGET_ARN", "arn:aws:sqs:us-east-1:000000000000:none"),
    ] {
        assert_eq!(attribute(&letter, name), Some(expected), "{name}");
    }
    assert!(attribute(&letter, "EXECUTION_ID").is_some());
}

#[tokio::test]
async fn a_retry_outlives_the_process() {
    let endpoint = Endpoint::start().await;
    once(&endpoint, "s", target(&format!("{QUEUE}late")).input("{}").build().unwrap()).await;
    let probe = endpoint.queue("a").await;
    once(&endpoint, "probe", target(&format!("{QUEUE}a")).input("{}").build().unwrap()).await;
    endpoint.clock.advance(HOUR);
    // Both were due together; the second was delivered, so the first was tried.
    endpoint.take(&probe, 1).await;
    let endpoint = endpoint.restart_after(MINUTE).await;
    let queue = endpoint.queue("late").await;
    endpoint.clock.advance(HOUR);
    endpoint.take(&queue, 1).await;
}
