//! Reads the `default` of a column: one value, written plainly whatever the
//! file's own way of writing is, since the table has it too.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use millrace_contract::DataType;
use toml::de::DeValue;

use crate::entry::Entry;

/// Reads a default, or notes that it is not a value of the type.
pub(crate) fn read(entry: &Entry<'_>, data_type: Option<DataType>) -> Option<String> {
    let text = match entry.value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(digits) => digits.to_string(),
        DeValue::Float(digits) => digits.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            entry.note_with(
                "`default` has to be a text, a number, true or false",
                r#"write dates and times as texts, such as "2024-12-31""#,
            );
            return None;
        }
    };
    if let Some(data_type) = data_type {
        match is_value(data_type, &text) {
            Some(true) => {}
            Some(false) => entry.note(format!("`{text}` is not a {data_type}")),
            None => entry.note(format!("columns of type {data_type} can't have a default")),
        }
    }
    Some(text)
}

/// Whether a text is a value of a type; none where the type has no defaults.
fn is_value(data_type: DataType, text: &str) -> Option<bool> {
    let whole = |low: i128, high: i128| {
        Some(text.parse::<i128>().is_ok_and(|number| (low..=high).contains(&number)))
    };
    match data_type {
        DataType::Bool => Some(matches!(text, "true" | "false")),
        DataType::Int8 => whole(i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => whole(i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => whole(i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 => whole(i64::MIN.into(), i64::MAX.into()),
        DataType::UInt8 => whole(0, u8::MAX.into()),
        DataType::UInt16 => whole(0, u16::MAX.into()),
        DataType::UInt32 => whole(0, u32::MAX.into()),
        DataType::UInt64 => whole(0, u64::MAX.into()),
        DataType::Float32 | DataType::Float64 => {
            Some(text.parse::<f64>().is_ok_and(f64::is_finite))
        }
        DataType::Decimal { precision, scale } => Some(is_decimal(text, precision, scale)),
        DataType::Date => Some(text.parse::<NaiveDate>().is_ok()),
        DataType::Time => Some(text.parse::<NaiveTime>().is_ok()),
        DataType::Timestamp { utc: false, .. } => Some(
            NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").is_ok()
                || text.parse::<NaiveDateTime>().is_ok(),
        ),
        DataType::Timestamp { utc: true, .. } => Some(DateTime::parse_from_rfc3339(text).is_ok()),
        DataType::String => Some(true),
        DataType::Uuid => Some(is_uuid(text)),
        DataType::Json | DataType::Binary | DataType::List(_) | DataType::Struct(_) => None,
    }
}

fn is_decimal(text: &str, precision: u8, scale: u8) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    !whole.is_empty()
        && is_digits(whole)
        && is_digits(fraction)
        && fraction.len() <= usize::from(scale)
        && whole.trim_start_matches('0').len() <= usize::from(precision - scale.min(precision))
}

/// Small letters with hyphens, as they are kept.
fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let is_hex = |c: char| c.is_ascii_digit() || matches!(c, 'a'..='f' | '-');
    lengths == [8, 4, 4, 4, 12] && text.chars().all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_is_a_value_of_its_type() {
        let is = |data_type: &str, text| is_value(data_type.parse().expect("a type"), text);
        for (data_type, good, bad) in [
            ("bool", "true", "yes"),
            ("int8", "-128", "128"),
            ("uint64", "18446744073709551615", "-1"),
            ("float64", "1e3", "NaN"),
            ("decimal(5,2)", "-123.45", "1234.5"),
            ("decimal(5,2)", "0.1", "0.123"),
            ("date", "2024-02-29", "2023-02-29"),
            ("time", "23:59:59.5", "24:00:00"),
            ("timestamp", "2024-01-01 00:00:00", "2024-01-01"),
            ("timestamptz", "2024-01-01T00:00:00+02:00", "2024-01-01 00:00:00"),
            ("uuid", "00000000-0000-0000-0000-00000000000a", "0"),
        ] {
            assert_eq!(is(data_type, good), Some(true), "{data_type} {good}");
            assert_eq!(is(data_type, bad), Some(false), "{data_type} {bad}");
        }
        assert_eq!(is("json", "{}"), None);
    }
}
