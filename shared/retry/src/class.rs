//! The seven classes of failure and the question every error answers.

use std::fmt;
use std::str::FromStr;

/// What kind of failure it is, and with that what becomes of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureClass {
    /// Goes away by itself: 5xx, time-outs, resets, deadlocks. Tried again with
    /// backoff; the redrive policy ends it.
    Transient,
    /// Too much was asked: SlowDown, too many connections. Tried again later.
    Throttled,
    /// A dependency is down for everyone. The worker pauses; messages wait.
    Outage,
    /// A permission is missing. Dead-lettered at once.
    Denied,
    /// What the message names is gone. Dead-lettered unless superseded.
    Missing,
    /// The message or its file can't be handled, now or ever: undecodable,
    /// unreadable, a panic. Dead-lettered.
    Poison,
    /// The file broke its dataset's contract. Dead-lettered with the report;
    /// nothing is loaded.
    Contract,
}

impl FailureClass {
    /// Every class, for documentation and tests.
    pub const ALL: [Self; 7] = [
        Self::Transient,
        Self::Throttled,
        Self::Outage,
        Self::Denied,
        Self::Missing,
        Self::Poison,
        Self::Contract,
    ];

    /// The name in the ledger, in message attributes and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Outage => "outage",
            Self::Denied => "denied",
            Self::Missing => "missing",
            Self::Poison => "poison",
            Self::Contract => "contract",
        }
    }

    /// Whether another attempt may succeed with nothing changed by a person.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Transient | Self::Throttled | Self::Outage => true,
            Self::Denied | Self::Missing | Self::Poison | Self::Contract => false,
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for FailureClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a failure class"))
    }
}

/// Asked of every error at a crate's edge, so that no caller has to guess and
/// no unclassified error turns into a retry.
pub trait Classify {
    /// The class of this failure.
    fn class(&self) -> FailureClass;
}
