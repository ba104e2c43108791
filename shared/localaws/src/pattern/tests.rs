//! Patterns of both dialects against documents.

use serde_json::{Value, json};

use super::*;

fn matches(pattern: &Value, document: &Value, dialect: Dialect) -> bool {
    Pattern::parse(&pattern.to_string(), dialect).expect("a pattern").matches(document)
}

#[test]
fn each_kind_of_condition_holds_for_what_it_says() {
    let event = json!({
        "kind": "Order-new", "size": 7, "tags": ["a", "b"], "gone": null, "ok": true,
        "ip": "10.0.0.17", "ip6": "2001:db8::1", "path": "a*b\\c", "empty": "", "none": [],
        "deep": {"x": 1}, "lists": [[1], [2, 3]],
    });
    for (pattern, expected) in [
        (json!({"kind": ["Order-new", "x"]}), true),
        (json!({"kind": ["order-new"]}), false),
        (json!({"kind": [{"equals-ignore-case": "order-NEW"}]}), true),
        (json!({"kind": [{"prefix": "Order"}]}), true),
        (json!({"kind": [{"prefix": {"equals-ignore-case": "oRDER"}}]}), true),
        (json!({"kind": [{"prefix": "oRDER"}]}), false),
        (json!({"kind": [{"suffix": "new"}]}), true),
        (json!({"kind": [{"suffix": {"equals-ignore-case": "NEW"}}]}), true),
        (json!({"kind": [{"wildcard": "O*-*w"}]}), true),
        (json!({"kind": [{"wildcard": "*rder-new*"}]}), true),
        (json!({"kind": [{"wildcard": "O*x*w"}]}), false),
        (json!({"kind": [{"wildcard": "Order"}]}), false),
        (json!({"path": [{"wildcard": "a\\*b\\\\*"}]}), true),
        (json!({"path": [{"wildcard": "a\\*c"}]}), false),
        (json!({"kind": [{"anything-but": ["Order-old"]}]}), true),
        (json!({"kind": [{"anything-but": "Order-new"}]}), false),
        (json!({"kind": [{"anything-but": [1, 2]}]}), true),
        (json!({"kind": [{"anything-but": {"prefix": "Order"}}]}), false),
        (json!({"kind": [{"anything-but": {"prefix": ["x", "y"]}}]}), true),
        (json!({"kind": [{"anything-but": {"suffix": ["old", "new"]}}]}), false),
        (json!({"kind": [{"anything-but": {"wildcard": ["*x*", "O*"]}}]}), false),
        (json!({"kind": [{"anything-but": {"equals-ignore-case": ["ORDER-NEW"]}}]}), false),
        (json!({"kind": [{"anything-but": {"equals-ignore-case": "other"}}]}), true),
        (json!({"size": [7]}), true),
        (json!({"size": [7.0]}), false),
        (json!({"size": ["7"]}), false),
        (json!({"size": [{"numeric": [">", 0, "<=", 7]}]}), true),
        (json!({"size": [{"numeric": ["=", 7.0]}]}), true),
        (json!({"size": [{"numeric": ["<", 7]}]}), false),
        (json!({"size": [{"anything-but": [7, 8]}]}), false),
        (json!({"tags": ["b"]}), true),
        (json!({"tags": [{"exists": true}]}), true),
        (json!({"other": [{"exists": false}]}), true),
        (json!({"none": [{"exists": false}]}), true),
        (json!({"deep": [{"exists": true}]}), false),
        (json!({"deep": {"y": [{"exists": false}]}}), true),
        (json!({"other": {"y": [{"exists": false}]}}), true),
        (json!({"other": {"y": [{"exists": true}]}}), false),
        (json!({"other": [{"anything-but": "x"}]}), false),
        (json!({"gone": [null]}), true),
        (json!({"gone": [{"exists": true}]}), true),
        (json!({"ok": [true]}), true),
        (json!({"empty": [""]}), true),
        (json!({"lists": [3]}), true),
        (json!({"ip": [{"cidr": "10.0.0.0/24"}]}), true),
        (json!({"ip": [{"cidr": "10.0.1.0/24"}]}), false),
        (json!({"ip": [{"cidr": "0.0.0.0/0"}]}), true),
        (json!({"ip": [{"cidr": "::/0"}]}), false),
        (json!({"ip6": [{"cidr": "2001:db8::/32"}]}), true),
        (json!({"kind": [{"cidr": "10.0.0.0/24"}]}), false),
        (json!({"kind": ["Order-new"], "size": [8]}), false),
        (json!({"$or": [{"size": [8]}, {"kind": [{"prefix": "Order"}]}]}), true),
        (json!({"$or": [{"size": [8]}, {"kind": ["x"]}]}), false),
        (json!({"ok": [false], "$or": [{"size": [7]}, {"kind": ["x"]}]}), false),
        (json!({"deep": {"$or": [{"x": [1]}, {"y": [1]}]}}), true),
        (json!({"$or": [{"kind": ["x"]}, {"$or": [{"size": [7]}, {"ok": [false]}]}]}), true),
    ] {
        assert_eq!(matches(&pattern, &event, Dialect::Rule), expected, "{pattern}");
    }
}

