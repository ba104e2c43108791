//! The right to write the table of a dataset: whose it is, and what becomes of those
//! who ask for it meanwhile.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::turn::{Turn, Turns};
use crate::{Ledger, LedgerError};

/// Who writes the tables of datasets.
pub(super) const TURNS: Turns =
    Turns { lock: "catalog", table: "millrace_catalog", counter: "definitions" };

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

impl CatalogClaim {
    pub(super) fn turn(&self) -> Turn<'_> {
        Turn { of: TURNS, dataset: &self.dataset, fence: self.fence }
    }
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
        TURNS.lock(&mut transaction, dataset).await?;
        let sql = "SELECT fence, claimed_until, claimed_by FROM millrace_catalog \
                   WHERE dataset = $1";
        let known = transaction.fetch_optional(sql, &[dataset.into()]).await?;
        let mut fence = 1;
        if let Some(known) = &known {
            let is_busy = known.get::<DateTime<Utc>>("claimed_until")? > Utc::now();
            if is_busy && known.get::<String>("claimed_by")? != message_id {
                TURNS.join(&mut transaction, dataset).await?;
                transaction.commit().await?;
                return Ok(CatalogClaimed::Joined);
            }
            fence = known.get::<i64>("fence")? + 1;
        }
        let claim = CatalogClaim { dataset: dataset.to_owned(), fence };
        claim.turn().take(&mut transaction, message_id, lease, known.is_some()).await?;
        transaction.commit().await?;
        Ok(CatalogClaimed::Yes(claim))
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
        claim.turn().renew(&self.database, lease).await
    }

    /// Gives a claim back with nothing done. Answers whether something changed since
    /// the claim; nothing if it was lost.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn release_catalog(&self, claim: &CatalogClaim) -> Result<Option<bool>, LedgerError> {
        claim.turn().release(&self.database).await
    }
}
