//! What was published, held against the ledger: objects that no event told of, and
//! files that are stuck on their way.

mod page;
mod stuck;

use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use millrace_contract::{ObjectVersion, found_event};
use millrace_pipeline::Reconcile;

use crate::Site;

pub use page::Page;
pub use stuck::{Resent, Stuck};

/// An object that no file of the ledger knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The object; its sequencer says when it was seen to be its key's newest version.
    pub object: ObjectVersion,
    /// The datasets that take it and don't have it.
    pub datasets: Vec<String>,
    /// When it was put.
    pub modified: DateTime<Utc>,
}

impl Lost {
    /// The event to send to ingest, as S3 would have sent it.
    pub fn event(&self) -> String {
        found_event(&self.object, self.modified)
    }
}

/// Holds what was published against the ledger.
pub struct Reconciler {
    site: Site,
    settings: Reconcile,
    dataset: Option<String>,
}

impl Reconciler {
    /// For a pipeline, with the file's settings or others.
    pub fn new(site: Site, settings: Reconcile) -> Self {
        Self { site, settings, dataset: None }
    }

    /// Only objects of one dataset.
    #[must_use]
    pub fn of_dataset(mut self, dataset: Option<String>) -> Self {
        self.dataset = dataset;
        self
    }

    /// The moment before which an object has to be stored to count as lost.
    fn old(&self) -> DateTime<Utc> {
        self.site.now - delta(self.settings.older_than)
    }

    /// The moment since which a file has to be without an end to count as stuck.
    fn stuck_since(&self) -> DateTime<Utc> {
        self.site.now - delta(self.settings.stuck_after)
    }
}

/// A span of the past, however long.
pub(crate) fn delta(age: std::time::Duration) -> TimeDelta {
    const LONGEST: i64 = 200 * 365 * 86_400;
    let seconds = i64::try_from(age.as_secs()).unwrap_or(LONGEST).min(LONGEST);
    TimeDelta::seconds(seconds)
}

/// When an object was stored; what nobody knows was stored long ago.
pub(crate) fn stored_at(modified: Option<SystemTime>) -> DateTime<Utc> {
    modified.map_or(DateTime::UNIX_EPOCH, DateTime::<Utc>::from)
}
