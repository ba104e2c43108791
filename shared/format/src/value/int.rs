//! Integers from decimal digits, exactly or not at all.

/// Reads an optional sign and decimal digits. `None` if it is anything else or
/// does not fit.
#[inline]
pub(crate) fn parse_int(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => {
            let magnitude = parse_digits(digits)?;
            (magnitude <= i64::MIN.unsigned_abs()).then(|| (magnitude as i64).wrapping_neg())
        }
        [b'+', digits @ ..] | digits => i64::try_from(parse_digits(digits)?).ok(),
    }
}

/// Reads an optional plus sign and decimal digits, up to [`u64::MAX`].
#[inline]
pub(crate) fn parse_uint(text: &[u8]) -> Option<u64> {
    match text {
        [b'+', digits @ ..] | digits => parse_digits(digits),
    }
}

#[inline]
fn parse_digits(digits: &[u8]) -> Option<u64> {
    /// As many digits as always fit.
    const SAFE: usize = 19;
    if digits.is_empty() {
        return None;
    }
    if digits.len() > SAFE {
        return parse_long(digits);
    }
    let mut value = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

#[cold]
fn parse_long(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ends_of_the_range_are_read_and_nothing_beyond() {
        for (text, value) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("+7", Some(7)),
            ("007", Some(7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-9223372036854775808", Some(i64::MIN)),
            ("-9223372036854775809", None),
            ("00000000000000000000000005", Some(5)),
            ("99999999999999999999999999", None),
            ("", None),
            ("-", None),
            ("+-1", None),
            ("1.0", None),
            ("1e3", None),
            ("1_000", None),
            (" 1", None),
            ("١", None),
        ] {
            assert_eq!(parse_int(text.as_bytes()), value, "{text}");
        }
        assert_eq!(parse_uint(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_uint(b"18446744073709551616"), None);
        assert_eq!(parse_uint(b"-1"), None);
    }

    proptest! {
        #[test]
        fn every_integer_reads_back(value: i64, unsigned: u64) {
            prop_assert_eq!(parse_int(value.to_string().as_bytes()), Some(value));
            prop_assert_eq!(parse_uint(unsigned.to_string().as_bytes()), Some(unsigned));
        }

        #[test]
        fn anything_is_read_as_std_reads_it(text in "[-+]?[0-9a.]{0,22}") {
            prop_assert_eq!(parse_int(text.as_bytes()), text.parse().ok());
            prop_assert_eq!(parse_uint(text.as_bytes()), text.parse().ok().filter(|_| !text.starts_with('-')));
        }
    }
}
