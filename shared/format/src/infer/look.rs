//! What a value looks like: the kinds that inference tells apart.

use crate::value::{parse_date, parse_float, parse_int, parse_timestamp, parse_uint};

/// What a value looks like. Each is a bit, so that a set of them is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Look {
    Bool = 1,
    Int = 1 << 1,
    /// An integer that a float64 can't hold exactly.
    LongInt = 1 << 2,
    Negative = 1 << 3,
    /// Beyond int64, within uint64.
    Unsigned = 1 << 4,
    Fraction = 1 << 5,
    /// `nan` and `inf`: numbers among numbers, words among words.
    NotFinite = 1 << 6,
    Date = 1 << 7,
    Timestamp = 1 << 8,
    Instant = 1 << 9,
    Text = 1 << 10,
    Nested = 1 << 11,
    /// Beyond uint64 or below int64, of 38 digits at most.
    HugeInt = 1 << 12,
}

/// A set of looks.
pub(super) type Looks = u16;

/// The set of some looks.
pub(super) const fn set(looks: &[Look]) -> Looks {
    let (mut all, mut index) = (0, 0);
    while index < looks.len() {
        all |= looks[index] as Looks;
        index += 1;
    }
    all
}

/// Digits of the longest decimal.
const MOST_DIGITS: usize = 38;

/// The looks of a number, if it is one that is written as numbers are: no plus
/// sign and no leading zeros, which codes and telephone numbers have.
pub(super) fn number_looks(text: &[u8]) -> Option<Looks> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let sign = if digits.len() < text.len() { Look::Negative as Looks } else { 0 };
    match digits {
        [b'0', b'0'..=b'9', ..] => return None,
        [b'0'..=b'9' | b'.', ..] => {}
        _ => return None,
    }
    if let Some(value) = parse_int(text) {
        const EXACT: u64 = 1 << 53;
        let length = if value.unsigned_abs() > EXACT { Look::LongInt } else { Look::Int };
        return Some(sign | length as Looks);
    }
    if parse_uint(text).is_some() {
        return Some(Look::Unsigned as Looks);
    }
    if digits.iter().all(u8::is_ascii_digit) {
        return (digits.len() <= MOST_DIGITS).then_some(sign | Look::HugeInt as Looks);
    }
    let is_finite = parse_float(text).is_some_and(f64::is_finite);
    is_finite.then_some(sign | Look::Fraction as Looks)
}

/// The look of what is no number.
pub(super) fn word_looks(text: &[u8]) -> Looks {
    let text = text.trim_ascii();
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    let look = if is(&["true", "false"]) {
        Look::Bool
    } else if is(&["nan", "inf", "-inf", "infinity", "-infinity"]) {
        Look::NotFinite
    } else if parse_date(text).is_some() {
        Look::Date
    } else {
        match parse_timestamp(text) {
            Some(read) if read.offset.is_some() => Look::Instant,
            Some(_) => Look::Timestamp,
            None => Look::Text,
        }
    };
    look as Looks
}

/// What there is to say of a value with these looks, after its name.
pub(super) fn described(looks: Looks, text: &str) -> &'static str {
    let has = |look: Look| looks & look as Looks != 0;
    match () {
        () if has(Look::Nested) => "is an object or a list",
        () if has(Look::Text) => described_text(text.trim()),
        () if has(Look::Instant) => "has a time zone",
        () if has(Look::Timestamp) => "has a time of day",
        () if has(Look::Date) => "is a date",
        () if has(Look::NotFinite) => "is no finite number",
        () if has(Look::Fraction) && text.contains(['e', 'E']) => "has an exponent",
        () if has(Look::Fraction) => "has a fraction",
        () if has(Look::HugeInt) => "is beyond int64 and uint64",
        () if has(Look::Unsigned) => "is beyond int64",
        () if has(Look::LongInt) => "has more digits than a float64 keeps",
        () if has(Look::Negative) => "is negative",
        () if has(Look::Int) => "is a whole number",
        () => "is a boolean",
    }
}

fn described_text(text: &str) -> &'static str {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '…');
    match () {
        () if !is_number => "is text",
        () if digits.len() > MOST_DIGITS => "has more than 38 digits",
        () if text.starts_with('+') => "has a plus sign",
        () if digits.starts_with('0') => "has a leading zero",
        () => "is text",
    }
}
