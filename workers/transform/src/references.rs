//! The keys that a `references` rule asks for: one column of another dataset's
//! Parquet, read from the lake as the ledger knows it.

use std::sync::Arc;

use futures::TryStreamExt;
use millrace_contract::{LoadTask, Output};
use millrace_format::{KeySet, References};
use millrace_lake::{LakeFile, coalesced, rows_of};
use millrace_sql::Reference;
use millrace_storage::{ObjectRef, StorageError};
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;

use crate::TransformError;
use crate::run::Lake;

/// Keys that are held at a time: some 150 MB.
const MOST_KEYS: usize = 7_000_000;

/// Loads the keys of a reference, as they are now.
///
/// # Errors
/// [`TransformError::NoKeys`] while the other dataset has no file, which may be
/// on its way; [`TransformError::Keys`] if its files can't be read.
pub(crate) async fn load(lake: &Lake, reference: &Reference) -> Result<References, TransformError> {
    let wrong =
        |error: String| TransformError::Rules(format!("rule `{}`: {error}", reference.text));
    let mut keys = KeySet::new(reference.data_type.clone(), MOST_KEYS)
        .map_err(|error| wrong(error.to_string()))?;
    let (mut files, mut after) = (0, None);
    loop {
        let (tasks, next) = lake.ledger.live_files(&reference.dataset, after).await?;
        files += tasks.len();
        read_files(lake, tasks, reference, &mut keys).await?;
        match next {
            Some(next) => after = Some(next),
            None if files == 0 => {
                let (rule, dataset) = (reference.text.clone(), reference.dataset.clone());
                return Err(TransformError::NoKeys { rule, dataset });
            }
            None => break,
        }
    }
    let Reference { text, on_fail, column, .. } = reference;
    Ok(References { text: text.clone(), on_fail: *on_fail, column: *column, keys })
}

async fn read_files(
    lake: &Lake,
    tasks: Vec<LoadTask>,
    reference: &Reference,
    keys: &mut KeySet,
) -> Result<(), TransformError> {
    let outputs = tasks.into_iter().flat_map(|task| {
        let LoadTask { lake, outputs, .. } = task;
        outputs.into_iter().map(move |output| (lake.clone(), output))
    });
    for (bucket, output) in coalesced(outputs.collect()) {
        let object = ObjectRef::latest(&bucket, &output.key);
        let url = object.url();
        let file = LakeFile::new(Arc::clone(&lake.storage), object, output.bytes);
        let read = read_output(file, &output, reference, keys).await;
        read.map_err(|error| error.at(&url, reference))?;
    }
    Ok(())
}

/// Why a Parquet object gave no keys.
enum KeyFault {
    /// It can't be read.
    Parquet(ParquetError),
    /// It has no such keys.
    Keys(String),
}

impl KeyFault {
    fn at(self, url: &str, reference: &Reference) -> TransformError {
        let rule = &reference.text;
        match self {
            Self::Keys(why) => TransformError::Rules(format!("rule `{rule}`: {why} (`{url}`)")),
            Self::Parquet(error) => {
                let source = match error {
                    ParquetError::External(inner) => match inner.downcast::<StorageError>() {
                        Ok(storage) => *storage,
                        Err(other) => failed(url, other.to_string()),
                    },
                    other => failed(url, other.to_string()),
                };
                TransformError::Keys { rule: rule.clone(), source }
            }
        }
    }
}

fn failed(url: &str, detail: String) -> StorageError {
    StorageError::Failed { url: url.to_owned(), detail }
}

impl From<ParquetError> for KeyFault {
    fn from(error: ParquetError) -> Self {
        Self::Parquet(error)
    }
}

async fn read_output(
    file: LakeFile,
    output: &Output,
    reference: &Reference,
    keys: &mut KeySet,
) -> Result<(), KeyFault> {
    let Reference { dataset, key, .. } = reference;
    let builder = ParquetRecordBatchStreamBuilder::new(file).await?;
    let Ok(column) = builder.schema().index_of(key) else {
        let is_folder = output.partition.iter().any(|(name, _)| name == key);
        return Err(KeyFault::Keys(match is_folder {
            true => format!("`{dataset}` is partitioned by `{key}`, so its files do not have it"),
            false => format!("a file of dataset `{dataset}` has no column `{key}`"),
        }));
    };
    let mask = ProjectionMask::roots(builder.parquet_schema(), [column]);
    let mut batches = rows_of(builder, output).with_projection(mask).build()?;
    while let Some(batch) = batches.try_next().await? {
        let added = keys.add(batch.column(0));
        added.map_err(|error| KeyFault::Keys(format!("`{dataset}.{key}`: {error}")))?;
    }
    Ok(())
}
