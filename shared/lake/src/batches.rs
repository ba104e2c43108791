//! The rows of a file's outputs as one stream of record batches that all have
//! the table's columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use millrace_contract::{Carried, Output};
use millrace_retry::{Classify, FailureClass};
use millrace_storage::{ObjectRef, Storage, StorageError};
use parquet::arrow::arrow_reader::{
    ArrowReaderBuilder, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;
use thiserror::Error;

use crate::object::LakeFile;

/// Rows of one batch: enough to keep the database busy, few enough to keep
/// memory flat.
const BATCH_ROWS: usize = 8192;

/// The lake does not hold what transform wrote.
#[derive(Debug, Error)]
pub enum LakeError {
    /// An object can't be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// An object that is no Parquet file, or a damaged one.
    #[error("`{key}` is not the Parquet that transform wrote: {source}; publish the object again")]
    Parquet {
        /// The object.
        key: String,
        /// What is wrong with it.
        source: ParquetError,
    },
    /// Values that are not of the column's type.
    #[error("column `{column}` of `{key}` does not fit the dataset: {source}")]
    Column {
        /// The object.
        key: String,
        /// The column.
        column: String,
        /// What does not fit.
        source: ArrowError,
    },
    /// A column that an object does not have.
    #[error("`{key}` has no column `{column}`; publish the object again")]
    Missing {
        /// The object.
        key: String,
        /// The column.
        column: String,
    },
}

/// What becomes of a column that an object does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It is an error.
    Refuse,
    /// It is null.
    Null,
}

impl Classify for LakeError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Storage(error) => error.class(),
            Self::Parquet { .. } | Self::Column { .. } | Self::Missing { .. } => {
                FailureClass::Poison
            }
        }
    }
}

impl LakeError {
    /// Parquet wraps what our reader said; its class must not get lost.
    fn of(key: &str, error: ParquetError) -> Self {
        match error {
            ParquetError::External(inner) => match inner.downcast::<StorageError>() {
                Ok(storage) => Self::Storage(*storage),
                Err(other) => {
                    Self::Parquet { key: key.to_owned(), source: ParquetError::External(other) }
                }
            },
            source => Self::Parquet { key: key.to_owned(), source },
        }
    }
}

/// All rows of the given outputs in the bucket `lake`, one after the other, with
/// the columns of `schema` alone.
pub fn batches(
    storage: Arc<dyn Storage>,
    lake: String,
    outputs: Vec<Output>,
    schema: SchemaRef,
    missing: Missing,
) -> BoxStream<'static, Result<RecordBatch, LakeError>> {
    stream::iter(outputs)
        .then(move |output| {
            open(Arc::clone(&storage), lake.clone(), output, Arc::clone(&schema), missing)
        })
        .try_flatten()
        .boxed()
}

/// The columns of an object itself, without those of its partition.
///
/// # Errors
/// [`LakeError`] if it can't be read.
pub async fn object_schema(
    storage: Arc<dyn Storage>,
    lake: &str,
    output: &Output,
) -> Result<SchemaRef, LakeError> {
    let file = LakeFile::new(storage, ObjectRef::latest(lake, &output.key), output.bytes);
    let builder = ParquetRecordBatchStreamBuilder::new(file).await;
    let builder = builder.map_err(|error| LakeError::of(&output.key, error))?;
    Ok(Arc::clone(builder.schema()))
}

async fn open(
    storage: Arc<dyn Storage>,
    lake: String,
    output: Output,
    schema: SchemaRef,
    missing: Missing,
) -> Result<BoxStream<'static, Result<RecordBatch, LakeError>>, LakeError> {
    match &output.carried {
        Some(Carried(object)) if object.len() as u64 == output.bytes => {
            at_hand(object.clone(), output, schema, missing)
        }
        Some(_) | None => {
            let file = LakeFile::new(storage, ObjectRef::latest(lake, &output.key), output.bytes);
            fetched(file, output, schema, missing).await
        }
    }
}

async fn fetched(
    file: LakeFile,
    output: Output,
    schema: SchemaRef,
    missing: Missing,
) -> Result<BoxStream<'static, Result<RecordBatch, LakeError>>, LakeError> {
    let key = output.key.clone();
    let wrong = move |error| LakeError::of(&key, error);
    let builder = ParquetRecordBatchStreamBuilder::new(file).await.map_err(&wrong)?;
    let projection = wanted(&builder, &schema);
    let rows =
        rows_of(builder, &output).with_projection(projection).with_batch_size(BATCH_ROWS).build();
    let rows = rows.map_err(&wrong)?;
    let fitted = rows
        .map_err(wrong)
        .and_then(move |batch| futures::future::ready(fit(&batch, &output, &schema, missing)));
    Ok(fitted.boxed())
}

