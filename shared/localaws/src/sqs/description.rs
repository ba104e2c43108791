//! What a queue is, apart from its messages: its settings and tags, kept in
//! `queue.json` beside the journal.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::folder;

use super::settings::{Redrive, Settings};

/// File name of a description. A folder without one is not a queue.
pub(super) const FILE: &str = "queue.json";

/// Everything about a queue but its messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Description {
    /// Queue name.
    pub(crate) name: String,
    /// Drawn when the queue was created; its receipt handles carry it.
    pub(crate) number: u64,
    /// When it was created.
    pub(crate) created_at: Millis,
    /// When its settings last changed.
    pub(crate) modified_at: Millis,
    /// Attributes.
    pub(crate) settings: Settings,
    /// Tags.
    pub(crate) tags: BTreeMap<String, String>,
    /// The redrive policy of `settings`, read.
    #[serde(skip)]
    pub(crate) redrive: Option<Redrive>,
}

impl Description {
    /// Reads the description in `dir`.
    pub(super) fn load(dir: &Path) -> io::Result<Self> {
        let content = std::fs::read(dir.join(FILE))?;
        let mut description: Self = serde_json::from_slice(&content)?;
        description.settle();
        Ok(description)
    }

    /// Reads what follows from the settings. A policy that can't be read is
    /// none; it was checked when it was set.
    pub(super) fn settle(&mut self) {
        self.redrive = self.settings.redrive().ok().flatten();
    }

    /// Writes it to `dir`.
    pub(super) fn save(&self, dir: &Path) -> io::Result<()> {
        folder::replace(&dir.join(FILE), &serde_json::to_vec_pretty(self)?)
    }

    /// How long a message is kept, in milliseconds.
    pub(crate) fn retention(&self) -> Millis {
        Millis::from(self.settings.retention) * 1000
    }
}
