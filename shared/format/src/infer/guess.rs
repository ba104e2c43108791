//! What the values of one column look like, and which type holds them all.

use millrace_contract::{ColumnDef, DataType, TimeUnit};

use super::dates::DatePatterns;
use super::inside::Inside;
use super::look::{Look, Looks, described, number_looks, set, word_looks};
use super::numbers::Numbers;
use crate::fault::shown;
use crate::value::parse_bool;

/// A column's values so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Guess {
    looks: Looks,
    /// Looks of strings that hold a number or a boolean: text by themselves, but
    /// values of a column that is known to hold such.
    quoted: Looks,
    /// Values that are not null.
    values: u64,
    /// Quoted fields with nothing in them: null unless the column is text.
    empty: u64,
    numbers: Numbers,
    dates: DatePatterns,
    /// Whether there is a value that a boolean column does not take.
    beyond_bool: bool,
    /// The first value of each look, in the order in which they came.
    firsts: Vec<First>,
    /// Whether the line of the last of them is still to be said.
    unplaced: bool,
    /// What lists and objects hold, if they are looked into.
    inside: Option<Box<Inside>>,
}

/// A value that looks like none before it.
#[derive(Debug, Clone)]
pub(super) struct First {
    /// What is new in it.
    pub(super) looks: Looks,
    /// The value as it is quoted; empty where it is none that can be.
    pub(super) text: String,
    /// The line it stands on, from 1.
    pub(super) line: u64,
}

impl First {
    /// `` `2.5` at line 4 has a fraction``
    pub(super) fn said(&self) -> String {
        format!("{} {}", self.place(), described(self.looks, &self.text))
    }

    fn place(&self) -> String {
        match self.text.as_str() {
            "" => format!("the value at line {}", self.line),
            text => format!("`{text}` at line {}", self.line),
        }
    }
}

impl Guess {
    /// Looks at the text of a field.
    pub(super) fn add_text(&mut self, text: &[u8]) {
        let number = number_looks(text.trim_ascii());
        if number.is_some() {
            self.numbers.add(text.trim_ascii());
        }
        self.add(number.unwrap_or_else(|| word_looks(text)), text);
    }

    /// Looks at a JSON number.
    pub(super) fn add_number(&mut self, text: &[u8]) {
        let number = number_looks(text);
        if number.is_some() {
            self.numbers.add(text);
        }
        self.add(number.unwrap_or(Look::Text as Looks), text);
    }

    /// Looks at a JSON string: it may be a date, but never a number.
    pub(super) fn add_string(&mut self, text: &[u8]) {
        let looks = word_looks(text);
        if let Some(number) = number_looks(text.trim_ascii()) {
            self.numbers.add(text.trim_ascii());
            self.quoted |= number;
            return self.add_quoted(text);
        }
        if looks & set(&[Look::Bool, Look::NotFinite]) != 0 {
            self.quoted |= looks;
            return self.add_quoted(text);
        }
        self.add(looks, text);
    }

    /// A string that would be another value without its quotes.
    fn add_quoted(&mut self, text: &[u8]) {
        const QUOTED: Looks = Look::Text as Looks;
        self.values += 1;
        self.beyond_bool |= parse_bool(text.trim_ascii()).is_none();
        self.note_first(QUOTED & !self.looks, text);
        self.looks |= QUOTED;
        self.dates.add(text);
    }

    /// Notes a JSON boolean.
    pub(super) fn add_bool(&mut self) {
        self.add(Look::Bool as Looks, b"");
    }

    /// Notes a JSON object or array, and looks into it if `depth` levels are
    /// around it.
    pub(super) fn add_nested(&mut self, text: &[u8], depth: Option<usize>) {
        self.add(Look::Nested as Looks, b"");
        if let Some(depth) = depth {
            self.inside.get_or_insert_default().add(text, depth);
        }
    }

    /// Notes a quoted field with nothing in it.
    pub(super) fn add_empty(&mut self) {
        self.empty += 1;
    }

    fn add(&mut self, looks: Looks, text: &[u8]) {
        self.values += 1;
        if looks & Look::Bool as Looks == 0 && !self.beyond_bool {
            self.beyond_bool = parse_bool(text.trim_ascii()).is_none();
        }
        if looks & Look::Text as Looks != 0 {
            self.dates.add(text);
            self.quoted |= Look::Text as Looks;
        }
        self.note_first(looks & !self.looks, text);
        self.looks |= looks;
    }

    fn note_first(&mut self, looks: Looks, text: &[u8]) {
        if looks != 0 {
            self.firsts.push(First { looks, text: shown(text), line: 0 });
            self.unplaced = true;
        }
    }

