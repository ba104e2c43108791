//! What upkeep works on, and whether it may go on.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use millrace_ledger::Ledger;
use millrace_pipeline::Pipeline;
use millrace_runtime::Lease;
use millrace_storage::Storage;

use crate::UpkeepError;

/// A pipeline with what is known of it and where its objects are.
#[derive(Clone)]
pub struct Site {
    /// The pipeline.
    pub pipeline: Arc<Pipeline>,
    /// Its ledger.
    pub ledger: Ledger,
    /// Its buckets.
    pub storage: Arc<dyn Storage>,
    /// The moment that ages are counted from.
    pub now: DateTime<Utc>,
}

/// The right to change something.
#[derive(Clone, Copy)]
pub enum Permit<'a> {
    /// As long as the message is held.
    Lease(&'a Lease),
    /// Somebody gave the command.
    ByHand,
}

impl Permit<'_> {
    /// To be asked right before a change.
    ///
    /// # Errors
    /// [`UpkeepError::Lost`] if another worker may have the message.
    pub fn check(self) -> Result<(), UpkeepError> {
        match self {
            Self::Lease(lease) => Ok(lease.check()?),
            Self::ByHand => Ok(()),
        }
    }
}
