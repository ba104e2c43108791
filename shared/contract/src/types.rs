//! Column types as they are written in the pipeline file: `int64`,
//! `decimal(12,2)`, `timestamp`.

mod nested;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, de};
use thiserror::Error;

pub use nested::StructField;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `bool`
    Bool,
    /// `int8`
    Int8,
    /// `int16`
    Int16,
    /// `int32` or `int`
    Int32,
    /// `int64` or `bigint`
    Int64,
    /// `uint8`
    UInt8,
    /// `uint16`
    UInt16,
    /// `uint32`
    UInt32,
    /// `uint64`
    UInt64,
    /// `float32`
    Float32,
    /// `float64`, `float` or `double`
    Float64,
    /// `decimal(precision,scale)`, exact, at most 38 digits
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point, at most `precision`.
        scale: u8,
    },
    /// `date`: a calendar day
    Date,
    /// `time`: a time of day, in microseconds
    Time,
    /// `timestamp` (no zone) or `timestamptz` (an instant, kept in UTC)
    Timestamp {
        /// Resolution.
        unit: TimeUnit,
        /// Whether it is an instant in UTC rather than a wall-clock reading.
        utc: bool,
    },
    /// `string` or `text`
    String,
    /// `json`: any JSON value, kept as its text
    Json,
    /// `uuid`: kept as its text, in small letters with hyphens
    Uuid,
    /// `binary`: bytes, written as base64 where the source is text
    Binary,
    /// `list<int64>`: any number of values of one type. Made by
    /// [`DataType::list`].
    List(&'static DataType),
    /// `struct<id: int64, tags: list<string>>`: a value of its own type for each
    /// name. Made by [`DataType::structure`].
    Struct(&'static [StructField]),
}

/// Resolution of a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// `timestamp_ms`, `timestamptz_ms`
    Milli,
    /// `timestamp`, `timestamptz`: microseconds
    Micro,
}

/// A type that is written wrongly.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TypeError {
    /// Not a type's name.
    #[error(
        "`{0}` is not a type; known types: bool, int8, int16, int32, int64, uint8, uint16, \
         uint32, uint64, float32, float64, decimal(p,s), date, time, timestamp, timestamptz, \
         string, json, uuid, binary, list<type>, struct<name: type, …>"
    )]
    Unknown(String),
    /// A decimal with impossible numbers.
    #[error(
        "`{0}` is not a decimal type: it takes 1 to 38 digits, of which at most all after the point, as in decimal(12,2)"
    )]
    Decimal(String),
    /// A list or struct whose inside is wrong.
    #[error(
        "`{0}` is not a nested type: {1}; write list<int64> or struct<id: int64, name: string>"
    )]
    Nested(String, String),
}

impl DataType {
    /// Whether it is a list or a struct.
    pub fn is_nested(self) -> bool {
        matches!(self, Self::List(_) | Self::Struct(_))
    }

    /// Whether it is a number, which may be written in several ways.
    pub fn is_number(self) -> bool {
        match self {
            Self::Int8
            | Self::Int16
            | Self::Int32
            | Self::Int64
            | Self::UInt8
            | Self::UInt16
            | Self::UInt32
            | Self::UInt64 => true,
            other => other.is_fractional(),
        }
    }

    /// Whether it is a number with a fraction.
    pub fn is_fractional(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64 | Self::Decimal { .. })
    }
}

impl FromStr for DataType {
    type Err = TypeError;

    fn from_str(text: &str) -> Result<Self, TypeError> {
        match text.contains('<') {
            true => nested::parse(text),
            false => scalar(text),
        }
    }
}

