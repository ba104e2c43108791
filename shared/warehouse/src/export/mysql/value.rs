//! Values of MySQL's rows, into columns.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use sqlx::mysql::{MySql, MySqlRow};
use sqlx::{Decode, Row};

use super::super::ExtractError;
use super::super::builder::{Builder, Filling};
use super::super::columns::Column;
use super::super::parse::{check_digits, days, decimal, micros};
use crate::column::Kind;

/// Adds a row; answers about how many bytes it takes.
pub(super) fn add_row(row: &MySqlRow, filling: &mut Filling) -> Result<usize, ExtractError> {
    let mut bytes = 0;
    let Filling { builders, columns, .. } = filling;
    for (index, (builder, column)) in builders.iter_mut().zip(columns.iter()).enumerate() {
        bytes += add(row, index, builder, column)
            .map_err(|problem| ExtractError::value(&column.name, problem))?;
    }
    Ok(bytes)
}

fn add(
    row: &MySqlRow,
    index: usize,
    builder: &mut Builder,
    column: &Column,
) -> Result<usize, String> {
    match builder {
        Builder::Bool(builder) => {
            let flag = match get::<i64>(row, index)? {
                None => None,
                Some(0) => Some(false),
                Some(1) => Some(true),
                Some(other) => {
                    return Err(format!(
                        "it is `tinyint(1)`, and {other} is neither true nor false; cast it in the \
                         query, as in CAST(x AS SIGNED)"
                    ));
                }
            };
            builder.append_option(flag);
        }
        Builder::Int16(builder) => builder.append_option(whole(row, index)?),
        Builder::Int32(builder) => builder.append_option(whole(row, index)?),
        Builder::Int64(builder) => builder.append_option(whole(row, index)?),
        Builder::UInt64(builder) => builder.append_option(get::<u64>(row, index)?),
        Builder::Float32(builder) => builder.append_option(get::<f32>(row, index)?),
        Builder::Float64(builder) => builder.append_option(get::<f64>(row, index)?),
        Builder::Decimal(builder, scale) => {
            let text = get::<&str>(row, index)?;
            let value = text.map(|text| decimal(text, *scale)).transpose()?;
            if let (Some(value), Kind::Decimal { precision, .. }) = (value, column.kind) {
                check_digits(value, precision)?;
            }
            builder.append_option(value);
        }
        Builder::Date(builder) => builder.append_option(get::<NaiveDate>(row, index)?.map(days)),
        Builder::Time(builder) => builder.append_option(get::<NaiveTime>(row, index)?.map(micros)),
        Builder::Timestamp(builder) => {
            let time = get::<NaiveDateTime>(row, index)?;
            builder.append_option(time.map(|time| time.and_utc().timestamp_micros()));
        }
        Builder::Text(builder) => {
            let text = get::<&str>(row, index)?;
            builder.append_option(text);
            return Ok(8 + text.map_or(0, str::len));
        }
        Builder::Binary(builder) => {
            let value = get::<&[u8]>(row, index)?;
            builder.append_option(value);
            return Ok(8 + value.map_or(0, <[u8]>::len));
        }
    }
    Ok(8)
}

fn get<'r, T: Decode<'r, MySql>>(row: &'r MySqlRow, index: usize) -> Result<Option<T>, String> {
    row.try_get_unchecked(index).map_err(|error| match error {
        sqlx::Error::ColumnDecode { source, .. } => format!("a value can't be read: {source}"),
        other => format!("a value can't be read: {other}"),
    })
}

/// A whole number: unsigned ones come as numbers of their own width.
fn whole<T: TryFrom<i64>>(row: &MySqlRow, index: usize) -> Result<Option<T>, String> {
    use sqlx::{Column as _, TypeInfo};
    let is_unsigned = row.column(index).type_info().name().ends_with("UNSIGNED");
    let is_year = row.column(index).type_info().name() == "YEAR";
    let number = match is_unsigned || is_year {
        true => get::<u64>(row, index)?.map(|number| i64::try_from(number).unwrap_or(i64::MAX)),
        false => get::<i64>(row, index)?,
    };
    let fitting = number.map(|number| T::try_from(number).map_err(|_| number)).transpose();
    fitting.map_err(|number| format!("{number} is out of range"))
}
