//! Batches to one file of any format, handed out as it grows: for rows that come
//! from elsewhere than a file. Nothing is kept but an open row group.

mod csv;
mod ndjson;
mod parquet;
mod texts;

use arrow::array::RecordBatch;
use millrace_contract::{ExportFormat, ParquetOptions};

use crate::FormatError;

/// How a file is written.
#[derive(Debug, Clone, Default)]
pub struct FileOptions {
    /// Its format.
    pub format: ExportFormat,
    /// How Parquet is written; ignored by other formats. Only compression and row
    /// groups are used.
    pub parquet: ParquetOptions,
    /// Key-value metadata of Parquet.
    pub metadata: Vec<(String, String)>,
}

/// A file as it is written.
///
/// CSV is as RFC 4180 has it, with a header and `\n` at line ends; null is
/// nothing, and an empty text is `""`. NDJSON has an object a line; decimals are
/// texts, so that no digit is lost, and JSON is what it is. In both, times are as
/// ISO 8601 writes them, with a `Z` for instants, and bytes are base64.
pub struct FileWriter(Kind);

enum Kind {
    Parquet(Box<parquet::ParquetFile>),
    Csv(csv::CsvFile),
    Ndjson(ndjson::NdjsonFile),
}

impl FileWriter {
    /// A file of rows like those of `first`, which it does not write.
    ///
    /// # Errors
    /// [`FormatError`] if a file can't have such columns.
    pub fn new(options: &FileOptions, first: &RecordBatch) -> Result<Self, FormatError> {
        Ok(Self(match options.format {
            ExportFormat::Parquet => {
                Kind::Parquet(Box::new(parquet::ParquetFile::new(options, first)?))
            }
            ExportFormat::Csv => Kind::Csv(csv::CsvFile::new(&first.schema())),
            ExportFormat::Ndjson => Kind::Ndjson(ndjson::NdjsonFile::new(&first.schema())),
        }))
    }

    /// Writes rows.
    ///
    /// # Errors
    /// [`FormatError`] if they can't be encoded.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), FormatError> {
        match &mut self.0 {
            Kind::Parquet(file) => file.write(rows),
            Kind::Csv(file) => file.write(rows),
            Kind::Ndjson(file) => file.write(rows),
        }
    }

    /// The bytes that were written since this was asked last.
    pub fn take(&mut self) -> Vec<u8> {
        match &mut self.0 {
            Kind::Parquet(file) => file.take(),
            Kind::Csv(file) => file.take(),
            Kind::Ndjson(file) => file.take(),
        }
    }

    /// About the size of the file if it ended here.
    pub fn size(&self) -> u64 {
        match &self.0 {
            Kind::Parquet(file) => file.size(),
            Kind::Csv(file) => file.size(),
            Kind::Ndjson(file) => file.size(),
        }
    }

    /// Ends the file and gives its last bytes.
    ///
    /// # Errors
    /// [`FormatError`] if the rest can't be encoded.
    pub fn finish(self) -> Result<Vec<u8>, FormatError> {
        match self.0 {
            Kind::Parquet(file) => file.finish(),
            Kind::Csv(mut file) => Ok(file.take()),
            Kind::Ndjson(mut file) => Ok(file.take()),
        }
    }
}

#[cfg(test)]
mod tests;
