//! Values as SQLite keeps them, exactly.
//!
//! Dates are `YYYY-MM-DD`, timestamps `YYYY-MM-DD HH:MM:SS.ffffff` (with a `Z` at
//! the end for instants), so that they sort, and compare with what SQLite's own
//! date functions give. Times of day are `HH:MM:SS.ffffff`.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use sqlx::Arguments;
use sqlx::sqlite::SqliteArguments;

use crate::cells::Cells;

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

fn decimal(mantissa: i128, scale: u32) -> String {
    let sign = if mantissa < 0 { "-" } else { "" };
    let scale = scale as usize;
    let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn date(days: i32) -> Result<String, String> {
    NaiveDate::from_epoch_days(days)
        .filter(|date| (0..=9999).contains(&date.year()))
        .map(|date| date.format("%Y-%m-%d").to_string())
        .ok_or_else(|| format!("day {days} from 1970-01-01 is not in the years 0 to 9999"))
}

fn time(micros: i64) -> Result<String, String> {
    let outside = || format!("microsecond {micros} is not within a day");
    let seconds = u32::try_from(micros.div_euclid(1_000_000)).map_err(|_| outside())?;
    let nanos = u32::try_from(micros.rem_euclid(1_000_000) * 1000).map_err(|_| outside())?;
    let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos);
    Ok(time.ok_or_else(outside)?.format("%H:%M:%S%.6f").to_string())
}

fn timestamp(micros: i64, utc: bool) -> Result<String, String> {
    let time: NaiveDateTime = DateTime::from_timestamp_micros(micros)
        .map(|time| time.naive_utc())
        .filter(|time| (0..=9999).contains(&time.year()))
        .ok_or_else(|| {
            format!("microsecond {micros} from 1970-01-01 is not in the years 0 to 9999")
        })?;
    let zone = if utc { "Z" } else { "" };
    Ok(format!("{}{zone}", time.format("%Y-%m-%d %H:%M:%S%.6f")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_and_their_fractions_are_written_right() {
        assert_eq!(date(-1).as_deref(), Ok("1969-12-31"));
        assert_eq!(timestamp(-1, true).as_deref(), Ok("1969-12-31 23:59:59.999999Z"));
        assert_eq!(timestamp(0, false).as_deref(), Ok("1970-01-01 00:00:00.000000"));
        assert_eq!(time(86_399_999_999).as_deref(), Ok("23:59:59.999999"));
        assert!(time(86_400_000_000).is_err());
        assert!(time(-1).is_err());
        assert!(date(i32::MAX).is_err());
        assert!(timestamp(i64::MIN, false).is_err());
    }

    #[test]
    fn decimals_have_all_their_digits() {
        assert_eq!(decimal(5, 3), "0.005");
        assert_eq!(decimal(-12_345, 2), "-123.45");
        assert_eq!(decimal(7, 0), "7");
    }
}
