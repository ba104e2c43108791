//! A batch as typed columns, cast to what the target wants where that differs.
//!
//! Casts here only ever widen, and fail rather than lose a value.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array,
    Float32Array, Float64Array, Int16Array, Int32Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::LoadError;
use crate::column::{Column, Kind};
use crate::json_text::json_texts;

/// One column of a batch.
pub(crate) enum Cells {
    Bool(BooleanArray),
    Int16(Int16Array),
    Int32(Int32Array),
    Int64(Int64Array),
    UInt64(UInt64Array),
    Float32(Float32Array),
    Float64(Float64Array),
    Decimal(Decimal128Array, u32),
    Date(Date32Array),
    Time(Time64MicrosecondArray),
    Timestamp(TimestampMicrosecondArray, bool),
    Text(StringArray),
    Json(StringArray),
    Binary(BinaryArray),
}

/// The typed columns of a batch, in the order of `columns`.
pub(crate) fn cells(batch: &RecordBatch, columns: &[Column]) -> Result<Vec<Cells>, LoadError> {
    let typed = columns.iter().zip(batch.columns());
    typed.map(|(column, array)| Ok(typed_cells(column.kind, &widened(column, array)?))).collect()
}

fn widened(column: &Column, array: &ArrayRef) -> Result<ArrayRef, LoadError> {
    let wanted = column.kind.arrow_type();
    if *array.data_type() == wanted {
        return Ok(array.clone());
    }
    let wrong = |error: ArrowError| LoadError::Value {
        column: column.name.clone(),
        problem: format!("{error}; the table's column can't hold it"),
    };
    if matches!(array.data_type(), DataType::List(_) | DataType::Struct(_)) {
        return json_texts(array, column.data_type)
            .map(|texts| Arc::new(texts) as ArrayRef)
            .map_err(wrong);
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, &wanted, &options).map_err(wrong)
}

fn typed_cells(kind: Kind, array: &ArrayRef) -> Cells {
    match kind {
        Kind::Bool => Cells::Bool(array.as_boolean().clone()),
        Kind::Int16 => Cells::Int16(array.as_primitive::<Int16Type>().clone()),
        Kind::Int32 => Cells::Int32(array.as_primitive::<Int32Type>().clone()),
        Kind::Int64 => Cells::Int64(array.as_primitive::<Int64Type>().clone()),
        Kind::UInt64 => Cells::UInt64(array.as_primitive::<UInt64Type>().clone()),
        Kind::Float32 => Cells::Float32(array.as_primitive::<Float32Type>().clone()),
        Kind::Float64 => Cells::Float64(array.as_primitive::<Float64Type>().clone()),
        Kind::Decimal { scale, .. } => {
            let scale = u32::from(scale.unsigned_abs());
            Cells::Decimal(array.as_primitive::<Decimal128Type>().clone(), scale)
        }
        Kind::Date => Cells::Date(array.as_primitive::<Date32Type>().clone()),
        Kind::Time => Cells::Time(array.as_primitive::<Time64MicrosecondType>().clone()),
        Kind::Timestamp { utc } => {
            Cells::Timestamp(array.as_primitive::<TimestampMicrosecondType>().clone(), utc)
        }
        Kind::Text => Cells::Text(array.as_string::<i32>().clone()),
        Kind::Json => Cells::Json(array.as_string::<i32>().clone()),
        Kind::Binary => Cells::Binary(array.as_binary::<i32>().clone()),
    }
}

impl Cells {
    /// The column as any array: for nulls.
    pub(crate) fn array(&self) -> &dyn Array {
        match self {
            Self::Bool(array) => array,
            Self::Int16(array) => array,
            Self::Int32(array) => array,
            Self::Int64(array) => array,
            Self::UInt64(array) => array,
            Self::Float32(array) => array,
            Self::Float64(array) => array,
            Self::Decimal(array, _) => array,
            Self::Date(array) => array,
            Self::Time(array) => array,
            Self::Timestamp(array, _) => array,
            Self::Text(array) | Self::Json(array) => array,
            Self::Binary(array) => array,
        }
    }
}
