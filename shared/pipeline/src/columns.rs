//! Reads the list of columns.

use chrono::format::{Item, StrftimeItems};
use millrace_contract::{ColumnDef, DataType, Formats};
use toml::de::DeValue;

use crate::entry::Entry;
use crate::names;
use crate::walk::Section;

/// Reads the columns and notes those that get in each other's way. A column
/// named like a capture of the pattern does not: it gives the capture a type.
pub(crate) fn read(entry: &Entry<'_>) -> Vec<ColumnDef> {
    let mut columns: Vec<ColumnDef> = Vec::new();
    for item in entry.items().unwrap_or_default() {
        let Some(section) = item.section() else { continue };
        let Some(column) = column(&section) else { continue };
        note_clashes(&section, &column, &columns);
        columns.push(column);
    }
    columns
}

fn column(section: &Section<'_>) -> Option<ColumnDef> {
    let data_type = section.need("type", r#""string""#).and_then(|entry| entry.parsed());
    let format = section.get("format").map(|entry| formats(&entry, data_type)).unwrap_or_default();
    let from = section.get("from").and_then(|entry| entry.text()).map(str::to_owned);
    let required = section.get("required").and_then(|entry| entry.flag()).unwrap_or_default();
    let name = section.need("name", r#""amount""#)?;
    let text = name.text()?;
    if let Err(why) = names::column(text) {
        name.note(why);
    }
    // A column whose type cannot be read is still a column to what refers to it.
    let data_type = data_type.unwrap_or(DataType::String);
    Some(ColumnDef { name: text.to_owned(), from, data_type, format, required })
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

fn formats(entry: &Entry<'_>, data_type: Option<DataType>) -> Formats {
    let patterns = match entry.value.get_ref() {
        DeValue::Array(_) => entry.texts().unwrap_or_default(),
        _ => entry.text().map(|text| vec![(text, entry.clone())]).unwrap_or_default(),
    };
    if let Some(other) = data_type
        && !matches!(other, DataType::Date | DataType::Timestamp { .. })
    {
        entry.note(format!("only dates and timestamps have a format, and the type is {other}"));
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
