//! A dataset of the lake as a table for SQL: the Parquet of its live files, the
//! columns that their folders hold among them.

use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use futures::channel::mpsc;
use futures::stream::BoxStream;
use futures::{SinkExt, StreamExt};
use millrace_contract::{ColumnDef, DataType, Dataset, LoadTask, Output, SchemaMode};
use millrace_format::arrow_schema;
use millrace_ledger::{Ledger, LedgerError};
use millrace_retry::{Classify, FailureClass};
use millrace_sql::{Part, Table, table_schema, tables_named};
use millrace_storage::Storage;
use thiserror::Error;
use tokio::runtime::Handle;

use crate::batches::{LakeError, Missing, batches};
use crate::parts::coalesced;

/// Batches that may wait between the lake and the query.
const BATCHES: usize = 2;

/// A dataset of the lake that is no table, as far as can be said now.
#[derive(Debug, Error)]
pub enum TableError {
    /// The ledger can't be asked.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// It has no file, or none that got as far.
    #[error("dataset `{0}` has no file in the lake yet; publish one first")]
    Empty(String),
}

impl Classify for TableError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Ledger(error) => error.class(),
            // Its files may be on their way.
            Self::Empty(_) => FailureClass::Transient,
        }
    }
}

/// A dataset of the lake.
pub struct LakeTable {
    name: String,
    schema: SchemaRef,
    /// What it is made of: a part for each output.
    parts: Vec<Part>,
    /// The bucket of each output, and the output.
    outputs: Vec<(String, Output)>,
    storage: Arc<dyn Storage>,
    runtime: Handle,
}

impl std::fmt::Debug for LakeTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LakeTable").field("name", &self.name).finish_non_exhaustive()
    }
}

impl LakeTable {
    /// A dataset as the ledger knows it now, with the columns of its newest file.
    /// To be called on the runtime that shall read the lake.
    ///
    /// # Errors
    /// [`TableError`].
    pub async fn open(
        ledger: &Ledger,
        storage: Arc<dyn Storage>,
        dataset: &str,
    ) -> Result<Self, TableError> {
        let files = live_files(ledger, dataset).await?;
        Self::of_files(ledger, storage, dataset, files).await
    }

    /// A dataset as it was when it had these live files, with the columns of the
    /// newest. To be called on the runtime that shall read the lake.
    ///
    /// # Errors
    /// [`TableError`].
    pub async fn of_files(
        ledger: &Ledger,
        storage: Arc<dyn Storage>,
        dataset: &str,
        files: Vec<LoadTask>,
    ) -> Result<Self, TableError> {
        let parts = files.iter().flat_map(parts).collect();
        let Live { columns, outputs } = live_of(ledger, dataset, files).await?;
        Ok(Self {
            name: dataset.to_owned(),
            schema: nullable(&table_schema(&columns)),
            parts,
            outputs,
            storage,
            runtime: Handle::current(),
        })
    }
}

/// The outputs of a file as parts of a table. They are named by the file, whose
/// rows stay when they are joined with others in one object.
fn parts(file: &LoadTask) -> impl Iterator<Item = Part> {
    file.outputs.iter().enumerate().map(|(ordinal, output)| Part {
        name: format!("{}/{ordinal}", file.file_id),
        rows: output.rows,
        values: output.partition.clone(),
    })
}

/// Those of `datasets` that a query names, as tables: no other is looked at. To be
/// called on the runtime that shall read the lake.
///
/// # Errors
/// [`TableError`].
pub async fn tables_of(
    ledger: &Ledger,
    storage: &Arc<dyn Storage>,
    sql: &str,
    datasets: &[String],
) -> Result<Vec<Arc<dyn Table>>, TableError> {
    let mut tables: Vec<Arc<dyn Table>> = Vec::new();
    for name in tables_named(sql, datasets) {
        tables.push(Arc::new(LakeTable::open(ledger, Arc::clone(storage), &name).await?));
    }
    Ok(tables)
}

/// What lives of a dataset in the lake.
#[derive(Debug, Clone)]
pub struct Live {
    /// The columns of its newest file, those that its folders hold among them.
    pub columns: Vec<ColumnDef>,
    /// The bucket of each output, and the output.
    pub outputs: Vec<(String, Output)>,
}

/// What lives of a dataset, as the ledger knows it now.
///
/// # Errors
/// [`TableError`].
pub async fn live(ledger: &Ledger, dataset: &str) -> Result<Live, TableError> {
    let files = live_files(ledger, dataset).await?;
    live_of(ledger, dataset, files).await
}

