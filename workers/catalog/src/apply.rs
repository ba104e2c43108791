//! What was planned is done: lists first, then the table, then partitions, then the
//! ledger is told.

use millrace_catalog::Change;
use millrace_failpoint::{Point, reach};
use millrace_ledger::{CatalogClaim, CatalogFacts};

use crate::{Permit, Plan, RegisterError, STAGE, Site, lists};

impl Plan {
    /// Does what is to be done, under a claim, which is given back with the end of it.
    /// Answers whether something changed since the claim.
    ///
    /// A table that is partitioned by other columns than before is removed and made
    /// anew; the lists of its old partitions are emptied when it is gone, and those of
    /// others before their partitions are removed.
    ///
    /// # Errors
    /// [`RegisterError`]; what was done before stays done, and is found by the next.
    pub async fn apply(
        &self,
        site: &Site,
        claim: &CatalogClaim,
        permit: Permit<'_>,
    ) -> Result<bool, RegisterError> {
        if self.change == Change::Refuse {
            return Err(RegisterError::NotOurs {
                database: site.settings.database.clone(),
                table: self.table.name.clone(),
                pipeline: site.pipeline.clone(),
            });
        }
        reach(STAGE, Point::Began);
        if !site.ledger.doubt_lists(claim, &self.doubted).await? {
            return Err(RegisterError::Lost);
        }
        self.write(site, permit).await?;
        reach(STAGE, Point::AfterRows);
        permit.check()?;
        self.register(site).await?;
        if self.change == Change::Replace {
            self.empty(site, permit).await?;
        }
        reach(STAGE, Point::BeforeRecord);
        let again = site.ledger.complete_catalog(claim, &self.facts(site)).await?;
        reach(STAGE, Point::AfterRecord);
        again.ok_or(RegisterError::Lost)
    }

    async fn write(&self, site: &Site, permit: Permit<'_>) -> Result<(), RegisterError> {
        if self.change != Change::Replace {
            self.empty(site, permit).await?;
        }
        lists::write(site.storage.as_ref(), &site.lake, &self.lists, permit).await
    }

    async fn empty(&self, site: &Site, permit: Permit<'_>) -> Result<(), RegisterError> {
        lists::write(site.storage.as_ref(), &site.lake, &self.emptied, permit).await
    }

    /// Has the catalog know the table and its partitions.
    async fn register(&self, site: &Site) -> Result<(), RegisterError> {
        let database = site.settings.database.as_str();
        match &self.change {
            Change::Create => {
                site.catalog.ensure_database(database).await?;
                site.catalog.create_table(database, &self.table).await?;
            }
            Change::Replace => {
                site.catalog.delete_table(database, &self.table.name).await?;
                site.catalog.create_table(database, &self.table).await?;
            }
            Change::Update(table) => site.catalog.update_table(database, table).await?,
            Change::Nothing | Change::Refuse => {}
        }
        reach(STAGE, Point::BeforeCommit);
        if !self.partitions.is_empty() {
            site.catalog.change_partitions(database, &self.table, &self.partitions).await?;
        }
        Ok(())
    }

    fn facts<'a>(&'a self, site: &'a Site) -> CatalogFacts<'a> {
        CatalogFacts {
            database: &site.settings.database,
            table: &self.table.name,
            contract: &self.contract,
            definition: &self.definition,
            changed: &self.changed,
            gone: &self.gone_ids,
        }
    }
}