/// A type without types inside.
fn scalar(text: &str) -> Result<DataType, TypeError> {
    let name = text.trim().to_ascii_lowercase();
    if let Some(arguments) = name.strip_prefix("decimal") {
        return decimal(arguments).ok_or_else(|| TypeError::Decimal(text.to_owned()));
    }
    let timestamp = |unit, utc| DataType::Timestamp { unit, utc };
    Ok(match name.as_str() {
        "bool" | "boolean" => DataType::Bool,
        "int8" | "tinyint" => DataType::Int8,
        "int16" | "smallint" => DataType::Int16,
        "int32" | "int" | "integer" => DataType::Int32,
        "int64" | "bigint" => DataType::Int64,
        "uint8" => DataType::UInt8,
        "uint16" => DataType::UInt16,
        "uint32" => DataType::UInt32,
        "uint64" => DataType::UInt64,
        "float32" | "real" => DataType::Float32,
        "float64" | "float" | "double" => DataType::Float64,
        "date" => DataType::Date,
        "time" => DataType::Time,
        "timestamp" => timestamp(TimeUnit::Micro, false),
        "timestamp_ms" => timestamp(TimeUnit::Milli, false),
        "timestamptz" => timestamp(TimeUnit::Micro, true),
        "timestamptz_ms" => timestamp(TimeUnit::Milli, true),
        "string" | "text" | "utf8" => DataType::String,
        "json" => DataType::Json,
        "uuid" => DataType::Uuid,
        "binary" | "bytes" => DataType::Binary,
        _ => return Err(TypeError::Unknown(text.to_owned())),
    })
}

fn decimal(arguments: &str) -> Option<DataType> {
    let (precision, scale) =
        arguments.trim().strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    let precision: u8 = precision.trim().parse().ok()?;
    let scale: u8 = scale.trim().parse().ok()?;
    ((1..=38).contains(&precision) && scale <= precision)
        .then_some(DataType::Decimal { precision, scale })
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Bool => "bool",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::UInt8 => "uint8",
            Self::UInt16 => "uint16",
            Self::UInt32 => "uint32",
            Self::UInt64 => "uint64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Decimal { precision, scale } => return write!(f, "decimal({precision},{scale})"),
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp { unit: TimeUnit::Micro, utc: false } => "timestamp",
            Self::Timestamp { unit: TimeUnit::Milli, utc: false } => "timestamp_ms",
            Self::Timestamp { unit: TimeUnit::Micro, utc: true } => "timestamptz",
            Self::Timestamp { unit: TimeUnit::Milli, utc: true } => "timestamptz_ms",
            Self::String => "string",
            Self::Json => "json",
            Self::Uuid => "uuid",
            Self::Binary => "binary",
            Self::List(element) => return write!(f, "list<{element}>"),
            Self::Struct(fields) => return nested::write_struct(f, fields),
        };
        f.write_str(name)
    }
}

impl Serialize for DataType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DataType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for DataType {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DataType".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "bool, int8 to int64, uint8 to uint64, float32, float64, \
                            decimal(p,s), date, time, timestamp, timestamptz, string, json, uuid, \
                            binary, list<type> or struct<name: type, …>",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_back_as_it_is_written() {
        for text in [
            "bool",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
            "float32",
            "float64",
            "decimal(12,2)",
            "date",
            "time",
            "timestamp",
            "timestamp_ms",
            "timestamptz",
            "timestamptz_ms",
            "string",
            "json",
            "uuid",
            "binary",
            "list<int64>",
            "list<list<decimal(12,2)>>",
            "struct<id: int64, Tags: list<struct<k: string, v: json>>>",
            "struct<\"a, b\": string, \"say \"\"x\"\"\": date, \"\": bool>",
        ] {
            let parsed: DataType = text.parse().expect(text);
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn impossible_types_are_refused() {
        for text in [
            "decimal",
            "decimal(0,0)",
            "decimal(39,2)",
            "decimal(2,3)",
            "decimal(a,b)",
            "money",
            "list<>",
            "list<int64",
            "list<int64>>",
            "list<money>",
            "decimal(12,2_}<",
            "decimal(<list<int64>>)",
            "list<decimal(2<>",
            "list<decimal(struct<a: int64>)>",
            "struct<>",
            "struct<a>",
            "struct<a: int64,>",
            "struct<a: int64, a: string>",
            "map<string, int64>",
            "",
        ] {
            assert!(text.parse::<DataType>().is_err(), "{text}");
        }
    }
}
