//! Databases: made, told, removed with their tables.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::state::Database;
use super::{Glue, Paging, folded, invalid, page, taken, told};
use crate::service::{ServiceError, read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    database_input: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    name: String,
}

impl Glue {
    pub(super) fn create_database(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let Create { database_input: mut input } = read(body)?;
        let name = folded(&name_of(&input)?)?;
        input.insert("Name".to_owned(), json!(name));
        let created = self.now();
        self.kept.change(|state| {
            if state.databases.contains_key(&name) {
                return Err(taken("Database"));
            }
            let database = Database { input, created, tables: BTreeMap::new() };
            state.databases.insert(name, database);
            Ok(json!({}))
        })
    }

    pub(super) fn get_database(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let Named { name } = read(body)?;
        let state = self.kept.read();
        Ok(json!({ "Database": self.told_database(state.database(&name)?) }))
    }

    pub(super) fn get_databases(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Paging = read(body)?;
        let state = self.kept.read();
        let all = state.databases.values().map(|database| self.told_database(database));
        page("DatabaseList", all.collect(), &request)
    }

    pub(super) fn delete_database(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let Named { name } = read(body)?;
        self.kept.change(|state| {
            state.database(&name)?;
            state.databases.remove(&folded(&name)?);
            Ok(json!({}))
        })
    }

    fn told_database(&self, database: &Database) -> Value {
        let known = json!({ "CreateTime": database.created, "CatalogId": self.account.id });
        told(&database.input, known)
    }
}

/// What an entry is named by itself.
pub(super) fn name_of(input: &Map<String, Value>) -> Result<String, ServiceError> {
    let name = input.get("Name").and_then(Value::as_str);
    Ok(name.ok_or_else(|| invalid("Name is missing"))?.to_owned())
}
