//! Writes a dataset as the block of the pipeline file that says it: what
//! inference found, for a person to review and keep.
//!
//! The block is made from the dataset's serialised form, so that no option can
//! be forgotten here, and what the reader would fill in by itself is left out.

use millrace_contract::{ColumnDef, DataType, Dataset, FileFormat, RESCUED};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Pipeline, names};

/// The `[datasets.NAME]` block of a dataset. Read back, it gives the same
/// dataset.
///
/// `notes` become comments: the first of them stand at the columns, in their
/// order, and those that are left at the top of the schema. They are what
/// inference says of each column, and of the sample. A column whose name no
/// pipeline file may have gets a comment that says why.
pub fn render_dataset(dataset: &Dataset, notes: &[String]) -> String {
    let name = key(&dataset.name);
    let whole = members(dataset);
    let defaults = defaults(dataset.format);
    let mut block = format!("[datasets.{name}]\nmatch = {}\n", quoted(&dataset.pattern));
    push_entry(&mut block, "format", &whole["format"]);
    for (option, said) in &whole {
        if BY_HAND.contains(&option.as_str()) {
            continue;
        }
        if let Some(said) = difference(said, defaults.get(option)) {
            push_entry(&mut block, option, &said);
        }
    }
    if dataset.filter.is_some() && !dataset.shared {
        // With a filter the reader takes it for shared.
        push_entry(&mut block, "shared", &Value::Bool(false));
    }
    block += &format!("\n[datasets.{name}.schema]\n");
    push_schema(&mut block, dataset, notes, defaults.get("schema"));
    block
}

/// Members that are not written as they are serialised.
const BY_HAND: [&str; 4] = ["name", "pattern", "format", "schema"];

fn push_schema(block: &mut String, dataset: &Dataset, notes: &[String], defaults: Option<&Value>) {
    // The reader adds the column that keeps what fits no other.
    let is_declared = |column: &&ColumnDef| !dataset.schema.rescue || column.name != RESCUED;
    let columns: Vec<_> = dataset.schema.columns.iter().filter(is_declared).collect();
    let (of_columns, others) = notes.split_at(notes.len().min(columns.len()));
    for note in others {
        push_comment(block, "", note);
    }
    let schema = members(&dataset.schema);
    push_entry(block, "mode", &schema["mode"]);
    for (option, said) in &schema {
        if ["mode", "columns"].contains(&option.as_str()) {
            continue;
        }
        if let Some(said) = difference(said, defaults.and_then(|schema| schema.get(option))) {
            push_entry(block, option, &said);
        }
    }
    if columns.is_empty() {
        return;
    }
    block.push_str("columns = [\n");
    let mut notes = of_columns.iter();
    for column in columns {
        if let Some(note) = notes.next() {
            push_comment(block, "  ", note);
        }
        if let Err(why) = names::column(&column.name) {
            push_comment(block, "  ", &format!("give it another `name`: {why}"));
        }
        *block += &format!("  {},\n", column_table(column));
    }
    block.push_str("]\n");
}

/// `{ name = "day", type = "date", format = "%d/%m/%Y" }`
fn column_table(column: &ColumnDef) -> String {
    let plain = members(&ColumnDef::new("", DataType::String));
    let mut whole = members(column);
    let mut parts = Vec::new();
    for first in ["name", "from", "type"] {
        if let Some(said) = whole.remove(first) {
            parts.push(entry(first, &said));
        }
    }
    for (option, said) in &whole {
        let Some(said) = difference(said, plain.get(option)) else { continue };
        parts.push(match (option.as_str(), said.as_array().map(Vec::as_slice)) {
            ("format", Some([one])) => entry(option, one),
            _ => entry(option, &said),
        });
    }
    format!("{{ {} }}", parts.join(", "))
}

/// What the reader makes of a dataset of which nothing is said.
fn defaults(format: FileFormat) -> Map<String, Value> {
    // The format decides about the delimiter alone.
    let format = if format == FileFormat::Tsv { "tsv" } else { "csv" };
    let text = format!(
        "version = 1\nname = \"p\"\n[datasets.d]\nmatch = \"x\"\nformat = {}",
        quoted(format)
    );
    let read = Pipeline::parse(&text).ok();
    read.and_then(|pipeline| pipeline.datasets.first().map(members)).unwrap_or_default()
}

fn members(said: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(said) {
        Ok(Value::Object(members)) => members,
        // Contract types are structs of texts, numbers, lists and the like.
        Ok(_) | Err(_) => Map::new(),
    }
}

/// What is said beyond the default: of a table, the members that differ.
fn difference(said: &Value, default: Option<&Value>) -> Option<Value> {
    if Some(said) == default {
        return None;
    }
    let Value::Object(said) = said else { return Some(said.clone()) };
    let default = default.and_then(Value::as_object);
    let differing = said.iter().filter_map(|(option, said)| {
        let known = default.and_then(|default| default.get(option));
        let is_nothing = said.is_null() || said.as_array().is_some_and(Vec::is_empty);
        if known.is_none() && is_nothing {
            return None;
        }
        Some((option.clone(), difference(said, known)?))
    });
    Some(Value::Object(differing.collect()))
}

fn push_entry(block: &mut String, option: &str, said: &Value) {
    *block += &entry(option, said);
    block.push('\n');
}

fn entry(option: &str, said: &Value) -> String {
    format!("{} = {}", key(option), inline(said))
}

/// A value on one line.
fn inline(said: &Value) -> String {
    match said {
        // Where there is a default, an empty text is how nothing is said.
        Value::Null => quoted(""),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let parts: Vec<_> = members.iter().map(|(option, said)| entry(option, said)).collect();
            format!("{{ {} }}", parts.join(", "))
        }
    }
}

/// A key, quoted where TOML wants it.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match !name.is_empty() && name.chars().all(bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted += &format!("\\u{:04X}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A comment takes no control characters, whatever stood in the file.
fn push_comment(block: &mut String, indent: &str, text: &str) {
    if text.is_empty() {
        return;
    }
    *block += &format!("{indent}# ");
    for c in text.chars() {
        match c.is_control() {
            true => block.extend(c.escape_default()),
            false => block.push(c),
        }
    }
    block.push('\n');
}
