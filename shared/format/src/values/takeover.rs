//! Columns that become columns of another type without looking at their values
//! one by one, since the other type holds them exactly.

use std::sync::Arc;

use arrow::array::types::{
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{ArrowTimestampType, DataType, TimeUnit};

/// A column as one of type `target`. `None` if that type can't be said to hold
/// its values, or does not hold one of them: they have to be looked at.
pub(crate) fn taken_over(array: &ArrayRef, target: &DataType) -> Option<ArrayRef> {
    if array.data_type() == target {
        return Some(Arc::clone(array));
    }
    if let Some(coarser) = coarser_timestamps(array, target) {
        return Some(coarser);
    }
    if array.data_type().is_nested() {
        // A null inside would not show in the count below.
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let holds = holds_all(array.data_type(), target);
        return holds.then(|| cast_with_options(array, target, &options).ok()).flatten();
    }
    if !is_exact(array.data_type(), target) {
        return None;
    }
    // What does not fit comes out as null.
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let cast = cast_with_options(array, target, &options).ok()?;
    (cast.null_count() == array.null_count()).then_some(cast)
}

/// Whether one type has every value of another, so that a cast only moves them;
/// inside lists and structs, too.
pub(crate) fn holds_all(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (
            DataType::List(from) | DataType::LargeList(from) | DataType::FixedSizeList(from, _),
            DataType::List(to),
        ) => holds_all(from.data_type(), to.data_type()),
        (DataType::Struct(from), DataType::Struct(to)) => {
            from.len() == to.len()
                && from.iter().zip(to).all(|(from, to)| {
                    from.name() == to.name() && holds_all(from.data_type(), to.data_type())
                })
        }
        (DataType::Dictionary(_, values), _) => holds_all(values, to),
        (DataType::LargeUtf8 | DataType::Utf8View, DataType::Utf8)
        | (
            DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_),
            DataType::Binary,
        )
        | (DataType::Float16, DataType::Float32)
        | (DataType::Time32(_), DataType::Time64(_)) => true,
        (
            DataType::Decimal32(digits, scale) | DataType::Decimal64(digits, scale),
            DataType::Decimal128(most, other),
        ) => digits <= most && scale == other,
        (DataType::Timestamp(unit, zone), DataType::Timestamp(other, other_zone)) => {
            zone.is_some() == other_zone.is_some()
                && rank(unit) <= rank(other)
                // Seconds reach further than their thousandths.
                && (unit == other || *unit != TimeUnit::Second)
        }
        _ => from == to,
    }
}

/// Whether a cast gives the same values, or null.
fn is_exact(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Dictionary(_, values), _) if **values == *to => true,
        (DataType::LargeUtf8 | DataType::Utf8View, DataType::Utf8)
        | (
            DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_),
            DataType::Binary,
        )
        | (DataType::Float16, DataType::Float32 | DataType::Float64)
        | (DataType::Float32, DataType::Float64)
        | (DataType::Time32(_), DataType::Time64(_)) => true,
        (
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale),
            DataType::Decimal128(_, other),
        ) => other >= scale,
        (DataType::Timestamp(unit, zone), DataType::Timestamp(other, other_zone)) => {
            zone.is_some() == other_zone.is_some() && rank(unit) <= rank(other)
        }
        _ => from.is_integer() && to.is_integer(),
    }
}

fn rank(unit: &TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    }
}

/// Timestamps of a finer unit, cut to the earlier instant as the text parsers
/// cut digits off.
fn coarser_timestamps(array: &ArrayRef, target: &DataType) -> Option<ArrayRef> {
    let DataType::Timestamp(from, zone) = array.data_type() else { return None };
    let DataType::Timestamp(to, other_zone) = target else { return None };
    if zone.is_some() != other_zone.is_some() {
        return None;
    }
    let ticks: PrimitiveArray<Int64Type> = match from {
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().reinterpret_cast(),
        TimeUnit::Microsecond => {
            array.as_primitive::<TimestampMicrosecondType>().reinterpret_cast()
        }
        TimeUnit::Millisecond | TimeUnit::Second => return None,
    };
    match (from, to) {
        (TimeUnit::Nanosecond, TimeUnit::Microsecond) => {
            Some(cut::<TimestampMicrosecondType>(&ticks, 1000, target))
        }
        (TimeUnit::Nanosecond, TimeUnit::Millisecond) => {
            Some(cut::<TimestampMillisecondType>(&ticks, 1_000_000, target))
        }
        (TimeUnit::Microsecond, TimeUnit::Millisecond) => {
            Some(cut::<TimestampMillisecondType>(&ticks, 1000, target))
        }
        _ => None,
    }
}

fn cut<T: ArrowTimestampType>(
    ticks: &PrimitiveArray<Int64Type>,
    by: i64,
    target: &DataType,
) -> ArrayRef {
    let cut: PrimitiveArray<T> = ticks.unary(|ticks| ticks.div_euclid(by));
    Arc::new(cut.with_data_type(target.clone()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, Int64Array, TimestampNanosecondArray};
    use arrow::datatypes::{Int32Type, TimestampMicrosecondType};

    use super::*;

    #[test]
    fn only_what_fits_is_taken_over() {
        let small: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(-7)]));
        let taken = taken_over(&small, &DataType::Int32).expect("fits");
        assert_eq!(
            taken.as_primitive::<Int32Type>(),
            &Int32Array::from(vec![Some(1), None, Some(-7)])
        );
        assert!(taken_over(&small, &DataType::UInt8).is_none());
        assert!(taken_over(&small, &DataType::Float64).is_none());
        assert!(taken_over(&small, &DataType::Utf8).is_none());
    }

    #[test]
    fn nanoseconds_are_cut_to_the_instant_before() {
        let nanos: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1999, -1]));
        let target = DataType::Timestamp(TimeUnit::Microsecond, None);
        let taken = taken_over(&nanos, &target).expect("is cut");
        assert_eq!(taken.as_primitive::<TimestampMicrosecondType>().values(), &[1, -1]);
    }
}
