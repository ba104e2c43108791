//! How Parquet files are written: compression, dictionaries, metadata.

use std::collections::HashSet;
use std::hash::Hash;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{ArrowNativeType, DataType};
use millrace_contract::ParquetCompression;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::layout::Layout;
use crate::Plan;

/// The properties of all files of one transformation.
pub(super) struct Properties(WriterProperties);

impl Properties {
    /// Properties for a plan and rows like the first ones. A column whose values
    /// hardly repeat gets no dictionary: building one would cost time and be
    /// given up.
    pub(super) fn choose(plan: &Plan, layout: &Layout, rows: &RecordBatch) -> Self {
        let metadata =
            plan.metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("millrace version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(compression(plan.parquet.compression))
            .set_key_value_metadata(Some(metadata.collect()))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_statistics_truncate_length(Some(STATISTICS_BYTES))
            .set_column_index_truncate_length(Some(STATISTICS_BYTES))
            .set_write_batch_size(WRITE_BATCH);
        for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
            if hardly_repeats(column) {
                let path = ColumnPath::new(vec![field.name().clone()]);
                properties = properties.set_column_dictionary_enabled(path, false);
            }
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

/// Whether more than three quarters of the first values are different ones.
fn hardly_repeats(column: &ArrayRef) -> bool {
    const SAMPLE: usize = 8192;
    const TOO_FEW: usize = 1024;
    let sample = column.slice(0, column.len().min(SAMPLE));
    sample.len() >= TOO_FEW && distinct(&sample) * 4 > sample.len() * 3
}

/// How many different values a column has; too few for types with few values.
fn distinct(column: &ArrayRef) -> usize {
    use arrow::array::types::{
        Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
        TimestampMillisecondType, UInt64Type,
    };
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().iter().flatten().collect::<HashSet<_>>().len(),
        DataType::Int32 => count(column.as_primitive::<Int32Type>().values()),
        DataType::Int64 => count(column.as_primitive::<Int64Type>().values()),
        DataType::UInt64 => count(column.as_primitive::<UInt64Type>().values()),
        DataType::Float32 => {
            count_by(column.as_primitive::<Float32Type>().values(), |v| v.to_bits())
        }
        DataType::Float64 => {
            count_by(column.as_primitive::<Float64Type>().values(), |v| v.to_bits())
        }
        DataType::Decimal128(..) => {
            count(column.as_primitive::<arrow::datatypes::Decimal128Type>().values())
        }
        DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, _) => {
            count(column.as_primitive::<TimestampMillisecondType>().values())
        }
        DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, _) => {
            count(column.as_primitive::<TimestampMicrosecondType>().values())
        }
        _ => 0,
    }
}

fn count<T: ArrowNativeType + Eq + Hash>(values: &ScalarBuffer<T>) -> usize {
    count_by(values, |value| value)
}

fn count_by<T: ArrowNativeType, K: Eq + Hash>(
    values: &ScalarBuffer<T>,
    key: impl Fn(T) -> K,
) -> usize {
    values.iter().map(|&value| key(value)).collect::<HashSet<_>>().len()
}
