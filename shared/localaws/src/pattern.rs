//! Patterns over JSON documents, the language of SNS filter policies.
//!
//! A pattern is an object: each key must match, a list matches if one of its
//! conditions holds, an object goes down. Source: "Amazon SNS subscription
//! filter policies", SNS Developer Guide.

use serde_json::{Map, Value};
use thiserror::Error;

/// A pattern that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern(Vec<(String, Rule)>);

/// A pattern that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum PatternError {
    /// It is not JSON, or not an object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// A key has neither a list nor an object.
    #[error("`{0}` must be a list of conditions or an object")]
    NotARule(String),
    /// A condition is not known here, or not written as it must be.
    #[error("`{0}` is not a condition this endpoint knows")]
    Condition(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    Any(Vec<Condition>),
    Inside(Pattern),
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    Is(Value),
    Prefix(String),
    Suffix(String),
    IgnoringCase(String),
    NoneOf(Vec<Condition>),
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, PatternError> {
        match serde_json::from_str(text) {
            Ok(Value::Object(object)) => Self::of(&object),
            _ => Err(PatternError::NotAnObject),
        }
    }

    /// Whether `document` matches.
    pub(crate) fn matches(&self, document: &Value) -> bool {
        self.0.iter().all(|(key, rule)| rule.matches(document.get(key)))
    }

    fn of(object: &Map<String, Value>) -> Result<Self, PatternError> {
        let rule = |(key, rule): (&String, &Value)| {
            let rule = match rule {
                Value::Array(conditions) => Rule::Any(conditions_of(conditions)?),
                Value::Object(object) => Rule::Inside(Self::of(object)?),
                _ => return Err(PatternError::NotARule(key.clone())),
            };
            Ok((key.clone(), rule))
        };
        object.iter().map(rule).collect::<Result<_, _>>().map(Self)
    }
}

impl Rule {
    /// Whether what a key has matches. A list matches if one of its elements
    /// does.
    fn matches(&self, found: Option<&Value>) -> bool {
        let values = match found {
            None => &[][..],
            Some(Value::Array(values)) => values,
            Some(value) => std::slice::from_ref(value),
        };
        match self {
            Self::Inside(pattern) => values.iter().any(|value| pattern.matches(value)),
            Self::Any(conditions) => conditions.iter().any(|condition| match condition {
                Condition::Exists(exists) => *exists == found.is_some(),
                _ => values.iter().any(|value| condition.holds(value)),
            }),
        }
    }
}

impl Condition {
    fn holds(&self, value: &Value) -> bool {
        let text = || value.as_str();
        match self {
            Self::Is(wanted) => is_same(wanted, value),
            Self::Prefix(prefix) => text().is_some_and(|text| text.starts_with(prefix)),
            Self::Suffix(suffix) => text().is_some_and(|text| text.ends_with(suffix)),
            Self::IgnoringCase(wanted) => {
                text().is_some_and(|text| text.to_lowercase() == wanted.to_lowercase())
            }
            Self::NoneOf(conditions) => !conditions.iter().any(|condition| condition.holds(value)),
            Self::Numeric(comparisons) => value.as_f64().is_some_and(|number| {
                comparisons.iter().all(|(comparison, limit)| comparison.holds(number, *limit))
            }),
            Self::Exists(exists) => *exists,
        }
    }

    fn of(value: &Value) -> Result<Self, PatternError> {
        let unknown = || PatternError::Condition(value.to_string());
        let Value::Object(object) = value else {
            let plain = !value.is_array();
            return plain.then(|| Self::Is(value.clone())).ok_or_else(unknown);
        };
        let mut entries = object.iter();
        let (Some((name, operand)), None) = (entries.next(), entries.next()) else {
            return Err(unknown());
        };
        let text = || operand.as_str().map(str::to_owned);
        let condition = match name.as_str() {
            "prefix" => text().map(Self::Prefix),
            "suffix" => text().map(Self::Suffix),
            "equals-ignore-case" => text().map(Self::IgnoringCase),
            "exists" => operand.as_bool().map(Self::Exists),
            "numeric" => numeric(operand).map(Self::Numeric),
            "anything-but" => return none_of(operand).map(Self::NoneOf),
            _ => None,
        };
        condition.ok_or_else(unknown)
    }
}

