//! Reads `[datasets.NAME.load]`.

use millrace_contract::{LoadMode, LoadTarget};

use crate::entry::Entry;
use crate::known::Known;
use crate::names;
use crate::walk::Section;

/// Reads where a dataset is loaded.
pub(crate) fn read(section: &Section<'_>, known: &Known<'_>) -> Option<LoadTarget> {
    let mode = match section.get("mode") {
        Some(entry) => entry.choice(),
        None => Some(LoadMode::default()),
    };
    let key = section.get("key");
    let columns = key.as_ref().and_then(|entry| entry.texts()).unwrap_or_default();
    match mode {
        Some(LoadMode::Upsert) => check_upsert(section, key.as_ref(), &columns, known),
        Some(LoadMode::Append | LoadMode::ReplaceFile) => note_useless(key.as_ref()),
        None => {}
    }
    let key = known.names_in(&columns);
    let table = section.need("table", r#""expenses""#)?;
    let name = table.text()?;
    if let Err(why) = names::table(name) {
        table.note(why);
    }
    Some(LoadTarget { table: name.to_owned(), mode: mode.unwrap_or_default(), key })
}

fn check_upsert(
    section: &Section<'_>,
    key: Option<&Entry<'_>>,
    columns: &[(&str, Entry<'_>)],
    known: &Known<'_>,
) {
    match key {
        None => {
            section.need("key", r#"["id"]"#);
        }
        Some(entry) if entry.is_empty_list() => {
            entry.note_with("mode `upsert` needs key columns", r#"write key = ["id"]"#);
        }
        Some(_) => {}
    }
    for (name, entry) in columns.iter().filter(|(name, _)| known.may_be_null(name)) {
        entry.note_with(
            format!("column `{name}` may be null, and a row without its key has no place"),
            format!("write `required = true` at column `{name}`; rows without it are rejected"),
        );
    }
}

fn note_useless(key: Option<&Entry<'_>>) {
    if let Some(entry) = key {
        entry.note_with("only mode `upsert` has a key", r#"write mode = "upsert""#);
    }
}
