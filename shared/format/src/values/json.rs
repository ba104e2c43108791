//! Values as JSON: nested columns that are kept as text, and rows that are
//! rejected.

use std::io::Write;

use arrow::array::types::{Float32Type, Float64Type};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Fields};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::texts::{append_hex, bytes_of};

/// Appends a row as an object.
pub(crate) fn append_row(batch: &RecordBatch, row: usize, json: &mut Vec<u8>) {
    append_members(batch.schema_ref().fields(), batch.columns(), row, json);
}

fn append_members(fields: &Fields, columns: &[ArrayRef], row: usize, json: &mut Vec<u8>) {
    json.push(b'{');
    for (index, (field, column)) in fields.iter().zip(columns).enumerate() {
        if index > 0 {
            json.push(b',');
        }
        append_string(field.name(), json);
        json.push(b':');
        append(column, row, json);
    }
    json.push(b'}');
}

/// Appends a value. Numbers that JSON does not have are strings, bytes are their
/// text or else hexadecimal digits, and the keys of a map are texts.
pub(super) fn append(array: &ArrayRef, row: usize, json: &mut Vec<u8>) {
    if array.is_null(row) {
        return json.extend(b"null");
    }
    match array.data_type() {
        DataType::Utf8 => append_string(array.as_string::<i32>().value(row), json),
        DataType::LargeUtf8 => append_string(array.as_string::<i64>().value(row), json),
        DataType::Utf8View => append_string(array.as_string_view().value(row), json),
        DataType::Float32 => {
            append_float(array.as_primitive::<Float32Type>().value(row).into(), json, array, row)
        }
        DataType::Float64 => {
            append_float(array.as_primitive::<Float64Type>().value(row), json, array, row)
        }
        DataType::Struct(fields) => {
            append_members(fields, array.as_struct().columns(), row, json);
        }
        DataType::List(_) => append_items(&array.as_list::<i32>().value(row), json),
        DataType::LargeList(_) => append_items(&array.as_list::<i64>().value(row), json),
        DataType::FixedSizeList(..) => {
            append_items(&array.as_fixed_size_list().value(row), json);
        }
        DataType::Map(..) => append_entries(&array.as_map().value(row), json),
        found => match bytes_of(array, row) {
            Some(bytes) => append_bytes(bytes, json),
            None => {
                append_other(array, row, found.is_numeric() || *found == DataType::Boolean, json)
            }
        },
    }
}

fn append_items(items: &ArrayRef, json: &mut Vec<u8>) {
    json.push(b'[');
    for item in 0..items.len() {
        if item > 0 {
            json.push(b',');
        }
        append(items, item, json);
    }
    json.push(b']');
}

fn append_entries(entries: &StructArray, json: &mut Vec<u8>) {
    json.push(b'{');
    for entry in 0..entries.len() {
        if entry > 0 {
            json.push(b',');
        }
        let (keys, mut key) = (entries.column(0), Vec::new());
        append(keys, entry, &mut key);
        // What is no string becomes one.
        match key.first() {
            Some(b'"') => json.extend(key),
            _ => append_string(&String::from_utf8_lossy(&key), json),
        }
        json.push(b':');
        append(entries.column(1), entry, json);
    }
    json.push(b'}');
}

fn append_float(value: f64, json: &mut Vec<u8>, array: &ArrayRef, row: usize) {
    append_other(array, row, value.is_finite(), json);
}

fn append_bytes(bytes: &[u8], json: &mut Vec<u8>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => append_string(text, json),
        Err(_) => {
            json.extend(b"\"0x");
            append_hex(bytes, json);
            json.push(b'"');
        }
    }
}

fn append_other(array: &ArrayRef, row: usize, is_bare: bool, json: &mut Vec<u8>) {
    const OPTIONS: FormatOptions<'static> = FormatOptions::new();
    let text = ArrayFormatter::try_new(array.as_ref(), &OPTIONS)
        .and_then(|texts| texts.value(row).try_to_string());
    match text {
        // Writing to memory does not fail.
        Ok(text) if is_bare => drop(write!(json, "{text}")),
        Ok(text) => append_string(&text, json),
        Err(_) => json.extend(b"null"),
    }
}

fn append_string(text: &str, json: &mut Vec<u8>) {
    // Writing a string to memory does not fail.
    let _ = serde_json::to_writer(json, text);
}
