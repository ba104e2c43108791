//! Patterns over JSON documents: the event patterns of EventBridge rules and
//! the filter policies of SNS subscriptions.
//!
//! A pattern is an object: each key must match, a list matches if one of its
//! conditions holds, an object goes down, and of the objects in `$or` one must
//! match. A list in the document matches if one of its elements does.
//!
//! Sources: "Comparison operators for use in event patterns" (EventBridge User
//! Guide), "Amazon SNS subscription filter policies" and "Filter policy
//! constraints" (SNS Developer Guide).

mod cidr;
mod condition;
mod error;
mod limits;
mod parse;
#[cfg(test)]
mod tests;
mod wildcard;

use serde_json::{Map, Value};

use self::condition::Condition;

pub(crate) use self::error::PatternError;

/// Whose pattern it is: the two services know different conditions and set
/// different limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// An event pattern of EventBridge.
    Rule,
    /// A filter policy over message attributes: keys do not nest.
    MessageAttributes,
    /// A filter policy over the message, which must be a JSON object.
    MessageBody,
}

/// A pattern that was understood: all of its clauses must hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern(Vec<Clause>);

#[derive(Debug, Clone, PartialEq)]
enum Clause {
    /// What a key has must match.
    Key(String, Rule),
    /// One of these must match.
    Or(Vec<Pattern>),
}

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// One of these must hold.
    Any(Vec<Condition>),
    /// What is inside must match.
    Inside(Pattern),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`] says which part is wrong.
    pub(crate) fn parse(text: &str, dialect: Dialect) -> Result<Self, PatternError> {
        let value: Value = serde_json::from_str(text).map_err(|_| PatternError::NotJson)?;
        let object = value.as_object().ok_or(PatternError::NotAnObject)?;
        let pattern = parse::pattern(object, dialect)?;
        limits::check(&pattern, text, dialect)?;
        Ok(pattern)
    }

    /// Whether `document` matches; only objects do.
    pub(crate) fn matches(&self, document: &Value) -> bool {
        document.as_object().is_some_and(|object| self.matches_object(object))
    }

    fn matches_object(&self, object: &Map<String, Value>) -> bool {
        self.0.iter().all(|clause| match clause {
            Clause::Key(key, rule) => rule.matches(object.get(key)),
            Clause::Or(patterns) => patterns.iter().any(|pattern| pattern.matches_object(object)),
        })
    }
}

impl Rule {
    fn matches(&self, found: Option<&Value>) -> bool {
        let mut leaves = Vec::new();
        if let Some(found) = found {
            flatten(found, &mut leaves);
        }
        let objects = leaves.iter().filter_map(|leaf| leaf.as_object());
        match self {
            // What is not there may be what the pattern asks for.
            Self::Inside(pattern) if objects.clone().next().is_none() => {
                pattern.matches_object(&Map::new())
            }
            Self::Inside(pattern) => {
                let mut objects = objects;
                objects.any(|object| pattern.matches_object(object))
            }
            Self::Any(conditions) => {
                leaves.retain(|leaf| !leaf.is_object());
                conditions.iter().any(|condition| condition.holds(&leaves))
            }
        }
    }
}

/// The elements of lists, however deep.
fn flatten<'a>(value: &'a Value, leaves: &mut Vec<&'a Value>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| flatten(element, leaves)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            leaves.push(value);
        }
    }
}
