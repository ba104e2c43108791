//! One Parquet file, a row group at a time in memory.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use super::FileOptions;
use crate::FormatError;
use crate::encode::properties;

/// Encoded bytes that a row group may hold before it ends, unless that is said.
const GROUP_BYTES: u64 = 32 << 20;

/// Rows that are looked at to choose encodings, and written at a time.
const ROWS: usize = 8192;

pub(super) struct ParquetFile {
    writer: ArrowWriter<Written>,
    written: Written,
    schema: SchemaRef,
    group_bytes: u64,
}

impl ParquetFile {
    pub(super) fn new(options: &FileOptions, first: &RecordBatch) -> Result<Self, FormatError> {
        let schema = bare(&first.schema());
        let some = first.slice(0, first.num_rows().min(ROWS));
        let some = with_schema(&some, &schema)?;
        let mut properties = properties(&options.parquet, &options.metadata, &some)?;
        let most = usize::try_from(options.parquet.row_group_rows).unwrap_or(usize::MAX);
        properties =
            properties.into_builder().set_max_row_group_row_count(Some(most.max(1))).build();
        let written = Written::default();
        let writer = ArrowWriter::try_new(written.clone(), schema.clone(), Some(properties));
        let writer = writer.map_err(|error| encode(&error))?;
        let group_bytes = options.parquet.row_group_size.unwrap_or(GROUP_BYTES);
        Ok(Self { writer, written, schema, group_bytes })
    }

    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<(), FormatError> {
        let rows = with_schema(rows, &self.schema)?;
        for start in (0..rows.num_rows()).step_by(ROWS) {
            let some = rows.slice(start, ROWS.min(rows.num_rows() - start));
            self.writer.write(&some).map_err(|error| encode(&error))?;
            if self.writer.in_progress_size() as u64 >= self.group_bytes {
                self.writer.flush().map_err(|error| encode(&error))?;
            }
        }
        Ok(())
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.written.take()
    }

    pub(super) fn size(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, FormatError> {
        self.writer.close().map_err(|error| encode(&error))?;
        Ok(self.written.take())
    }
}

fn encode(error: &ParquetError) -> FormatError {
    FormatError::Encode(error.to_string())
}

/// The rows under a schema that has the same types.
fn with_schema(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, FormatError> {
    RecordBatch::try_new(schema.clone(), rows.columns().to_vec())
        .map_err(|error| FormatError::Encode(error.to_string()))
}

/// The schema without what is said of its columns beside their types.
fn bare(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| Field::clone(field).with_metadata(HashMap::new()));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Bytes that wait to be taken.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
