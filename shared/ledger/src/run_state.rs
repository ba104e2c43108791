//! How far a run has come of an export, a derived dataset, a report or upkeep: the
//! same words for all, since the same is done about each.

use std::fmt;
use std::str::FromStr;

use crate::{LedgerError, Row};

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Somebody is at it, or was.
    Running,
    /// It came to its end: what it makes is there.
    Done,
    /// It can't be done as it is: nothing but a person, or other inputs, starts it
    /// again.
    Failed,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Failed];

    /// The name in the ledger and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn of(row: &Row) -> Result<Self, LedgerError> {
        let state: String = row.get("state")?;
        state.parse().map_err(|_| LedgerError::unreadable("a run's state", &state))
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RunState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is not a state; the states are {names}")
        })
    }
}
