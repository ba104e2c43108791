//! Files that are gone through again on purpose, once they are loaded: all of
//! their rows, or only those that were rejected.

use serde::{Deserialize, Serialize};

use crate::{ContractVersion, FileId};

/// What is gone through again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Replay {
    /// All rows. They take the place of those that the same version of the key
    /// brought before.
    Whole {
        /// The file that was loaded before.
        of: FileId,
    },
    /// The rows that were rejected. They are added to those of the same version
    /// that are loaded.
    Rejects {
        /// The file whose other rows are loaded.
        of: FileId,
        /// The file whose rejects they are: the same one, or an earlier replay of
        /// rejects that could not mend them all.
        from: FileId,
        /// The object in the lake that lists the rows.
        key: String,
    },
}

impl Replay {
    /// The file that was gone through before.
    pub fn of(&self) -> &FileId {
        match self {
            Self::Whole { of } | Self::Rejects { of, .. } => of,
        }
    }

    /// The kind as the ledger has it.
    pub fn kind(&self) -> ReplayKind {
        match self {
            Self::Whole { .. } => ReplayKind::Whole,
            Self::Rejects { .. } => ReplayKind::Rejects,
        }
    }
}

/// Which rows are gone through again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplayKind {
    /// All of them.
    Whole,
    /// Those that were rejected.
    Rejects,
}

impl ReplayKind {
    /// The name in the ledger and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Rejects => "rejects",
        }
    }

    /// The kind of that name.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Whole, Self::Rejects].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl FileId {
    /// The id of a replay under `contract`. `time` counts how often the file was
    /// gone through again, from 1: asking again is another file, while
    /// redeliveries of what was asked for are one.
    pub fn of_replay(replay: &Replay, contract: &ContractVersion, time: u64) -> Self {
        let (kind, time) = (replay.kind().as_str(), time.to_string());
        let from = match replay {
            Replay::Whole { of } => of,
            Replay::Rejects { from, .. } => from,
        };
        Self::from_parts(&["replay", kind, from.as_str(), contract.as_str(), &time])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_has_a_name_of_its_own_each_time() {
        let (of, contract) = (FileId::from_text("f"), ContractVersion::from_text("c"));
        let id = |replay: &Replay, time| FileId::of_replay(replay, &contract, time);
        let whole = Replay::Whole { of: of.clone() };
        let rejects = Replay::Rejects { of: of.clone(), from: of, key: "k".into() };
        assert_eq!(id(&whole, 1), id(&whole, 1));
        assert_ne!(id(&whole, 1), id(&whole, 2));
        assert_ne!(id(&whole, 1), id(&rejects, 1));
    }
}
