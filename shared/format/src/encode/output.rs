//! One Parquet file while it is written.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;

use super::properties::Properties;
use crate::{FormatError, OutputFile, SinkWriter};

/// A Parquet file and its open row group.
pub(super) struct Output {
    writer: SerializedFileWriter<Counted>,
    factory: ArrowRowGroupWriterFactory,
    partition: Vec<(String, Option<String>)>,
    group: Option<OpenGroup>,
    groups: usize,
    failure: Failure,
}

struct OpenGroup {
    id: u64,
    rows: usize,
    bytes: usize,
    /// Its rows, if they are to be sorted before they are encoded.
    held: Vec<RecordBatch>,
}

impl Output {
    /// Starts a file.
    pub(super) fn create(
        writer: Box<dyn SinkWriter>,
        partition: Vec<(String, Option<String>)>,
        schema: &SchemaRef,
        properties: &Properties,
    ) -> Result<Self, FormatError> {
        let options = ArrowWriterOptions::new().with_properties(properties.writer());
        let failure = Failure::default();
        let counted = Counted { inner: writer, bytes: 0, failure: failure.clone() };
        let arrow = ArrowWriter::try_new_with_options(counted, schema.clone(), options);
        let (writer, factory) = arrow
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(|error| blame(&failure, &error))?;
        Ok(Self { writer, factory, partition, group: None, groups: 0, failure })
    }

    /// Opens a row group under the given id.
    pub(super) fn open_group(&mut self, id: u64) {
        self.group = Some(OpenGroup { id, rows: 0, bytes: 0, held: Vec::new() });
    }

    /// The writers of the next row group's columns.
    pub(super) fn column_writers(&mut self) -> Result<Vec<ArrowColumnWriter>, FormatError> {
        self.groups += 1;
        let writers = self.factory.create_column_writers(self.groups - 1);
        writers.map_err(|error| blame(&self.failure, &error))
    }

    /// The id of the open row group.
    pub(super) fn group(&self) -> Option<u64> {
        self.group.as_ref().map(|group| group.id)
    }

    /// Rows in the open row group.
    pub(super) fn group_rows(&self) -> usize {
        self.group.as_ref().map_or(0, |group| group.rows)
    }

    /// Arrow bytes in the open row group.
    pub(super) fn group_bytes(&self) -> usize {
        self.group.as_ref().map_or(0, |group| group.bytes)
    }

    /// Counts what was appended to the open row group.
    pub(super) fn count(&mut self, rows: usize, bytes: usize) {
        if let Some(group) = &mut self.group {
            group.rows += rows;
            group.bytes += bytes;
        }
    }

    /// Holds rows of the open row group back until they are sorted.
    pub(super) fn hold(&mut self, rows: RecordBatch) {
        if let Some(group) = &mut self.group {
            group.held.push(rows);
        }
    }

    /// Closes the open row group. Answers its id, its Arrow bytes and the rows
    /// that were held back.
    pub(super) fn close_group(&mut self) -> Option<(u64, usize, Vec<RecordBatch>)> {
        self.group.take().map(|group| (group.id, group.bytes, group.held))
    }

    /// Whether its size is nearer to `target` bytes than it would be with one
    /// more row group like the last one.
    pub(super) fn is_nearest_to(&self, target: u64) -> bool {
        let last = self.writer.flushed_row_groups().last();
        let last = last.map_or(0, |group| group.compressed_size().unsigned_abs());
        last > 0 && self.writer.bytes_written() as u64 + last / 2 >= target
    }

    /// Writes a row group's columns.
    pub(super) fn append(&mut self, chunks: Vec<ArrowColumnChunk>) -> Result<(), FormatError> {
        write_row_group(&mut self.writer, chunks).map_err(|error| blame(&self.failure, &error))
    }

    /// Rows in the row groups that are written.
    pub(super) fn rows_written(&self) -> u64 {
        self.writer.flushed_row_groups().iter().map(|group| group.num_rows() as u64).sum()
    }

    /// Completes the file.
    pub(super) fn finish(
        mut self,
        metadata: &[(String, String)],
    ) -> Result<OutputFile, FormatError> {
        for (key, value) in metadata {
            self.writer.append_key_value_metadata(KeyValue::new(key.clone(), value.clone()));
        }
        let rows = self.rows_written();
        let counted = self.writer.into_inner().map_err(|error| blame(&self.failure, &error))?;
        counted.inner.finish().map_err(FormatError::Sink)?;
        Ok(OutputFile { partition: self.partition, rows, bytes: counted.bytes })
    }
}

fn write_row_group(
    writer: &mut SerializedFileWriter<Counted>,
    chunks: Vec<ArrowColumnChunk>,
) -> Result<(), ParquetError> {
    let mut row_group = writer.next_row_group()?;
    for chunk in chunks {
        chunk.append_to_row_group(&mut row_group)?;
    }
    row_group.close().map(drop)
}

/// The error that a writer ended with. It is kept apart because the Parquet
/// writer makes text of it.
type Failure = Arc<Mutex<Option<io::Error>>>;

/// A writer that counts bytes and keeps its error.
struct Counted {
    inner: Box<dyn SinkWriter>,
    bytes: u64,
    failure: Failure,
}

impl Counted {
    fn keep<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted
                && let Ok(mut failure) = self.failure.lock()
            {
                failure.get_or_insert(error);
            }
            kind.into()
        })
    }
}

impl Write for Counted {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer);
        let written = self.keep(written)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.keep(flushed)
    }
}

/// Whose fault an error is: the sink's, if the sink has failed.
fn blame(failure: &Failure, error: &ParquetError) -> FormatError {
    match failure.lock().ok().and_then(|mut failure| failure.take()) {
        Some(error) => FormatError::Sink(error),
        None => FormatError::Encode(error.to_string()),
    }
}
