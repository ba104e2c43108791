//! The first rows of what a local transform wrote, as a person or a program
//! reads them.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use millrace_format::FormatError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Number, Value};

use crate::{LocalOutcome, TransformError};

/// Rows, each with a value for every column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FirstRows {
    /// The columns' names; those of the partition come last.
    pub columns: Vec<String>,
    /// Integers, floats and booleans as such, everything else as text.
    pub rows: Vec<Vec<Value>>,
}

/// Reads the first `most` rows back.
///
/// # Errors
/// [`TransformError::Format`] if what was written can't be read.
pub fn first_rows(outcome: &LocalOutcome, most: usize) -> Result<FirstRows, TransformError> {
    let schema = &outcome.report.schema;
    let mut first = FirstRows {
        columns: schema.fields().iter().map(|field| field.name().clone()).collect(),
        rows: Vec::new(),
    };
    for (path, output) in outcome.outputs.iter().zip(&outcome.report.outputs) {
        let partition = &output.partition;
        if first.rows.is_empty() {
            first.columns.extend(partition.iter().map(|(name, _)| name.clone()));
        }
        let values: Vec<Value> = partition
            .iter()
            .map(|(_, value)| value.clone().map_or(Value::Null, Value::from))
            .collect();
        let wanted = most - first.rows.len();
        let rows = read(path, wanted).map_err(unreadable)?;
        first.rows.extend(rows.into_iter().map(|mut row| {
            row.extend(values.iter().cloned());
            row
        }));
        if first.rows.len() >= most {
            break;
        }
    }
    Ok(first)
}

fn read(path: &Path, most: usize) -> Result<Vec<Vec<Value>>, ArrowError> {
    let file = File::open(path)?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.with_limit(most).build()?;
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            rows.push(values(&batch, row)?);
        }
    }
    Ok(rows)
}

fn values(batch: &RecordBatch, row: usize) -> Result<Vec<Value>, ArrowError> {
    batch.columns().iter().map(|column| value(column.as_ref(), row)).collect()
}

fn value(column: &dyn Array, row: usize) -> Result<Value, ArrowError> {
    if column.is_null(row) {
        return Ok(Value::Null);
    }
    let number = |value: f64| Number::from_f64(value).map(Value::Number);
    let exact = match column.data_type() {
        DataType::Boolean => Some(Value::Bool(column.as_boolean().value(row))),
        DataType::Float32 => number(f64::from(column.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => number(column.as_primitive::<Float64Type>().value(row)),
        integer if integer.is_integer() => {
            serde_json::from_str(&array_value_to_string(column, row)?).ok()
        }
        _ => None,
    };
    match exact {
        Some(value) => Ok(value),
        None => Ok(Value::String(array_value_to_string(column, row)?)),
    }
}

fn unreadable(error: ArrowError) -> TransformError {
    FormatError::Encode(format!("what was written can't be read: {error}")).into()
}
