//! Columns of fixed-width values: numbers, booleans, dates and timestamps.

use std::marker::PhantomData;
use std::mem::{replace, take};
use std::sync::Arc;

use arrow::array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::array::{ArrayRef, ArrowPrimitiveType, BooleanArray, Decimal128Array, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::ArrowTimestampType;
use chrono::{DateTime, TimeZone};
use chrono_tz::Tz;

use super::{ColumnBuilder, Fields, NullTexts};
use crate::fault::{Faults, Refusal, shown};
use crate::value::{
    Float, IsoTimestamp, Patterns, Spelling, parse_bool, parse_date, parse_decimal, parse_float,
    parse_int, parse_time, parse_timestamp, parse_uint,
};

/// How values of one type are read and collected.
pub(super) trait Values: Send {
    /// One value.
    type Value: Copy + Default + Send;

    /// Reads a value from its whole text.
    fn parse(&self, text: &[u8]) -> Option<Self::Value>;

    /// Makes an array.
    fn array(&self, values: Vec<Self::Value>, nulls: Option<NullBuffer>) -> ArrayRef;
}

/// Builds a column of fixed-width values.
pub(super) struct Typed<V: Values> {
    kind: V,
    values: Vec<V::Value>,
    /// The rows that are null, in ascending order.
    null_rows: Vec<u32>,
    /// Whether a null text could be read as a value, as in `null = ["-1"]`, so
    /// that nulls have to be looked for first.
    nulls_first: bool,
}

impl<V: Values + 'static> Typed<V> {
    /// An empty column.
    pub(super) fn boxed(kind: V, nulls: &NullTexts) -> Box<dyn ColumnBuilder> {
        let nulls_first = nulls.iter().any(|text| read(&kind, text).is_some());
        Box::new(Self { kind, values: Vec::new(), null_rows: Vec::new(), nulls_first })
    }

    /// A field that is quoted, null, padded or wrong.
    #[cold]
    fn extend_odd(&mut self, row: usize, field: &[u8], fields: &Fields<'_>, faults: &mut Faults) {
        if fields.means_null(field) {
            if !fields.required {
                return self.push_null();
            }
            self.values.push(V::Value::default());
            faults.note(row, fields.column, || Refusal::Required);
            return;
        }
        let text = fields.quoting.content(field);
        if !self.push(&text) {
            faults.note(row, fields.column, || Refusal::Type { value: shown(&text) });
        }
    }
}

/// Reads a value around which spaces may stand.
fn read<V: Values>(kind: &V, text: &[u8]) -> Option<V::Value> {
    kind.parse(text).or_else(|| {
        let trimmed = text.trim_ascii();
        if trimmed.len() == text.len() { None } else { kind.parse(trimmed) }
    })
}

impl<V: Values + 'static> ColumnBuilder for Typed<V> {
    fn extend(&mut self, fields: &Fields<'_>, faults: &mut Faults) {
        self.values.reserve(fields.len());
        for (row, field) in fields.iter() {
            match self.kind.parse(field) {
                Some(value) if !self.nulls_first => self.values.push(value),
                _ => self.extend_odd(row, field, fields, faults),
            }
        }
    }

    fn push(&mut self, text: &[u8]) -> bool {
        let value = read(&self.kind, text);
        self.values.push(value.unwrap_or_default());
        value.is_some()
    }

    fn push_null(&mut self) {
        self.null_rows.push(self.values.len() as u32);
        self.values.push(V::Value::default());
    }

    fn finish(&mut self) -> ArrayRef {
        let nulls = null_buffer(self.values.len(), &take(&mut self.null_rows));
        self.kind.array(take_sized(&mut self.values), nulls)
    }
}

/// Takes a vector's values and leaves room for as many again: blocks are much
/// alike.
pub(super) fn take_sized<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(values.len());
    replace(values, room)
}

/// The validity of `length` rows, of which `null_rows` (ascending) are null.
pub(super) fn null_buffer(length: usize, null_rows: &[u32]) -> Option<NullBuffer> {
    if null_rows.is_empty() {
        return None;
    }
    let mut next = null_rows.iter().copied().peekable();
    let valid = BooleanBuffer::collect_bool(length, |row| {
        next.next_if(|&null| null as usize == row).is_none()
    });
    Some(NullBuffer::new(valid))
}

fn primitive<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls))
}

/// Booleans, by the usual words or by a column's own.
#[derive(Default)]
pub(super) struct Bools {
    /// Words for true.
    pub(super) yes: Vec<String>,
    /// Words for false.
    pub(super) no: Vec<String>,
}