#[test]
fn a_pattern_holds_within_one_element_of_a_list() {
    let event = json!({"detail": {"items": [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}]}});
    let items = |items: Value| json!({"detail": {"items": items}});
    assert!(matches(&items(json!({"id": [2]})), &event, Dialect::Rule));
    assert!(matches(&items(json!({"id": [2], "n": ["b"]})), &event, Dialect::Rule));
    assert!(!matches(&items(json!({"id": [2], "n": ["a"]})), &event, Dialect::Rule));
    assert!(!matches(&items(json!({"id": [3]})), &event, Dialect::Rule));
}

#[test]
fn a_filter_policy_compares_numbers_by_value() {
    let attributes = json!({"price": 7, "tags": ["a", true, null, 2]});
    for (policy, expected) in [
        (json!({"price": [7.0]}), true),
        (json!({"price": [{"anything-but": [7.0]}]}), false),
        (json!({"tags": [true]}), true),
        (json!({"tags": [{"anything-but": ["a"]}]}), true),
        (json!({"$or": [{"price": [8]}, {"tags": ["a"]}]}), true),
    ] {
        assert_eq!(matches(&policy, &attributes, Dialect::MessageAttributes), expected, "{policy}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let both = [Dialect::Rule, Dialect::MessageBody];
    for wrong in [
        "[]",
        "no json",
        "{}",
        r#"{"a": {}}"#,
        r#"{"a": []}"#,
        r#"{"a": "b"}"#,
        r#"{"a": 1}"#,
        r#"{"a": [["b"]]}"#,
        r#"{"a": [{"cidr": "10.0.0.0"}]}"#,
        r#"{"a": [{"cidr": "10.0.0.0/33"}]}"#,
        r#"{"a": [{"numeric": [">"]}]}"#,
        r#"{"a": [{"numeric": []}]}"#,
        r#"{"a": [{"numeric": ["<", "5"]}]}"#,
        r#"{"a": [{"numeric": ["<", 5, ">", 1]}]}"#,
        r#"{"a": [{"numeric": [">", 5, "<", 1]}]}"#,
        r#"{"a": [{"numeric": ["=", 6000000000]}]}"#,
        r#"{"a": [{"prefix": "x", "suffix": "y"}]}"#,
        r#"{"a": [{"prefix": 1}]}"#,
        r#"{"a": [{"exists": "true"}]}"#,
        r#"{"a": [{"starts-with": "x"}]}"#,
        r#"{"a": [{"anything-but": []}]}"#,
        r#"{"a": [{"anything-but": [null]}]}"#,
        r#"{"a": [{"anything-but": ["a", 1]}]}"#,
        r#"{"a": [{"anything-but": {"numeric": ["<", 1]}}]}"#,
        r#"{"a": [{"wildcard": "a**b"}]}"#,
        r#"{"a": [{"wildcard": "a\\b"}]}"#,
        r#"{"$or": [{"a": "b"}, {"c": ["d"]}]}"#,
    ] {
        for dialect in both {
            assert!(Pattern::parse(wrong, dialect).is_err(), "{wrong} as {dialect:?}");
        }
    }
}

#[test]
fn each_service_has_its_own_limits() {
    let nested = r#"{"a": {"b": ["c"]}}"#;
    assert_eq!(Pattern::parse(nested, Dialect::MessageAttributes), Err(PatternError::Nested));
    assert!(Pattern::parse(nested, Dialect::MessageBody).is_ok());
    let wildcard = r#"{"a": [{"wildcard": "b*"}]}"#;
    assert!(Pattern::parse(wildcard, Dialect::MessageBody).is_err());
    for (condition, known) in [("prefix", true), ("suffix", false), ("equals-ignore-case", false)] {
        let policy = json!({"a": [{"anything-but": {condition: "b"}}]}).to_string();
        assert!(Pattern::parse(&policy, Dialect::Rule).is_ok(), "{condition}");
        let known_to_policies = Pattern::parse(&policy, Dialect::MessageAttributes).is_ok();
        assert_eq!(known_to_policies, known, "{condition}");
    }
    let keys = json!({"a": [1], "b": [1], "c": [1], "d": [1], "e": [1], "f": [1]}).to_string();
    assert!(Pattern::parse(&keys, Dialect::Rule).is_ok());
    assert_eq!(Pattern::parse(&keys, Dialect::MessageBody), Err(PatternError::Keys(5)));
    let many: Vec<_> = (0..13).collect();
    let complex = json!({"a": many, "b": many}).to_string();
    assert!(Pattern::parse(&complex, Dialect::Rule).is_ok());
    let refused = Pattern::parse(&complex, Dialect::MessageAttributes);
    assert_eq!(refused, Err(PatternError::TooComplex(150)));
    let or = |key: &str| json!({"$or": (0..11).map(|n| json!({key: [n]})).collect::<Vec<_>>()});
    let ways = json!({"x": or("a"), "y": or("b"), "z": or("c")}).to_string();
    assert_eq!(Pattern::parse(&ways, Dialect::Rule), Err(PatternError::TooComplex(1000)));
}
