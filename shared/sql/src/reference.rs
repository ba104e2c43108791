//! References to the keys of another dataset, checked against its definition.

use arrow::datatypes::{DataType, SchemaRef};
use millrace_contract::{Captures, Dataset, OnFail, SchemaMode};
use millrace_format::arrow_schema;

use crate::columns::nearest;
use crate::problem::RuleFault;
use crate::refuse::shown_type;

/// A rule `references(column, dataset.key)`: every value of the column, null
/// apart, is a value of the other dataset's column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The rule as it is written.
    pub text: String,
    /// What a breach does.
    pub on_fail: OnFail,
    /// Position of the column in the batches.
    pub column: usize,
    /// The column's type; the other one's must be the same.
    pub data_type: DataType,
    /// The other dataset.
    pub dataset: String,
    /// Its column.
    pub key: String,
}

/// The columns of a dataset's batches as far as they are declared or captured.
pub(crate) fn declared_schema(dataset: &Dataset) -> SchemaRef {
    arrow_schema(&dataset.schema.columns, &capture_names(&dataset.pattern))
}

/// The names in braces of a pattern that the pipeline file has been checked for.
pub(crate) fn capture_names(pattern: &str) -> Captures {
    let openings = pattern.split('{').skip(1);
    let names = openings.filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()));
    names.map(|name| (name, String::new())).collect()
}

/// Holds a reference of `dataset` against the definition of the other one.
pub(crate) fn check_reference(
    reference: &Reference,
    dataset: &Dataset,
    datasets: &[Dataset],
) -> Result<(), RuleFault> {
    let Reference { dataset: name, key, data_type, .. } = reference;
    let Some(other) = datasets.iter().find(|other| other.name == *name) else {
        let names = datasets.iter().map(|other| other.name.as_str());
        let nearest = nearest(name, names.filter(|other| *other != dataset.name));
        return Err(RuleFault::NoDataset {
            name: name.clone(),
            nearest: nearest.map(str::to_owned),
        });
    };
    let refused = |why: String| Err(RuleFault::Reference(why));
    if other.name == dataset.name {
        return refused("it refers to its own dataset; a reference is to another one".to_owned());
    }
    if other.parquet.partition_by.contains(key) {
        return refused(format!(
            "`{name}` is partitioned by `{key}`, which is then in its folders and not in its files"
        ));
    }
    let schema = declared_schema(other);
    match schema.field_with_name(key) {
        Ok(field) if field.data_type() == data_type => Ok(()),
        Ok(field) => refused(format!(
            "`{name}.{key}` is of type {}, the column of type {}; types must be the same",
            shown_type(field.data_type()),
            shown_type(data_type)
        )),
        Err(_) if other.schema.mode == SchemaMode::Infer => Ok(()),
        Err(_) => {
            let names = schema.fields().iter().map(|field| field.name().as_str());
            let hint = match nearest(key, names.clone()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("its columns are {}", names.collect::<Vec<_>>().join(", ")),
            };
            refused(format!("dataset `{name}` has no column `{key}`; {hint}"))
        }
    }
}
