//! Which builder a column has.

use chrono_tz::Tz;
use millrace_contract::{ColumnDef, DataType, NumberFormat, TimeUnit};

use super::binary::Binary;
use super::nested::Nested;
use super::text::{Checked, Text};
use super::typed::{
    Bools, Dates, Decimals, Floats, Ints, PatternDates, PatternTimestamps, Spelled, Times,
    Timestamps, Typed, Unsigned, Values,
};
use super::{ColumnBuilder, MemberRules, NullTexts};
use crate::FormatError;
use crate::value::{Patterns, Spelling};

/// The builder of a column. `rules` hold for JSON objects within it.
pub(crate) fn builder(
    column: &ColumnDef,
    nulls: &NullTexts,
    rules: MemberRules,
) -> Result<Box<dyn ColumnBuilder>, FormatError> {
    let iso = column.format.is_empty();
    Ok(match column.data_type {
        DataType::Bool => {
            let (yes, no) = (column.true_words.clone(), column.false_words.clone());
            Typed::boxed(Bools { yes, no }, nulls)
        }
        DataType::Int8 => number(Ints::<i8>::default(), column, nulls),
        DataType::Int16 => number(Ints::<i16>::default(), column, nulls),
        DataType::Int32 => number(Ints::<i32>::default(), column, nulls),
        DataType::Int64 => number(Ints::<i64>::default(), column, nulls),
        DataType::UInt8 => number(Unsigned::<u8>::default(), column, nulls),
        DataType::UInt16 => number(Unsigned::<u16>::default(), column, nulls),
        DataType::UInt32 => number(Unsigned::<u32>::default(), column, nulls),
        DataType::UInt64 => number(Unsigned::<u64>::default(), column, nulls),
        DataType::Float32 => number(Floats::<f32>::default(), column, nulls),
        DataType::Float64 => number(Floats::<f64>::default(), column, nulls),
        DataType::Decimal { precision, scale } => {
            number(Decimals { precision, scale }, column, nulls)
        }
        DataType::Date if iso => Typed::boxed(Dates, nulls),
        DataType::Date => Typed::boxed(PatternDates(patterns(column)?), nulls),
        DataType::Time if iso => Typed::boxed(Times(None), nulls),
        DataType::Time => Typed::boxed(Times(Some(patterns(column)?)), nulls),
        DataType::Timestamp { unit, utc } => {
            let millis = unit == TimeUnit::Milli;
            let timestamps = Timestamps { millis, utc, zone: zone(column)? };
            match iso {
                true => Typed::boxed(timestamps, nulls),
                false => {
                    let patterns = patterns(column)?;
                    Typed::boxed(PatternTimestamps { patterns, timestamps }, nulls)
                }
            }
        }
        DataType::String => Box::new(Text::new(column.trim)),
        DataType::Json => Box::new(Checked::json()),
        DataType::Uuid => Box::new(Checked::uuids()),
        DataType::Binary => Box::<Binary>::default(),
        DataType::List(_) | DataType::Struct(_) => Nested::boxed(column, rules)?,
    })
}

fn number<V: Values + 'static>(
    kind: V,
    column: &ColumnDef,
    nulls: &NullTexts,
) -> Box<dyn ColumnBuilder> {
    if column.number == NumberFormat::default() {
        return Typed::boxed(kind, nulls);
    }
    Typed::boxed(Spelled { spelling: Spelling::new(&column.number), kind }, nulls)
}

fn patterns(column: &ColumnDef) -> Result<Patterns, FormatError> {
    Patterns::compile(&column.format.0).map_err(|pattern| FormatError::Plan {
        what: format!("column `{}`: `{pattern}` is not a strftime pattern", column.name),
    })
}

fn zone(column: &ColumnDef) -> Result<Option<Tz>, FormatError> {
    let parse = |name: &String| {
        name.parse().map_err(|_| FormatError::Plan {
            what: format!("column `{}`: `{name}` is not a time zone", column.name),
        })
    };
    column.zone.as_ref().map(parse).transpose()
}
