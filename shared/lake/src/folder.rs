//! Parquet files of this machine as a table for SQL: one file, or all below a
//! folder with the columns that Hive folders `name=value` hold.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::StreamExt;
use futures::stream::{BoxStream, iter};
use millrace_format::NULL_PARTITION;
use millrace_sql::Table;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use thiserror::Error;

/// Files that are no table.
#[derive(Debug, Error)]
pub enum FolderError {
    /// It can't be looked at.
    #[error("`{path}` can't be read: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is no Parquet file.
    #[error("`{path}` is not a Parquet file: {source}")]
    Parquet {
        /// The file.
        path: String,
        /// Why.
        source: ParquetError,
    },
    /// There is nothing to read.
    #[error("there is no `.parquet` file in `{0}`")]
    Empty(String),
}

/// Parquet files as one table, with the columns of the first.
#[derive(Debug)]
pub struct ParquetFolder {
    name: String,
    schema: SchemaRef,
    rows: u64,
    files: Vec<ParquetFile>,
}

/// One file and what its folders say.
#[derive(Debug, Clone)]
struct ParquetFile {
    path: PathBuf,
    partition: BTreeMap<String, Option<String>>,
}

impl ParquetFolder {
    /// A file, or the files below a folder in the order of their paths, under the
    /// name of the file or folder.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let mut files = Vec::new();
        find(path, path, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let Some(first) = files.first() else {
            return Err(FolderError::Empty(path.display().to_string()));
        };
        let schema = with_partition(open(&first.path)?.schema(), &first.partition);
        let mut rows = 0;
        for file in &files {
            let metadata = open(&file.path)?;
            rows += metadata.metadata().file_metadata().num_rows().unsigned_abs();
        }
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| "files".to_owned());
        Ok(Self { name, schema, rows, files })
    }
}

impl ParquetFolder {
    /// The same under another name.
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }
}

/// Finds the Parquet files at or below a path.
fn find(root: &Path, path: &Path, files: &mut Vec<ParquetFile>) -> Result<(), FolderError> {
    let unread = |source| FolderError::Io { path: path.display().to_string(), source };
    if !std::fs::metadata(path).map_err(unread)?.is_dir() {
        if path == root || path.extension().is_some_and(|ending| ending == "parquet") {
            files.push(ParquetFile { path: path.to_owned(), partition: partition(root, path) });
        }
        return Ok(());
    }
    for entry in std::fs::read_dir(path).map_err(unread)? {
        find(root, &entry.map_err(unread)?.path(), files)?;
    }
    Ok(())
}

/// What the folders between `root` and a file say, as in `year=2024`.
fn partition(root: &Path, path: &Path) -> BTreeMap<String, Option<String>> {
    let below = path.strip_prefix(root).unwrap_or(path).parent().into_iter().flatten();
    let values = below.filter_map(|part| {
        let part = part.to_string_lossy();
        let (name, value) = part.split_once('=')?;
        Some((unescaped(name), Some(unescaped(value)).filter(|value| value != NULL_PARTITION)))
    });
    values.collect()
}

/// A folder's name without the `%xx` that stand for letters with a meaning.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) if byte == b'%' => {
                bytes.push(code);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, FolderError> {
    let shown = || path.display().to_string();
    let file = File::open(path).map_err(|source| FolderError::Io { path: shown(), source })?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|source| FolderError::Parquet { path: shown(), source })
}

fn with_partition(schema: &Schema, partition: &BTreeMap<String, Option<String>>) -> SchemaRef {
    let own = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let folders = partition.keys().filter(|name| schema.column_with_name(name).is_none());
    let folders = folders.map(|name| Field::new(name, DataType::Utf8, true));
    Arc::new(Schema::new(own.chain(folders).collect::<Vec<_>>()))
}

impl Table for ParquetFolder {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn scan(&self, columns: Vec<usize>) -> BoxStream<'static, io::Result<RecordBatch>> {
        let schema = match self.schema.project(&columns) {
            Ok(schema) => Arc::new(schema),
            Err(error) => return iter([Err(io::Error::other(error))]).boxed(),
        };
        let files = self.files.clone().into_iter();
        let rows = files.flat_map(move |file| match rows_of(&file, &schema) {
            Ok(rows) => rows,
            Err(error) => Box::new(std::iter::once(Err(io::Error::other(error)))),
        });
        iter(rows).boxed()
    }
}

type Rows = Box<dyn Iterator<Item = io::Result<RecordBatch>> + Send>;

fn rows_of(file: &ParquetFile, schema: &SchemaRef) -> Result<Rows, FolderError> {
    let builder = open(&file.path)?;
    let wanted = builder.schema().fields().iter().enumerate();
    let wanted = wanted.filter(|(_, field)| schema.column_with_name(field.name()).is_some());
    let wanted: Vec<usize> = wanted.map(|(index, _)| index).collect();
    let projection = ProjectionMask::roots(builder.parquet_schema(), wanted);
    let parquet = |source| FolderError::Parquet { path: file.path.display().to_string(), source };
    let reader = builder.with_projection(projection).build().map_err(parquet)?;
    let (file, schema) = (file.clone(), Arc::clone(schema));
    Ok(Box::new(reader.map(move |batch| {
        let batch = batch.map_err(|error| named(&file, &error))?;
        fit(&batch, &file, &schema).map_err(|error| named(&file, &error))
    })))
}

fn named(file: &ParquetFile, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("`{}`: {error}", file.path.display()))
}

/// The columns of the table; what a file does not have is what its folders say,
/// or null.
fn fit(
    batch: &RecordBatch,
    file: &ParquetFile,
    schema: &SchemaRef,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let rows = batch.num_rows();
    let column = |field: &Arc<Field>| -> Result<ArrayRef, arrow::error::ArrowError> {
        match (batch.column_by_name(field.name()), file.partition.get(field.name())) {
            (Some(array), _) => cast(array, field.data_type()),
            (None, Some(value)) => {
                let texts = StringArray::from_iter(std::iter::repeat_n(value.as_deref(), rows));
                cast(&texts, field.data_type())
            }
            (None, None) => Ok(new_null_array(field.data_type(), rows)),
        }
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}
