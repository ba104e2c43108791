//! The right to write the table of a dataset: whose it is, and what becomes of those
//! who ask for it meanwhile.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Ledger, LedgerError, Transaction, Value};

/// Whether a worker may write the table of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogClaimed {
    /// It may.
    Yes(CatalogClaim),
    /// Somebody else is at it, and will look again.
    Joined,
}

/// The right to write the table of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogClaim {
    /// The dataset.
    pub dataset: String,
    /// The claim's number.
    pub fence: i64,
}

impl Ledger {
    /// Claims the table of a dataset for `lease`, unless somebody else is at it. A
    /// message that comes again while it has the claim is given it: whoever had it is
    /// no more, and nobody would look again.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn claim_catalog(
        &self,
        dataset: &str,
        message_id: &str,
        lease: Duration,
    ) -> Result<CatalogClaimed, LedgerError> {
        let mut transaction = self.database.begin().await?;
        lock(&mut transaction, dataset).await?;
        let sql = "SELECT fence, claimed_until, claimed_by FROM millrace_catalog \
                   WHERE dataset = $1";
        let known = transaction.fetch_optional(sql, &[dataset.into()]).await?;
        let mut fence = 1;
        if let Some(known) = &known {
            let is_busy = known.get::<DateTime<Utc>>("claimed_until")? > Utc::now();
            if is_busy && known.get::<String>("claimed_by")? != message_id {
                let sql = "UPDATE millrace_catalog SET asked_again = 1 WHERE dataset = $1";
                transaction.execute(sql, &[dataset.into()]).await?;
                transaction.commit().await?;
                return Ok(CatalogClaimed::Joined);
            }
            fence = known.get::<i64>("fence")? + 1;
        }
        let sql = match known {
            Some(_) => {
                "UPDATE millrace_catalog SET fence = $2, claimed_until = $3, claimed_by = $4, \
                     asked_again = 0 WHERE dataset = $1"
            }
            None => {
                "INSERT INTO millrace_catalog \
                     (dataset, fence, claimed_until, claimed_by, asked_again, definitions) \
                 VALUES ($1, $2, $3, $4, 0, 0)"
            }
        };
        let values: [Value; 4] =
            [dataset.into(), fence.into(), until(lease).into(), message_id.into()];
        transaction.execute(sql, &values).await?;
        transaction.commit().await?;
        Ok(CatalogClaimed::Yes(CatalogClaim { dataset: dataset.to_owned(), fence }))
    }

    /// Keeps a claim for longer; false if it is lost.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn renew_catalog(
        &self,
        claim: &CatalogClaim,
        lease: Duration,
    ) -> Result<bool, LedgerError> {
        let sql = "UPDATE millrace_catalog SET claimed_until = $1 \
                   WHERE dataset = $2 AND fence = $3";
        let values: [Value; 3] =
            [until(lease).into(), claim.dataset.as_str().into(), claim.fence.into()];
        Ok(self.database.execute(sql, &values).await? > 0)
    }

    /// Gives a claim back with nothing done. Answers whether something changed since
    /// the claim; nothing if it was lost.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn release_catalog(&self, claim: &CatalogClaim) -> Result<Option<bool>, LedgerError> {
        let mut transaction = self.database.begin().await?;
        lock(&mut transaction, &claim.dataset).await?;
        let again = give_back(&mut transaction, claim).await?;
        transaction.commit().await?;
        Ok(again)
    }
}

fn until(lease: Duration) -> DateTime<Utc> {
    let lease = TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX);
    Utc::now().checked_add_signed(lease).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Claims of one dataset are judged one after the other.
pub(super) async fn lock(transaction: &mut Transaction, dataset: &str) -> Result<(), LedgerError> {
    Ok(transaction.lock(&["catalog", dataset]).await?)
}

pub(super) async fn is_held(
    transaction: &mut Transaction,
    claim: &CatalogClaim,
) -> Result<bool, LedgerError> {
    let sql = "SELECT 1 AS found FROM millrace_catalog WHERE dataset = $1 AND fence = $2";
    let values = [claim.dataset.as_str().into(), claim.fence.into()];
    Ok(transaction.fetch_optional(sql, &values).await?.is_some())
}

/// Ends a claim. Answers whether somebody asked meanwhile; nothing if it is lost.
pub(super) async fn give_back(
    transaction: &mut Transaction,
    claim: &CatalogClaim,
) -> Result<Option<bool>, LedgerError> {
    let sql = "SELECT asked_again FROM millrace_catalog WHERE dataset = $1 AND fence = $2";
    let values: [Value; 2] = [claim.dataset.as_str().into(), claim.fence.into()];
    let Some(row) = transaction.fetch_optional(sql, &values).await? else { return Ok(None) };
    let again = row.get::<i64>("asked_again")? != 0;
    let sql = "UPDATE millrace_catalog SET claimed_until = $1, asked_again = 0 \
               WHERE dataset = $2 AND fence = $3";
    let values: [Value; 3] = [Utc::now().into(), claim.dataset.as_str().into(), claim.fence.into()];
    transaction.execute(sql, &values).await?;
    Ok(Some(again))
}
