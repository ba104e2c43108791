//! Reads which cells of a workbook are a dataset: `xlsx = { … }`.

use millrace_contract::{FileFormat, SheetRef, XlsxOptions};
use toml::de::DeValue;

use crate::csv::MOST_SKIPPED;
use crate::entry::Entry;
use crate::walk::Section;

/// Most sheets that a workbook can be thought to have.
const MOST_SHEETS: u64 = 10_000;

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
    XlsxOptions {
        sheet: xlsx.get("sheet").and_then(|entry| sheet(&entry)),
        range: xlsx.get("range").and_then(|entry| entry.parsed()),
        header: xlsx.get("header").and_then(|entry| entry.flag()).unwrap_or(defaults.header),
        skip_rows: skipped.and_then(|rows| u32::try_from(rows).ok()).unwrap_or_default(),
        null: null.map_or(defaults.null, |texts| {
            texts.into_iter().map(|(text, _)| text.to_owned()).collect()
        }),
    }
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
