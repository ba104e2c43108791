//! Reads `[datasets.NAME.load]`.

use millrace_contract::{DataType, LoadMode, LoadTarget};
use toml::de::DeValue;

use crate::entry::Entry;
use crate::known::Known;
use crate::names;
use crate::statement;
use crate::walk::Section;

/// Reads where a dataset is loaded.
pub(crate) fn read(section: &Section<'_>, known: &Known<'_>) -> Option<LoadTarget> {
    let mode = match section.get("mode") {
        Some(entry) => entry.choice(),
        None => Some(LoadMode::default()),
    };
    let key = key(section, mode, known);
    let order_by = section.get("order_by").and_then(|entry| order_by(&entry, mode, known));
    let sql = merge(section, mode);
    let primary_key = primary_key(section, known);
    let indexes = section.get("indexes").map(|entry| indexes(&entry, known)).unwrap_or_default();
    let schema = section.get("schema").and_then(|entry| schema(&entry));
    let create_schema = section.get("create_schema").and_then(|entry| {
        if section.get("schema").is_none() {
            entry.note_with("there is no `schema` to create", r#"write schema = "finance""#);
        }
        entry.flag()
    });
    let table = section.need("table", r#""expenses""#)?;
    let name = table.text()?;
    if let Err(why) = names::table(name) {
        table.note(why);
    }
    Some(LoadTarget {
        table: name.to_owned(),
        mode: mode.unwrap_or_default(),
        key,
        schema,
        create_schema: create_schema.unwrap_or_default(),
        order_by,
        sql,
        primary_key,
        indexes,
    })
}

fn key(section: &Section<'_>, mode: Option<LoadMode>, known: &Known<'_>) -> Vec<String> {
    let key = section.get("key");
    let columns = key.as_ref().and_then(|entry| entry.texts()).unwrap_or_default();
    match mode {
        Some(LoadMode::Upsert) => check_upsert(section, key.as_ref(), &columns, known),
        Some(
            LoadMode::Append | LoadMode::ReplaceFile | LoadMode::ReplaceTable | LoadMode::Merge,
        ) => note_useless(key.as_ref()),
        None => {}
    }
    known.names_in(&columns)
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

fn order_by(entry: &Entry<'_>, mode: Option<LoadMode>, known: &Known<'_>) -> Option<String> {
    let name = entry.text()?;
    if mode.is_some_and(|mode| mode != LoadMode::Upsert) {
        entry.note_with(
            "only mode `upsert` asks which row of a key is the newest",
            r#"write mode = "upsert""#,
        );
    }
    known.names_in(&[(name, entry.clone())]);
    if let Some(
        other @ (DataType::Bool
        | DataType::Json
        | DataType::Uuid
        | DataType::Binary
        | DataType::List(_)
        | DataType::Struct(_)),
    ) = known.type_of(name)
    {
        entry.note(format!(
            "column `{name}` is {other}, which has no newest; use a time, a number or a text"
        ));
    }
    Some(name.to_owned())
}

/// The statements of mode `merge`, each looked at as far as that goes without
/// the database.
fn merge(section: &Section<'_>, mode: Option<LoadMode>) -> Vec<String> {
    let is_merge = mode == Some(LoadMode::Merge);
    let entry = match is_merge {
        true => section.need("sql", r#""INSERT INTO {table} SELECT * FROM {input} …""#),
        false => section.get("sql"),
    };
    let Some(entry) = entry else { return Vec::new() };
    if mode.is_some() && !is_merge {
        entry.note_with("only mode `merge` has SQL of its own", r#"write mode = "merge""#);
    }
    if entry.is_empty_list() {
        entry.note("mode `merge` needs a statement");
    }
    let statements = match entry.value.get_ref() {
        DeValue::Array(_) => entry.texts().unwrap_or_default(),
        _ => entry.text().map(|text| vec![(text, entry.clone())]).unwrap_or_default(),
    };
    for (sql, place) in &statements {
        if let Err(why) = statement::changes_rows(sql) {
            place.note(why);
        }
    }
    if is_merge && !statements.is_empty() && !statements.iter().any(|(sql, _)| has_input(sql)) {
        entry.note_with(
            "none of the statements reads the rows of the file",
            "write `{input}` where they shall come from",
        );
    }
    statements.into_iter().map(|(sql, _)| statement::trimmed(sql).to_owned()).collect()
}

fn has_input(sql: &str) -> bool {
    sql.contains("{input}")
}

fn primary_key(section: &Section<'_>, known: &Known<'_>) -> Vec<String> {
    let Some(entry) = section.get("primary_key") else { return Vec::new() };
    if entry.is_empty_list() {
        entry.note_with("a primary key has columns", r#"write primary_key = ["id"]"#);
    }
    let columns = entry.texts().unwrap_or_default();
    for (name, place) in columns.iter().filter(|(name, _)| known.may_be_null(name)) {
        place.note_with(
            format!("column `{name}` may be null, which no primary key allows"),
            format!("write `required = true` at column `{name}`"),
        );
    }
    known.names_in(&columns)
}

fn indexes(entry: &Entry<'_>, known: &Known<'_>) -> Vec<Vec<String>> {
    let mut indexes: Vec<Vec<String>> = Vec::new();
    for item in entry.items().unwrap_or_default() {
        if item.is_empty_list() {
            item.note_with("an index has columns", r#"write indexes = [["day", "kind"]]"#);
            continue;
        }
        let Some(columns) = item.texts() else { continue };
        let columns = known.names_in(&columns);
        if indexes.contains(&columns) {
            item.note("this index is there twice");
            continue;
        }
        indexes.push(columns);
    }
    indexes
}

/// The name of a schema of the database.
pub(crate) fn schema(entry: &Entry<'_>) -> Option<String> {
    let name = entry.text()?;
    if let Err(why) = names::schema(name) {
        entry.note(why);
    }
    Some(name.to_owned())
}
