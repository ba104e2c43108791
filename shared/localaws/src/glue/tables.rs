//! Tables: made, told, changed as a whole, removed with their partitions.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::databases::name_of;
use super::state::Table;
use super::{Glue, Paging, folded, page, taken, told};
use crate::service::{ServiceError, read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Write {
    database_name: String,
    table_input: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    database_name: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    database_name: String,
    #[serde(flatten)]
    paging: Paging,
}

impl Glue {
    pub(super) fn create_table(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let Write { database_name, table_input: mut input } = read(body)?;
        let name = folded(&name_of(&input)?)?;
        input.insert("Name".to_owned(), json!(name));
        let now = self.now();
        self.kept.change(|state| {
            let tables = &mut state.database_mut(&database_name)?.tables;
            if tables.contains_key(&name) {
                return Err(taken("Table"));
            }
            let (created, updated) = (now.clone(), now);
            let partitions = BTreeMap::new();
            tables.insert(name, Table { input, created, updated, version: 0, partitions });
            Ok(json!({}))
        })
    }

    pub(super) fn update_table(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let Write { database_name, table_input: mut input } = read(body)?;
        let name = folded(&name_of(&input)?)?;
        input.insert("Name".to_owned(), json!(name));
        let updated = self.now();
        self.kept.change(|state| {
            let table = state.table_mut(&database_name, &name)?;
            let (version, partitions) = (table.version + 1, std::mem::take(&mut table.partitions));
            *table = Table { input, created: table.created.clone(), updated, version, partitions };
            Ok(json!({}))
        })
    }

    pub(super) fn get_table(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let Named { database_name, name } = read(body)?;
        let state = self.kept.read();
        let table = state.table(&database_name, &name)?;
        Ok(json!({ "Table": self.told_table(&database_name, table) }))
    }

    pub(super) fn get_tables(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let List { database_name, paging } = read(body)?;
        let state = self.kept.read();
        let tables = state.database(&database_name)?.tables.values();
        let all = tables.map(|table| self.told_table(&database_name, table)).collect();
        page("TableList", all, &paging)
    }

    pub(super) fn delete_table(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let Named { database_name, name } = read(body)?;
        self.kept.change(|state| {
            state.table(&database_name, &name)?;
            state.database_mut(&database_name)?.tables.remove(&folded(&name)?);
            Ok(json!({}))
        })
    }

    fn told_table(&self, database: &str, table: &Table) -> Value {
        let known = json!({
            "DatabaseName": database.to_lowercase(),
            "CreateTime": table.created,
            "UpdateTime": table.updated,
            "VersionId": table.version.to_string(),
            "CatalogId": self.account.id,
            "IsRegisteredWithLakeFormation": false,
        });
        told(&table.input, known)
    }
}
