//! Values as SQLite keeps them, exactly. Dates and times are text, as in
//! `crate::text`.

use sqlx::Arguments;
use sqlx::sqlite::SqliteArguments;

use crate::cells::Cells;
use crate::text::{date, decimal, time, timestamp};

/// Below this every integer is a real too.
const EXACT_REAL: i128 = 1_000_000_000_000_000;

/// Binds the value of a row.
pub(super) fn bind(
    arguments: &mut SqliteArguments,
    cells: &Cells,
    row: usize,
) -> Result<(), String> {
    if cells.array().is_null(row) {
        return add(arguments, None::<i64>);
    }
    match cells {
        Cells::Bool(array) => add(arguments, array.value(row)),
        Cells::Int16(array) => add(arguments, array.value(row)),
        Cells::Int32(array) => add(arguments, array.value(row)),
        Cells::Int64(array) => add(arguments, array.value(row)),
        Cells::UInt64(array) => bind_decimal(arguments, array.value(row).into(), 0),
        Cells::Float32(array) => bind_real(arguments, array.value(row).into()),
        Cells::Float64(array) => bind_real(arguments, array.value(row)),
        Cells::Decimal(array, scale) => bind_decimal(arguments, array.value(row), *scale),
        Cells::Date(array) => add(arguments, date(array.value(row))?),
        Cells::Time(array) => add(arguments, time(array.value(row))?),
        Cells::Binary(array) => add(arguments, array.value(row).to_vec()),
        Cells::Timestamp(array, utc) => add(arguments, timestamp(array.value(row), *utc)?),
        Cells::Text(array) | Cells::Json(array) => add(arguments, array.value(row)),
    }
}

fn add<'t, T: sqlx::Encode<'t, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>>(
    arguments: &mut SqliteArguments,
    value: T,
) -> Result<(), String> {
    arguments.add(value).map_err(|error| error.to_string())
}

/// SQLite takes a real that is not a number for null; its name says more.
fn bind_real(arguments: &mut SqliteArguments, value: f64) -> Result<(), String> {
    if value.is_nan() {
        return add(arguments, "NaN");
    }
    add(arguments, value)
}

/// An integer or a real where that is exact, else the digits as text.
fn bind_decimal(arguments: &mut SqliteArguments, mantissa: i128, scale: u32) -> Result<(), String> {
    let unit = 10_i128.pow(scale);
    match i64::try_from(mantissa / unit) {
        Ok(whole) if mantissa % unit == 0 => add(arguments, whole),
        // Both are exact, so the quotient is the real nearest to the decimal.
        _ if mantissa.abs() < EXACT_REAL && scale <= 15 => {
            add(arguments, mantissa as f64 / unit as f64)
        }
        _ => add(arguments, decimal(mantissa, scale)),
    }
}
