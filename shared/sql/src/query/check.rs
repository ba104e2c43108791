//! A dataset's SQL held against the pipeline file, before there is any file.

use std::sync::Arc;

use millrace_contract::{Dataset, SchemaMode, SqlTransform};
use thiserror::Error;

use super::{SqlFault, SqlQuery, Table};
use crate::capture_names;

/// A dataset's SQL that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{fault}")]
pub struct TransformProblem {
    /// The key at fault, below the dataset's.
    pub key: &'static str,
    /// What is wrong.
    pub fault: SqlFault,
}

/// What is wrong with a dataset's SQL, as far as its declared columns tell; and
/// what it does not give of that which `partition_by` and the load's key name.
/// Where columns are inferred from the files, what is about columns is left to
/// the first of them.
pub fn check_transform(dataset: &Dataset, tables: &[Arc<dyn Table>]) -> Vec<TransformProblem> {
    let Some(transform) = &dataset.transform else { return Vec::new() };
    let query = planned(dataset, transform, tables);
    let inferred = dataset.schema.mode == SchemaMode::Infer;
    match query {
        Ok(query) if !inferred => not_given(dataset, &query),
        Ok(_) => Vec::new(),
        Err(fault) if inferred && may_be_the_files(&fault) => Vec::new(),
        Err(fault) => vec![TransformProblem { key: "transform.sql", fault }],
    }
}

fn planned(
    dataset: &Dataset,
    transform: &SqlTransform,
    tables: &[Arc<dyn Table>],
) -> Result<SqlQuery, SqlFault> {
    let captures = capture_names(&dataset.pattern);
    SqlQuery::over_input(transform, &dataset.schema.columns, &captures, tables)
}

/// Whether the columns of a file could do away with it.
fn may_be_the_files(fault: &SqlFault) -> bool {
    match fault {
        SqlFault::NoColumn { .. }
        | SqlFault::Refused(_)
        | SqlFault::Type { .. }
        | SqlFault::Duplicate(_)
        | SqlFault::NotGiven { .. }
        | SqlFault::Unnamed { .. } => true,
        SqlFault::Syntax(_)
        | SqlFault::TooLong(_)
        | SqlFault::NotAQuery(_)
        | SqlFault::NoTable { .. }
        | SqlFault::InputTimes { .. }
        | SqlFault::Changing(_)
        | SqlFault::NoThread(_) => false,
    }
}

fn not_given(dataset: &Dataset, query: &SqlQuery) -> Vec<TransformProblem> {
    let partitions = dataset.parquet.partition_by.iter();
    let partitions = partitions.map(|name| ("parquet.partition_by", "`partition_by`", name));
    let key = dataset.load.iter().flat_map(|load| &load.key);
    let key = key.map(|name| ("load.key", "`key`", name));
    let named = partitions.chain(key);
    let missing = named.filter_map(|(key, of, name)| {
        let folded = name.to_lowercase();
        if query.columns().iter().any(|column| column.name.to_lowercase() == folded) {
            return None;
        }
        let columns = query.columns().iter().map(|column| column.name.clone()).collect();
        let fault = SqlFault::NotGiven { of: of.to_owned(), name: name.clone(), columns };
        Some(TransformProblem { key, fault })
    });
    missing.collect()
}
