//! NDJSON: an object a line.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use serde_json::Value;

use super::texts::{Texts, texts};
use crate::FormatError;

pub(super) struct NdjsonFile {
    /// `"name":` of each column.
    names: Vec<String>,
    bytes: Vec<u8>,
    taken: u64,
    cell: Vec<u8>,
}

impl NdjsonFile {
    pub(super) fn new(schema: &Schema) -> Self {
        let name = |name: &String| format!("{}:", Value::String(name.clone()));
        let names = schema.fields().iter().map(|field| name(field.name())).collect();
        Self { names, bytes: Vec::new(), taken: 0, cell: Vec::new() }
    }

    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<(), FormatError> {
        let columns = texts(rows)?;
        for row in 0..rows.num_rows() {
            self.bytes.push(b'{');
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    self.bytes.push(b',');
                }
                self.bytes.extend_from_slice(self.names[index].as_bytes());
                self.put_value(column, row)?;
            }
            self.bytes.extend_from_slice(b"}\n");
        }
        Ok(())
    }

    fn put_value(&mut self, column: &Texts<'_>, row: usize) -> Result<(), FormatError> {
        if column.is_null(row) {
            self.bytes.extend_from_slice(b"null");
            return Ok(());
        }
        self.cell.clear();
        column.put(row, &mut self.cell)?;
        if column.is_json(row) {
            // A line break within would end the line.
            let one_line =
                self.cell.iter().map(|&b| if matches!(b, b'\n' | b'\r') { b' ' } else { b });
            self.bytes.extend(one_line);
            return Ok(());
        }
        let text = String::from_utf8_lossy(&self.cell);
        serde_json::to_writer(&mut self.bytes, &text)
            .map_err(|error| FormatError::Encode(error.to_string()))
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.taken += self.bytes.len() as u64;
        std::mem::take(&mut self.bytes)
    }

    pub(super) fn size(&self) -> u64 {
        self.taken + self.bytes.len() as u64
    }
}
