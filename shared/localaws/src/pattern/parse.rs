//! Reads patterns.

use serde_json::{Map, Value};

use super::cidr::Cidr;
use super::condition::{Comparison, Condition, Part, Text};
use super::wildcard::Wildcard;
use super::{Clause, Dialect, Pattern, PatternError, Rule};

/// Names of conditions: an object in `$or` that has one of them as a key is
/// no pattern, and then `$or` is a key like any other.
const CONDITIONS: [&str; 8] = [
    "anything-but",
    "cidr",
    "equals-ignore-case",
    "exists",
    "numeric",
    "prefix",
    "suffix",
    "wildcard",
];
/// How far from zero a number in a rule may be, and one in a filter policy.
const RULE_RANGE: f64 = 5e9;
const POLICY_RANGE: f64 = 1e9;

/// Reads the object of a pattern.
pub(super) fn pattern(
    object: &Map<String, Value>,
    dialect: Dialect,
) -> Result<Pattern, PatternError> {
    if object.is_empty() {
        return Err(PatternError::EmptyObject);
    }
    object
        .iter()
        .map(|(key, value)| clause(key, value, dialect))
        .collect::<Result<_, _>>()
        .map(Pattern)
}

fn clause(key: &str, value: &Value, dialect: Dialect) -> Result<Clause, PatternError> {
    if let Some(alternatives) = alternatives(key, value) {
        let patterns = alternatives.iter().map(|object| pattern(object, dialect));
        return patterns.collect::<Result<_, _>>().map(Clause::Or);
    }
    let rule = match value {
        Value::Array(values) if values.is_empty() => return Err(PatternError::EmptyArray),
        Value::Array(values) => {
            let conditions = values.iter().map(|value| condition(value, dialect));
            Rule::Any(conditions.collect::<Result<_, _>>()?)
        }
        Value::Object(_) if dialect == Dialect::MessageAttributes => {
            return Err(PatternError::Nested);
        }
        Value::Object(object) => Rule::Inside(pattern(object, dialect)?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(PatternError::NotARule(key.to_owned()));
        }
    };
    Ok(Clause::Key(key.to_owned(), rule))
}

/// The objects of an `$or`, if it is one.
fn alternatives<'a>(key: &str, value: &'a Value) -> Option<Vec<&'a Map<String, Value>>> {
    let values = value.as_array().filter(|values| key == "$or" && values.len() > 1)?;
    let objects = values.iter().map(|value| {
        let object = value.as_object().filter(|object| !object.is_empty())?;
        let is_condition = object.keys().any(|key| CONDITIONS.contains(&key.as_str()));
        (!is_condition).then_some(object)
    });
    objects.collect()
}

fn condition(value: &Value, dialect: Dialect) -> Result<Condition, PatternError> {
    match value {
        Value::Object(object) => named(object, dialect),
        Value::Array(_) => Err(PatternError::NotAValue),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Ok(exactly(value, dialect))
        }
    }
}

/// Filter policies compare numbers by value, rules as they are written.
fn exactly(value: &Value, dialect: Dialect) -> Condition {
    match (value.as_f64(), dialect) {
        (Some(number), Dialect::MessageAttributes | Dialect::MessageBody) => {
            Condition::Numeric(vec![(Comparison::Equal, number)])
        }
        (Some(_), Dialect::Rule) | (None, _) => Condition::Is(value.clone()),
    }
}

fn named(object: &Map<String, Value>, dialect: Dialect) -> Result<Condition, PatternError> {
    let mut entries = object.iter();
    let (Some((name, operand)), None) = (entries.next(), entries.next()) else {
        return Err(PatternError::OneKey);
    };
    let wrong = |condition, wanted| PatternError::Operand { condition, wanted };
    match name.as_str() {
        "numeric" => numeric(operand, dialect).map(Condition::Numeric),
        "anything-but" => none_of(operand, dialect).map(Condition::NoneOf),
        "exists" => {
            let exists = operand.as_bool().map(Condition::Exists);
            exists.ok_or_else(|| wrong("exists", "either true or false"))
        }
        "cidr" => {
            let block = operand.as_str().and_then(Cidr::parse).map(Condition::Cidr);
            block.ok_or_else(|| wrong("cidr", "an IP address, a slash and a length"))
        }
        name => text(name, operand, dialect)?.ok_or_else(|| PatternError::Unknown(name.to_owned())),
    }
}

