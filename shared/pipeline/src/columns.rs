//! Reads the list of columns.

use chrono::format::{Item, StrftimeItems};
use millrace_contract::{ColumnDef, DataType, FileFormat, Formats};
use toml::de::DeValue;

use crate::default;
use crate::entry::Entry;
use crate::names;
use crate::spelling;
use crate::walk::Section;

/// Reads the columns and notes those that get in each other's way. A column
/// named like a capture of the pattern does not: it gives the capture a type.
pub(crate) fn read(entry: &Entry<'_>, format: FileFormat) -> Vec<ColumnDef> {
    let mut columns: Vec<ColumnDef> = Vec::new();
    for item in entry.items().unwrap_or_default() {
        let Some(section) = item.section() else { continue };
        let Some(column) = column(&section, format) else { continue };
        note_clashes(&section, &column, &columns);
        columns.push(column);
    }
    columns
}

fn column(section: &Section<'_>, file: FileFormat) -> Option<ColumnDef> {
    let data_type = section.need("type", r#""string""#).and_then(|entry| entry.parsed());
    let format = section.get("format").map(|entry| formats(&entry, data_type)).unwrap_or_default();
    let from = section.get("from").and_then(|entry| entry.text()).map(str::to_owned);
    let required = section.get("required").and_then(|entry| entry.flag()).unwrap_or_default();
    let spelling = spelling::read(section, data_type);
    let place = place(section, file);
    let default = section.get("default").and_then(|entry| default::read(&entry, data_type));
    let description = section.get("description").and_then(|entry| entry.text());
    if let (true, FileFormat::Json | FileFormat::Ndjson) = (default.is_some(), file) {
        note_spelled(section);
    }
    let name = section.need("name", r#""amount""#)?;
    let text = name.text()?;
    if let Err(why) = names::column(text) {
        name.note(why);
    }
    Some(ColumnDef {
        name: text.to_owned(),
        from,
        format,
        required,
        start: place.map(|(start, _)| start),
        width: place.map(|(_, width)| width),
        default,
        description: description.map(str::to_owned),
        ..spelling
    })
}

/// Objects that lack a key are read with those that have it, so a default is
/// written as they write the value; and it has to be written plainly.
fn note_spelled(section: &Section<'_>) {
    for key in ["format", "number", "true", "false"] {
        if let Some(entry) = section.get(key) {
            entry.note(format!("with `{key}`, a column of JSON can't have a `default`"));
        }
    }
}

/// The last place a line of fixed width may have.
const LAST_PLACE: u64 = 1 << 24;

/// Where a column stands in lines of fixed width.
fn place(section: &Section<'_>, file: FileFormat) -> Option<(u32, u32)> {
    let mut numbers = ["start", "width"].map(|name| {
        let entry = match file {
            FileFormat::Fixed => section.need(name, "1"),
            FileFormat::Csv
            | FileFormat::Tsv
            | FileFormat::Ndjson
            | FileFormat::Json
            | FileFormat::Parquet
            | FileFormat::Xlsx => section.get(name).filter(|entry| {
                entry.note("only columns of format `fixed` have places");
                false
            }),
        };
        let number = entry.and_then(|entry| entry.number(1..=LAST_PLACE));
        number.and_then(|number| u32::try_from(number).ok())
    });
    numbers[0].take().zip(numbers[1].take())
}

/// Header names are compared without regard to letter case, so columns are too.
fn note_clashes(section: &Section<'_>, column: &ColumnDef, before: &[ColumnDef]) {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    let Some(name) = section.get("name") else { return };
    if before.iter().any(|other| same(&other.name, &column.name)) {
        name.note(format!("there is a column `{}` already", column.name));
    } else if let Some(other) =
        before.iter().find(|other| same(other.source_name(), column.source_name()))
    {
        let entry = section.get("from").unwrap_or(name.clone());
        entry.note(format!(
            "column `{}` is read from `{}` already",
            other.name,
            column.source_name()
        ));
    }
}

/// Whether values of a type are dates or times, or have some in them.
fn has_times(data_type: DataType) -> bool {
    match data_type {
        DataType::Date | DataType::Time | DataType::Timestamp { .. } => true,
        DataType::List(element) => has_times(*element),
        DataType::Struct(members) => members.iter().any(|member| has_times(member.data_type)),
        DataType::Bool
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal { .. }
        | DataType::String
        | DataType::Binary
        | DataType::Uuid
        | DataType::Json => false,
    }
}

fn formats(entry: &Entry<'_>, data_type: Option<DataType>) -> Formats {
    let patterns = match entry.value.get_ref() {
        DeValue::Array(_) => entry.texts().unwrap_or_default(),
        _ => entry.text().map(|text| vec![(text, entry.clone())]).unwrap_or_default(),
    };
    if let Some(other) = data_type
        && !has_times(other)
    {
        entry.note(format!("only dates and times have a format, and the type is {other}"));
    }
    for (pattern, place) in &patterns {
        if pattern.is_empty() || StrftimeItems::new(pattern).any(|item| item == Item::Error) {
            place.note_with(
                format!("`{pattern}` is not a strftime pattern"),
                "write one such as `%d/%m/%Y` or `%Y-%m-%d %H:%M:%S`",
            );
        }
    }
    Formats(patterns.into_iter().map(|(pattern, _)| pattern.to_owned()).collect())
}
