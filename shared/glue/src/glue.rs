//! AWS Glue's Data Catalog.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_glue::Client;
use aws_sdk_glue::error::BuildError;
use aws_sdk_glue::types::{DatabaseInput, TableInput};
use millrace_catalog::{PartitionChanges, PartitionSpec, TableSpec};
use millrace_retry::RequestError;

use crate::error::fault;
use crate::{Catalog, CatalogError, wire};

const GET_DATABASE: &str = "glue:GetDatabase";
const CREATE_DATABASE: &str = "glue:CreateDatabase";
const GET_TABLE: &str = "glue:GetTable";
const CREATE_TABLE: &str = "glue:CreateTable";
const UPDATE_TABLE: &str = "glue:UpdateTable";
const DELETE_TABLE: &str = "glue:DeleteTable";

/// The Data Catalog of an account and region.
#[derive(Debug, Clone)]
pub struct Glue {
    pub(crate) client: Client,
}

impl Glue {
    /// Reached as the SDK configuration says.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    async fn has_database(&self, database: &str) -> Result<bool, CatalogError> {
        let asked = self.client.get_database().name(database).send().await;
        match asked.map_err(|error| fault(GET_DATABASE, &named_database(database), error)) {
            Ok(_) => Ok(true),
            Err(CatalogError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Catalog for Glue {
    async fn ensure_database(&self, database: &str) -> Result<bool, CatalogError> {
        if self.has_database(database).await? {
            return Ok(false);
        }
        let what = named_database(database);
        let input = DatabaseInput::builder().name(database);
        let input = input.description("Datasets of a lake, kept by Millrace.").build();
        let input = input.map_err(|error| incomplete(CREATE_DATABASE, &what, &error))?;
        let made = self.client.create_database().database_input(input).send().await;
        match made.map_err(|error| fault(CREATE_DATABASE, &what, error)) {
            Ok(_) => Ok(true),
            Err(CatalogError::Exists { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn table(&self, database: &str, name: &str) -> Result<Option<TableSpec>, CatalogError> {
        let what = named_table(database, name);
        let asked = self.client.get_table().database_name(database).name(name).send().await;
        match asked.map_err(|error| fault(GET_TABLE, &what, error)) {
            Ok(found) => Ok(found.table().map(wire::table_spec)),
            Err(CatalogError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create_table(&self, database: &str, table: &TableSpec) -> Result<(), CatalogError> {
        let (input, what) = table_input(CREATE_TABLE, database, table)?;
        let request = self.client.create_table().database_name(database).table_input(input);
        request.send().await.map_err(|error| fault(CREATE_TABLE, &what, error))?;
        Ok(())
    }

    async fn update_table(&self, database: &str, table: &TableSpec) -> Result<(), CatalogError> {
        let (input, what) = table_input(UPDATE_TABLE, database, table)?;
        // Versions are kept in the ledger's contracts; Glue keeps a limited number.
        let request = self.client.update_table().database_name(database).skip_archive(true);
        let request = request.table_input(input).send().await;
        request.map_err(|error| fault(UPDATE_TABLE, &what, error))?;
        Ok(())
    }

    async fn delete_table(&self, database: &str, name: &str) -> Result<(), CatalogError> {
        let what = named_table(database, name);
        let asked = self.client.delete_table().database_name(database).name(name).send().await;
        match asked.map_err(|error| fault(DELETE_TABLE, &what, error)) {
            Ok(_) | Err(CatalogError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn partitions(
        &self,
        database: &str,
        table: &str,
    ) -> Result<Vec<PartitionSpec>, CatalogError> {
        self.all_partitions(database, table).await
    }

    async fn change_partitions(
        &self,
        database: &str,
        table: &TableSpec,
        changes: &PartitionChanges,
    ) -> Result<(), CatalogError> {
        self.apply(database, table, changes).await
    }
}

fn table_input(
    action: &'static str,
    database: &str,
    table: &TableSpec,
) -> Result<(TableInput, String), CatalogError> {
    let what = named_table(database, &table.name);
    let input = wire::table_input(table).map_err(|error| incomplete(action, &what, &error))?;
    Ok((input, what))
}

pub(crate) fn named_table(database: &str, table: &str) -> String {
    format!("table `{database}.{table}`")
}

fn named_database(database: &str) -> String {
    format!("database `{database}`")
}

/// What the SDK does not take.
pub(crate) fn incomplete(action: &'static str, what: &str, error: &BuildError) -> CatalogError {
    let (what, reason) = (what.to_owned(), error.to_string());
    RequestError::Invalid { action, what, reason }.into()
}