/// The conditions on the text of a string; none if `name` is not one.
fn text(name: &str, operand: &Value, dialect: Dialect) -> Result<Option<Condition>, PatternError> {
    let (condition, part): (_, fn(String) -> Part) = match name {
        "prefix" => ("prefix", Part::Prefix),
        "suffix" => ("suffix", Part::Suffix),
        "equals-ignore-case" => ("equals-ignore-case", Part::Whole),
        "wildcard" if dialect == Dialect::Rule => {
            let wanted = PatternError::Operand { condition: "wildcard", wanted: "a string" };
            let wildcard = Wildcard::parse(operand.as_str().ok_or(wanted)?)?;
            let part = Part::Wildcard(wildcard);
            return Ok(Some(Condition::Text(Text { part, ignoring_case: false })));
        }
        _ => return Ok(None),
    };
    let nested = operand.as_object().filter(|nested| nested.len() == 1 && dialect == Dialect::Rule);
    let folded = nested.and_then(|nested| nested.get("equals-ignore-case")?.as_str());
    let (text, ignoring_case) = match (operand.as_str(), folded) {
        (Some(text), _) => (text, name == "equals-ignore-case"),
        (None, Some(text)) if name != "equals-ignore-case" => (text, true),
        (None, _) => return Err(PatternError::Operand { condition, wanted: "a string" }),
    };
    let text = if ignoring_case { text.to_lowercase() } else { text.to_owned() };
    Ok(Some(Condition::Text(Text { part: part(text), ignoring_case })))
}

/// One thing or a list of things that it must not be, or a condition on text
/// with one operand or a list of them; filter policies know only `prefix` here.
fn none_of(operand: &Value, dialect: Dialect) -> Result<Vec<Condition>, PatternError> {
    const WRONG: PatternError = PatternError::Operand {
        condition: "anything-but",
        wanted: "a string, a number, a list of one of them, or a condition on text",
    };
    if let Some(object) = operand.as_object() {
        let mut entries = object.iter();
        let (Some((name, operand)), None) = (entries.next(), entries.next()) else {
            return Err(PatternError::OneKey);
        };
        if dialect != Dialect::Rule && name != "prefix" {
            return Err(PatternError::Unknown(name.clone()));
        }
        return one_or_more(operand)
            .ok_or(PatternError::EmptyArray)?
            .iter()
            .map(|operand| {
                text(name, operand, dialect)?.ok_or_else(|| PatternError::Unknown(name.clone()))
            })
            .collect();
    }
    let values = one_or_more(operand).ok_or(PatternError::EmptyArray)?;
    let of_a_kind = values.iter().all(Value::is_string) || values.iter().all(Value::is_number);
    match of_a_kind {
        true => Ok(values.iter().map(|value| exactly(value, dialect)).collect()),
        false => Err(WRONG),
    }
}

fn one_or_more(value: &Value) -> Option<&[Value]> {
    match value.as_array() {
        Some(values) => (!values.is_empty()).then_some(values),
        None => Some(std::slice::from_ref(value)),
    }
}

/// `[">", 0, "<=", 10]`: one comparison, or a range.
fn numeric(operand: &Value, dialect: Dialect) -> Result<Vec<(Comparison, f64)>, PatternError> {
    const WRONG: PatternError = PatternError::Operand {
        condition: "numeric",
        wanted: "a list of one or two comparisons, each a sign and a number in range",
    };
    let range = if dialect == Dialect::Rule { RULE_RANGE } else { POLICY_RANGE };
    let (pairs, rest) = operand.as_array().ok_or(WRONG)?.as_chunks::<2>();
    let pair = |[sign, limit]: &[Value; 2]| {
        let limit = limit.as_f64().filter(|limit| limit.abs() <= range)?;
        Some((Comparison::of(sign.as_str()?)?, limit))
    };
    let comparisons = pairs.iter().map(pair).collect::<Option<Vec<_>>>().ok_or(WRONG)?;
    let is_range = match comparisons[..] {
        [_] => true,
        [
            (Comparison::Greater | Comparison::GreaterOrEqual, low),
            (Comparison::Less | Comparison::LessOrEqual, high),
        ] => low < high,
        _ => false,
    };
    (rest.is_empty() && is_range).then_some(comparisons).ok_or(WRONG)
}
