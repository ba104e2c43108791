//! Values of SQLite's rows, each of which has a kind of its own, into columns.

use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{Decode, Row, Sqlite, TypeInfo, ValueRef};

use super::super::ExtractError;
use super::super::builder::{Builder, Filling};
use super::super::columns::Column;
use super::super::parse::{check_digits, date, decimal, time, timestamp};
use crate::column::Kind;

/// A value as SQLite keeps it.
enum Kept<'r> {
    Integer(i64),
    Real(f64),
    Text(&'r str),
    Blob(&'r [u8]),
}

impl Kept<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Integer(_) => "an integer",
            Self::Real(_) => "a real number",
            Self::Text(_) => "a text",
            Self::Blob(_) => "bytes",
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Integer(_) | Self::Real(_) => 8,
            Self::Text(text) => 8 + text.len(),
            Self::Blob(bytes) => 8 + bytes.len(),
        }
    }
}

/// Adds a row; answers about how many bytes it takes.
pub(super) fn add_row(row: &SqliteRow, filling: &mut Filling) -> Result<usize, ExtractError> {
    let mut bytes = 0;
    let Filling { builders, columns, .. } = filling;
    for (index, (builder, column)) in builders.iter_mut().zip(columns.iter()).enumerate() {
        let failed = |problem: String| ExtractError::value(&column.name, problem);
        let value = row.try_get_raw(index).map_err(|error| failed(error.to_string()))?;
        if value.is_null() {
            builder.null();
            bytes += 1;
            continue;
        }
        let kept = kept(value).map_err(failed)?;
        bytes += kept.size();
        add(&kept, builder, column).map_err(failed)?;
    }
    Ok(bytes)
}

fn kept(value: SqliteValueRef<'_>) -> Result<Kept<'_>, String> {
    let kind = value.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" => Kept::Integer(read(value)?),
        "REAL" => Kept::Real(read(value)?),
        "BLOB" => Kept::Blob(read(value)?),
        _ => Kept::Text(read(value)?),
    })
}

fn read<'r, T: Decode<'r, Sqlite>>(value: SqliteValueRef<'r>) -> Result<T, String> {
    T::decode(value).map_err(|error| format!("a value can't be read: {error}"))
}

fn add(kept: &Kept<'_>, builder: &mut Builder, column: &Column) -> Result<(), String> {
    match (builder, kept) {
        (Builder::Bool(builder), Kept::Integer(number @ (0 | 1))) => {
            builder.append_value(*number == 1);
        }
        (Builder::Int16(builder), Kept::Integer(number)) => {
            builder.append_value(i16::try_from(*number).map_err(|_| range(number))?);
        }
        (Builder::Int32(builder), Kept::Integer(number)) => {
            builder.append_value(i32::try_from(*number).map_err(|_| range(number))?);
        }
        (Builder::Int64(builder), Kept::Integer(number)) => builder.append_value(*number),
        (Builder::UInt64(builder), Kept::Integer(number)) => {
            builder.append_value(u64::try_from(*number).map_err(|_| range(number))?);
        }
        (Builder::UInt64(builder), Kept::Text(text)) => {
            builder.append_value(text.parse().map_err(|_| unlike(kept, column))?);
        }
        (Builder::Float32(builder), kept) => builder.append_value(real(kept, column)? as f32),
        (Builder::Float64(builder), kept) => builder.append_value(real(kept, column)?),
        (Builder::Decimal(builder, scale), kept) => {
            let value = match kept {
                Kept::Integer(number) => decimal(&number.to_string(), *scale)?,
                // The shortest text that is this real, and no other.
                Kept::Real(number) if number.is_finite() => decimal(&number.to_string(), *scale)?,
                Kept::Text(text) => decimal(text, *scale)?,
                Kept::Real(_) | Kept::Blob(_) => return Err(unlike(kept, column)),
            };
            if let Kind::Decimal { precision, .. } = column.kind {
                check_digits(value, precision)?;
            }
            builder.append_value(value);
        }
        (Builder::Date(builder), Kept::Text(text)) => builder.append_value(date(text)?),
        (Builder::Time(builder), Kept::Text(text)) => builder.append_value(time(text)?),
        (Builder::Timestamp(builder), Kept::Text(text)) => builder.append_value(timestamp(text)?),
        (Builder::Text(builder), Kept::Text(text)) => builder.append_value(text),
        (Builder::Binary(builder), Kept::Blob(bytes)) => builder.append_value(bytes),
        (
            Builder::Bool(_)
            | Builder::Int16(_)
            | Builder::Int32(_)
            | Builder::Int64(_)
            | Builder::UInt64(_)
            | Builder::Date(_)
            | Builder::Time(_)
            | Builder::Timestamp(_)
            | Builder::Text(_)
            | Builder::Binary(_),
            kept,
        ) => return Err(unlike(kept, column)),
    }
    Ok(())
}

/// A real, or an integer that is one; the name of what is no number.
fn real(kept: &Kept<'_>, column: &Column) -> Result<f64, String> {
    match kept {
        Kept::Real(number) => Ok(*number),
        Kept::Integer(number) if number.unsigned_abs() <= 1 << 53 => Ok(*number as f64),
        Kept::Text("NaN") => Ok(f64::NAN),
        Kept::Integer(number) => Err(range(number)),
        Kept::Text(_) | Kept::Blob(_) => Err(unlike(kept, column)),
    }
}

fn range(number: &i64) -> String {
    format!("{number} is out of range; say another type under `types`")
}

fn unlike(kept: &Kept<'_>, column: &Column) -> String {
    format!(
        "it is {}, but a value is {}; say its type under `types` of the export, or cast it in the \
         query",
        column.data_type,
        kept.kind()
    )
}
