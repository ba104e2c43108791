//! One Parquet file while it is written.

use std::io::{self, Write};

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
}

struct OpenGroup {
    id: u64,
    rows: usize,
    bytes: usize,
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
        let counted = Counted { inner: writer, bytes: 0 };
        let arrow = ArrowWriter::try_new_with_options(counted, schema.clone(), options);
        let (writer, factory) =
            arrow.and_then(ArrowWriter::into_serialized_writer).map_err(blame)?;
        Ok(Self { writer, factory, partition, group: None, groups: 0 })
    }

    /// Opens a row group under the given id.
    pub(super) fn open_group(&mut self, id: u64) -> Result<Vec<ArrowColumnWriter>, FormatError> {
        self.group = Some(OpenGroup { id, rows: 0, bytes: 0 });
        self.groups += 1;
        self.factory.create_column_writers(self.groups - 1).map_err(blame)
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

    /// Closes the open row group. Answers its id and its Arrow bytes.
    pub(super) fn close_group(&mut self) -> Option<(u64, usize)> {
        self.group.take().map(|group| (group.id, group.bytes))
    }

    /// Writes a row group's columns.
    pub(super) fn append(&mut self, chunks: Vec<ArrowColumnChunk>) -> Result<(), FormatError> {
        let mut row_group = self.writer.next_row_group().map_err(blame)?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut row_group).map_err(blame)?;
        }
        row_group.close().map_err(blame)?;
        Ok(())
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
        let rows = self.writer.finish().map_err(blame)?.file_metadata().num_rows() as u64;
        let counted = self.writer.into_inner().map_err(blame)?;
        counted.inner.finish().map_err(FormatError::Sink)?;
        Ok(OutputFile { partition: self.partition, rows, bytes: counted.bytes })
    }
}

/// An I/O error within a Parquet error is the sink's.
fn blame(error: ParquetError) -> FormatError {
    let ParquetError::External(source) = error else {
        return FormatError::Encode(error.to_string());
    };
    match source.downcast::<io::Error>() {
        Ok(error) => FormatError::Sink(*error),
        Err(other) => FormatError::Encode(other.to_string()),
    }
}

/// Counts the bytes that go to the sink.
struct Counted {
    inner: Box<dyn SinkWriter>,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
