//! Why a pattern is refused.

use thiserror::Error;

/// A pattern that was not understood, or is too large.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum PatternError {
    /// It is not JSON.
    #[error("it is not valid JSON")]
    NotJson,
    /// It is JSON of another kind.
    #[error("Filter is not an object")]
    NotAnObject,
    /// An object without keys.
    #[error("Empty objects are not allowed")]
    EmptyObject,
    /// A list without conditions.
    #[error("Empty arrays are not allowed")]
    EmptyArray,
    /// A key has neither a list nor an object.
    #[error("\"{0}\" must be an object or an array")]
    NotARule(String),
    /// A list holds a list.
    #[error("Match value must be String, number, true, false, or null")]
    NotAValue,
    /// A condition with no name or more than one.
    #[error("Only one key allowed in match expression")]
    OneKey,
    /// No condition of this name is known to the service.
    #[error("Unrecognized match type {0}")]
    Unknown(String),
    /// A condition is given something it does not take.
    #[error("{condition} match pattern must be {wanted}")]
    Operand {
        /// As in `prefix`.
        condition: &'static str,
        /// As in `a string`.
        wanted: &'static str,
    },
    /// Two wildcards side by side.
    #[error("Consecutive wildcard characters at pos {0}")]
    Consecutive(usize),
    /// A backslash before something other than `*` and `\`.
    #[error("Invalid escape character at pos {0}")]
    Escape(usize),
    /// Objects below the attributes of a message.
    #[error("Filter policy scope MessageAttributes does not support nested filter policy")]
    Nested,
    /// More keys than a filter policy may have.
    #[error("Filter policy can not have more than {0} keys")]
    Keys(usize),
    /// More combinations than the service takes.
    #[error("Filter is too complex: it has more than {0} combinations")]
    TooComplex(usize),
    /// Longer than the service takes.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
}
