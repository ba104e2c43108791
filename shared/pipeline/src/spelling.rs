//! Reads how the values of a column are written: null texts, words, numbers,
//! zones. What a type has no use for is noted.

use std::str::FromStr;

use chrono_tz::Tz;
use millrace_contract::{ColumnDef, DataType, NumberFormat};

use crate::entry::Entry;
use crate::walk::Section;

/// A column without a name that has what the section says of its values. A
/// column whose type cannot be read is still a column to what refers to it.
pub(crate) fn read(section: &Section<'_>, data_type: Option<DataType>) -> ColumnDef {
    let known = data_type;
    let data_type = data_type.unwrap_or(DataType::String);
    let of = |name, fits: fn(DataType) -> bool, kind| entry_of(section, name, known, fits, kind);
    let is_bool = |data_type| data_type == DataType::Bool;
    let yes = of("true", is_bool, "booleans have words").map(|entry| texts(&entry));
    let no = of("false", is_bool, "booleans have words").map(|entry| texts(&entry));
    note_same_words(section, yes.as_deref(), no.as_deref());
    let trim = of("trim", |data_type| data_type == DataType::String, "texts have to be trimmed");
    let zone = of(
        "zone",
        |data_type| matches!(data_type, DataType::Timestamp { utc: true, .. }),
        "columns of type timestamptz have a zone",
    );
    let number = of("number", DataType::is_number, "numbers are written as numbers");
    ColumnDef {
        null: section.get("null").map(|entry| texts(&entry)),
        trim: trim.and_then(|entry| entry.flag()).unwrap_or_default(),
        number: number.map(|entry| number_format(&entry, data_type)).unwrap_or_default(),
        true_words: yes.unwrap_or_default(),
        false_words: no.unwrap_or_default(),
        zone: zone.and_then(|entry| zone_name(&entry)),
        ..ColumnDef::new("", data_type)
    }
}

/// A key's entry, noted where the column's type has no use for it.
fn entry_of<'w>(
    section: &Section<'w>,
    name: &str,
    data_type: Option<DataType>,
    fits: fn(DataType) -> bool,
    kind: &str,
) -> Option<Entry<'w>> {
    let entry = section.get(name)?;
    if let Some(other) = data_type.filter(|&data_type| !fits(data_type)) {
        entry.note(format!("only {kind}, and the type is {other}"));
    }
    Some(entry)
}

fn texts(entry: &Entry<'_>) -> Vec<String> {
    let texts = entry.texts().unwrap_or_default();
    texts.into_iter().map(|(text, _)| text.to_owned()).collect()
}

/// A column that has words of its own needs them for both values.
fn note_same_words(section: &Section<'_>, yes: Option<&[String]>, no: Option<&[String]>) {
    let Some(entry) = section.get("true").or_else(|| section.get("false")) else { return };
    let (Some(yes), Some(no)) = (yes, no) else {
        return entry.note("`true` and `false` have to be said both");
    };
    let folded = |word: &String| word.to_lowercase();
    if let Some(word) = yes.iter().find(|word| no.iter().any(|no| folded(no) == folded(word))) {
        entry.note(format!("`{word}` cannot mean both true and false"));
    }
}

/// The IANA name of a time zone.
pub(crate) fn zone_name(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    if Tz::from_str(text).is_err() {
        entry.note_with(
            format!("`{text}` is not a time zone"),
            "write an IANA name such as `Europe/Berlin`",
        );
        return None;
    }
    Some(text.to_owned())
}

fn number_format(entry: &Entry<'_>, data_type: DataType) -> NumberFormat {
    let defaults = NumberFormat::default();
    let Some(number) = entry.section() else { return defaults };
    let flag = |name| number.get(name).and_then(|entry| entry.flag()).unwrap_or_default();
    let format = NumberFormat {
        decimal: number.get("decimal").and_then(|e| separator(&e)).unwrap_or(defaults.decimal),
        thousands: number.get("thousands").and_then(|entry| separator(&entry)),
        currency: number.get("currency").map(|entry| texts(&entry)).unwrap_or_default(),
        parentheses: flag("parentheses"),
        percent: flag("percent"),
    };
    if format.thousands == Some(format.decimal) {
        entry.note("`decimal` and `thousands` are the same character");
    }
    if format.percent && !data_type.is_fractional() {
        entry.note(format!("a per cent is a fraction, and the type is {data_type}"));
    }
    if format.currency.iter().any(|sign| sign.trim().is_empty()) {
        entry.note("a currency sign is empty");
    }
    format
}

/// One character that is no part of a number otherwise.
fn separator(entry: &Entry<'_>) -> Option<char> {
    let text = entry.text()?;
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) if !c.is_alphanumeric() && !"+-()%".contains(c) => Some(c),
        _ => {
            entry.note(format!("{text:?} is not one character that can stand within a number"));
            None
        }
    }
}
