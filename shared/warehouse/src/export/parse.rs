//! Values out of text, exactly: what [`crate::text`] writes, and what people
//! write alike.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

/// Days from 0001-01-01 to 1970-01-01, as chrono counts them.
const EPOCH_FROM_CE: i32 = 719_163;

/// 10^38, which no decimal reaches.
const LIMIT: i128 = 10_i128.pow(38);

/// The digits of a decimal at a scale.
///
/// # Errors
/// What is wrong, in words, if it is no number or has more digits.
pub(super) fn decimal(text: &str, scale: u32) -> Result<i128, String> {
    let wrong = || format!("`{}` is not a decimal number", brief(text));
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        Some(_) | None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(wrong());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > scale as usize {
        return Err(format!("`{}` has more than {scale} decimals", brief(text)));
    }
    let mut value: i128 = 0;
    let missing = scale as usize - fraction.len();
    let zeros = std::iter::repeat_n(b'0', missing);
    for digit in whole.bytes().chain(fraction.bytes()).chain(zeros) {
        if !digit.is_ascii_digit() {
            return Err(wrong());
        }
        let next = value.checked_mul(10).and_then(|v| v.checked_add(i128::from(digit - b'0')));
        value = next.filter(|v| *v < LIMIT).ok_or_else(|| too_long(text))?;
    }
    Ok(if negative { -value } else { value })
}

fn too_long(text: &str) -> String {
    format!("`{}` has more than 38 digits", brief(text))
}

/// That a decimal has no more digits than its column.
///
/// # Errors
/// In words.
pub(super) fn check_digits(value: i128, precision: u8) -> Result<(), String> {
    let most = 10_i128.checked_pow(u32::from(precision)).unwrap_or(LIMIT);
    match value.abs() < most {
        true => Ok(()),
        false => Err(format!("a value has more than {precision} digits")),
    }
}

/// Days from 1970-01-01 to `YYYY-MM-DD`.
///
/// # Errors
/// In words, if it is no date.
pub(super) fn date(text: &str) -> Result<i32, String> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d");
    date.map(days).map_err(|_| format!("`{}` is not a date like 2026-01-31", brief(text)))
}

/// Days from 1970-01-01.
pub(super) fn days(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - EPOCH_FROM_CE
}

/// Microseconds from midnight to `HH:MM:SS[.ffffff]`.
///
/// # Errors
/// In words, if it is no time of day.
pub(super) fn time(text: &str) -> Result<i64, String> {
    let time = NaiveTime::parse_from_str(text, "%H:%M:%S%.f");
    let time = time.or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"));
    time.map(micros).map_err(|_| format!("`{}` is not a time like 23:59:59", brief(text)))
}

/// Microseconds from midnight.
pub(super) fn micros(time: NaiveTime) -> i64 {
    i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(time.nanosecond() / 1000)
}

/// Microseconds from 1970-01-01 to `YYYY-MM-DD HH:MM:SS[.ffffff]`, with a `Z`
/// behind it or not.
///
/// # Errors
/// In words, if it is no timestamp.
pub(super) fn timestamp(text: &str) -> Result<i64, String> {
    let plain = text.strip_suffix(['Z', 'z']).unwrap_or(text).replacen('T', " ", 1);
    let time = NaiveDateTime::parse_from_str(&plain, "%Y-%m-%d %H:%M:%S%.f");
    let time = time.or_else(|_| NaiveDateTime::parse_from_str(&plain, "%Y-%m-%d %H:%M"));
    let time =
        time.map_err(|_| format!("`{}` is not a timestamp like 2026-01-31 23:59:59", brief(text)))?;
    Ok(time.and_utc().timestamp_micros())
}

fn brief(text: &str) -> String {
    text.chars().take(60).collect::<String>().escape_debug().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    #[test]
    fn decimals_are_exact_or_refused() {
        for (written, scale, value) in [
            ("12.50", 2, 1_250),
            ("-0.005", 3, -5),
            ("12.500", 1, 125),
            ("7", 4, 70_000),
            (".5", 1, 5),
            ("+1.", 0, 1),
        ] {
            assert_eq!(decimal(written, scale), Ok(value), "{written}");
        }
        for wrong in ["", "-", "1e5", "1.2.3", "abc", "1,5"] {
            assert!(decimal(wrong, 2).is_err(), "{wrong}");
        }
        assert!(decimal("1.234", 2).unwrap_err().contains("more than 2 decimals"));
        assert!(decimal(&"9".repeat(39), 0).unwrap_err().contains("more than 38"));
        assert_eq!(decimal(&"9".repeat(38), 0), Ok(10_i128.pow(38) - 1));
        assert!(check_digits(99_999, 5).is_ok() && check_digits(-100_000, 5).is_err());
    }

    #[test]
    fn what_was_written_is_read_back() {
        for micros in [0, -1, 1_767_225_600_123_456, -62_135_596_800_000_000] {
            for utc in [false, true] {
                assert_eq!(timestamp(&text::timestamp(micros, utc).unwrap()), Ok(micros));
            }
        }
        for number in [0, -1, 20_454] {
            assert_eq!(date(&text::date(number).unwrap()), Ok(number));
        }
        assert_eq!(time(&text::time(86_399_999_999).unwrap()), Ok(86_399_999_999));
        assert_eq!(timestamp("2026-01-31T10:00:00Z"), timestamp("2026-01-31 10:00"));
        assert!(date("31.01.2026").is_err() && time("25:00:00").is_err());
    }
}
