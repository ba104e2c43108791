//! Values as MySQL keeps them, exactly.
//!
//! Timestamps are sent as they are read in UTC, whether or not they are instants:
//! the columns are `DATETIME(6)`, which knows no zone. What MySQL has no value
//! for, NaN and the infinities, is refused.

use sqlx::Arguments;
use sqlx::mysql::MySqlArguments;

use crate::cells::Cells;
use crate::text::{date, decimal, time, timestamp};

/// Binds the value of a row.
pub(super) fn bind(
    arguments: &mut MySqlArguments,
    cells: &Cells,
    row: usize,
) -> Result<(), String> {
    if cells.array().is_null(row) {
        return add(arguments, None::<&str>);
    }
    match cells {
        Cells::Bool(array) => add(arguments, array.value(row)),
        Cells::Int16(array) => add(arguments, array.value(row)),
        Cells::Int32(array) => add(arguments, array.value(row)),
        Cells::Int64(array) => add(arguments, array.value(row)),
        Cells::UInt64(array) => add(arguments, array.value(row)),
        Cells::Float32(array) => add(arguments, finite(array.value(row).into()).map(|v| v as f32)?),
        Cells::Float64(array) => add(arguments, finite(array.value(row))?),
        Cells::Decimal(array, scale) => add(arguments, decimal(array.value(row), *scale)),
        Cells::Date(array) => add(arguments, date(array.value(row))?),
        Cells::Time(array) => add(arguments, time(array.value(row))?),
        Cells::Binary(array) => add(arguments, array.value(row)),
        Cells::Timestamp(array, _) => add(arguments, timestamp(array.value(row), false)?),
        Cells::Text(array) | Cells::Json(array) => add(arguments, array.value(row)),
    }
}

/// About the bytes that a value takes on the wire.
pub(super) fn size(cells: &Cells, row: usize) -> usize {
    match cells {
        Cells::Bool(_)
        | Cells::Int16(_)
        | Cells::Int32(_)
        | Cells::Int64(_)
        | Cells::UInt64(_)
        | Cells::Float32(_)
        | Cells::Float64(_) => 8,
        Cells::Date(_) | Cells::Time(_) | Cells::Timestamp(..) => 27,
        Cells::Decimal(..) => 40,
        Cells::Binary(array) => array.value(row).len() + 9,
        Cells::Text(array) | Cells::Json(array) => array.value(row).len() + 9,
    }
}

fn add<'t, T: sqlx::Encode<'t, sqlx::MySql> + sqlx::Type<sqlx::MySql>>(
    arguments: &mut MySqlArguments,
    value: T,
) -> Result<(), String> {
    arguments.add(value).map_err(|error| error.to_string())
}

fn finite(value: f64) -> Result<f64, String> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(format!("MySQL has no number for {value}; make it null in the transform")),
    }
}
