//! Parquet, row group by row group, in batches of bounded size.
//!
//! Strings are read as views into their pages, so that a dictionary of a few
//! long texts does not become a batch of many. What a file says of itself
//! besides its schema, such as the Arrow schema that a writer has left in it, is
//! not looked at.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit};
use millrace_contract::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{LogicalType, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::schema::types::{ColumnDescPtr, Type, TypePtr};

use super::{Enter, guarded, unreadable};
use crate::bind::Binding;
use crate::decode::values::{block_of, bound_positions};
use crate::split::Counts;
use crate::values::nearest_type;
use crate::{FormatError, Limits, SchemaDifference};

/// Levels that a column may be nested to, a list counted as two.
const MOST_LEVELS: usize = 512;

/// Rows of a batch, at most.
const MOST_ROWS: usize = 8192;

/// Blocks of the plan that a batch may be as large as.
const BLOCKS: usize = 16;

/// A Parquet file whose footer has been read.
pub(crate) struct ParquetFile {
    file: File,
    metadata: ArrowReaderMetadata,
    limits: Limits,
}

impl ParquetFile {
    /// Reads the footer of a file.
    ///
    /// # Errors
    /// [`FormatError::Unreadable`] if it is damaged, encrypted or has no columns.
    pub(crate) fn open(file: File, limits: &Limits) -> Result<Self, FormatError> {
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let load = || {
            let loaded = ArrowReaderMetadata::load(&file, options.clone())?;
            let schema = read_schema(&loaded);
            ArrowReaderMetadata::try_new(
                Arc::clone(loaded.metadata()),
                options.clone().with_schema(schema),
            )
        };
        let metadata = guarded("Parquet file", load)?.map_err(|error| damaged(&error))?;
        check_sizes(metadata.metadata(), limits)?;
        if metadata.schema().fields().is_empty() {
            return Err(unreadable("the Parquet file has no columns".to_owned()));
        }
        Ok(Self { file, metadata, limits: limits.clone() })
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> Vec<String> {
        let fields = self.metadata.schema().fields();
        fields.iter().map(|field| field.name().clone()).collect()
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> u64 {
        let groups = self.metadata.metadata().row_groups();
        groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or_default()).sum()
    }

    /// The nearest types of the columns, and what the file calls them.
    pub(crate) fn types(&self) -> Vec<(DataType, String)> {
        let root = self.metadata.metadata().file_metadata().schema_descr().root_schema();
        let columns = self.metadata.schema().fields().iter().zip(root.get_fields());
        let nearest = |(field, column): (&Arc<Field>, &TypePtr)| match column
            .get_basic_info()
            .logical_type_ref()
        {
            Some(LogicalType::Uuid) => (DataType::Uuid, "UUID".to_owned()),
            _ => (nearest_type(field.data_type()), field.data_type().to_string()),
        };
        columns.map(nearest).collect()
    }

    /// Hands over the bound columns of all rows, block by block.
    pub(crate) fn read(
        self,
        binding: &Binding,
        enter: &mut Enter<'_>,
    ) -> Result<Counts, FormatError> {
        let batch_bytes = self.limits.block_bytes.saturating_mul(BLOCKS);
        let rows = batch_rows(self.metadata.metadata(), batch_bytes);
        let schema = self.metadata.metadata().file_metadata().schema_descr();
        let mask = ProjectionMask::roots(schema, bound_positions(binding));
        let (file, metadata) = (self.file, self.metadata);
        let build = || {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
            builder.with_projection(mask).with_batch_size(rows).build()
        };
        let mut reader = guarded("Parquet file", build)?.map_err(|error| damaged(&error))?;
        let mut counts = Counts::default();
        loop {
            let number = counts.rows + 1;
            let Some(batch) = guarded("Parquet file", || reader.next())? else { break };
            let batch = batch.map_err(|error| {
                unreadable(format!("the rows from {number} on are damaged: {error}"))
            })?;
            counts.rows += batch.num_rows() as u64;
            let mut parts = Vec::new();
            cut(batch, batch_bytes, self.limits.row_bytes, number, &mut parts)?;
            for (number, part) in parts {
                if !enter(block_of(part, number))? {
                    return Ok(counts);
                }
            }
        }
        Ok(counts)
    }
}

fn damaged(error: &ParquetError) -> FormatError {
    let said = error.to_string();
    unreadable(match said.contains("encrypt") {
        true => format!("the Parquet file is encrypted, which is not read ({said})"),
        false => format!("the Parquet file is damaged or cut off: {said}"),
    })
}

/// The schema in which columns are read: texts as views, and INT96 timestamps in
/// microseconds, which have room for all years.
fn read_schema(loaded: &ArrowReaderMetadata) -> SchemaRef {
    let root = loaded.metadata().file_metadata().schema_descr().root_schema();
    let is_int96 =
        |column: &Type| column.is_primitive() && column.get_physical_type() == PhysicalType::INT96;
    let columns = loaded.schema().fields().iter().zip(root.get_fields());
    let fields = columns.map(|(field, column)| {
        let read = match field.data_type() {
            ArrowType::Utf8 => ArrowType::Utf8View,
            ArrowType::Binary => ArrowType::BinaryView,
            _ if is_int96(column) => ArrowType::Timestamp(TimeUnit::Microsecond, None),
            _ => return Arc::clone(field),
        };
        Arc::new(field.as_ref().clone().with_data_type(read))
    });
    let fields: Vec<_> = fields.collect();
    Arc::new(Schema::new_with_metadata(fields, loaded.schema().metadata().clone()))
}

/// Refuses what would take too much memory, by what the footer says.
fn check_sizes(metadata: &ParquetMetaData, limits: &Limits) -> Result<(), FormatError> {
    let schema = metadata.file_metadata().schema_descr();
    let is_deep = |column: &&ColumnDescPtr| column.path().parts().len() > MOST_LEVELS;
    if let Some(column) = schema.columns().iter().find(is_deep) {
        let name = column.path().parts().first().map_or("", String::as_str);
        let what = format!("the column `{name}` is nested deeper than {MOST_LEVELS} levels");
        return Err(unreadable(what));
    }
    if schema.num_columns() > limits.columns {
        return Err(FormatError::Schema(vec![SchemaDifference::TooMany(limits.columns)]));
    }
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let size = |bytes: i64| u64::try_from(bytes).unwrap_or(u64::MAX);
        let (mut packed, mut plain) = (0u64, 0u64);
        for column in group.columns() {
            packed = packed.saturating_add(size(column.compressed_size()));
            plain = plain.saturating_add(size(column.uncompressed_size()));
        }
        let most = packed.saturating_mul(limits.decompression_ratio).max(limits.ratio_grace_bytes);
        if plain > most || group.num_rows() < 0 {
            return Err(unreadable(format!(
                "row group {} says that {packed} bytes become {plain}, more than {} times as many",
                index + 1,
                limits.decompression_ratio
            )));
        }
    }
    Ok(())
}

/// How many rows are a batch of some bytes, by the widest rows of any row group.
fn batch_rows(metadata: &ParquetMetaData, bytes: usize) -> usize {
    let width = |group: &RowGroupMetaData| {
        let size = |bytes: i64| usize::try_from(bytes).unwrap_or_default();
        size(group.total_byte_size()) / size(group.num_rows()).max(1)
    };
    let widest = metadata.row_groups().iter().map(width).max().unwrap_or_default();
    (bytes / widest.max(1)).clamp(1, MOST_ROWS)
}

/// Cuts a batch into parts whose texts are of bounded size together.
fn cut(
    batch: RecordBatch,
    most: usize,
    row_bytes: usize,
    number: u64,
    parts: &mut Vec<(u64, RecordBatch)>,
) -> Result<(), FormatError> {
    let bytes: usize = batch.columns().iter().map(text_bytes).sum();
    let rows = batch.num_rows();
    if bytes > row_bytes {
        let length =
            |row: usize| -> usize { batch.slice(row, 1).columns().iter().map(text_bytes).sum() };
        let is_long = |row: &usize| length(*row) > row_bytes;
        if let Some(row) = (0..rows).find(is_long) {
            let number = number + row as u64;
            return Err(unreadable(format!("row {number} is longer than {row_bytes} bytes")));
        }
    }
    match rows {
        rows if rows > 1 && bytes > most => {
            let half = rows / 2;
            cut(batch.slice(0, half), most, row_bytes, number, parts)?;
            let (rest, number) = (batch.slice(half, rows - half), number + half as u64);
            cut(rest, most, row_bytes, number, parts)?;
        }
        _ => parts.push((number, batch)),
    }
    Ok(())
}

/// The bytes of a column's texts once each stands for itself.
fn text_bytes(array: &ArrayRef) -> usize {
    // A view says in its first four bytes how long its text is.
    let total = |views: &[u128]| views.iter().map(|view| *view as u32 as usize).sum();
    match array.data_type() {
        ArrowType::Utf8View => total(array.as_string_view().views()),
        ArrowType::BinaryView => total(array.as_binary_view().views()),
        _ => 0,
    }
}
