//! What a stage's workers may touch: the plan's part that becomes the policies
//! of their role. A file of its own, since a new stage has to say it here.

use std::collections::BTreeSet;

use millrace_contract::StageName;
use serde::Serialize;

use crate::pipeline::Pipeline;

/// What a stage's workers touch, beside draining their queue and sending to its
/// dead-letter queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlannedAccess {
    /// Queues it sends to.
    pub sends_to: Vec<String>,
    /// Objects it reads.
    pub reads: Vec<PlannedPrefix>,
    /// Objects it writes.
    pub writes: Vec<PlannedPrefix>,
}

/// Objects of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PlannedPrefix {
    /// Bucket.
    pub bucket: String,
    /// What their keys begin with; empty for all.
    pub prefix: String,
}

impl Pipeline {
    /// What a stage's workers touch.
    pub(crate) fn planned_access(&self, stage: StageName) -> PlannedAccess {
        match stage {
            // It reads the events, never the objects.
            StageName::Ingest => PlannedAccess {
                sends_to: vec![self.queue_name(StageName::Transform)],
                ..PlannedAccess::default()
            },
            // It reads the lake too: for `references` and other datasets in SQL, and
            // for the rejected rows that it goes through again.
            StageName::Transform => PlannedAccess {
                sends_to: vec![self.queue_name(StageName::Load)],
                reads: self.raw().chain(self.parquet()).chain(self.rejects()).collect(),
                writes: self.parquet().chain(self.rejects()).collect(),
            },
            StageName::Load => {
                PlannedAccess { reads: self.parquet().collect(), ..PlannedAccess::default() }
            }
        }
    }

    /// Datasets may share files, so each prefix is there once.
    fn raw(&self) -> impl Iterator<Item = PlannedPrefix> {
        let prefixes: BTreeSet<&str> =
            self.globs.iter().map(|glob| glob.literal_prefix()).collect();
        prefixes.into_iter().map(|prefix| within(&self.lake.raw, prefix.to_owned()))
    }

    fn parquet(&self) -> impl Iterator<Item = PlannedPrefix> {
        let names = self.datasets.iter().map(|dataset| &dataset.name);
        names.map(|name| within(&self.lake.curated, format!("{name}/")))
    }

    fn rejects(&self) -> impl Iterator<Item = PlannedPrefix> {
        let names = self.datasets.iter().map(|dataset| &dataset.name);
        names.map(|name| within(&self.lake.curated, format!("_rejects/{name}/")))
    }
}

fn within(bucket: &str, prefix: String) -> PlannedPrefix {
    PlannedPrefix { bucket: bucket.to_owned(), prefix }
}
