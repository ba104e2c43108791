//! The columns of an export: names, types, and the Arrow schema of its batches.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use millrace_contract::{COLUMN_TYPE, DataType, TimeUnit};

use super::ExtractError;
use crate::column::{Kind, LOAD_ID};

/// The type of a column as the pipeline file has it, such as `json`.
pub fn column_type(field: &Field) -> String {
    field.metadata().get(COLUMN_TYPE).cloned().unwrap_or_else(|| field.data_type().to_string())
}

/// A column to be exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) data_type: DataType,
    pub(super) kind: Kind,
}

impl Column {
    /// A column that is read as `data_type`, or as the type of an export that
    /// holds its values.
    pub(super) fn new(name: &str, data_type: DataType) -> Self {
        let data_type = widened(data_type);
        Self { name: name.to_owned(), kind: kind(data_type), data_type }
    }
}

/// Timestamps without a zone, or instants.
pub(super) const fn timestamp(utc: bool) -> DataType {
    DataType::Timestamp { unit: TimeUnit::Micro, utc }
}

/// The type that columns of a table have which values of a dataset's type are
/// loaded into.
fn widened(data_type: DataType) -> DataType {
    match data_type {
        DataType::Int8 | DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::Timestamp { utc, .. } => timestamp(utc),
        DataType::List(_) | DataType::Struct(_) => DataType::Json,
        DataType::Bool
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal { .. }
        | DataType::Date
        | DataType::Time
        | DataType::String
        | DataType::Json
        | DataType::Uuid
        | DataType::Binary => data_type,
    }
}

fn kind(data_type: DataType) -> Kind {
    match data_type {
        DataType::Bool => Kind::Bool,
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => Kind::Int16,
        DataType::UInt16 | DataType::Int32 => Kind::Int32,
        DataType::UInt32 | DataType::Int64 => Kind::Int64,
        DataType::UInt64 => Kind::UInt64,
        DataType::Float32 => Kind::Float32,
        DataType::Float64 => Kind::Float64,
        // A scale is at most 38 and fits.
        DataType::Decimal { precision, scale } => Kind::Decimal { precision, scale: scale as i8 },
        DataType::Date => Kind::Date,
        DataType::Time => Kind::Time,
        DataType::Timestamp { utc, .. } => Kind::Timestamp { utc },
        DataType::String | DataType::Uuid => Kind::Text,
        DataType::Json | DataType::List(_) | DataType::Struct(_) => Kind::Json,
        DataType::Binary => Kind::Binary,
    }
}

/// The schema of the batches.
pub(super) fn schema(columns: &[Column]) -> SchemaRef {
    let field = |column: &Column| {
        let about = HashMap::from([(COLUMN_TYPE.to_owned(), column.data_type.to_string())]);
        Field::new(&column.name, column.kind.arrow_type(), true).with_metadata(about)
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// Whether a column of the table is exported: the one that loads add is not.
pub(super) fn is_wanted(name: &str) -> bool {
    !name.eq_ignore_ascii_case(LOAD_ID)
}

/// That the columns can be told apart, and that there are any.
///
/// # Errors
/// [`ExtractError::Columns`].
pub(super) fn check_names(names: &[&str]) -> Result<(), ExtractError> {
    if names.is_empty() {
        return Err(ExtractError::Columns("the rows have no columns".to_owned()));
    }
    let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
    match twice {
        Some((_, name)) => Err(ExtractError::Columns(format!(
            "two columns are named `{name}`; name one otherwise, by `as` in the query"
        ))),
        None => Ok(()),
    }
}

/// That the growing column is among them.
///
/// # Errors
/// [`ExtractError::Columns`].
pub(super) fn check_column(names: &[&str], column: &str, what: &str) -> Result<(), ExtractError> {
    match names.contains(&column) {
        true => Ok(()),
        false => Err(ExtractError::Columns(format!(
            "`{what}` names column `{column}`, which the rows do not have; they have {}",
            names.join(", ")
        ))),
    }
}

/// The type of a column whose values the database keeps as `natural`, where more
/// is known of it.
pub(super) fn refined(
    name: &str,
    natural: DataType,
    types: &BTreeMap<String, DataType>,
) -> DataType {
    match (natural, types.get(name)) {
        (DataType::Timestamp { .. }, Some(DataType::Timestamp { utc, .. })) => timestamp(*utc),
        (
            DataType::String,
            Some(
                known @ (DataType::Json | DataType::Uuid | DataType::List(_) | DataType::Struct(_)),
            ),
        ) => *known,
        (natural, Some(_) | None) => natural,
    }
}
