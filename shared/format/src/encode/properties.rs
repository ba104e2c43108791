//! How Parquet files are written: compression, dictionaries, metadata.

use arrow::array::RecordBatch;
use millrace_contract::{ParquetCompression, ParquetOptions};
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::layout::Layout;
use super::sample::{Fit, fit};

/// The properties of all files of one transformation.
pub(super) struct Properties(WriterProperties);

impl Properties {
    /// Properties for rows like the first ones, with key-value metadata. A column
    /// whose values hardly repeat gets no dictionary: building one would cost time
    /// and be given up.
    pub(super) fn choose(
        options: &ParquetOptions,
        metadata: &[(String, String)],
        layout: &Layout,
        rows: &RecordBatch,
    ) -> Self {
        let metadata =
            metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("millrace version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(compression(options.compression))
            .set_key_value_metadata(Some(metadata.collect()))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_statistics_truncate_length(Some(STATISTICS_BYTES))
            .set_column_index_truncate_length(Some(STATISTICS_BYTES))
            .set_write_batch_size(WRITE_BATCH);
        for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
            let path = ColumnPath::new(vec![field.name().clone()]);
            properties = match fit(column) {
                Fit::Dictionary => properties,
                Fit::Plain => properties.set_column_dictionary_enabled(path, false),
                Fit::Differences => properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
            };
        }
        Self(layout.apply(properties).build())
    }

    /// The writer's properties.
    pub(super) fn writer(&self) -> WriterProperties {
        self.0.clone()
    }
}

/// Values that are encoded at a time.
const WRITE_BATCH: usize = 8192;

/// Longest least and greatest value in the statistics of texts; longer ones are
/// cut off and marked as inexact.
const STATISTICS_BYTES: usize = 64;

fn compression(compression: ParquetCompression) -> Compression {
    match compression {
        ParquetCompression::Zstd(level) => {
            Compression::ZSTD(ZstdLevel::try_new(level.into()).unwrap_or_default())
        }
        ParquetCompression::Gzip(level) => {
            Compression::GZIP(GzipLevel::try_new(level.into()).unwrap_or_default())
        }
        ParquetCompression::Snappy => Compression::SNAPPY,
        ParquetCompression::Uncompressed => Compression::UNCOMPRESSED,
    }
}
