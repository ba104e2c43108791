//! The column types that inference gives to Arrow's.

use arrow::datatypes::{DataType as ArrowType, TimeUnit as ArrowUnit};
use millrace_contract::{DataType, TimeUnit};

/// The type that holds all values of an Arrow type, as far as one does. Nested
/// values are JSON, and what no type holds exactly is text. Nanoseconds are cut
/// to microseconds, as databases cut them.
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
        | ArrowType::Map(..) => DataType::Json,
        ArrowType::Dictionary(_, values) => nearest_type(values),
        ArrowType::RunEndEncoded(_, values) => nearest_type(values.data_type()),
        ArrowType::Null
        | ArrowType::Duration(_)
        | ArrowType::Interval(_)
        | ArrowType::Binary
        | ArrowType::FixedSizeBinary(_)
        | ArrowType::LargeBinary
        | ArrowType::BinaryView
        | ArrowType::Utf8
        | ArrowType::LargeUtf8
        | ArrowType::Utf8View => DataType::String,
    }
}

fn decimal(precision: u8, scale: i8) -> DataType {
    // A negative scale stands for zeros in front of the point.
    let digits = i16::from(precision) - i16::from(scale.min(0));
    match (u8::try_from(digits.max(i16::from(scale))), u8::try_from(scale.max(0))) {
        (Ok(precision @ 1..=38), Ok(scale)) => DataType::Decimal { precision, scale },
        _ => DataType::String,
    }
}
