//! The contract's column types as Arrow types.

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit as ArrowUnit};
use millrace_contract::{Captures, ColumnDef, DataType, StructField, TimeUnit};

use crate::bind::folded;

/// What the Parquet format calls the elements of a list ("Nested Types" in
/// `LogicalTypes.md`).
pub(crate) const ELEMENT: &str = "element";

/// The Arrow type that holds a column of `data_type`.
pub fn arrow_type(data_type: DataType) -> ArrowType {
    match data_type {
        DataType::Bool => ArrowType::Boolean,
        DataType::Int8 => ArrowType::Int8,
        DataType::Int16 => ArrowType::Int16,
        DataType::Int32 => ArrowType::Int32,
        DataType::Int64 => ArrowType::Int64,
        DataType::UInt8 => ArrowType::UInt8,
        DataType::UInt16 => ArrowType::UInt16,
        DataType::UInt32 => ArrowType::UInt32,
        DataType::UInt64 => ArrowType::UInt64,
        DataType::Float32 => ArrowType::Float32,
        DataType::Float64 => ArrowType::Float64,
        // A scale is at most 38 and fits.
        DataType::Decimal { precision, scale } => ArrowType::Decimal128(precision, scale as i8),
        DataType::Date => ArrowType::Date32,
        DataType::Time => ArrowType::Time64(ArrowUnit::Microsecond),
        DataType::Timestamp { unit, utc } => {
            ArrowType::Timestamp(arrow_unit(unit), utc.then(|| "UTC".into()))
        }
        DataType::String | DataType::Json | DataType::Uuid => ArrowType::Utf8,
        DataType::Binary => ArrowType::Binary,
        DataType::List(element) => {
            ArrowType::List(Arc::new(Field::new(ELEMENT, arrow_type(*element), true)))
        }
        DataType::Struct(fields) => {
            let field =
                |field: &StructField| Field::new(&field.name, arrow_type(field.data_type), true);
            ArrowType::Struct(fields.iter().map(field).collect())
        }
    }
}

fn arrow_unit(unit: TimeUnit) -> ArrowUnit {
    match unit {
        TimeUnit::Milli => ArrowUnit::Millisecond,
        TimeUnit::Micro => ArrowUnit::Microsecond,
    }
}

/// The schema of the batches that row rules see: the columns, then the captures
/// that no column is named after, as strings. Parquet files have the same
/// columns without those they are partitioned by.
pub fn arrow_schema(columns: &[ColumnDef], captures: &Captures) -> SchemaRef {
    let declared = columns
        .iter()
        .map(|column| Field::new(&column.name, arrow_type(column.data_type), !column.required));
    let appended = appended_captures(columns, captures)
        .map(|(name, _)| Field::new(name, ArrowType::Utf8, true));
    Arc::new(Schema::new(declared.chain(appended).collect::<Vec<_>>()))
}

/// The captures that become columns of their own.
pub(crate) fn appended_captures<'a>(
    columns: &'a [ColumnDef],
    captures: &'a Captures,
) -> impl Iterator<Item = (&'a String, &'a String)> {
    captures
        .iter()
        .filter(|(name, _)| !columns.iter().any(|column| folded(&column.name) == folded(name)))
}
