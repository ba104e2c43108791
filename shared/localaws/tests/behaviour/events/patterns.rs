//! Event patterns, each as a rule on the bus: which events come to its queue.

use serde_json::{Value, json};

use super::to;
use crate::aws::{Aws, unique};
use crate::refusal::refused;

/// Asserts that a rule with a pattern for the detail matches some details and
/// not others.
async fn matches(pattern: Value, yes: &[Value], no: &[Value]) {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let (name, source) = (unique("rule"), unique("source"));
    let pattern = json!({"source": [source], "detail": pattern}).to_string();
    aws.events.put_rule().name(&name).event_pattern(pattern).send().await.unwrap();
    let target = to(&queue).input_path("$.detail").build().unwrap();
    aws.events.put_targets().rule(&name).targets(target).send().await.unwrap();
    for detail in no.iter().chain(yes) {
        aws.put_event(&source, detail).await;
    }
    let mut expected: Vec<_> = yes.iter().map(Value::to_string).collect();
    let got = aws.receive_all(&queue, yes.len()).await;
    let mut got: Vec<_> = got.iter().map(detail).collect();
    expected.sort();
    got.sort();
    assert_eq!(got, expected);
    assert!(aws.receive(&queue).await.is_empty());
}

/// The detail in a message, also from an endpoint that sends the whole event.
fn detail(message: &aws_sdk_sqs::types::Message) -> String {
    let body = crate::queue::json(message);
    body.get("detail").unwrap_or(&body).to_string()
}

/// `TestEventPattern` says whether an event matches a pattern, without any rule.
/// (TestEventPattern)
#[tokio::test]
async fn a_pattern_can_be_tried() {
    let aws = Aws::start().await;
    let event = json!({
        "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "Order Placed", "source": "shop", "account": "111122223333",
        "time": "2025-01-01T00:00:00Z", "region": "us-east-1", "resources": [],
        "detail": {"state": "paid"},
    });
    for (state, expected) in [("paid", true), ("void", false)] {
        let pattern = json!({"source": ["shop"], "detail": {"state": [state]}}).to_string();
        let request = aws.events.test_event_pattern().event(event.to_string());
        let answer = request.event_pattern(pattern).send().await.unwrap();
        assert_eq!(answer.result, expected, "{state}");
    }
}

/// All fields of a pattern have to match, each with one of its values; an array
/// in the event matches with one of its elements. (EventBridge User Guide, Event
/// patterns)
#[tokio::test]
async fn every_field_matches_one_of_its_values() {
    let yes = [json!({"a": "1", "b": {"c": ["x", 2]}, "more": 1})];
    let no =
        [json!({"a": "1"}), json!({"a": "3", "b": {"c": 2}}), json!({"a": "1", "b": {"c": 3}})];
    matches(json!({"a": ["1", "2"], "b": {"c": [2]}}), &yes, &no).await;
}

/// `prefix` and `suffix` match the ends of strings, also ignoring case.
/// (EventBridge User Guide, Comparison operators)
#[tokio::test]
async fn strings_match_by_their_ends() {
    let suffix = json!({"suffix": {"equals-ignore-case": ".PNG"}});
    let pattern = json!({"region": [{"prefix": "us-"}], "file": [suffix]});
    let yes = [json!({"region": "us-east-1", "file": "a.png"})];
    let no = [
        json!({"region": "eu-west-1", "file": "a.png"}),
        json!({"region": "us-east-1", "file": "a.pngx"}),
    ];
    matches(pattern, &yes, &no).await;
}

/// `anything-but` matches what is not in its list, or not of its prefix or
/// wildcard. (EventBridge User Guide, Comparison operators)
#[tokio::test]
async fn anything_but_matches_the_rest() {
    let pattern = json!({
        "state": [{"anything-but": ["draft", "void"]}],
        "path": [{"anything-but": {"wildcard": "*/lib/*"}}],
    });
    let yes = [json!({"state": "paid", "path": "src/a"})];
    let no = [
        json!({"state": "void", "path": "src/a"}),
        json!({"state": "paid", "path": "x/lib/a"}),
        json!({"path": "src/a"}),
    ];
    matches(pattern, &yes, &no).await;
}

/// `numeric` matches numbers in a range. (EventBridge User Guide, Comparison
/// operators)
#[tokio::test]
async fn numbers_match_by_their_range() {
    let pattern = json!({"price": [{"numeric": [">", 10, "<=", 20.5]}]});
    let yes = [json!({"price": 10.01}), json!({"price": 20.5})];
    let no = [json!({"price": 10}), json!({"price": 21}), json!({"price": "15"})];
    matches(pattern, &yes, &no).await;
}

/// `wildcard` matches any characters in the place of each `*`. (EventBridge User
/// Guide, Comparison operators)
#[tokio::test]
async fn a_wildcard_matches_any_characters() {
    let yes = [json!({"file": "dir/a/b.png"}), json!({"file": "dir/.png"})];
    let no = [json!({"file": "other/b.png"}), json!({"file": "dir/b.jpg"})];
    matches(json!({"file": [{"wildcard": "dir/*.png"}]}), &yes, &no).await;
}

/// `$or` matches if one of its patterns does. (EventBridge User Guide,
/// Comparison operators)
#[tokio::test]
async fn one_of_several_fields_can_match() {
    let pattern = json!({"$or": [{"city": ["New York"]}, {"day": ["Monday"]}]});
    let yes = [json!({"city": "New York", "day": "Friday"}), json!({"day": "Monday"})];
    let no = [json!({"city": "Paris", "day": "Friday"})];
    matches(pattern, &yes, &no).await;
}

/// `exists` asks whether a field is there. (EventBridge User Guide, Comparison
/// operators)
#[tokio::test]
async fn a_field_can_be_there_or_not() {
    let pattern = json!({"name": [{"exists": true}], "error": [{"exists": false}]});
    let yes = [json!({"name": "x"})];
    let no = [json!({}), json!({"name": "x", "error": "y"})];
    matches(pattern, &yes, &no).await;
}

/// `equals-ignore-case` and `cidr` match strings as words and as addresses.
/// (EventBridge User Guide, Comparison operators)
#[tokio::test]
async fn words_and_addresses_match() {
    let pattern = json!({
        "name": [{"equals-ignore-case": "alice"}], "ip": [{"cidr": "10.0.0.0/24"}],
    });
    let yes = [json!({"name": "ALICE", "ip": "10.0.0.255"})];
    let no = [json!({"name": "ALICE", "ip": "10.0.1.0"}), json!({"name": "Bob", "ip": "10.0.0.1"})];
    matches(pattern, &yes, &no).await;
}

/// Null and the empty string are values of their own. (EventBridge User Guide,
/// Null values and empty strings in event patterns)
#[tokio::test]
async fn null_is_not_the_empty_string() {
    let yes = [json!({"a": null, "b": ""})];
    let no = [json!({"a": "", "b": ""}), json!({"a": null, "b": null}), json!({"b": ""})];
    matches(json!({"a": [null], "b": [""]}), &yes, &no).await;
}

/// A pattern whose values are not in an array is `InvalidEventPattern`.
/// (PutRule; EventBridge User Guide, Event patterns)
#[tokio::test]
async fn values_are_in_an_array() {
    let aws = Aws::start().await;
    let request = aws.events.put_rule().name(unique("rule"));
    let answer = request.event_pattern(r#"{"source": "shop"}"#).send().await;
    assert_eq!(refused(answer), "InvalidEventPatternException");
}
