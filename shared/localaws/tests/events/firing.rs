//! Rules that fire by the clock.

use aws_sdk_eventbridge::types::{RuleState, Target};
use serde_json::{Value, json};

use crate::client::{Endpoint, HOUR, MINUTE, QUEUE};

async fn rule(endpoint: &Endpoint, name: &str, schedule: &str) {
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    events.put_rule().name(name).schedule_expression(schedule).send().await.unwrap();
    let target = Target::builder().id("q").arn(format!("{QUEUE}a")).build().unwrap();
    events.put_targets().rule(name).targets(target).send().await.unwrap();
}

fn times(events: &[Value]) -> Vec<&str> {
    let mut times: Vec<_> = events.iter().map(|event| event["time"].as_str().unwrap()).collect();
    times.sort_unstable();
    times
}

#[tokio::test]
async fn a_rate_fires_again_and_again() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    rule(&endpoint, "r", "rate(5 minutes)").await;
    assert_eq!(endpoint.depth(&queue).await, 0);
    endpoint.clock.advance(5 * MINUTE);
    let event = endpoint.take_json(&queue, 1).await.remove(0);
    let expected = json!({
        "version": "0",
        "id": event["id"],
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": "2026-11-21T10:05:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:000000000000:rule/r"],
        "detail": {},
    });
    assert_eq!(event, expected);
    endpoint.clock.advance(10 * MINUTE);
    let events = endpoint.take_json(&queue, 2).await;
    assert_eq!(times(&events), ["2026-11-21T10:10:00Z", "2026-11-21T10:15:00Z"]);
}

#[tokio::test]
async fn a_cron_expression_fires_when_it_says_in_utc() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    rule(&endpoint, "r", "cron(30 8 ? * MON *)").await;
    endpoint.clock.advance(48 * HOUR);
    assert_eq!(times(&endpoint.take_json(&queue, 1).await), ["2026-11-23T08:30:00Z"]);
}

#[tokio::test]
async fn a_rule_that_is_disabled_does_not_fire() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    rule(&endpoint, "r", "rate(1 minute)").await;
    rule(&endpoint, "beside", "rate(1 minute)").await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    let put = events.put_rule().name("r").schedule_expression("rate(1 minute)");
    put.state(RuleState::Disabled).send().await.unwrap();
    endpoint.clock.advance(MINUTE);
    let event = endpoint.take_json(&queue, 1).await.remove(0);
    assert_eq!(event["resources"][0], "arn:aws:events:us-east-1:000000000000:rule/beside");
    assert_eq!(endpoint.depth(&queue).await, 0);
}

#[tokio::test]
async fn what_was_missed_is_fired_once() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    rule(&endpoint, "r", "rate(5 minutes)").await;
    let endpoint = endpoint.restart_after(23 * MINUTE).await;
    assert_eq!(times(&endpoint.take_json(&queue, 1).await), ["2026-11-21T10:20:00Z"]);
    endpoint.clock.advance(2 * MINUTE);
    assert_eq!(times(&endpoint.take_json(&queue, 1).await), ["2026-11-21T10:25:00Z"]);
    // Nothing is fired twice.
    let endpoint = endpoint.restart_after(MINUTE).await;
    endpoint.clock.advance(4 * MINUTE);
    assert_eq!(times(&endpoint.take_json(&queue, 1).await), ["2026-11-21T10:30:00Z"]);
}
