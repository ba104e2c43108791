//! The column types that inference gives to Arrow's.

use std::collections::HashSet;

use arrow::datatypes::{DataType as ArrowType, TimeUnit as ArrowUnit};
use millrace_contract::{DataType, StructField, TimeUnit};

use super::takeover::holds_all;
use crate::arrow_type;

/// The type that holds all values of an Arrow type, as far as one does. Maps,
/// unions, and lists and structs of which a part would change are JSON, and what
/// no type holds exactly is text. Nanoseconds are cut to microseconds, as
/// databases cut them.
pub(crate) fn nearest_type(arrow: &ArrowType) -> DataType {
    match arrow {
        ArrowType::Boolean => DataType::Bool,
        ArrowType::Int8 => DataType::Int8,
        ArrowType::Int16 => DataType::Int16,
        ArrowType::Int32 => DataType::Int32,
        ArrowType::Int64 => DataType::Int64,
        ArrowType::UInt8 => DataType::UInt8,
        ArrowType::UInt16 => DataType::UInt16,
        ArrowType::UInt32 => DataType::UInt32,
        ArrowType::UInt64 => DataType::UInt64,
        ArrowType::Float16 | ArrowType::Float32 => DataType::Float32,
        ArrowType::Float64 => DataType::Float64,
        ArrowType::Decimal32(precision, scale)
        | ArrowType::Decimal64(precision, scale)
        | ArrowType::Decimal128(precision, scale)
        | ArrowType::Decimal256(precision, scale) => decimal(*precision, *scale),
        ArrowType::Date32 | ArrowType::Date64 => DataType::Date,
        ArrowType::Time32(_) | ArrowType::Time64(_) => DataType::Time,
        ArrowType::Timestamp(unit, zone) => {
            let unit = match unit {
                ArrowUnit::Second | ArrowUnit::Millisecond => TimeUnit::Milli,
                ArrowUnit::Microsecond | ArrowUnit::Nanosecond => TimeUnit::Micro,
            };
            DataType::Timestamp { unit, utc: zone.is_some() }
        }
        ArrowType::List(_)
        | ArrowType::ListView(_)
        | ArrowType::FixedSizeList(..)
        | ArrowType::LargeList(_)
        | ArrowType::LargeListView(_)
        | ArrowType::Struct(_)
        | ArrowType::Union(..)
        | ArrowType::Map(..) => nested(arrow, 0).unwrap_or(DataType::Json),
        ArrowType::Dictionary(_, values) => nearest_type(values),
        ArrowType::RunEndEncoded(_, values) => nearest_type(values.data_type()),
        ArrowType::Null
        | ArrowType::Duration(_)
        | ArrowType::Interval(_)
        | ArrowType::Utf8
        | ArrowType::LargeUtf8
        | ArrowType::Utf8View => DataType::String,
        ArrowType::Binary
        | ArrowType::FixedSizeBinary(_)
        | ArrowType::LargeBinary
        | ArrowType::BinaryView => DataType::Binary,
    }
}

/// The type of lists or structs that have all of these values as they are; none
/// if there is none, so that they are better kept as JSON.
fn nested(arrow: &ArrowType, depth: usize) -> Option<DataType> {
    let inner = |inner: &ArrowType| match inner.is_nested() {
        _ if depth == DEEPEST => None,
        true => nested(inner, depth + 1),
        false => Some(nearest_type(inner)),
    };
    let found = match arrow {
        ArrowType::List(item) | ArrowType::LargeList(item) | ArrowType::FixedSizeList(item, _) => {
            DataType::list(inner(item.data_type())?)
        }
        ArrowType::Struct(fields) if !fields.is_empty() => {
            let names: HashSet<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            let members = fields.iter().map(|field| {
                Some(StructField {
                    name: field.name().clone(),
                    data_type: inner(field.data_type())?,
                })
            });
            let members: Option<Vec<_>> = members.collect();
            DataType::structure(members.filter(|_| names.len() == fields.len())?)
        }
        _ => return None,
    };
    holds_all(arrow, &arrow_type(found)).then_some(found)
}

/// How deep types are followed: as deep as the pipeline file lets them nest.
const DEEPEST: usize = 30;

fn decimal(precision: u8, scale: i8) -> DataType {
    // A negative scale stands for zeros in front of the point.
    let digits = i16::from(precision) - i16::from(scale.min(0));
    match (u8::try_from(digits.max(i16::from(scale))), u8::try_from(scale.max(0))) {
        (Ok(precision @ 1..=38), Ok(scale)) => DataType::Decimal { precision, scale },
        _ => DataType::String,
    }
}
