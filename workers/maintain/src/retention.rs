//! What nobody needs any more is removed: objects of the lake, rejected rows, rows of
//! the ledger. Each by its age, or never.

mod filter;
mod names;
mod objects;

use chrono::{DateTime, Utc};
use millrace_contract::UpkeepCounts;
use millrace_pipeline::Retention;

use crate::reconcile::delta;
use crate::{Permit, Site, UpkeepError};

/// Removes what nobody needs any more.
pub struct Retirement {
    pub(crate) site: Site,
    settings: Retention,
    /// Nothing is changed, only counted.
    pub(crate) dry_run: bool,
}

impl Retirement {
    /// For a pipeline, with the file's settings or others. With `dry_run` nothing is
    /// changed.
    pub fn new(site: Site, settings: Retention, dry_run: bool) -> Self {
        Self { site, settings, dry_run }
    }

    /// Removes everything whose time has come; answers what was removed, by name:
    /// `expired` files, `lake_objects`, `lake_bytes`, `reject_objects`,
    /// `reject_bytes` and `history_…` rows. Names of what keeps for good are not
    /// there.
    ///
    /// # Errors
    /// [`UpkeepError`]; what was removed before stays removed, and the next run goes
    /// on.
    pub async fn run(&self, permit: Permit<'_>) -> Result<UpkeepCounts, UpkeepError> {
        let mut counts = UpkeepCounts::new();
        let datasets = self.site.pipeline.datasets.iter().map(|dataset| dataset.name.as_str());
        for dataset in datasets {
            self.expire(dataset, permit, &mut counts).await?;
            if let Some(age) = self.settings.superseded {
                let (objects, bytes) = self.sweep_lake(dataset, self.ago(age), permit).await?;
                add(&mut counts, "lake_objects", objects);
                add(&mut counts, "lake_bytes", bytes);
            }
            if let Some(age) = self.settings.rejects {
                let (objects, bytes) = self.sweep_rejects(dataset, self.ago(age), permit).await?;
                add(&mut counts, "reject_objects", objects);
                add(&mut counts, "reject_bytes", bytes);
            }
        }
        if let Some(age) = self.settings.history {
            permit.check()?;
            let trimmed = self.site.ledger.trim_history(self.ago(age), self.dry_run).await?;
            for (name, rows) in trimmed {
                add(&mut counts, &format!("history_{name}"), rows);
            }
        }
        Ok(counts)
    }

    /// Ends the life of a dataset's old files in the lake, where that is asked for.
    async fn expire(
        &self,
        dataset: &str,
        permit: Permit<'_>,
        counts: &mut UpkeepCounts,
    ) -> Result<(), UpkeepError> {
        let Some(age) = self.settings.lake.get(dataset) else { return Ok(()) };
        permit.check()?;
        let before = self.ago(*age);
        let expired = self.site.ledger.expire_lake(dataset, before, self.dry_run).await?;
        add(counts, "expired", expired);
        Ok(())
    }

    fn ago(&self, age: std::time::Duration) -> DateTime<Utc> {
        self.site.now - delta(age)
    }
}

fn add(counts: &mut UpkeepCounts, name: &str, number: u64) {
    *counts.entry(name.to_owned()).or_default() += number;
}
