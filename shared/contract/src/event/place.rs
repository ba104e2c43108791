//! Where in a message the decoder is: for errors that point at the spot, and
//! for the list of envelopes an event came in.

use std::fmt;

use super::DecodeError;

/// How many envelopes may lie inside one another. AWS makes four at most: a
/// Lambda-shaped SQS record with an SNS notification of an EventBridge event.
const DEEPEST: usize = 8;

/// One envelope around an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hop {
    /// A JSON string or list that holds further messages.
    Wrapped,
    /// An SQS message inside the message, as Lambda gets them.
    Sqs,
    /// An SNS notification.
    Sns,
    /// An S3 event notification.
    S3,
    /// An EventBridge event.
    EventBridge,
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wrapped => "json",
            Self::Sqs => "sqs",
            Self::Sns => "sns",
            Self::S3 => "s3",
            Self::EventBridge => "eventbridge",
        })
    }
}

/// A spot in a message.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// Path such as `Records[0].Sns.Message`; empty for the body itself.
    pub(super) path: String,
    /// Envelopes opened on the way, outermost first.
    pub(super) hops: Vec<Hop>,
}

impl Place {
    /// The spot `step` further in, with no further envelope.
    pub(super) fn at(&self, step: &str) -> Self {
        let dot = if self.path.is_empty() || step.starts_with('[') { "" } else { "." };
        Self { path: format!("{}{dot}{step}", self.path), hops: self.hops.clone() }
    }

    /// The `index`-th record here.
    pub(super) fn item(&self, index: usize) -> Self {
        self.at(&format!("[{index}]"))
    }

    /// The same spot, inside one more envelope.
    pub(super) fn inside(mut self, hop: Hop) -> Result<Self, DecodeError> {
        if self.hops.len() >= DEEPEST {
            return Err(DecodeError::TooDeep { at: self.to_string(), deepest: DEEPEST });
        }
        self.hops.push(hop);
        Ok(self)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str("the message body");
        }
        write!(f, "`{}`", self.path)
    }
}