impl Values for Bools {
    type Value = bool;

    fn parse(&self, text: &[u8]) -> Option<bool> {
        if self.yes.is_empty() && self.no.is_empty() {
            return parse_bool(text);
        }
        let is = |word: &String| same_word(word, text);
        if self.yes.iter().any(is) {
            return Some(true);
        }
        self.no.iter().any(is).then_some(false)
    }

    fn array(&self, values: Vec<bool>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(BooleanArray::new(values.into(), nulls))
    }
}

fn same_word(word: &str, text: &[u8]) -> bool {
    let text = std::str::from_utf8(text);
    text.is_ok_and(|text| text == word || text.to_lowercase() == word.to_lowercase())
}

/// Signed integers.
#[derive(Default)]
pub(super) struct Ints<I>(PhantomData<I>);

macro_rules! ints {
    ($native:ty, $arrow:ty) => {
        impl Values for Ints<$native> {
            type Value = $native;

            #[inline]
            fn parse(&self, text: &[u8]) -> Option<$native> {
                <$native>::try_from(parse_int(text)?).ok()
            }

            fn array(&self, values: Vec<$native>, nulls: Option<NullBuffer>) -> ArrayRef {
                primitive::<$arrow>(values, nulls)
            }
        }
    };
}

ints!(i8, Int8Type);
ints!(i16, Int16Type);
ints!(i32, Int32Type);
ints!(i64, Int64Type);

/// Unsigned integers.
#[derive(Default)]
pub(super) struct Unsigned<I>(PhantomData<I>);

macro_rules! unsigned {
    ($native:ty, $arrow:ty) => {
        impl Values for Unsigned<$native> {
            type Value = $native;

            #[inline]
            fn parse(&self, text: &[u8]) -> Option<$native> {
                <$native>::try_from(parse_uint(text)?).ok()
            }

            fn array(&self, values: Vec<$native>, nulls: Option<NullBuffer>) -> ArrayRef {
                primitive::<$arrow>(values, nulls)
            }
        }
    };
}

unsigned!(u8, UInt8Type);
unsigned!(u16, UInt16Type);
unsigned!(u32, UInt32Type);
unsigned!(u64, UInt64Type);

/// Floating-point numbers.
#[derive(Default)]
pub(super) struct Floats<F>(PhantomData<F>);

macro_rules! floats {
    ($native:ty, $arrow:ty) => {
        impl Values for Floats<$native> {
            type Value = $native;

            #[inline]
            fn parse(&self, text: &[u8]) -> Option<$native> {
                finite(parse_float(text)?, text)
            }

            fn array(&self, values: Vec<$native>, nulls: Option<NullBuffer>) -> ArrayRef {
                primitive::<$arrow>(values, nulls)
            }
        }

        impl FiniteCheck for $native {
            #[inline]
            fn overflows(self) -> bool {
                self.is_infinite()
            }
        }
    };
}

floats!(f32, Float32Type);
floats!(f64, Float64Type);

trait FiniteCheck: Float {
    fn overflows(self) -> bool;
}

/// Refuses digits that are beyond the type's range; `inf` itself is a value.
#[inline]
fn finite<F: FiniteCheck>(value: F, text: &[u8]) -> Option<F> {
    (!value.overflows() || !text.iter().any(u8::is_ascii_digit)).then_some(value)
}

/// Decimals of up to 38 digits.
pub(super) struct Decimals {
    /// Digits in all.
    pub(super) precision: u8,
    /// Digits after the point.
    pub(super) scale: u8,
}

impl Values for Decimals {
    type Value = i128;

    #[inline]
    fn parse(&self, text: &[u8]) -> Option<i128> {
        parse_decimal(text, self.precision, self.scale)
    }

    fn array(&self, values: Vec<i128>, nulls: Option<NullBuffer>) -> ArrayRef {
        let array = Decimal128Array::new(values.into(), nulls);
        // The contract's type has been checked: 1 to 38 digits, scale within.
        let data_type = <Decimal128Type as arrow::datatypes::DecimalType>::TYPE_CONSTRUCTOR(
            self.precision,
            self.scale as i8,
        );
        Arc::new(array.with_data_type(data_type))
    }
}

/// ISO 8601 dates.
pub(super) struct Dates;

impl Values for Dates {
    type Value = i32;

    #[inline]
    fn parse(&self, text: &[u8]) -> Option<i32> {
        parse_date(text)
    }

