//! What a catalog can do, whichever it is.

use async_trait::async_trait;
use millrace_catalog::{PartitionChanges, PartitionSpec, TableSpec};

use crate::CatalogError;

/// A catalog of databases, tables and partitions. All of it may be repeated: what is
/// there already is fine, and so is what is gone already.
#[async_trait]
pub trait Catalog: Send + Sync + 'static {
    /// Makes a database unless it is there. Answers whether it was made.
    ///
    /// # Errors
    /// [`CatalogError`].
    async fn ensure_database(&self, database: &str) -> Result<bool, CatalogError>;

    /// A table, if it is there.
    ///
    /// # Errors
    /// [`CatalogError`].
    async fn table(&self, database: &str, name: &str) -> Result<Option<TableSpec>, CatalogError>;

    /// Makes a table.
    ///
    /// # Errors
    /// [`CatalogError::Exists`] if there is one of its name.
    async fn create_table(&self, database: &str, table: &TableSpec) -> Result<(), CatalogError>;

    /// Changes a table to what it is to be. Its partitions stay as they are.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] if it is not there.
    async fn update_table(&self, database: &str, table: &TableSpec) -> Result<(), CatalogError>;

    /// Removes a table with its partitions. No object is touched.
    ///
    /// # Errors
    /// [`CatalogError`].
    async fn delete_table(&self, database: &str, name: &str) -> Result<(), CatalogError>;

    /// The partitions of a table, in no order.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] if the table is not there.
    async fn partitions(
        &self,
        database: &str,
        table: &str,
    ) -> Result<Vec<PartitionSpec>, CatalogError>;

    /// Makes, changes and removes partitions of a table. One to be made that is there
    /// is changed, one to be changed that is not there is made.
    ///
    /// # Errors
    /// [`CatalogError`]; what was done before stays done.
    async fn change_partitions(
        &self,
        database: &str,
        table: &TableSpec,
        changes: &PartitionChanges,
    ) -> Result<(), CatalogError>;
}
