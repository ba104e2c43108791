//! Reads which cells of a workbook are a dataset: `xlsx = { … }`.

use millrace_contract::{FileFormat, SheetRef, XlsxOptions};
use toml::de::DeValue;

use crate::csv::MOST_SKIPPED;
use crate::entry::Entry;
use crate::walk::Section;

/// Most sheets that a workbook can be thought to have, and tables a sheet.
const MOST_SHEETS: u64 = 10_000;

/// Most rows of a header.
const MOST_HEADER_ROWS: u64 = 10;

/// Reads the options of a dataset of `format`.
pub(crate) fn read(section: &Section<'_>, format: FileFormat) -> XlsxOptions {
    let defaults = XlsxOptions::default();
    let Some(entry) = section.get("xlsx") else { return defaults };
    if format != FileFormat::Xlsx {
        entry.note("`xlsx` says which cells of a workbook are read, but the format is another");
    }
    let Some(xlsx) = entry.section() else { return defaults };
    let skipped = xlsx.get("skip_rows").and_then(|entry| entry.number(0..=MOST_SKIPPED));
    let null = xlsx.get("null").and_then(|entry| entry.texts());
    let header = xlsx.get("header").and_then(|entry| entry.flag()).unwrap_or(defaults.header);
    XlsxOptions {
        sheet: xlsx.get("sheet").and_then(|entry| sheet(&entry)),
        range: xlsx.get("range").and_then(|entry| entry.parsed()),
        table: xlsx.get("table").and_then(|entry| table(&entry)),
        header,
        header_rows: xlsx.get("header_rows").map_or(1, |entry| header_rows(&entry, header)),
        skip_rows: skipped.and_then(|rows| u32::try_from(rows).ok()).unwrap_or_default(),
        null: null.map_or(defaults.null, |texts| {
            texts.into_iter().map(|(text, _)| text.to_owned()).collect()
        }),
    }
}

/// A number from 1, or from the end as a negative one.
fn table(entry: &Entry<'_>) -> Option<i32> {
    let most = i64::try_from(MOST_SHEETS).unwrap_or(i64::MAX);
    let number = match entry.value.get_ref() {
        DeValue::Integer(number) => number.as_str().parse().ok(),
        _ => None,
    };
    let number = number.filter(|number| *number != 0 && (-most..=most).contains(number));
    let number = number.and_then(|number| i32::try_from(number).ok());
    if number.is_none() {
        entry.note_with(
            "this is not the number of a table",
            "count them from 1, or from the end: -1 is the last",
        );
    }
    number
}

fn header_rows(entry: &Entry<'_>, header: bool) -> u32 {
    if !header {
        entry.note("`header_rows` says how many rows name the columns, but `header` is false");
    }
    let rows = entry.number(1..=MOST_HEADER_ROWS);
    rows.and_then(|rows| u32::try_from(rows).ok()).unwrap_or(1)
}

/// A name in quotes, or a number from 1.
fn sheet(entry: &Entry<'_>) -> Option<SheetRef> {
    match entry.value.get_ref() {
        DeValue::Integer(_) => {
            let number = entry.number(1..=MOST_SHEETS)?;
            u32::try_from(number).ok().map(SheetRef::Number)
        }
        _ => {
            let name = entry.text()?;
            if name.is_empty() {
                entry.note_with("the sheet has no name", "write its name, or its number from 1");
                return None;
            }
            Some(SheetRef::Name(name.to_owned()))
        }
    }
}
