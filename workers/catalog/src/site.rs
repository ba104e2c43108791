//! What tables are made of and where they are registered, and whether a worker may go
//! on.

use std::sync::Arc;

use millrace_glue::Catalog;
use millrace_ledger::Ledger;
use millrace_pipeline::CatalogSettings;
use millrace_runtime::Lease;
use millrace_storage::Storage;

use crate::RegisterError;

/// A pipeline's ledger, lake and catalog.
#[derive(Clone)]
pub struct Site {
    /// The pipeline's name.
    pub pipeline: String,
    /// Bucket of the lake.
    pub lake: String,
    /// Its ledger.
    pub ledger: Ledger,
    /// Its buckets.
    pub storage: Arc<dyn Storage>,
    /// Where tables are registered.
    pub catalog: Arc<dyn Catalog>,
    /// As what they are.
    pub settings: CatalogSettings,
}

/// The right to change something.
#[derive(Debug, Clone, Copy)]
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
    /// [`RegisterError::Lost`] if another worker may have the message.
    pub fn check(self) -> Result<(), RegisterError> {
        match self {
            Self::Lease(lease) => lease.check().map_err(|_| RegisterError::Lost),
            Self::ByHand => Ok(()),
        }
    }
}
