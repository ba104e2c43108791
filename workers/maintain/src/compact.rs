//! Small objects of a dataset and partition are joined into larger ones.
//!
//! Rows are copied in the order of the files' registration, and the ledger is told
//! where those of each file lie once the object is durable: readers find every row
//! once, before and after. What was joined stays until retention takes it, long after
//! the last reader that began before has ended.

mod bins;
mod join;

use std::collections::HashMap;

use millrace_contract::UpkeepCounts;
use millrace_pipeline::Compact;
use millrace_retry::{Classify, FailureClass};

pub use bins::Bin;
use bins::{Bins, Shares};

use crate::{Permit, Site, UpkeepError};

/// What the names of joined objects begin with.
pub(crate) const PREFIX: &str = "joined-";

/// Joins small objects.
pub struct Compactor {
    site: Site,
    settings: Compact,
}

impl Compactor {
    /// For a pipeline, with the file's settings or others.
    pub fn new(site: Site, settings: Compact) -> Self {
        Self { site, settings }
    }

    /// Joins what is small of a dataset; answers what was done, by name: `joined`
    /// objects were made of `objects` with `rows` and `bytes`, and `left` could not
    /// be joined. With `dry_run` nothing is changed.
    ///
    /// # Errors
    /// [`UpkeepError`]; what was joined before stays joined, and the next run goes on.
    pub async fn run(
        &self,
        dataset: &str,
        permit: Permit<'_>,
        dry_run: bool,
    ) -> Result<UpkeepCounts, UpkeepError> {
        let names = ["joined", "objects", "rows", "bytes", "left"];
        let mut counts: UpkeepCounts = names.map(|name| (name.to_owned(), 0)).into();
        let shares = self.shares(dataset).await?;
        let mut bins = Bins::new(&self.settings, shares);
        let mut after = None;
        loop {
            let (files, next) = self.site.ledger.live(dataset, after).await?;
            for file in files {
                bins.add(file);
                while let Some(bin) = bins.full() {
                    self.settle(&bin, permit, dry_run, &mut counts).await?;
                }
            }
            match next {
                Some(_) => after = next,
                None => break,
            }
        }
        for bin in bins.rest() {
            self.settle(&bin, permit, dry_run, &mut counts).await?;
        }
        Ok(counts)
    }

    /// How many rows of every joined object are still live.
    async fn shares(&self, dataset: &str) -> Result<Shares, UpkeepError> {
        let (mut live, mut after): (HashMap<String, u64>, _) = (HashMap::new(), None);
        loop {
            let (files, next) = self.site.ledger.live(dataset, after).await?;
            let outputs = files.into_iter().flat_map(|file| file.task.outputs);
            for output in outputs.filter(|output| output.first_row.is_some()) {
                *live.entry(output.key).or_default() += output.rows;
            }
            match next {
                Some(_) => after = next,
                None => return Ok(Shares(live)),
            }
        }
    }

    /// Joins a bin. What can't be read is left as it is, with a word on it, and keeps
    /// no other from being joined.
    async fn settle(
        &self,
        bin: &Bin,
        permit: Permit<'_>,
        dry_run: bool,
        counts: &mut UpkeepCounts,
    ) -> Result<(), UpkeepError> {
        let bytes = match dry_run {
            true => Ok(bin.bytes()),
            false => self.join(bin, permit).await,
        };
        let mut add = |name: &str, more: u64| *counts.entry(name.to_owned()).or_default() += more;
        match bytes {
            Ok(bytes) => {
                add("joined", 1);
                add("objects", bin.objects());
                add("rows", bin.rows());
                add("bytes", bytes);
                Ok(())
            }
            Err(error) if !is_its_own(&error) => Err(error),
            Err(error) => {
                tracing::warn!(dataset = %bin.dataset, %error, "objects are left as they are");
                add("left", bin.objects());
                Ok(())
            }
        }
    }
}

/// Whether an error is about the objects of a bin alone.
fn is_its_own(error: &UpkeepError) -> bool {
    match error.class() {
        FailureClass::Missing | FailureClass::Poison | FailureClass::Contract => true,
        FailureClass::Transient
        | FailureClass::Throttled
        | FailureClass::Outage
        | FailureClass::Denied => false,
    }
}
