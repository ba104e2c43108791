//! Reads `[datasets.NAME.transform]`.
//!
//! What the SQL says is checked by `millrace-sql`, which this crate does not know.

use millrace_contract::SqlTransform;

use crate::walk::Section;

/// Reads a dataset's SQL.
pub(crate) fn read(section: &Section<'_>) -> Option<SqlTransform> {
    read_as(section, r#""select * from input""#)
}

/// Reads SQL that looks like the example.
pub(crate) fn read_as(section: &Section<'_>, example: &str) -> Option<SqlTransform> {
    let memory = section.get("memory").and_then(|entry| entry.size(4 << 20..=1 << 40));
    let entry = section.need("sql", example)?;
    let sql = entry.text()?.trim();
    if sql.is_empty() {
        entry.note_with("the query is empty", format!("write one such as {example}"));
        return None;
    }
    let memory = memory.unwrap_or(SqlTransform::DEFAULT_MEMORY);
    Some(SqlTransform { sql: sql.to_owned(), memory })
}
