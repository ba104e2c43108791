//! A dataset's SQL held against the pipeline file, before there is any file.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::StreamExt;
use futures::stream::BoxStream;
use millrace_contract::{ColumnDef, Dataset, SqlTransform};
use thiserror::Error;

use super::output::table_schema;
use super::plan::{tables_named, with_captures};
use super::{SqlFault, SqlQuery, Table};
use crate::reference::capture_names;

/// A dataset's SQL that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{fault}")]
pub struct TransformProblem {
    /// The key at fault, below the dataset's.
    pub key: &'static str,
    /// What is wrong.
    pub fault: SqlFault,
}

/// What is wrong with a dataset's SQL, as far as declared columns tell; and what
/// it does not give of that which `partition_by` and the load's key name. The
/// other datasets of the pipeline are the tables it may name. Where columns are
/// inferred from files, what is about columns is left to the first of them.
pub fn check_transform(dataset: &Dataset, all: &[Dataset]) -> Vec<TransformProblem> {
    let Some(transform) = &dataset.transform else { return Vec::new() };
    if dataset.is_derived() {
        return Vec::new();
    }
    let others: Vec<&Dataset> = all.iter().filter(|other| other.name != dataset.name).collect();
    let names: Vec<String> = others.iter().map(|other| other.name.clone()).collect();
    let named = tables_named(&transform.sql, &names);
    let inferred = |dataset: &Dataset| dataset.schema.mode.is_open();
    // What SQL makes of another dataset's columns is planned there.
    let open = |other: &&Dataset| {
        named.contains(&other.name) && (inferred(other) || other.transform.is_some())
    };
    let open = inferred(dataset) || others.iter().any(open);
    let tables: Vec<Arc<dyn Table>> = others.into_iter().map(declared).collect();
    match planned(dataset, transform, &tables) {
        Ok(query) if !open => not_given(dataset, &query),
        Ok(_) => Vec::new(),
        Err(fault) if open && may_be_the_files(&fault) => Vec::new(),
        Err(fault) => vec![TransformProblem { key: "transform.sql", fault }],
    }
}

/// What is wrong with the SQL of a derived dataset, as far as the declared columns
/// of those it names tell, and what it does not give. `inputs` are those that the
/// pipeline waits for, and `made` the columns of derived ones that were looked at
/// before, by name.
///
/// The columns that it gives are answered too, where all is known of them.
pub fn check_derived(
    dataset: &Dataset,
    inputs: &[String],
    all: &[Dataset],
    made: &BTreeMap<String, Vec<ColumnDef>>,
) -> (Vec<TransformProblem>, Option<Vec<ColumnDef>>) {
    let Some(transform) = &dataset.transform else { return (Vec::new(), None) };
    let others: Vec<&Dataset> = all.iter().filter(|other| other.name != dataset.name).collect();
    let names: Vec<String> = others.iter().map(|other| other.name.clone()).collect();
    let named = tables_named(&transform.sql, &names);
    let is_open = |other: &&Dataset| {
        let is_made = other.schema.mode.is_open() || other.transform.is_some();
        named.contains(&other.name) && is_made && !made.contains_key(&other.name)
    };
    let open = others.iter().any(is_open);
    let table = |other: &Dataset| -> Arc<dyn Table> {
        match made.get(&other.name) {
            Some(columns) => {
                Arc::new(Declared { name: other.name.clone(), columns: columns.clone() })
            }
            None => declared(other),
        }
    };
    let tables: Vec<_> = others.into_iter().map(table).collect();
    let query = match SqlQuery::over_datasets(transform, &tables) {
        Ok(query) => query,
        Err(fault) if open && may_be_the_files(&fault) => return (Vec::new(), None),
        Err(fault) => return (vec![TransformProblem { key: "sql", fault }], None),
    };
    let mut problems = match named.iter().find(|name| !inputs.contains(name)) {
        Some(name) => {
            let fault = SqlFault::NotSeen(name.clone());
            vec![TransformProblem { key: "sql", fault }]
        }
        None => Vec::new(),
    };
    if open {
        return (problems, None);
    }
    let missing = not_given(dataset, &query).into_iter().map(|problem| match problem.key {
        "parquet.partition_by" => TransformProblem { key: "partition_by", ..problem },
        _ => problem,
    });
    problems.extend(missing);
    (problems, Some(query.columns().to_vec()))
}

/// A dataset that has no files yet.
#[derive(Debug)]
struct Declared {
    name: String,
    columns: Vec<ColumnDef>,
}

fn declared(dataset: &Dataset) -> Arc<dyn Table> {
    let captures = capture_names(&dataset.pattern);
    let columns = with_captures(&dataset.schema.columns, &captures);
    Arc::new(Declared { name: dataset.name.clone(), columns })
}

impl Table for Declared {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> SchemaRef {
        table_schema(&self.columns)
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn scan(&self, _: Vec<usize>) -> BoxStream<'static, io::Result<RecordBatch>> {
        futures::stream::empty().boxed()
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
        | SqlFault::NotSeen(_)
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