/// What these files say of a dataset, which are in the order of registration.
///
/// # Errors
/// [`TableError`].
pub async fn live_of(
    ledger: &Ledger,
    dataset: &str,
    files: Vec<LoadTask>,
) -> Result<Live, TableError> {
    let Some(newest) = files.last() else {
        return Err(TableError::Empty(dataset.to_owned()));
    };
    let columns = columns(ledger, newest).await?;
    let outputs = files.into_iter().flat_map(|file| {
        let LoadTask { lake, outputs, .. } = file;
        outputs.into_iter().map(move |output| (lake.clone(), output))
    });
    Ok(Live { columns, outputs: outputs.collect() })
}

/// The files of a dataset whose rows are in the lake, in the order of
/// registration.
///
/// # Errors
/// [`LedgerError`].
pub async fn live_files(ledger: &Ledger, dataset: &str) -> Result<Vec<LoadTask>, LedgerError> {
    let (mut files, mut after) = (Vec::new(), None);
    loop {
        let (more, next) = ledger.live_files(dataset, after).await?;
        files.extend(more);
        match next {
            Some(next) => after = Some(next),
            None => return Ok(files),
        }
    }
}

/// The columns that a file was written with.
async fn columns(ledger: &Ledger, file: &LoadTask) -> Result<Vec<ColumnDef>, LedgerError> {
    if let Some(columns) = &file.columns {
        return Ok(columns.clone());
    }
    let unknown = || LedgerError::UnknownContract {
        dataset: file.dataset.clone(),
        contract: file.contract.as_str().to_owned(),
    };
    let dataset: Dataset =
        ledger.contract(&file.dataset, &file.contract).await?.ok_or_else(unknown)?;
    let columns = match dataset.schema.mode {
        SchemaMode::Strict => dataset.schema.columns,
        SchemaMode::Infer => {
            ledger.settled_columns(&file.dataset, &file.contract).await?.ok_or_else(unknown)?
        }
        SchemaMode::Evolve => ledger.columns_of(&file.file_id).await?.ok_or_else(unknown)?.columns,
    };
    let all = arrow_schema(&columns, &file.captures);
    let captured = all.fields().iter().skip(columns.len());
    let captured = captured.map(|field| ColumnDef::new(field.name(), DataType::String));
    Ok(columns.iter().cloned().chain(captured).collect())
}

/// Files of other contracts may lack any column.
fn nullable(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<Field>>()))
}

impl Table for LakeTable {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.outputs.iter().map(|(_, output)| output.rows).sum())
    }

    fn parts(&self) -> &[Part] {
        &self.parts
    }

    fn scan(&self, columns: Vec<usize>) -> BoxStream<'static, io::Result<RecordBatch>> {
        self.read(self.outputs.clone(), &columns)
    }

    fn scan_parts(
        &self,
        parts: Vec<usize>,
        columns: Vec<usize>,
    ) -> BoxStream<'static, io::Result<RecordBatch>> {
        let outputs = parts.into_iter().filter_map(|index| self.outputs.get(index).cloned());
        self.read(outputs.collect(), &columns)
    }
}

impl LakeTable {
    /// The rows of some outputs. The lake is read on the runtime the table was opened
    /// on: that is where the connections live.
    fn read(
        &self,
        outputs: Vec<(String, Output)>,
        columns: &[usize],
    ) -> BoxStream<'static, io::Result<RecordBatch>> {
        let schema = match self.schema.project(columns) {
            Ok(schema) => Arc::new(schema),
            Err(error) => return futures::stream::iter([Err(io::Error::other(error))]).boxed(),
        };
        let (mut sender, receiver) = mpsc::channel(BATCHES);
        let storage = Arc::clone(&self.storage);
        // Those that lie side by side in one object are one.
        let outputs = coalesced(outputs);
        self.runtime.spawn(async move {
            for (lake, output) in outputs {
                let storage = Arc::clone(&storage);
                let schema = Arc::clone(&schema);
                let mut rows = batches(storage, lake, vec![output], schema, Missing::Null);
                while let Some(batch) = rows.next().await {
                    let failed = batch.is_err();
                    if sender.send(batch.map_err(as_io)).await.is_err() || failed {
                        return;
                    }
                }
            }
        });
        receiver.boxed()
    }
}

/// The class of the error goes along as its source.
fn as_io(error: LakeError) -> io::Error {
    io::Error::other(error)
}
