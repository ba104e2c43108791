//! Looks at a column's first values to tell how it is best encoded.

use std::collections::HashSet;
use std::hash::Hash;

use arrow::array::types::{Decimal128Type, Float32Type, Float64Type, Int64Type};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

/// How the values of a column are best encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// As numbers of a dictionary's entries: values repeat.
    Dictionary,
    /// One after the other: values hardly repeat, so that building a dictionary
    /// would cost time and be given up.
    Plain,
    /// As differences to the value before: integers for which that takes hardly
    /// more bits than a dictionary's numbers would, no dictionary, and less time.
    Differences,
}

/// Values that are looked at.
const SAMPLE: usize = 8192;

/// Of fewer values nothing is said.
const TOO_FEW: usize = 1024;

/// Bits that a difference may take beyond a dictionary's number and still be
/// cheaper: values in no order differ by up to twice their range.
const SLACK: u32 = 1;

/// How the column that starts with `values` is best encoded.
pub(super) fn fit(values: &ArrayRef) -> Fit {
    let sample = values.slice(0, values.len().min(SAMPLE));
    if sample.len() < TOO_FEW {
        return Fit::Dictionary;
    }
    if let Some(integers) = integers(&sample) {
        return fit_of_integers(&integers);
    }
    let distinct = match sample.data_type() {
        DataType::Utf8 => count(sample.as_string::<i32>().iter().flatten()),
        DataType::Float32 => {
            count(sample.as_primitive::<Float32Type>().iter().flatten().map(f32::to_bits))
        }
        DataType::Float64 => {
            count(sample.as_primitive::<Float64Type>().iter().flatten().map(f64::to_bits))
        }
        DataType::Decimal128(..) => count(sample.as_primitive::<Decimal128Type>().iter().flatten()),
        // Too few values, or none that a dictionary would be tried for.
        _ => 0,
    };
    if hardly_repeat(distinct, sample.len()) { Fit::Plain } else { Fit::Dictionary }
}

fn fit_of_integers(values: &[i64]) -> Fit {
    if values.is_empty() {
        return Fit::Dictionary;
    }
    let distinct = count(values.iter());
    let differences = values.windows(2).map(|pair| i128::from(pair[1]) - i128::from(pair[0]));
    let (least, most) = differences.fold((i128::MAX, i128::MIN), |(least, most), difference| {
        (least.min(difference), most.max(difference))
    });
    let bits = |count: u128| u128::BITS - count.leading_zeros();
    let of_differences = bits(most.saturating_sub(least).unsigned_abs());
    let of_numbers = bits(distinct.saturating_sub(1) as u128);
    if hardly_repeat(distinct, values.len()) || of_differences <= of_numbers + SLACK {
        Fit::Differences
    } else {
        Fit::Dictionary
    }
}

/// The values that Parquet has as integers.
fn integers(sample: &ArrayRef) -> Option<Vec<i64>> {
    match sample.data_type() {
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::Date32
        | DataType::Time64(_)
        | DataType::Timestamp(..) => {
            let integers = cast(sample, &DataType::Int64).ok()?;
            Some(integers.as_primitive::<Int64Type>().iter().flatten().collect())
        }
        DataType::Decimal128(precision, _) if *precision <= 18 => {
            let unscaled = sample.as_primitive::<Decimal128Type>().iter().flatten();
            unscaled.map(|value| i64::try_from(value).ok()).collect()
        }
        _ => None,
    }
}

/// Whether more than three quarters of the values are different ones.
fn hardly_repeat(distinct: usize, values: usize) -> bool {
    distinct * 4 > values * 3
}

fn count<T: Eq + Hash>(values: impl Iterator<Item = T>) -> usize {
    values.collect::<HashSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray};

    use super::*;

    fn of_integers(value: impl Fn(i64) -> i64) -> Fit {
        fit(&(Arc::new(Int64Array::from_iter_values((0..4096).map(value))) as ArrayRef))
    }

    #[test]
    fn integers_are_differences_where_those_are_short() {
        let scattered = |n: i64| n.wrapping_mul(0x9e37_79b9) % 7_919;
        assert_eq!(of_integers(|n| n / 4), Fit::Differences, "values that rise");
        assert_eq!(of_integers(|n| scattered(n) % 50), Fit::Differences, "a small range");
        assert_eq!(of_integers(|n| scattered(n) << 40), Fit::Differences, "no value twice");
        assert_eq!(of_integers(|n| (scattered(n) % 50) << 40), Fit::Dictionary, "few far apart");
        assert_eq!(of_integers(|n| if n % 2 == 0 { i64::MIN } else { i64::MAX }), Fit::Dictionary);
    }

    #[test]
    fn other_values_get_a_dictionary_where_they_repeat() {
        let texts = |of: i32| -> ArrayRef {
            Arc::new(StringArray::from_iter_values((0..4096).map(|n| (n % of).to_string())))
        };
        assert_eq!((fit(&texts(7)), fit(&texts(4000))), (Fit::Dictionary, Fit::Plain));
        let floats: ArrayRef = Arc::new(Float64Array::from_iter_values((0..4096).map(f64::from)));
        assert_eq!(fit(&floats), Fit::Plain);
        let wide = Decimal128Array::from_iter_values((0..4096).map(|n| i128::from(n) << 70));
        assert_eq!(fit(&(Arc::new(wide) as ArrayRef)), Fit::Plain);
        let days: ArrayRef = Arc::new(Date32Array::from_iter_values((0..4096).map(|n| n % 365)));
        assert_eq!(fit(&days), Fit::Differences);
    }

    #[test]
    fn of_few_values_nothing_is_said() {
        let few: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
        assert_eq!(fit(&few), Fit::Dictionary);
        let nulls: ArrayRef = Arc::new(Int64Array::from(vec![None; 4096]));
        assert_eq!(fit(&nulls), Fit::Dictionary);
    }
}
