//! Text to values: one parser per type, over bytes, without allocating.

mod decimal;
mod float;
mod int;
mod iso;
mod number;
mod strftime;
mod uuid;

pub(crate) use decimal::parse_decimal;
pub(crate) use float::{Float, parse_float};
pub(crate) use int::{parse_int, parse_uint};
pub(crate) use iso::{IsoTimestamp, parse_date, parse_time, parse_timestamp};
pub(crate) use number::Spelling;
pub(crate) use strftime::Patterns;
pub(crate) use uuid::canonical_uuid;

/// Reads `true`, `t`, `yes`, `y`, `on`, `1` and their opposites, in any letter case.
pub(crate) fn parse_bool(text: &[u8]) -> Option<bool> {
    const TRUE: [&[u8]; 6] = [b"true", b"t", b"1", b"yes", b"y", b"on"];
    const FALSE: [&[u8]; 6] = [b"false", b"f", b"0", b"no", b"n", b"off"];
    let is = |word: &&[u8]| text.eq_ignore_ascii_case(word);
    if TRUE.iter().any(is) {
        return Some(true);
    }
    FALSE.iter().any(is).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_words_and_digits() {
        for text in ["true", "TRUE", "t", "Yes", "y", "on", "1"] {
            assert_eq!(parse_bool(text.as_bytes()), Some(true), "{text}");
        }
        for text in ["false", "F", "no", "N", "off", "0"] {
            assert_eq!(parse_bool(text.as_bytes()), Some(false), "{text}");
        }
        for text in ["", "2", "tru", "wahr", "yes "] {
            assert_eq!(parse_bool(text.as_bytes()), None, "{text}");
        }
    }
}
