//! `numeric` on the wire: digits to base 10 000, most significant first.
//!
//! Source: `numeric_recv` in PostgreSQL's `numeric.c`: number of digits, weight
//! (the exponent of the first digit), sign, digits after the decimal point, then
//! the digits, each in 16 bits.

const NEGATIVE: u16 = 0x4000;

/// 38 decimal digits, with the point anywhere, take at most this many digits.
const MAX_DIGITS: usize = 11;

/// Writes length and value of `mantissa` / 10^`scale`.
pub(crate) fn put_numeric(bytes: &mut Vec<u8>, mantissa: i128, scale: u32) {
    let mut digits = [0_u16; MAX_DIGITS];
    let magnitude = mantissa.unsigned_abs();
    let count = match u64::try_from(magnitude) {
        Ok(small) => split_small(small, scale, &mut digits),
        Err(_) => split_large(magnitude, scale, &mut digits),
    };
    // `digits` has the least significant first; zeros at that end are left out.
    let zeros = digits[..count].iter().take_while(|digit| **digit == 0).count();
    let kept = &digits[zeros..count];
    let fraction = scale.div_ceil(4) as i16;
    let weight = if kept.is_empty() { 0 } else { count as i16 - fraction - 1 };
    let sign = if mantissa < 0 { NEGATIVE } else { 0 };
    bytes.extend_from_slice(&(8 + 2 * kept.len() as i32).to_be_bytes());
    bytes.extend_from_slice(&(kept.len() as i16).to_be_bytes());
    bytes.extend_from_slice(&weight.to_be_bytes());
    bytes.extend_from_slice(&sign.to_be_bytes());
    bytes.extend_from_slice(&(scale as i16).to_be_bytes());
    for digit in kept.iter().rev() {
        bytes.extend_from_slice(&digit.to_be_bytes());
    }
}

macro_rules! split {
    ($name:ident, $type:ty) => {
        /// Digits to base 10 000, the least significant first, aligned to the
        /// decimal point; returns how many.
        fn $name(mut rest: $type, scale: u32, digits: &mut [u16; MAX_DIGITS]) -> usize {
            let mut count = 0;
            // The last digit's decimals may be fewer than four: 1.5 is 1 | 5000.
            let partial = scale % 4;
            if partial > 0 {
                let base = <$type>::pow(10, partial);
                digits[0] = (rest % base) as u16 * 10_u16.pow(4 - partial);
                rest /= base;
                count = 1;
            }
            while rest > 0 {
                digits[count] = (rest % 10_000) as u16;
                rest /= 10_000;
                count += 1;
            }
            count
        }
    };
}

split!(split_small, u64);
split!(split_large, u128);

#[cfg(test)]
mod tests {
    use super::*;

    /// Number of digits, weight, sign, scale and digits of a value.
    fn parts(mantissa: i128, scale: u32) -> (i16, u16, i16, Vec<i16>) {
        let mut bytes = Vec::new();
        put_numeric(&mut bytes, mantissa, scale);
        let word = |at: usize| i16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let length = i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        assert_eq!(length as usize, bytes.len() - 4);
        let digits = (0..word(4)).map(|digit| word(12 + 2 * digit as usize)).collect();
        (word(6), word(8) as u16, word(10), digits)
    }

    #[test]
    fn digits_are_aligned_to_the_decimal_point() {
        assert_eq!(parts(0, 2), (0, 0, 2, vec![]));
        assert_eq!(parts(1, 0), (0, 0, 0, vec![1]));
        assert_eq!(parts(15, 1), (0, 0, 1, vec![1, 5000]));
        assert_eq!(parts(-12_345, 2), (0, NEGATIVE, 2, vec![123, 4500]));
        assert_eq!(parts(10_000, 0), (1, 0, 0, vec![1]));
        assert_eq!(parts(1, 4), (-1, 0, 4, vec![1]));
        assert_eq!(parts(1, 5), (-2, 0, 5, vec![1000]));
        assert_eq!(parts(123_456_789, 4), (1, 0, 4, vec![1, 2345, 6789]));
    }

    #[test]
    fn thirty_eight_digits_fit_wherever_the_point_is() {
        let largest = 10_i128.pow(38) - 1;
        for scale in 0..=38 {
            let (_, _, said, digits) = parts(-largest, scale);
            assert_eq!(said, scale as i16);
            assert!(digits.len() <= MAX_DIGITS);
            assert!(digits.iter().all(|digit| (1..10_000).contains(digit)), "{scale}: {digits:?}");
        }
    }
}
