//! The rows of a file's outputs as one stream of record batches that all have
//! the table's columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use millrace_contract::{LoadTask, Output};
use millrace_retry::{Classify, FailureClass};
use millrace_storage::{ObjectRef, Storage, StorageError};
use millrace_warehouse::SourceError;
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::errors::ParquetError;
use thiserror::Error;

use crate::lake_file::LakeFile;

/// Rows of one batch: enough to keep the database busy, few enough to keep
/// memory flat.
const BATCH_ROWS: usize = 8192;

/// The lake does not hold what transform wrote.
#[derive(Debug, Error)]
enum LakeError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("`{key}` is not the Parquet that transform wrote: {source}; publish the object again")]
    Parquet { key: String, source: ParquetError },
    #[error("column `{column}` of `{key}` does not fit the dataset: {source}")]
    Column { key: String, column: String, source: ArrowError },
    #[error("`{key}` has no column `{column}`; publish the object again")]
    Missing { key: String, column: String },
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

/// All rows of a file, output by output, with the columns of `schema`.
pub(crate) fn batches(
    storage: Arc<dyn Storage>,
    task: &LoadTask,
    schema: SchemaRef,
) -> BoxStream<'_, Result<RecordBatch, SourceError>> {
    stream::iter(&task.outputs)
        .then(move |output| open(Arc::clone(&storage), &task.lake, output, Arc::clone(&schema)))
        .try_flatten()
        .map_err(SourceError::new)
        .boxed()
}

async fn open<'a>(
    storage: Arc<dyn Storage>,
    lake: &str,
    output: &'a Output,
    schema: SchemaRef,
) -> Result<BoxStream<'a, Result<RecordBatch, LakeError>>, LakeError> {
    let file = LakeFile::new(storage, ObjectRef::latest(lake, &output.key), output.bytes);
    let wrong = |error| LakeError::of(&output.key, error);
    let rows = ParquetRecordBatchStreamBuilder::new(file)
        .await
        .map_err(wrong)?
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(wrong)?;
    let fitted = rows
        .map_err(wrong)
        .and_then(move |batch| futures::future::ready(fit(&batch, output, &schema)));
    Ok(fitted.boxed())
}

/// Puts the partition's values back in as columns, and everything in order.
fn fit(batch: &RecordBatch, output: &Output, schema: &SchemaRef) -> Result<RecordBatch, LakeError> {
    let partition: HashMap<&str, Option<&str>> =
        output.partition.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
    let columns = schema.fields().iter().map(|field| {
        let key = || output.key.clone();
        let column = field.name();
        match (batch.column_by_name(column), partition.get(column.as_str())) {
            (Some(array), _) => cast(array, field.data_type()),
            (None, Some(value)) => constant(*value, field.data_type(), batch.num_rows()),
            (None, None) => {
                return Err(LakeError::Missing { key: key(), column: column.clone() });
            }
        }
        .map_err(|source| LakeError::Column { key: key(), column: column.clone(), source })
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|source| LakeError::Column {
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
        };
        let wanted = Arc::new(Schema::new(vec![
            Field::new("year", DataType::Int32, true),
            Field::new("n", DataType::Int32, false),
            Field::new("city", DataType::Utf8, true),
        ]));
        let fitted = fit(&batch, &output, &wanted).expect("fits");
        assert_eq!(fitted.column(0).as_primitive::<Int32Type>().values(), &[2024, 2024]);
        assert_eq!(fitted.column(2).null_count(), 2);
    }

    #[test]
    fn a_value_that_does_not_fit_is_an_error_and_not_a_null() {
        assert!(constant(Some("x"), &DataType::Int32, 1).is_err());
    }
}
