//! Floating-point numbers, correctly rounded.

use std::str::FromStr;

/// A floating-point type with the numbers the short cut needs.
pub(crate) trait Float: FromStr + Copy {
    /// Mantissas up to this are exact.
    const EXACT_MANTISSA: u64;
    /// Powers of ten up to this are exact.
    const EXACT_POWER: usize;

    /// The value, mantissa times ten to the minus `scale`, both exact.
    fn scaled(mantissa: u64, scale: usize, negative: bool) -> Self;
}

impl Float for f64 {
    const EXACT_MANTISSA: u64 = 1 << 53;
    const EXACT_POWER: usize = 22;

    #[inline]
    fn scaled(mantissa: u64, scale: usize, negative: bool) -> Self {
        const POWERS: [f64; 23] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
            1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
        ];
        let value = mantissa as f64 / POWERS[scale];
        if negative { -value } else { value }
    }
}

impl Float for f32 {
    const EXACT_MANTISSA: u64 = 1 << 24;
    const EXACT_POWER: usize = 10;

    #[inline]
    fn scaled(mantissa: u64, scale: usize, negative: bool) -> Self {
        const POWERS: [f32; 11] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];
        let value = mantissa as f32 / POWERS[scale];
        if negative { -value } else { value }
    }
}

/// Reads a decimal number with optional sign, point and exponent; also `nan`,
/// `inf` and `infinity` in any letter case. The result is the nearest value.
#[inline]
pub(crate) fn parse_float<F: Float>(text: &[u8]) -> Option<F> {
    match parse_short(text) {
        Some(value) => Some(value),
        None => parse_any(text),
    }
}

/// The short cut of Clinger (1990): a mantissa and a power of ten that are both
/// exact divide to the nearest value. Plain digits with at most one point only.
#[inline]
fn parse_short<F: Float>(text: &[u8]) -> Option<F> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // 19 digits and a point: the mantissa can't overflow.
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    let mut mantissa = 0u64;
    let mut point = None;
    for (at, &byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        } else if byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    let (count, scale) = match point {
        Some(at) => (digits.len() - 1, digits.len() - 1 - at),
        None => (digits.len(), 0),
    };
    let exact = mantissa <= F::EXACT_MANTISSA && scale <= F::EXACT_POWER;
    (exact && (1..=19).contains(&count)).then(|| F::scaled(mantissa, scale, negative))
}

#[cold]
fn parse_any<F: Float>(text: &[u8]) -> Option<F> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_a_number_and_what_is_not() {
        for text in ["0", "-0.0", "1.", ".5", "+1.5", "1e5", "-1E-5", "nan", "inf", "-Infinity"] {
            assert!(parse_float::<f64>(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["", "-", ".", "1,5", "1.2.3", "0x10", "1e", "--1", "1f", "NA"] {
            assert!(parse_float::<f64>(text.as_bytes()).is_none(), "{text}");
        }
        assert!(parse_float::<f64>(b"-0").is_some_and(f64::is_sign_negative));
    }

    proptest! {
        #[test]
        fn anything_is_read_as_std_reads_it(text in "-?[0-9]{0,20}\\.?[0-9]{0,20}(e-?[0-9]{1,2})?") {
            let bits = |value: Option<f64>| value.map(f64::to_bits);
            prop_assert_eq!(bits(parse_float(text.as_bytes())), bits(text.parse().ok()));
            let bits = |value: Option<f32>| value.map(f32::to_bits);
            prop_assert_eq!(bits(parse_float(text.as_bytes())), bits(text.parse().ok()));
        }

        #[test]
        fn every_float_reads_back(value in proptest::num::f64::NORMAL) {
            prop_assert_eq!(parse_float::<f64>(value.to_string().as_bytes()), Some(value));
        }
    }
}
