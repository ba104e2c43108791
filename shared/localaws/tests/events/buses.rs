//! Event buses, their policies and tags.

use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::types::Tag;

use crate::client::Endpoint;

#[tokio::test]
async fn there_is_always_a_default_bus() {
    let endpoint = Endpoint::start().await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    let bus = events.describe_event_bus().send().await.unwrap();
    assert_eq!(bus.name(), Some("default"));
    assert_eq!(bus.arn(), Some("arn:aws:events:us-east-1:000000000000:event-bus/default"));
    let refused = events.delete_event_bus().name("default").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("ValidationException"));
}

#[tokio::test]
async fn buses_are_created_listed_by_pages_and_deleted() {
    let endpoint = Endpoint::start().await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    for name in ["a", "b", "c"] {
        events.create_event_bus().name(name).description(name).send().await.unwrap();
    }
    let again = events.create_event_bus().name("a").send().await.unwrap_err();
    assert!(again.into_service_error().is_resource_already_exists_exception());
    let first = events.list_event_buses().limit(2).send().await.unwrap();
    let names: Vec<_> = first.event_buses().iter().filter_map(|bus| bus.name()).collect();
    assert_eq!(names, ["a", "b"]);
    let rest = events.list_event_buses().next_token(first.next_token().unwrap());
    let rest = rest.send().await.unwrap();
    assert_eq!((rest.event_buses().len(), rest.next_token()), (2, None));
    let put = events.put_rule().name("r").event_bus_name("a").event_pattern("{\"x\":[1]}");
    put.send().await.unwrap();
    let refused = events.delete_event_bus().name("a").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("ValidationException"), "it has a rule");
    events.delete_event_bus().name("b").send().await.unwrap();
    let gone = events.describe_event_bus().name("b").send().await.unwrap_err();
    assert!(gone.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn permissions_make_up_a_policy() {
    let endpoint = Endpoint::start().await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    for (id, principal) in [("one", "111111111111"), ("all", "*")] {
        let put = events.put_permission().statement_id(id).principal(principal);
        put.action("events:PutEvents").send().await.unwrap();
    }
    let policy =
        |bus: aws_sdk_eventbridge::operation::describe_event_bus::DescribeEventBusOutput| {
            let policy: Option<serde_json::Value> =
                bus.policy().map(|policy| serde_json::from_str(policy).unwrap());
            policy.map_or(0, |policy| policy["Statement"].as_array().unwrap().len())
        };
    assert_eq!(policy(events.describe_event_bus().send().await.unwrap()), 2);
    events.remove_permission().statement_id("one").send().await.unwrap();
    assert_eq!(policy(events.describe_event_bus().send().await.unwrap()), 1);
    events.remove_permission().remove_all_permissions(true).send().await.unwrap();
    assert_eq!(policy(events.describe_event_bus().send().await.unwrap()), 0);
    let none = events.remove_permission().statement_id("one").send().await.unwrap_err();
    assert!(none.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn buses_and_rules_have_tags() {
    let endpoint = Endpoint::start().await;
    let events = aws_sdk_eventbridge::Client::new(&endpoint.sdk);
    let tag = |key: &str| Tag::builder().key(key).value("v").build().unwrap();
    let bus = events.create_event_bus().name("b").tags(tag("a")).send().await.unwrap();
    let put = events.put_rule().name("r").event_bus_name("b").event_pattern("{\"x\":[1]}");
    let rule = put.tags(tag("a")).send().await.unwrap();
    for arn in [bus.event_bus_arn().unwrap(), rule.rule_arn().unwrap()] {
        events.tag_resource().resource_arn(arn).tags(tag("b")).send().await.unwrap();
        events.untag_resource().resource_arn(arn).tag_keys("a").send().await.unwrap();
        let tags = events.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
        assert_eq!(tags.tags(), [tag("b")], "{arn}");
    }
}
