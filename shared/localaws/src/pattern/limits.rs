//! How large a pattern may be.

use super::{Clause, Dialect, Pattern, PatternError, Rule};

/// Ways through the `$or`s of a rule ("Using multiple content filters").
const RULE_COMBINATIONS: usize = 1000;
/// Combinations of conditions in a filter policy ("Filter policy constraints").
const POLICY_COMBINATIONS: usize = 150;
/// Keys of a filter policy with conditions.
const POLICY_KEYS: usize = 5;
/// Bytes of a filter policy.
const POLICY_BYTES: usize = 256 << 10;

/// Refuses what the service would.
pub(super) fn check(pattern: &Pattern, text: &str, dialect: Dialect) -> Result<(), PatternError> {
    match dialect {
        Dialect::Rule if ways(pattern) > RULE_COMBINATIONS => {
            Err(PatternError::TooComplex(RULE_COMBINATIONS))
        }
        Dialect::Rule => Ok(()),
        Dialect::MessageAttributes | Dialect::MessageBody => check_policy(pattern, text),
    }
}

fn check_policy(pattern: &Pattern, text: &str) -> Result<(), PatternError> {
    if text.len() > POLICY_BYTES {
        return Err(PatternError::TooLong(POLICY_BYTES));
    }
    if keys(pattern) > POLICY_KEYS {
        return Err(PatternError::Keys(POLICY_KEYS));
    }
    match combinations(pattern, 1) > POLICY_COMBINATIONS {
        true => Err(PatternError::TooComplex(POLICY_COMBINATIONS)),
        false => Ok(()),
    }
}

/// Patterns without `$or` that say the same together.
fn ways(Pattern(clauses): &Pattern) -> usize {
    let way = |clause: &Clause| match clause {
        Clause::Key(_, Rule::Any(_)) => 1,
        Clause::Key(_, Rule::Inside(pattern)) => ways(pattern),
        Clause::Or(patterns) => patterns.iter().map(ways).fold(0, usize::saturating_add),
    };
    clauses.iter().map(way).fold(1, usize::saturating_mul)
}

fn keys(Pattern(clauses): &Pattern) -> usize {
    let keys_of = |clause: &Clause| match clause {
        Clause::Key(_, Rule::Any(_)) => 1,
        Clause::Key(_, Rule::Inside(pattern)) => keys(pattern),
        Clause::Or(patterns) => patterns.iter().map(keys).max().unwrap_or_default(),
    };
    clauses.iter().map(keys_of).sum()
}

/// Each key counts its conditions times how deep it lies.
fn combinations(Pattern(clauses): &Pattern, depth: usize) -> usize {
    let count = |clause: &Clause| match clause {
        Clause::Key(_, Rule::Any(conditions)) => conditions.len() * depth,
        Clause::Key(_, Rule::Inside(pattern)) => combinations(pattern, depth + 1),
        Clause::Or(patterns) => patterns
            .iter()
            .map(|pattern| combinations(pattern, depth))
            .fold(0, usize::saturating_add),
    };
    clauses.iter().map(count).fold(1, usize::saturating_mul)
}