    fn array(&self, values: Vec<i32>, nulls: Option<NullBuffer>) -> ArrayRef {
        primitive::<Date32Type>(values, nulls)
    }
}

/// Dates by pattern.
pub(super) struct PatternDates(pub(super) Patterns);

impl Values for PatternDates {
    type Value = i32;

    fn parse(&self, text: &[u8]) -> Option<i32> {
        self.0.date(text)
    }

    fn array(&self, values: Vec<i32>, nulls: Option<NullBuffer>) -> ArrayRef {
        Dates.array(values, nulls)
    }
}

/// Times of day, by patterns or as ISO 8601 writes them.
pub(super) struct Times(pub(super) Option<Patterns>);

impl Values for Times {
    type Value = i64;

    fn parse(&self, text: &[u8]) -> Option<i64> {
        match &self.0 {
            None => parse_time(text),
            Some(patterns) => patterns.time(text),
        }
    }

    fn array(&self, values: Vec<i64>, nulls: Option<NullBuffer>) -> ArrayRef {
        primitive::<Time64MicrosecondType>(values, nulls)
    }
}

/// Numbers that are written in another way than the plain one.
pub(super) struct Spelled<V> {
    /// How they are written.
    pub(super) spelling: Spelling,
    /// What they are.
    pub(super) kind: V,
}

impl<V: Values> Values for Spelled<V> {
    type Value = V::Value;

    fn parse(&self, text: &[u8]) -> Option<V::Value> {
        self.kind.parse(&self.spelling.plain(text)?)
    }

    fn array(&self, values: Vec<V::Value>, nulls: Option<NullBuffer>) -> ArrayRef {
        self.kind.array(values, nulls)
    }
}

/// ISO 8601 timestamps.
pub(super) struct Timestamps {
    /// Whether in milliseconds rather than microseconds.
    pub(super) millis: bool,
    /// Whether instants in UTC rather than wall-clock readings.
    pub(super) utc: bool,
    /// Where clocks stand from which an instant was read without a zone.
    pub(super) zone: Option<Tz>,
}

impl Timestamps {
    /// An instant keeps its place in time; a wall-clock reading has no zone, and
    /// text with one is refused rather than stripped of it.
    #[inline]
    fn value(&self, read: IsoTimestamp) -> Option<i64> {
        let micros = match (self.utc, read.offset) {
            (true, None) if self.zone.is_some() => self.in_zone(read.wall_micros)?,
            (true, _) => read.utc_micros(),
            (false, None) => read.wall_micros,
            (false, Some(_)) => return None,
        };
        Some(if self.millis { micros.div_euclid(1000) } else { micros })
    }

    /// The instant at which the zone's clocks show a reading. There is none while
    /// they are put forward, and there are two while they are put back: neither
    /// is guessed at.
    fn in_zone(&self, wall_micros: i64) -> Option<i64> {
        let wall = DateTime::from_timestamp_micros(wall_micros)?.naive_utc();
        Some(self.zone?.from_local_datetime(&wall).single()?.timestamp_micros())
    }

    fn zoned<T: ArrowTimestampType>(
        &self,
        values: Vec<i64>,
        nulls: Option<NullBuffer>,
    ) -> ArrayRef {
        let array = PrimitiveArray::<T>::new(values.into(), nulls);
        Arc::new(array.with_timezone_opt(self.utc.then_some("UTC")))
    }
}

impl Values for Timestamps {
    type Value = i64;

    #[inline]
    fn parse(&self, text: &[u8]) -> Option<i64> {
        self.value(parse_timestamp(text)?)
    }

    fn array(&self, values: Vec<i64>, nulls: Option<NullBuffer>) -> ArrayRef {
        if self.millis {
            self.zoned::<TimestampMillisecondType>(values, nulls)
        } else {
            self.zoned::<TimestampMicrosecondType>(values, nulls)
        }
    }
}

/// Timestamps by pattern.
pub(super) struct PatternTimestamps {
    /// How they are written.
    pub(super) patterns: Patterns,
    /// What they become.
    pub(super) timestamps: Timestamps,
}

impl Values for PatternTimestamps {
    type Value = i64;

    fn parse(&self, text: &[u8]) -> Option<i64> {
        self.timestamps.value(self.patterns.timestamp(text)?)
    }

    fn array(&self, values: Vec<i64>, nulls: Option<NullBuffer>) -> ArrayRef {
        self.timestamps.array(values, nulls)
    }
}
