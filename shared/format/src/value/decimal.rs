//! Decimals, exactly: never through a floating-point number.

/// The powers of ten that an `i128` holds: 10^0 to 10^38.
const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut at = 1;
    while at < 39 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Reads a decimal number as a count of units of 10^-`scale`.
///
/// `None` if it is no number, has more than `precision` digits, or has digits
/// other than zero beyond the scale: nothing is ever rounded. An exponent is
/// allowed, as JSON writers produce it.
pub(crate) fn parse_decimal(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let (negative, number) = match text {
        [b'-', number @ ..] => (true, number),
        [b'+', number @ ..] | number => (false, number),
    };
    let (digits, exponent) = split_exponent(number)?;
    let (mantissa, fraction) = parse_mantissa(digits)?;
    let shift = exponent - fraction + i32::from(scale);
    let units = shift_decimal(mantissa, shift)?;
    (units < POWERS[usize::from(precision)]).then_some(if negative { -units } else { units })
}

/// Digits and the exponent behind them.
fn split_exponent(number: &[u8]) -> Option<(&[u8], i32)> {
    let Some(at) = number.iter().position(|byte| matches!(byte, b'e' | b'E')) else {
        return Some((number, 0));
    };
    let exponent = super::parse_int(&number[at + 1..])?;
    // Beyond this every value but zero is out of range anyway.
    Some((&number[..at], exponent.clamp(-1000, 1000) as i32))
}

/// All digits as one integer, and how many of them stand behind the point.
/// Zeros at the end of the fraction are left out where they would overflow.
fn parse_mantissa(digits: &[u8]) -> Option<(i128, i32)> {
    let point = memchr::memchr(b'.', digits);
    let (whole, fraction) = match point {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &digits[digits.len()..]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let significant = if digits.len() <= 38 { fraction } else { trim_zeros(fraction)? };
    let mantissa = append_digits(append_digits(0, whole)?, significant)?;
    Some((mantissa, significant.len() as i32))
}

fn trim_zeros(fraction: &[u8]) -> Option<&[u8]> {
    let end = fraction.iter().rposition(|&byte| byte != b'0').map_or(0, |at| at + 1);
    Some(&fraction[..end])
}

fn append_digits(value: i128, digits: &[u8]) -> Option<i128> {
    // In 64 bits as long as it fits: several times faster.
    if value == 0 && digits.len() <= 18 {
        let mut short = 0u64;
        for &byte in digits {
            short = short * 10 + digit(byte)?;
        }
        return Some(i128::from(short));
    }
    let mut value = value;
    for &byte in digits {
        value = value.checked_mul(10)?.checked_add(i128::from(digit(byte)?))?;
    }
    Some(value)
}

fn digit(byte: u8) -> Option<u64> {
    let digit = byte.wrapping_sub(b'0');
    (digit <= 9).then_some(u64::from(digit))
}

/// `value` times ten to `shift`, if that is an integer that fits.
fn shift_decimal(value: i128, shift: i32) -> Option<i128> {
    if value == 0 || shift == 0 {
        return Some(value);
    }
    let power = *POWERS.get(shift.unsigned_abs() as usize)?;
    if shift > 0 {
        return value.checked_mul(power);
    }
    (value % power == 0).then_some(value / power)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_are_kept_exactly_or_refused() {
        for (text, value) in [
            ("12.50", Some(1250)),
            ("12.5", Some(1250)),
            ("-0.01", Some(-1)),
            ("12", Some(1200)),
            ("+1.", Some(100)),
            (".5", Some(50)),
            ("1.500", Some(150)),
            ("1.005", None),
            ("9999999999.99", Some(999_999_999_999)),
            ("10000000000.00", None),
            ("1.5e2", Some(15000)),
            ("15e-1", Some(150)),
            ("1e-3", None),
            ("0e999", Some(0)),
            ("1e99999999999", None),
            ("1.00000000000000000000000000000000000000000000", Some(100)),
            ("12,50", None),
            ("", None),
            (".", None),
            ("-", None),
            ("1 ", None),
            ("nan", None),
            ("1e", None),
        ] {
            assert_eq!(parse_decimal(text.as_bytes(), 12, 2), value, "{text}");
        }
        let longest = "9".repeat(38);
        assert_eq!(parse_decimal(longest.as_bytes(), 38, 0), longest.parse().ok());
        assert_eq!(parse_decimal("9".repeat(39).as_bytes(), 38, 0), None);
        assert_eq!(parse_decimal(b"1", 38, 38), None);
    }

    proptest! {
        #[test]
        fn every_decimal_reads_back(units in -999_999_999_999_999_999_999_999i128..=999_999_999_999_999_999_999_999, scale in 0u8..=24) {
            let sign = if units < 0 { "-" } else { "" };
            let digits = format!("{:0width$}", units.unsigned_abs(), width = usize::from(scale) + 1);
            let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
            let text = format!("{sign}{whole}.{fraction}");
            prop_assert_eq!(parse_decimal(text.as_bytes(), 24 + 1, scale), Some(units));
        }
    }
}
