//! One value as charts see it: a number keeps its digits beside the float that it
//! is drawn by, and a text that is a date is one.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// SQL null, or a float that is no number.
    Null,
    /// A number.
    Number(Number),
    /// A day or a moment.
    Moment(NaiveDateTime),
    /// A text, or whatever else is written as one.
    Text(String),
}

/// A number, exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// Its digits, as in `-1234.50`: never with an exponent.
    pub digits: String,
    /// The nearest float, for where it is drawn.
    pub value: f64,
    /// Whether it is a float, whose last digits say little.
    pub is_float: bool,
}

impl Cell {
    /// A number of these digits, or a text where they are none.
    pub fn of_digits(digits: &str) -> Self {
        match digits.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                Self::Number(Number { digits: digits.to_owned(), value, is_float: false })
            }
            _ => Self::Text(digits.to_owned()),
        }
    }

    /// A float; null where it is no number.
    pub fn of_float(value: f64) -> Self {
        match value.is_finite() {
            true => Self::Number(Number { digits: value.to_string(), value, is_float: true }),
            false => Self::Null,
        }
    }

    /// What it is drawn by, if it is a number.
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number.value),
            Self::Null | Self::Moment(_) | Self::Text(_) => None,
        }
    }
}

/// The day or moment that a text is: `2024-01`, `2024-01-31`, and with a time behind
/// it (ISO 8601). A zone is taken for UTC's, which all but says nothing in a chart.
pub(crate) fn moment(text: &str) -> Option<NaiveDateTime> {
    let is_iso = text.len() >= 7
        && text.as_bytes()[..4].iter().all(u8::is_ascii_digit)
        && text.as_bytes()[4] == b'-';
    if !is_iso || !text.is_ascii() {
        return None;
    }
    if text.len() == 7 {
        return midnight(NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()?);
    }
    if text.len() == 10 {
        return midnight(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?);
    }
    let bare = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|pattern| NaiveDateTime::parse_from_str(bare, pattern).ok())
}

fn midnight(day: NaiveDate) -> Option<NaiveDateTime> {
    Some(day.and_time(NaiveTime::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_dates_are_known_and_others_are_not() {
        for (text, expected) in [
            ("2024-01", "2024-01-01 00:00:00"),
            ("2024-02-29", "2024-02-29 00:00:00"),
            ("2024-01-31T07:05:00Z", "2024-01-31 07:05:00"),
            ("2024-01-31 07:05", "2024-01-31 07:05:00"),
        ] {
            assert_eq!(moment(text).expect(text).to_string(), expected);
        }
        for text in ["2024", "2024-13", "2023-02-29", "1234-567", "Rent", "2024-1-1", "20240131"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_null() {
        assert_eq!(Cell::of_float(f64::NAN), Cell::Null);
        assert_eq!(Cell::of_float(0.5).value(), Some(0.5));
        assert_eq!(Cell::of_digits("x"), Cell::Text("x".into()));
    }
}
