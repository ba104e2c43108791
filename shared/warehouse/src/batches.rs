//! The rows of a file as they come in, counted and held to the plan.

use arrow::array::Array;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::{LoadError, LoadPlan, SourceError};

/// The batches of one load.
pub(crate) struct Batches<'a> {
    source: BoxStream<'a, Result<RecordBatch, SourceError>>,
    peeked: Option<Option<Result<RecordBatch, SourceError>>>,
    schema: SchemaRef,
    /// Indexes of the columns that must not be null, with their names.
    key: Vec<(usize, String)>,
    rows: u64,
}

impl<'a> Batches<'a> {
    pub(crate) fn new(
        source: BoxStream<'a, Result<RecordBatch, SourceError>>,
        plan: &LoadPlan<'_>,
    ) -> Self {
        let key = plan.target.key.iter();
        let key = key.filter_map(|name| Some((plan.schema.index_of(name).ok()?, name.clone())));
        Self { source, peeked: None, schema: plan.schema.clone(), key: key.collect(), rows: 0 }
    }

    /// Waits for the first batch without taking it.
    pub(crate) async fn wait(&mut self) {
        if self.peeked.is_none() {
            self.peeked = Some(self.source.next().await);
        }
    }

    /// The next batch that has rows.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, LoadError> {
        loop {
            let next = match self.peeked.take() {
                Some(peeked) => peeked,
                None => self.source.next().await,
            };
            let Some(batch) = next.transpose()? else {
                return Ok(None);
            };
            self.check(&batch)?;
            self.rows += batch.num_rows() as u64;
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
    }

    /// Rows that came so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether all the rows came that transform wrote.
    ///
    /// # Errors
    /// [`LoadError::Unbalanced`] if not.
    pub(crate) fn check_balance(&self, plan: &LoadPlan<'_>) -> Result<(), LoadError> {
        let (sent, written) = (self.rows, plan.task.balance.written);
        if sent == written { Ok(()) } else { Err(LoadError::Unbalanced { sent, written }) }
    }

    fn check(&self, batch: &RecordBatch) -> Result<(), LoadError> {
        let planned = self.schema.fields().iter();
        let fits = batch.num_columns() == self.schema.fields().len()
            && planned.zip(batch.schema_ref().fields()).all(|(planned, found)| {
                planned.name() == found.name() && planned.data_type() == found.data_type()
            });
        if !fits {
            return Err(LoadError::Shape {
                planned: describe(&self.schema),
                found: describe(batch.schema_ref()),
            });
        }
        self.check_key(batch)
    }

    fn check_key(&self, batch: &RecordBatch) -> Result<(), LoadError> {
        for (index, name) in &self.key {
            let nulls = batch.column(*index).logical_nulls();
            let row = nulls.and_then(|nulls| nulls.iter().position(|is_valid| !is_valid));
            if let Some(row) = row {
                return Err(LoadError::Value {
                    column: name.clone(),
                    problem: format!(
                        "row {} of the rows written has no value, but the column is part of the \
                         key; make it `required`",
                        self.rows + row as u64 + 1
                    ),
                });
            }
        }
        Ok(())
    }
}

fn describe(schema: &SchemaRef) -> String {
    let fields = schema.fields().iter();
    fields
        .map(|field| format!("{} {}", field.name(), field.data_type()))
        .collect::<Vec<_>>()
        .join(", ")
}
