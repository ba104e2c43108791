//! How large and how long the numbers of a column are.

use crate::value::{parse_int, parse_uint};

/// Bounds of a column's numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Numbers {
    /// The smallest integer, or 0.
    pub(super) least: i128,
    /// The largest integer, or 0.
    pub(super) most: i128,
    /// Most digits in front of the point, leading zeros not counted.
    pub(super) whole: u32,
    /// Most digits after the point, trailing zeros not counted.
    pub(super) scale: u32,
    /// The largest magnitude of a number with a fraction.
    pub(super) magnitude: f64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { least: 0, most: 0, whole: 0, scale: 0, magnitude: 0.0 }
    }
}

impl Numbers {
    /// Takes the numbers of a later part of the column into account.
    pub(super) fn merge(&mut self, later: &Self) {
        self.least = self.least.min(later.least);
        self.most = self.most.max(later.most);
        self.whole = self.whole.max(later.whole);
        self.scale = self.scale.max(later.scale);
        self.magnitude = self.magnitude.max(later.magnitude);
    }

    /// Takes a number into account, as it is written.
    pub(super) fn add(&mut self, text: &[u8]) {
        let int = parse_int(text).map(i128::from);
        let int = int.or_else(|| parse_uint(text).map(i128::from));
        let int = int.or_else(|| std::str::from_utf8(text).ok()?.parse().ok());
        if let Some(int) = int {
            self.least = self.least.min(int);
            self.most = self.most.max(int);
            self.whole =
                self.whole.max(int.unsigned_abs().checked_ilog10().map_or(0, |log| log + 1));
            return;
        }
        let (whole, scale) = digits(text);
        self.whole = self.whole.max(whole);
        self.scale = self.scale.max(scale);
        let value = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
        self.magnitude = self.magnitude.max(value.unwrap_or(f64::INFINITY).abs());
    }
}

/// Digits in front of the point and after it, the exponent taken into account.
fn digits(text: &[u8]) -> (u32, u32) {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let end = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
    let exponent = text.get(end + 1..).and_then(|text| std::str::from_utf8(text).ok());
    // What can't be read as an exponent is longer than any type.
    let exponent = exponent.map_or(Some(0), |text| text.parse::<i32>().ok()).unwrap_or(i32::MAX);
    let point = text[..end].iter().position(|&byte| byte == b'.').unwrap_or(end);
    let is_digit = |at: &usize| text[*at] != b'.';
    let significant = |at: &usize| !matches!(text[*at], b'0' | b'.');
    let Some(first) = (0..end).find(significant) else { return (0, 0) };
    let last = (0..end).rev().find(significant).unwrap_or(first);
    // Places are counted from the point: 1, 2, … in front of it, 0, -1, … behind.
    let place = |at: usize| {
        let place = match at < point {
            true => (point - at) as i64,
            false => -((at - point - 1) as i64),
        };
        place + i64::from(exponent)
    };
    debug_assert!(is_digit(&first) && is_digit(&last));
    let count = |count: i64| u32::try_from(count.max(0)).unwrap_or(u32::MAX);
    (count(place(first)), count(1 - place(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted_as_a_decimal_needs_them() {
        for (text, expected) in [
            ("1.5", (1, 1)),
            ("-12.340", (2, 2)),
            ("0.05", (0, 2)),
            (".5", (0, 1)),
            ("5.", (1, 0)),
            ("0.0", (0, 0)),
            ("1e5", (6, 0)),
            ("1.25e1", (2, 1)),
            ("1.25E-3", (0, 5)),
            ("120e-1", (2, 0)),
        ] {
            assert_eq!(digits(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(digits(b"1e99999999999").0, 1 << 31);
    }

    #[test]
    fn bounds_are_those_of_all_numbers() {
        let mut numbers = Numbers::default();
        for text in ["-5", "300", "18446744073709551616", "1.25", "1e300"] {
            numbers.add(text.as_bytes());
        }
        assert_eq!((numbers.least, numbers.most), (-5, 18_446_744_073_709_551_616));
        assert_eq!((numbers.whole, numbers.scale, numbers.magnitude), (301, 2, 1e300));
    }
}
