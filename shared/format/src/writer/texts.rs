//! Values as text that loses nothing.

use std::io::Write;

use arrow::array::{
    Array, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array,
    Float64Array, Int16Array, Int32Array, Int64Array, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, UInt64Type,
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use chrono::{DateTime, Days, NaiveDate, NaiveTime};
use millrace_contract::COLUMN_TYPE;

use crate::FormatError;

/// A column whose values are written as text.
pub(super) enum Texts<'a> {
    Bool(&'a BooleanArray),
    Int16(&'a Int16Array),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    UInt64(&'a UInt64Array),
    Float32(&'a Float32Array),
    Float64(&'a Float64Array),
    /// With its scale.
    Decimal(&'a Decimal128Array, usize),
    Date(&'a Date32Array),
    Time(&'a Time64MicrosecondArray),
    /// Whether it is in UTC.
    Timestamp(&'a TimestampMicrosecondArray, bool),
    Text(&'a StringArray),
    Json(&'a StringArray),
    Binary(&'a BinaryArray),
}

/// The columns of a batch.
///
/// # Errors
/// [`FormatError::Encode`] for a type that no text is known for.
pub(super) fn texts(rows: &RecordBatch) -> Result<Vec<Texts<'_>>, FormatError> {
    let schema = rows.schema_ref();
    let columns = schema.fields().iter().zip(rows.columns());
    columns.map(|(field, array)| of_column(field, array.as_ref())).collect()
}

fn of_column<'a>(field: &Field, array: &'a dyn Array) -> Result<Texts<'a>, FormatError> {
    let is_json = field.metadata().get(COLUMN_TYPE).is_some_and(|name| name == "json");
    Ok(match array.data_type() {
        DataType::Boolean => Texts::Bool(array.as_boolean()),
        DataType::Int16 => Texts::Int16(array.as_primitive::<Int16Type>()),
        DataType::Int32 => Texts::Int32(array.as_primitive::<Int32Type>()),
        DataType::Int64 => Texts::Int64(array.as_primitive::<Int64Type>()),
        DataType::UInt64 => Texts::UInt64(array.as_primitive::<UInt64Type>()),
        DataType::Float32 => Texts::Float32(array.as_primitive::<Float32Type>()),
        DataType::Float64 => Texts::Float64(array.as_primitive::<Float64Type>()),
        DataType::Decimal128(_, scale) => {
            let scale = usize::from(scale.unsigned_abs());
            Texts::Decimal(array.as_primitive::<Decimal128Type>(), scale)
        }
        DataType::Date32 => Texts::Date(array.as_primitive::<Date32Type>()),
        DataType::Time64(TimeUnit::Microsecond) => {
            Texts::Time(array.as_primitive::<Time64MicrosecondType>())
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            Texts::Timestamp(array.as_primitive::<TimestampMicrosecondType>(), zone.is_some())
        }
        DataType::Utf8 if is_json => Texts::Json(array.as_string::<i32>()),
        DataType::Utf8 => Texts::Text(array.as_string::<i32>()),
        DataType::Binary => Texts::Binary(array.as_binary::<i32>()),
        other => {
            let what = format!("column `{}` is {other}, which has no text", field.name());
            return Err(FormatError::Encode(what));
        }
    })
}

impl Texts<'_> {
    fn array(&self) -> &dyn Array {
        match self {
            Self::Bool(array) => *array,
            Self::Int16(array) => *array,
            Self::Int32(array) => *array,
            Self::Int64(array) => *array,
            Self::UInt64(array) => *array,
            Self::Float32(array) => *array,
            Self::Float64(array) => *array,
            Self::Decimal(array, _) => *array,
            Self::Date(array) => *array,
            Self::Time(array) => *array,
            Self::Timestamp(array, _) => *array,
            Self::Text(array) | Self::Json(array) => *array,
            Self::Binary(array) => *array,
        }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.array().is_null(row)
    }

    /// Whether the text of a value is JSON as it is.
    pub(super) fn is_json(&self, row: usize) -> bool {
        match self {
            Self::Bool(_)
            | Self::Int16(_)
            | Self::Int32(_)
            | Self::Int64(_)
            | Self::UInt64(_)
            | Self::Json(_) => true,
            // JSON has no number for NaN and the infinities.
            Self::Float32(array) => array.value(row).is_finite(),
            Self::Float64(array) => array.value(row).is_finite(),
            Self::Decimal(..)
            | Self::Date(_)
            | Self::Time(_)
            | Self::Timestamp(..)
            | Self::Text(_)
            | Self::Binary(_) => false,
        }
    }

    /// Writes a value that is there.
    ///
    /// # Errors
    /// [`FormatError::Encode`] for a time that no calendar has.
    pub(super) fn put(&self, row: usize, into: &mut Vec<u8>) -> Result<(), FormatError> {
        // Writing to memory does not fail.
        let _ = match self {
            Self::Bool(array) => write!(into, "{}", array.value(row)),
            Self::Int16(array) => write!(into, "{}", array.value(row)),
            Self::Int32(array) => write!(into, "{}", array.value(row)),
            Self::Int64(array) => write!(into, "{}", array.value(row)),
            Self::UInt64(array) => write!(into, "{}", array.value(row)),
            Self::Float32(array) => write!(into, "{}", array.value(row)),
            Self::Float64(array) => write!(into, "{}", array.value(row)),
            Self::Decimal(array, scale) => put_decimal(into, array.value(row), *scale),
            Self::Date(array) => write!(into, "{}", date(array.value(row))?),
            Self::Time(array) => write!(into, "{}", time(array.value(row))?.format("%H:%M:%S%.f")),
            Self::Timestamp(array, utc) => {
                let time = DateTime::from_timestamp_micros(array.value(row)).ok_or_else(outside)?;
                let zone = if *utc { "Z" } else { "" };
                write!(into, "{}{zone}", time.format("%Y-%m-%dT%H:%M:%S%.f"))
            }
            Self::Text(array) | Self::Json(array) => into.write_all(array.value(row).as_bytes()),
            Self::Binary(array) => {
                into.write_all(BASE64_STANDARD.encode(array.value(row)).as_bytes())
            }
        };
        Ok(())
    }
}

fn put_decimal(into: &mut Vec<u8>, value: i128, scale: usize) -> std::io::Result<()> {
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    match fraction {
        "" => write!(into, "{sign}{whole}"),
        fraction => write!(into, "{sign}{whole}.{fraction}"),
    }
}

fn date(days: i32) -> Result<NaiveDate, FormatError> {
    let count = Days::new(days.unsigned_abs().into());
    let epoch = NaiveDate::default();
    let date = match days < 0 {
        true => epoch.checked_sub_days(count),
        false => epoch.checked_add_days(count),
    };
    date.ok_or_else(outside)
}

fn time(micros: i64) -> Result<NaiveTime, FormatError> {
    let seconds = u32::try_from(micros.div_euclid(1_000_000)).map_err(|_| outside())?;
    let nanos = u32::try_from(micros.rem_euclid(1_000_000) * 1000).map_err(|_| outside())?;
    NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos).ok_or_else(outside)
}

fn outside() -> FormatError {
    FormatError::Encode("a time is in no calendar".to_owned())
}
