//! Rules, their patterns and their targets.

use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::types::{InputTransformer, RuleState, Target};

use crate::client::{Endpoint, QUEUE};

fn target(id: &str) -> Target {
    Target::builder().id(id).arn(format!("{QUEUE}a")).build().unwrap()
}

#[tokio::test]
async fn a_rule_is_described_as_it_was_put() {
    let endpoint = Endpoint::start().await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    let put = events.put_rule().name("r").description("d").event_pattern("{\"source\":[\"a\"]}");
    let arn = put.send().await.unwrap().rule_arn.unwrap();
    assert_eq!(arn, "arn:aws:events:us-east-1:000000000000:rule/r");
    let endpoint = endpoint.restart_after(std::time::Duration::ZERO).await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    let rule = events.describe_rule().name("r").send().await.unwrap();
    assert_eq!(rule.event_pattern(), Some("{\"source\":[\"a\"]}"));
    assert_eq!(rule.description(), Some("d"));
    assert_eq!(rule.state(), Some(&RuleState::Enabled));
    assert_eq!(rule.event_bus_name(), Some("default"));
    let gone = events.describe_rule().name("none").send().await.unwrap_err().into_service_error();
    assert!(gone.is_resource_not_found_exception());
    assert_eq!(gone.message(), Some("Rule none does not exist on EventBus default."));
}

#[tokio::test]
async fn a_pattern_that_is_not_understood_is_refused_with_a_reason() {
    let endpoint = Endpoint::start().await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    for (pattern, reason) in [
        ("{\"a\": \"b\"}", "\"a\" must be an object or an array"),
        ("{\"a\": []}", "Empty arrays are not allowed"),
        ("{\"a\": [{\"starts\": \"b\"}]}", "Unrecognized match type starts"),
        ("nonsense", "it is not valid JSON"),
    ] {
        let put = events.put_rule().name("r").event_pattern(pattern).send().await;
        let error = put.unwrap_err().into_service_error();
        assert!(error.is_invalid_event_pattern_exception(), "{pattern}");
        assert!(error.message().unwrap().contains(reason), "{:?}", error.message());
    }
}

#[tokio::test]
async fn an_event_can_be_tested_against_a_pattern() {
    let endpoint = Endpoint::start().await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    let event = r#"{"id": "1", "account": "1", "source": "a", "time": "2026-11-21T10:00:00Z",
        "region": "us-east-1", "resources": [], "detail-type": "t", "detail": {"x": "10.0.0.9"}}"#;
    for (pattern, expected) in [
        (r#"{"source": ["a"], "detail": {"x": [{"cidr": "10.0.0.0/24"}]}}"#, true),
        (r#"{"$or": [{"source": ["b"]}, {"detail-type": [{"wildcard": "t*"}]}]}"#, true),
        (r#"{"source": [{"anything-but": {"prefix": "a"}}]}"#, false),
    ] {
        let test = events.test_event_pattern().event_pattern(pattern).event(event);
        assert_eq!(test.send().await.unwrap().result(), expected, "{pattern}");
    }
    let test = events.test_event_pattern().event_pattern("{\"a\": [1]}").event("{}").send().await;
    assert_eq!(test.unwrap_err().code(), Some("ValidationException"));
}

#[tokio::test]
async fn schedules_are_checked() {
    let endpoint = Endpoint::start().await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    events.create_event_bus().name("other").send().await.unwrap();
    for (bus, schedule) in [
        ("default", "rate(1 minutes)"),
        ("default", "cron(0 0 * * * *)"),
        ("default", "at(2027-01-01T00:00:00)"),
        ("other", "rate(1 minute)"),
    ] {
        let put = events.put_rule().name("r").event_bus_name(bus).schedule_expression(schedule);
        let error = put.send().await.unwrap_err();
        assert_eq!(error.code(), Some("ValidationException"), "{schedule}");
    }
    let neither = events.put_rule().name("r").send().await.unwrap_err();
    assert_eq!(neither.code(), Some("ValidationException"));
}

#[tokio::test]
async fn a_rule_is_deleted_after_its_targets() {
    let endpoint = Endpoint::start().await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    events.put_rule().name("r").event_pattern("{\"source\":[\"a\"]}").send().await.unwrap();
    events.put_targets().rule("r").targets(target("1")).targets(target("2")).send().await.unwrap();
    let refused = events.delete_rule().name("r").send().await.unwrap_err();
    assert_eq!(refused.message(), Some("Rule can't be deleted since it has targets."));
    let names = events.list_rule_names_by_target().target_arn(format!("{QUEUE}a"));
    assert_eq!(names.send().await.unwrap().rule_names(), ["r"]);
    let page = events.list_targets_by_rule().rule("r").limit(1).send().await.unwrap();
    assert_eq!(page.targets()[0].id(), "1");
    let rest = events.list_targets_by_rule().rule("r").next_token(page.next_token().unwrap());
    assert_eq!(rest.send().await.unwrap().targets()[0].id(), "2");
    let removed = events.remove_targets().rule("r").ids("1").ids("2").ids("3");
    let removed = removed.send().await.unwrap();
    assert_eq!(removed.failed_entry_count(), 1);
    assert_eq!(removed.failed_entries()[0].target_id(), Some("3"));
    events.delete_rule().name("r").send().await.unwrap();
    assert!(events.list_rules().send().await.unwrap().rules().is_empty());
}

#[tokio::test]
async fn targets_are_checked() {
    let endpoint = Endpoint::start().await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    events.put_rule().name("r").event_pattern("{\"source\":[\"a\"]}").send().await.unwrap();
    let with = |arn: &str| Target::builder().id("1").arn(arn);
    let template = InputTransformer::builder().input_template("plain text").build().unwrap();
    for (target, reason) in [
        (with("queue"), "not in correct format"),
        (with("arn:aws:sqs:us-east-1:000000000000:a.fifo"), "SqsParameters must be specified"),
        (with("arn:aws:sqs:us-east-1:000000000000:a").input("{"), "JSON syntax error"),
        (
            with("arn:aws:sqs:us-east-1:000000000000:a").input("{}").input_path("$.detail"),
            "Only one of Input",
        ),
        (
            with("arn:aws:sqs:us-east-1:000000000000:a").input_transformer(template),
            "Invalid InputTemplate",
        ),
    ] {
        let put = events.put_targets().rule("r").targets(target.build().unwrap()).send().await;
        let error = put.unwrap_err();
        assert_eq!(error.code(), Some("ValidationException"), "{reason}");
        assert!(error.message().unwrap().contains(reason), "{:?}", error.message());
    }
    let many = (1..=6).map(|id| target(&id.to_string())).collect();
    let put = events.put_targets().rule("r").set_targets(Some(many)).send().await;
    assert!(put.unwrap_err().into_service_error().is_limit_exceeded_exception());
    let none = events.put_targets().rule("none").targets(target("1")).send().await;
    assert!(none.unwrap_err().into_service_error().is_resource_not_found_exception());
}
