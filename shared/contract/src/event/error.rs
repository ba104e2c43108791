//! What makes a message undecodable, said so that it can be mended in the
//! dead-letter queue.

use thiserror::Error;

/// A message body that cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Not JSON.
    #[error("{at} is not JSON: {reason}; it begins with `{start}`")]
    NotJson {
        /// Where the text was.
        at: String,
        /// What the parser says, with line and column.
        reason: String,
        /// The first characters of the text.
        start: String,
    },
    /// An object event without something it needs.
    #[error("{at} {problem}")]
    Malformed {
        /// The spot at fault.
        at: String,
        /// What is wrong there.
        problem: String,
    },
    /// An S3 notification of another major version.
    #[error(
        "{at} is `{version}`; this version reads S3 notifications of major version 2, \
         whose fields would mean something else"
    )]
    Version {
        /// The spot of the version.
        at: String,
        /// The version.
        version: String,
    },
    /// Envelopes inside envelopes without end.
    #[error("{at} lies in more than {deepest} envelopes; nothing AWS sends does")]
    TooDeep {
        /// The innermost spot that was reached.
        at: String,
        /// How many envelopes are opened.
        deepest: usize,
    },
}