impl Comparison {
    fn of(sign: &str) -> Option<Self> {
        match sign {
            "=" => Some(Self::Equal),
            "<" => Some(Self::Less),
            "<=" => Some(Self::LessOrEqual),
            ">" => Some(Self::Greater),
            ">=" => Some(Self::GreaterOrEqual),
            _ => None,
        }
    }

    fn holds(self, number: f64, limit: f64) -> bool {
        match self {
            Self::Equal => number == limit,
            Self::Less => number < limit,
            Self::LessOrEqual => number <= limit,
            Self::Greater => number > limit,
            Self::GreaterOrEqual => number >= limit,
        }
    }
}

fn conditions_of(values: &[Value]) -> Result<Vec<Condition>, PatternError> {
    values.iter().map(Condition::of).collect()
}

/// One thing or a list of things that it must not be.
fn none_of(operand: &Value) -> Result<Vec<Condition>, PatternError> {
    match operand {
        Value::Array(values) => conditions_of(values),
        value => Condition::of(value).map(|condition| vec![condition]),
    }
}

/// `[">", 0, "<=", 10]`
fn numeric(operand: &Value) -> Option<Vec<(Comparison, f64)>> {
    let (pairs, rest) = operand.as_array()?.as_chunks::<2>();
    let pair =
        |[sign, limit]: &[Value; 2]| Some((Comparison::of(sign.as_str()?)?, limit.as_f64()?));
    let comparisons = pairs.iter().map(pair).collect::<Option<Vec<_>>>()?;
    (rest.is_empty() && !comparisons.is_empty()).then_some(comparisons)
}

/// Equality by value: 3 is 3.0.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(pattern: &Value, document: &Value) -> bool {
        Pattern::parse(&pattern.to_string()).expect("a pattern").matches(document)
    }

    #[test]
    fn each_kind_of_condition_holds_for_what_it_says() {
        let event = json!({"kind": "Order-new", "size": 7, "tags": ["a", "b"], "gone": null});
        for (pattern, expected) in [
            (json!({"kind": ["Order-new", "x"]}), true),
            (json!({"kind": ["order-new"]}), false),
            (json!({"kind": [{"equals-ignore-case": "order-NEW"}]}), true),
            (json!({"kind": [{"prefix": "Order"}]}), true),
            (json!({"kind": [{"suffix": "new"}]}), true),
            (json!({"kind": [{"anything-but": ["Order-old"]}]}), true),
            (json!({"kind": [{"anything-but": "Order-new"}]}), false),
            (json!({"kind": [{"anything-but": {"prefix": "Order"}}]}), false),
            (json!({"size": [7.0]}), true),
            (json!({"size": [{"numeric": [">", 0, "<=", 7]}]}), true),
            (json!({"size": [{"numeric": ["<", 7]}]}), false),
            (json!({"tags": ["b"]}), true),
            (json!({"tags": [{"exists": true}]}), true),
            (json!({"other": [{"exists": false}]}), true),
            (json!({"other": [{"anything-but": "x"}]}), false),
            (json!({"gone": [null]}), true),
            (json!({"kind": ["Order-new"], "size": [8]}), false),
        ] {
            assert_eq!(matches(&pattern, &event), expected, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_goes_down_into_objects_and_lists() {
        let event = json!({"detail": {"items": [{"id": 1}, {"id": 2}]}});
        assert!(matches(&json!({"detail": {"items": {"id": [2]}}}), &event));
        assert!(!matches(&json!({"detail": {"items": {"id": [3]}}}), &event));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for wrong in [
            "[]",
            "no json",
            r#"{"a": "b"}"#,
            r#"{"a": [["b"]]}"#,
            r#"{"a": [{"cidr": "10.0.0.0/8"}]}"#,
            r#"{"a": [{"numeric": [">"]}]}"#,
            r#"{"a": [{"prefix": "x", "suffix": "y"}]}"#,
        ] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
