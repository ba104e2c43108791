//! What the catalog keeps. Entries are kept as they were given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{folded, no_database, no_table};
use crate::service::ServiceError;

/// All databases, by their folded names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) databases: BTreeMap<String, Database>,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Database {
    pub(super) input: Map<String, Value>,
    pub(super) created: Value,
    /// By their folded names.
    pub(super) tables: BTreeMap<String, Table>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Table {
    pub(super) input: Map<String, Value>,
    pub(super) created: Value,
    pub(super) updated: Value,
    pub(super) version: u64,
    /// In the order of their values, which are written as a list.
    pub(super) partitions: BTreeMap<String, Partition>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Partition {
    pub(super) input: Map<String, Value>,
    pub(super) created: Value,
}

impl State {
    pub(super) fn database(&self, name: &str) -> Result<&Database, ServiceError> {
        self.databases.get(&folded(name)?).ok_or_else(|| no_database(name))
    }

    pub(super) fn database_mut(&mut self, name: &str) -> Result<&mut Database, ServiceError> {
        self.databases.get_mut(&folded(name)?).ok_or_else(|| no_database(name))
    }

    pub(super) fn table(&self, database: &str, name: &str) -> Result<&Table, ServiceError> {
        let tables = &self.database(database)?.tables;
        tables.get(&folded(name)?).ok_or_else(|| no_table(name))
    }

    pub(super) fn table_mut(
        &mut self,
        database: &str,
        name: &str,
    ) -> Result<&mut Table, ServiceError> {
        let tables = &mut self.database_mut(database)?.tables;
        tables.get_mut(&folded(name)?).ok_or_else(|| no_table(name))
    }
}

impl Table {
    /// How many values a partition has.
    pub(super) fn keys(&self) -> usize {
        self.input.get("PartitionKeys").and_then(Value::as_array).map_or(0, Vec::len)
    }
}
