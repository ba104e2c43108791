//! Conditions on a value.

use serde_json::Value;

use super::cidr::Cidr;
use super::wildcard::Wildcard;

/// What a value must be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// This very value. Numbers are compared as they are written: 300 is not
    /// 300.0.
    Is(Value),
    /// A string, by its text.
    Text(Text),
    /// None of these, and of the same kind.
    NoneOf(Vec<Condition>),
    /// A number in a range.
    Numeric(Vec<(Comparison, f64)>),
    /// There, or not there.
    Exists(bool),
    /// An IP address in a block.
    Cidr(Cidr),
}

/// What the text of a string must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// Where to look.
    pub(super) part: Part,
    /// Whether upper and lower case are the same; then the wanted text is in
    /// lower case.
    pub(super) ignoring_case: bool,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole(String),
    /// How it begins.
    Prefix(String),
    /// How it ends.
    Suffix(String),
    /// All of it, with gaps.
    Wildcard(Wildcard),
}

/// How a number is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Condition {
    /// Whether it holds for one of the values that a key has.
    pub(super) fn holds(&self, values: &[&Value]) -> bool {
        match self {
            Self::Exists(exists) => *exists != values.is_empty(),
            Self::Is(_) | Self::Text(_) | Self::NoneOf(_) | Self::Numeric(_) | Self::Cidr(_) => {
                values.iter().any(|value| self.holds_for(value))
            }
        }
    }

    fn holds_for(&self, value: &Value) -> bool {
        match self {
            Self::Is(wanted) => wanted == value,
            Self::Text(text) => value.as_str().is_some_and(|value| text.holds(value)),
            Self::NoneOf(conditions) => {
                !conditions.iter().any(|condition| condition.holds_for(value))
            }
            Self::Numeric(comparisons) => value.as_f64().is_some_and(|number| {
                comparisons.iter().all(|(comparison, limit)| comparison.holds(number, *limit))
            }),
            Self::Exists(exists) => *exists,
            Self::Cidr(block) => value.as_str().is_some_and(|address| block.contains(address)),
        }
    }
}

impl Text {
    fn holds(&self, text: &str) -> bool {
        match self.ignoring_case {
            true => self.part.holds(&text.to_lowercase()),
            false => self.part.holds(text),
        }
    }
}

impl Part {
    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Whole(wanted) => text == wanted,
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Suffix(suffix) => text.ends_with(suffix),
            Self::Wildcard(wildcard) => wildcard.matches(text),
        }
    }
}

impl Comparison {
    /// The comparison of a sign.
    pub(super) fn of(sign: &str) -> Option<Self> {
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
