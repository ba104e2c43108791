//! Partitions by the batch: what one request may hold, and what becomes of those that
//! a batch did not take.

use std::collections::HashMap;

use aws_sdk_glue::types::{
    BatchUpdatePartitionRequestEntry, ErrorDetail, PartitionInput, PartitionValueList,
};
use millrace_catalog::{PartitionChanges, PartitionSpec, TableSpec};

use crate::error::{fault, refused};
use crate::glue::{incomplete, named_table};
use crate::{CatalogError, Glue, wire};

const GET: &str = "glue:GetPartitions";
const CREATE: &str = "glue:BatchCreatePartition";
const UPDATE: &str = "glue:BatchUpdatePartition";
const DELETE: &str = "glue:BatchDeletePartition";

/// Partitions of one request that makes or changes them ("BatchCreatePartition" and
/// "BatchUpdatePartition", AWS Glue API Reference).
const MOST_WRITTEN: usize = 100;

/// Partitions of one request that removes them ("BatchDeletePartition").
const MOST_REMOVED: usize = 25;

/// A partition that a batch did not take, and why.
type Refused = (Vec<String>, CatalogError);

impl Glue {
    pub(crate) async fn all_partitions(
        &self,
        database: &str,
        table: &str,
    ) -> Result<Vec<PartitionSpec>, CatalogError> {
        let what = named_table(database, table);
        let request = self.client.get_partitions().database_name(database).table_name(table);
        let mut pages = request.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| fault(GET, &what, error))?;
            found.extend(page.partitions().iter().map(wire::partition_spec));
        }
        Ok(found)
    }

    pub(crate) async fn apply(
        &self,
        database: &str,
        table: &TableSpec,
        changes: &PartitionChanges,
    ) -> Result<(), CatalogError> {
        let there = self.create(database, table, &changes.create).await?;
        let update: Vec<PartitionSpec> = changes.update.iter().cloned().chain(there).collect();
        let gone = self.update(database, table, &update).await?;
        // Who removes partitions and makes them at the same time is not us.
        if let Some(still) = self.create(database, table, &gone).await?.first() {
            let what =
                format!("partition {:?} of {}", still.values, named_table(database, &table.name));
            return Err(CatalogError::Exists { what });
        }
        self.delete(database, &table.name, &changes.delete).await
    }

    /// Answers those that are there already.
    async fn create(
        &self,
        database: &str,
        table: &TableSpec,
        specs: &[PartitionSpec],
    ) -> Result<Vec<PartitionSpec>, CatalogError> {
        let what = named_table(database, &table.name);
        let mut there = Vec::new();
        for specs in specs.chunks(MOST_WRITTEN) {
            let request = self.client.batch_create_partition().database_name(database);
            let inputs = inputs(CREATE, &what, table, specs)?;
            let request = request.table_name(&table.name).set_partition_input_list(Some(inputs));
            let answer = request.send().await.map_err(|error| fault(CREATE, &what, error))?;
            let refused = answer.errors().iter().map(|error| {
                refusal(CREATE, &what, error.partition_values(), error.error_detail())
            });
            there.extend(left(specs, refused, is_there)?);
        }
        Ok(there)
    }

    /// Answers those that are not there.
    async fn update(
        &self,
        database: &str,
        table: &TableSpec,
        specs: &[PartitionSpec],
    ) -> Result<Vec<PartitionSpec>, CatalogError> {
        let what = named_table(database, &table.name);
        let mut gone = Vec::new();
        for specs in specs.chunks(MOST_WRITTEN) {
            let inputs = inputs(UPDATE, &what, table, specs)?;
            let entry = |(spec, input): (&PartitionSpec, PartitionInput)| {
                BatchUpdatePartitionRequestEntry::builder()
                    .set_partition_value_list(Some(spec.values.clone()))
                    .partition_input(input)
                    .build()
                    .map_err(|error| incomplete(UPDATE, &what, &error))
            };
            let entries = specs.iter().zip(inputs).map(entry).collect::<Result<_, _>>()?;
            let request = self.client.batch_update_partition().database_name(database);
            let request = request.table_name(&table.name).set_entries(Some(entries));
            let answer = request.send().await.map_err(|error| fault(UPDATE, &what, error))?;
            let refused = answer.errors().iter().map(|error| {
                refusal(UPDATE, &what, error.partition_value_list(), error.error_detail())
            });
            gone.extend(left(specs, refused, is_gone)?);
        }
        Ok(gone)
    }

    async fn delete(
        &self,
        database: &str,
        table: &str,
        values: &[Vec<String>],
    ) -> Result<(), CatalogError> {
        let what = named_table(database, table);
        for values in values.chunks(MOST_REMOVED) {
            let list = |values: &Vec<String>| {
                let list = PartitionValueList::builder().set_values(Some(values.clone())).build();
                list.map_err(|error| incomplete(DELETE, &what, &error))
            };
            let lists = values.iter().map(list).collect::<Result<_, _>>()?;
            let request = self.client.batch_delete_partition().database_name(database);
            let request = request.table_name(table).set_partitions_to_delete(Some(lists));
            let answer = request.send().await.map_err(|error| fault(DELETE, &what, error))?;
            let mut refused = answer.errors().iter().map(|error| {
                refusal(DELETE, &what, error.partition_values(), error.error_detail())
            });
            if let Some((_, error)) = refused.find(|(_, error)| !is_gone(error)) {
                return Err(error);
            }
        }
        Ok(())
    }
}

fn inputs(
    action: &'static str,
    what: &str,
    table: &TableSpec,
    specs: &[PartitionSpec],
) -> Result<Vec<PartitionInput>, CatalogError> {
    let inputs = specs.iter().map(|spec| wire::partition_input(table, spec));
    inputs.collect::<Result<_, _>>().map_err(|error| incomplete(action, what, &error))
}

fn refusal(
    action: &'static str,
    what: &str,
    values: &[String],
    detail: Option<&ErrorDetail>,
) -> Refused {
    let code = detail.and_then(ErrorDetail::error_code).unwrap_or_default();
    let reason = detail.and_then(ErrorDetail::error_message).unwrap_or(code).to_owned();
    let what = format!("partition {values:?} of {what}");
    (values.to_vec(), refused(code, action, &what, reason))
}

/// Those of a batch that are left for another kind of request; any other refusal is
/// an error.
fn left(
    specs: &[PartitionSpec],
    refused: impl Iterator<Item = Refused>,
    is_fine: impl Fn(&CatalogError) -> bool,
) -> Result<Vec<PartitionSpec>, CatalogError> {
    let by_values: HashMap<&[String], &PartitionSpec> =
        specs.iter().map(|spec| (spec.values.as_slice(), spec)).collect();
    let mut left = Vec::new();
    for (values, error) in refused {
        match by_values.get(values.as_slice()) {
            Some(spec) if is_fine(&error) => left.push(PartitionSpec::clone(spec)),
            Some(_) | None => return Err(error),
        }
    }
    Ok(left)
}

fn is_there(error: &CatalogError) -> bool {
    matches!(error, CatalogError::Exists { .. })
}

fn is_gone(error: &CatalogError) -> bool {
    matches!(error, CatalogError::NotFound { .. })
}