/// Has an object's reader read the rows of an output alone, where the object has
/// others' too.
pub fn rows_of<T>(builder: ArrowReaderBuilder<T>, output: &Output) -> ArrowReaderBuilder<T> {
    match output.first_row {
        Some(first_row) => within(builder, first_row, output.rows),
        None => builder,
    }
}

/// Reads some rows of an object alone: of the row groups that have any of them, those.
fn within<T>(builder: ArrowReaderBuilder<T>, first_row: u64, rows: u64) -> ArrowReaderBuilder<T> {
    let (mut groups, mut selectors) = (Vec::new(), Vec::new());
    let (mut start, end) = (0_u64, first_row.saturating_add(rows));
    let count = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
    for (index, group) in builder.metadata().row_groups().iter().enumerate() {
        let stop = start + group.num_rows().unsigned_abs();
        let (from, to) = (first_row.clamp(start, stop), end.clamp(start, stop));
        if from < to {
            groups.push(index);
            selectors.push(RowSelector::skip(count(from - start)));
            selectors.push(RowSelector::select(count(to - from)));
            selectors.push(RowSelector::skip(count(stop - to)));
        }
        start = stop;
    }
    builder.with_row_groups(groups).with_row_selection(RowSelection::from(selectors))
}

/// A small object that came with its message: nothing is waited for.
fn at_hand(
    object: Bytes,
    output: Output,
    schema: SchemaRef,
    missing: Missing,
) -> Result<BoxStream<'static, Result<RecordBatch, LakeError>>, LakeError> {
    let key = output.key.clone();
    let wrong = move |error| LakeError::of(&key, error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(object).map_err(&wrong)?;
    let projection = wanted(&builder, &schema);
    let rows = builder.with_projection(projection).with_batch_size(BATCH_ROWS).build();
    let rows = rows.map_err(&wrong)?.map(move |batch| {
        let batch = batch.map_err(|error| wrong(error.into()))?;
        fit(&batch, &output, &schema, missing)
    });
    Ok(stream::iter(rows).boxed())
}

/// The columns of `schema` that an object has.
fn wanted<T>(builder: &ArrowReaderBuilder<T>, schema: &SchemaRef) -> ProjectionMask {
    let columns = builder.schema().fields().iter().enumerate();
    let columns = columns.filter(|(_, field)| schema.column_with_name(field.name()).is_some());
    ProjectionMask::roots(builder.parquet_schema(), columns.map(|(index, _)| index))
}