    /// Says on which line the value stands that was just added, if anybody wants
    /// to know.
    pub(super) fn at_line(&mut self, line: impl FnOnce() -> u64) {
        if self.unplaced
            && let Some(last) = self.firsts.last_mut()
        {
            last.line = line();
            self.unplaced = false;
        }
    }

    /// Adds the values of a later part of the column.
    pub(super) fn merge(&mut self, later: Self) {
        for first in later.firsts {
            let looks = first.looks & !self.looks;
            if looks != 0 {
                self.looks |= looks;
                self.firsts.push(First { looks, ..first });
            }
        }
        self.quoted |= later.quoted;
        self.values += later.values;
        self.empty += later.empty;
        self.numbers.merge(&later.numbers);
        self.dates.merge(later.dates);
        self.beyond_bool |= later.beyond_bool;
        if let Some(inside) = later.inside {
            self.inside.get_or_insert_default().merge(*inside);
        }
    }

    /// The type that holds every value. `None` if there is no value.
    pub(super) fn data_type(&self) -> Option<DataType> {
        match &self.inside {
            Some(inside) if self.looks == Look::Nested as Looks => Some(inside.data_type()),
            _ => type_of(self.looks),
        }
    }

    /// What the values look like to a column whose type is known: strings that
    /// hold a number count as the number.
    pub(super) fn looks_to_known(&self) -> Looks {
        // A text that is nothing else is noted among the quoted ones as well.
        (self.looks & !(Look::Text as Looks)) | self.quoted
    }

    /// Bounds of the numbers.
    pub(super) fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Whether a boolean column takes every value.
    pub(super) fn is_bool(&self) -> bool {
        !self.beyond_bool
    }

    /// The first value of each look, in the order in which they came.
    pub(super) fn firsts(&self) -> &[First] {
        &self.firsts
    }

    /// A line for a person.
    pub(super) fn note(&self, column: &ColumnDef, rows: u64) -> String {
        let is_text = matches!(column.data_type, DataType::String | DataType::Json);
        let values = self.values + if is_text { self.empty } else { 0 };
        let nulls = rows.saturating_sub(values);
        let why = self.why().map_or(String::new(), |why| format!("; {why}"));
        let is_all_text = self.looks == Look::Text as Looks;
        let hint = self.dates.suggestion().filter(|_| is_all_text);
        let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
        let (name, data_type) = (&column.name, &column.data_type);
        format!("{name}: {data_type}, {values} values, {nulls} null{why}{hint}")
    }

    /// Why the type is not a narrower one: the value that made it what it is.
    pub(super) fn why(&self) -> Option<String> {
        let found = type_of(self.looks)?;
        let mut looks = 0;
        for first in &self.firsts {
            let before = type_of(looks);
            looks |= first.looks;
            if type_of(looks) != Some(found) {
                continue;
            }
            return match (before, found) {
                (Some(before), _) => Some(format!(
                    "{before} until {}, which {}",
                    first.place(),
                    described(first.looks, &first.text)
                )),
                // There is nothing narrower.
                (None, DataType::Bool | DataType::Int64 | DataType::Date) => None,
                (None, _) => Some(first.said()),
            };
        }
        None
    }
}

/// The type that holds every value of these looks. `None` if there is none.
fn type_of(looks: Looks) -> Option<DataType> {
    let timestamp = |utc| DataType::Timestamp { unit: TimeUnit::Micro, utc };
    let only = |allowed: &[Look]| looks & !set(allowed) == 0;
    let has = |look: Look| looks & look as Looks != 0;
    use Look::{
        Bool, Date, Fraction, HugeInt, Instant, Int, LongInt, Negative, Nested, NotFinite,
        Timestamp, Unsigned,
    };
    let found = match () {
        () if looks == 0 => return None,
        () if has(Nested) => DataType::Json,
        () if only(&[Bool]) => DataType::Bool,
        () if only(&[Int, LongInt, Negative]) => DataType::Int64,
        () if only(&[Int, LongInt, Unsigned]) => DataType::UInt64,
        () if only(&[Int, LongInt, Negative, Unsigned, HugeInt]) => {
            DataType::Decimal { precision: 38, scale: 0 }
        }
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
            (&["18446744073709551616", "1"], "decimal(38,0)"),
            (&["-9223372036854775809"], "decimal(38,0)"),
            (&["99999999999999999999999999999999999999"], "decimal(38,0)"),
            (&["100000000000000000000000000000000000000"], "string"),
            (&["9223372036854775808", "-1"], "decimal(38,0)"),
            (&["18446744073709551616", "0.5"], "string"),
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
