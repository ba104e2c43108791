//! Partitions: made, changed and removed by the batch. What a batch does not take it
//! answers one by one, and takes the others.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::state::{Partition, Table};
use super::{Glue, Paging, invalid, page, told};
use crate::service::{ServiceError, read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    database_name: String,
    table_name: String,
    partition_input_list: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Update {
    database_name: String,
    table_name: String,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    partition_value_list: Vec<String>,
    partition_input: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    database_name: String,
    table_name: String,
    partitions_to_delete: Vec<Values>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Values {
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    database_name: String,
    table_name: String,
    partition_values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    database_name: String,
    table_name: String,
    expression: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

impl Glue {
    pub(super) fn create_partitions(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let Create { database_name, table_name, partition_input_list } = read(body)?;
        check_size(partition_input_list.len(), 100)?;
        let created = self.now();
        self.kept.change(|state| {
            let table = state.table_mut(&database_name, &table_name)?;
            let mut errors = Vec::new();
            for input in partition_input_list {
                let values = values_of(&input)?;
                check_values(table, &values)?;
                let key = key(&values);
                if table.partitions.contains_key(&key) {
                    let detail = detail("AlreadyExistsException", "Partition already exists.");
                    errors.push(json!({ "PartitionValues": values, "ErrorDetail": detail }));
                    continue;
                }
                table.partitions.insert(key, Partition { input, created: created.clone() });
            }
            Ok(json!({ "Errors": errors }))
        })
    }

    pub(super) fn update_partitions(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let Update { database_name, table_name, entries } = read(body)?;
        check_size(entries.len(), 100)?;
        self.kept.change(|state| {
            let table = state.table_mut(&database_name, &table_name)?;
            let mut errors = Vec::new();
            for Entry { partition_value_list: values, partition_input: input } in entries {
                let Some(known) = table.partitions.remove(&key(&values)) else {
                    let detail = detail("EntityNotFoundException", "Partition not found.");
                    errors.push(json!({ "PartitionValueList": values, "ErrorDetail": detail }));
                    continue;
                };
                let renamed = values_of(&input)?;
                check_values(table, &renamed)?;
                table.partitions.insert(key(&renamed), Partition { input, ..known });
            }
            Ok(json!({ "Errors": errors }))
        })
    }

    pub(super) fn delete_partitions(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let Delete { database_name, table_name, partitions_to_delete } = read(body)?;
        check_size(partitions_to_delete.len(), 25)?;
        self.kept.change(|state| {
            let table = state.table_mut(&database_name, &table_name)?;
            let mut errors = Vec::new();
            for Values { values } in partitions_to_delete {
                if table.partitions.remove(&key(&values)).is_none() {
                    let detail = detail("EntityNotFoundException", "Partition not found.");
                    errors.push(json!({ "PartitionValues": values, "ErrorDetail": detail }));
                }
            }
            Ok(json!({ "Errors": errors }))
        })
    }

    pub(super) fn get_partition(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let Get { database_name, table_name, partition_values } = read(body)?;
        let state = self.kept.read();
        let table = state.table(&database_name, &table_name)?;
        let partition = table
            .partitions
            .get(&key(&partition_values))
            .ok_or_else(|| ServiceError::new("EntityNotFoundException", "Partition not found."))?;
        Ok(json!({ "Partition": self.told_partition(&database_name, &table_name, partition) }))
    }

    pub(super) fn get_partitions(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let List { database_name, table_name, expression, paging } = read(body)?;
        if expression.is_some_and(|expression| !expression.is_empty()) {
            return Err(invalid("this endpoint does not filter partitions by an Expression"));
        }
        let state = self.kept.read();
        let partitions = state.table(&database_name, &table_name)?.partitions.values();
        let told = partitions.map(|one| self.told_partition(&database_name, &table_name, one));
        page("Partitions", told.collect(), &paging)
    }

    fn told_partition(&self, database: &str, table: &str, partition: &Partition) -> Value {
        let known = json!({
            "DatabaseName": database.to_lowercase(),
            "TableName": table.to_lowercase(),
            "CreationTime": partition.created,
            "CatalogId": self.account.id,
        });
        told(&partition.input, known)
    }
}

/// Values as one text that no others have.
fn key(values: &[String]) -> String {
    json!(values).to_string()
}

fn values_of(input: &Map<String, Value>) -> Result<Vec<String>, ServiceError> {
    Ok(serde_json::from_value(input.get("Values").cloned().unwrap_or_default())?)
}

fn check_values(table: &Table, values: &[String]) -> Result<(), ServiceError> {
    match values.len() == table.keys() {
        true => Ok(()),
        false => {
            Err(invalid("The number of partition keys do not match the number of partition values"))
        }
    }
}

fn check_size(entries: usize, most: usize) -> Result<(), ServiceError> {
    match entries > most {
        true => Err(ServiceError::validation(format!(
            "a request has at most {most} partitions, not {entries}"
        ))),
        false => Ok(()),
    }
}

fn detail(code: &str, message: &str) -> Value {
    json!({ "ErrorCode": code, "ErrorMessage": message })
}
