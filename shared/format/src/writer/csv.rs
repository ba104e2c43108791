//! CSV, as RFC 4180 has it, in which null and the empty text differ.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::texts::{Texts, texts};
use crate::FormatError;

pub(super) struct CsvFile {
    bytes: Vec<u8>,
    taken: u64,
    cell: Vec<u8>,
}

impl CsvFile {
    pub(super) fn new(schema: &Schema) -> Self {
        let mut bytes = Vec::new();
        for (index, field) in schema.fields().iter().enumerate() {
            if index > 0 {
                bytes.push(b',');
            }
            put(&mut bytes, field.name().as_bytes());
        }
        bytes.push(b'\n');
        Self { bytes, taken: 0, cell: Vec::new() }
    }

    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<(), FormatError> {
        let columns = texts(rows)?;
        for row in 0..rows.num_rows() {
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    self.bytes.push(b',');
                }
                self.put_value(column, row)?;
            }
            self.bytes.push(b'\n');
        }
        Ok(())
    }

    fn put_value(&mut self, column: &Texts<'_>, row: usize) -> Result<(), FormatError> {
        if column.is_null(row) {
            return Ok(());
        }
        self.cell.clear();
        column.put(row, &mut self.cell)?;
        put(&mut self.bytes, &self.cell);
        Ok(())
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.taken += self.bytes.len() as u64;
        std::mem::take(&mut self.bytes)
    }

    pub(super) fn size(&self) -> u64 {
        self.taken + self.bytes.len() as u64
    }
}

/// Writes a field, in quotes where it needs them: an empty one too, since nothing
/// is null.
fn put(bytes: &mut Vec<u8>, field: &[u8]) {
    let special = |byte: &u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    let at_edge = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let is_plain = !field.is_empty()
        && !field.iter().any(special)
        && !at_edge(field.first())
        && !at_edge(field.last());
    if is_plain {
        return bytes.extend_from_slice(field);
    }
    bytes.push(b'"');
    for &byte in field {
        if byte == b'"' {
            bytes.push(b'"');
        }
        bytes.push(byte);
    }
    bytes.push(b'"');
}
