//! What the values of one column look like, and which type holds them all.

use millrace_contract::{ColumnDef, DataType, TimeUnit};

use crate::fault::shown;
use crate::value::{parse_date, parse_float, parse_int, parse_timestamp, parse_uint};

/// What a value looks like. Each is a bit, so that a set of them is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
enum Look {
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
}

/// A column's values so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Guess {
    looks: u16,
    /// Values that are not null.
    values: u64,
    /// Quoted fields with nothing in them: null unless the column is text.
    empty: u64,
    first_text: Option<String>,
}

impl Guess {
    /// Looks at the text of a field.
    pub(super) fn add_text(&mut self, text: &[u8]) {
        let number = number_looks(text.trim_ascii());
        let looks = number.unwrap_or_else(|| word_looks(text));
        self.add(looks, text);
    }

    /// Looks at a JSON number.
    pub(super) fn add_number(&mut self, text: &[u8]) {
        self.add(number_looks(text).unwrap_or(Look::Text as u16), text);
    }

    /// Looks at a JSON string: it may be a date, but never a number.
    pub(super) fn add_string(&mut self, text: &[u8]) {
        let looks = word_looks(text);
        let is_word = looks & (Look::Bool as u16 | Look::NotFinite as u16) != 0;
        self.add(if is_word { Look::Text as u16 } else { looks }, text);
    }

    /// Notes a JSON boolean.
    pub(super) fn add_bool(&mut self) {
        self.add(Look::Bool as u16, b"");
    }

    /// Notes a JSON object or array.
    pub(super) fn add_nested(&mut self) {
        self.add(Look::Nested as u16, b"");
    }

    /// Notes a quoted field with nothing in it.
    pub(super) fn add_empty(&mut self) {
        self.empty += 1;
    }

    fn add(&mut self, looks: u16, text: &[u8]) {
        self.values += 1;
        self.looks |= looks;
        if looks & Look::Text as u16 != 0 && self.first_text.is_none() {
            self.first_text = Some(shown(text));
        }
    }

    /// The type that holds every value. `None` if there is no value.
    pub(super) fn data_type(&self) -> Option<DataType> {
        let timestamp = |utc| DataType::Timestamp { unit: TimeUnit::Micro, utc };
        let only = |looks: &[Look]| {
            let allowed = looks.iter().fold(0, |allowed, look| allowed | *look as u16);
            self.looks & !allowed == 0
        };
        let has = |look: Look| self.looks & look as u16 != 0;
        use Look::{
            Bool, Date, Fraction, Instant, Int, LongInt, Negative, Nested, NotFinite, Timestamp,
            Unsigned,
        };
        let found = match () {
            () if self.looks == 0 => return None,
            () if has(Nested) => DataType::Json,
            () if only(&[Bool]) => DataType::Bool,
            () if only(&[Int, LongInt, Negative]) => DataType::Int64,
            () if only(&[Int, LongInt, Unsigned]) => DataType::UInt64,
            () if only(&[Int, Negative, Fraction, NotFinite]) && !only(&[NotFinite, Negative]) => {
                DataType::Float64
            }
            () if only(&[Date]) => DataType::Date,
            () if only(&[Date, Timestamp]) => timestamp(false),
            () if only(&[Instant]) => timestamp(true),
            () => DataType::String,
        };
        Some(found)
    }

    /// A line for a person.
    pub(super) fn note(&self, column: &ColumnDef, rows: u64) -> String {
        let is_text = matches!(column.data_type, DataType::String | DataType::Json);
        let values = self.values + if is_text { self.empty } else { 0 };
        let nulls = rows.saturating_sub(values);
        let why = match &self.first_text {
            Some(text) if self.looks != Look::Text as u16 => format!("; `{text}` is text"),
            _ => String::new(),
        };
        format!("{}: {}, {rows} values, {nulls} null{why}", column.name, column.data_type)
    }
}

/// The looks of a number, if it is one that is written as numbers are: no plus
/// sign and no leading zeros, which codes and telephone numbers have.
fn number_looks(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let sign = if digits.len() < text.len() { Look::Negative as u16 } else { 0 };
    match digits {
        [b'0', b'0'..=b'9', ..] => return None,
        [b'0'..=b'9' | b'.', ..] => {}
        _ => return None,
    }
    if let Some(value) = parse_int(text) {
        const EXACT: u64 = 1 << 53;
        let length = if value.unsigned_abs() > EXACT { Look::LongInt } else { Look::Int };
        return Some(sign | length as u16);
    }
    if parse_uint(text).is_some() {
        return Some(Look::Unsigned as u16);
    }
    let is_fraction = digits.iter().any(|byte| !byte.is_ascii_digit());
    let is_finite = parse_float(text).is_some_and(f64::is_finite);
    (is_fraction && is_finite).then_some(sign | Look::Fraction as u16)
}

fn word_looks(text: &[u8]) -> u16 {
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
    look as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(texts: &[&str]) -> String {
        let mut guess = Guess::default();
        texts.iter().for_each(|text| guess.add_text(text.as_bytes()));
        guess.data_type().map_or("nothing".into(), |found| found.to_string())
    }

    #[test]
    fn the_type_holds_every_value_and_loses_nothing() {
        for (texts, data_type) in [
            (&["1", "-2", "0"][..], "int64"),
            (&["9223372036854775807"], "int64"),
            (&["9223372036854775808", "1"], "uint64"),
            (&["18446744073709551615"], "uint64"),
            (&["18446744073709551616"], "string"),
            (&["9223372036854775808", "-1"], "string"),
            (&["1", "2.5"], "float64"),
            (&["-1", "1e5", ".5", "nan"], "float64"),
            (&["9007199254740993", "0.5"], "string"),
            (&["nan", "inf"], "string"),
            (&["1e999"], "string"),
            (&["007", "12"], "string"),
            (&["-01"], "string"),
            (&["+61400000000"], "string"),
            (&["0", "0.5", "-0"], "float64"),
            (&[" 1", "2 "], "int64"),
            (&["true", "FALSE"], "bool"),
            (&["true", "1"], "string"),
            (&["yes", "no"], "string"),
            (&["2024-01-01"], "date"),
            (&["2024-01-01", "2024-01-01 10:00"], "timestamp"),
            (&["2024-01-01T10:00:00Z"], "timestamptz"),
            (&["2024-01-01T10:00:00Z", "2024-01-01T10:00:00"], "string"),
            (&["20240101"], "int64"),
            (&["2024-13-01"], "string"),
            (&["1", "a"], "string"),
            (&[], "nothing"),
        ] {
            assert_eq!(guess(texts), data_type, "{texts:?}");
        }
    }
}