/// Puts the partition's values back in as columns, and everything in order.
fn fit(
    batch: &RecordBatch,
    output: &Output,
    schema: &SchemaRef,
    missing: Missing,
) -> Result<RecordBatch, LakeError> {
    let partition: HashMap<&str, Option<&str>> =
        output.partition.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
    let columns = schema.fields().iter().map(|field| {
        let key = || output.key.clone();
        let column = field.name();
        match (batch.column_by_name(column), partition.get(column.as_str())) {
            (Some(array), _) => cast(array, field.data_type()),
            (None, Some(value)) => constant(*value, field.data_type(), batch.num_rows()),
            (None, None) if missing == Missing::Null => {
                Ok(new_null_array(field.data_type(), batch.num_rows()))
            }
            (None, None) => {
                return Err(LakeError::Missing { key: key(), column: column.clone() });
            }
        }
        .map_err(|source| LakeError::Column { key: key(), column: column.clone(), source })
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let fitted = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows);
    fitted.map_err(|source| LakeError::Column {
        key: output.key.clone(),
        column: "*".to_owned(),
        source,
    })
}

fn cast(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    // A value that does not fit is an error, never a null.
    cast_with_options(array, wanted, &CastOptions { safe: false, ..CastOptions::default() })
}

fn constant(value: Option<&str>, wanted: &DataType, rows: usize) -> Result<ArrayRef, ArrowError> {
    let texts: ArrayRef = Arc::new(StringArray::from_iter(std::iter::repeat_n(value, rows)));
    cast(&texts, wanted)
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int32Array};
    use arrow::datatypes::{Field, Int32Type, Schema};
    use millrace_storage::MemoryStorage;
    use parquet::arrow::ArrowWriter;

    use super::*;

    #[test]
    fn the_partition_comes_back_as_a_typed_column() {
        let rows = Schema::new(vec![Field::new("n", DataType::Int32, false)]);
        let batch =
            RecordBatch::try_new(Arc::new(rows), vec![Arc::new(Int32Array::from(vec![1, 2]))])
                .expect("a batch");
        let output = Output {
            key: "k".into(),
            rows: 2,
            bytes: 0,
            partition: vec![("year".into(), Some("2024".into())), ("city".into(), None)],
            first_row: None,
            carried: None,
        };
        let wanted = Arc::new(Schema::new(vec![
            Field::new("year", DataType::Int32, true),
            Field::new("n", DataType::Int32, false),
            Field::new("city", DataType::Utf8, true),
        ]));
        let fitted = fit(&batch, &output, &wanted, Missing::Refuse).expect("fits");
        assert_eq!(fitted.column(0).as_primitive::<Int32Type>().values(), &[2024, 2024]);
        assert_eq!(fitted.column(2).null_count(), 2);
    }

    #[tokio::test]
    async fn rows_of_an_object_that_has_more_are_found_in_any_row_group() {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false)]));
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, schema.clone(), None).expect("Parquet");
        for group in [0..4, 4..5, 5..10] {
            let column: ArrayRef = Arc::new(Int32Array::from_iter_values(group));
            let batch = RecordBatch::try_new(schema.clone(), vec![column]).expect("a batch");
            writer.write(&batch).expect("written");
            writer.flush().expect("a row group");
        }
        writer.close().expect("written");
        let storage = MemoryStorage::new();
        let bytes = file.len() as u64;
        storage.put("lake", "k", file.into()).await.expect("put");
        let storage: Arc<dyn Storage> = Arc::new(storage);
        for (first, rows) in [(0, 10), (0, 4), (3, 3), (4, 1), (9, 1), (2, 0)] {
            let output = Output {
                key: "k".into(),
                rows,
                bytes,
                first_row: Some(first),
                partition: Vec::new(),
                carried: None,
            };
            let storage = Arc::clone(&storage);
            let read =
                batches(storage, "lake".into(), vec![output], schema.clone(), Missing::Refuse);
            let read: Vec<RecordBatch> = read.try_collect().await.expect("rows");
            let values = read
                .iter()
                .flat_map(|batch| batch.column(0).as_primitive::<Int32Type>().values().to_vec());
            let expected = i32::try_from(first).expect("small");
            let count = i32::try_from(rows).expect("small");
            assert_eq!(
                values.collect::<Vec<_>>(),
                (expected..expected + count).collect::<Vec<_>>()
            );
        }
    }

    /// Two rows as Parquet, as an output that goes with its message.
    fn carried() -> (Output, SchemaRef) {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false)]));
        let column: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column]).expect("a batch");
        let mut file = Vec::new();
        let writer = ArrowWriter::try_new(&mut file, Arc::clone(&schema), None);
        let mut writer = writer.expect("a writer");
        writer.write(&batch).expect("written");
        writer.close().expect("closed");
        let bytes = file.len() as u64;
        let carried = Some(Carried(file.into()));
        let partition = Vec::new();
        let key = "k.parquet".into();
        (Output { key, rows: 2, bytes, first_row: None, partition, carried }, schema)
    }

    async fn read(
        storage: &Arc<MemoryStorage>,
        output: Output,
        schema: SchemaRef,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let storage: Arc<dyn Storage> = Arc::clone(storage) as Arc<dyn Storage>;
        batches(storage, "lake".into(), vec![output], schema, Missing::Refuse).try_collect().await
    }

    #[tokio::test]
    async fn what_came_with_the_message_is_not_fetched() {
        let (output, schema) = carried();
        let rows = read(&Arc::default(), output, schema).await.expect("rows");
        assert_eq!(rows[0].column(0).as_primitive::<Int32Type>().values(), &[1, 2]);
    }

    #[tokio::test]
    async fn what_came_cut_off_or_not_at_all_is_fetched() {
        let (whole, schema) = carried();
        let storage = Arc::<MemoryStorage>::default();
        let Some(Carried(bytes)) = &whole.carried else { panic!("it is carried") };
        let cut = Output { carried: Some(Carried(bytes.slice(1..))), ..whole.clone() };
        let error = read(&storage, cut.clone(), Arc::clone(&schema)).await.expect_err("not there");
        assert!(matches!(error, LakeError::Storage(StorageError::NotFound { .. })), "{error}");
        storage.put("lake", "k.parquet", bytes.clone()).await.expect("put");
        for output in [cut, Output { carried: None, ..whole }] {
            let rows = read(&storage, output, Arc::clone(&schema)).await.expect("rows");
            assert_eq!(rows[0].num_rows(), 2);
        }
    }

    #[tokio::test]
    async fn what_came_damaged_is_poison() {
        let (mut output, schema) = carried();
        output.carried = Some(Carried(vec![0; 300].into()));
        output.bytes = 300;
        let error = read(&Arc::default(), output, schema).await.expect_err("damaged");
        assert_eq!(error.class(), FailureClass::Poison, "{error}");
    }

    #[test]
    fn a_value_that_does_not_fit_is_an_error_and_not_a_null() {
        assert!(constant(Some("x"), &DataType::Int32, 1).is_err());
    }
}
