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
    shape: Shape,
    rows: u64,
}

/// What every batch of a load is held to.
pub(crate) struct Shape {
    schema: SchemaRef,
    /// Indexes of the columns that must not be null, with their names.
    key: Vec<(usize, String)>,
}

impl<'a> Batches<'a> {
    pub(crate) fn new(
        source: BoxStream<'a, Result<RecordBatch, SourceError>>,
        plan: &LoadPlan<'_>,
    ) -> Self {
        Self { source, peeked: None, shape: Shape::of(plan), rows: 0 }
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
            self.shape.check(&batch, self.rows)?;
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
}

impl Shape {
    pub(crate) fn of(plan: &LoadPlan<'_>) -> Self {
        let key = plan.target.key.iter();
        let key = key.filter_map(|name| Some((plan.schema.index_of(name).ok()?, name.clone())));
        Self { schema: plan.schema.clone(), key: key.collect() }
    }

    /// Checks the columns of a batch and its key; `before` rows came before it.
    pub(crate) fn check(&self, batch: &RecordBatch, before: u64) -> Result<(), LoadError> {
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
        self.check_key(batch, before)
    }

    fn check_key(&self, batch: &RecordBatch, before: u64) -> Result<(), LoadError> {
        for (index, name) in &self.key {
            let nulls = batch.column(*index).logical_nulls();
            let row = nulls.and_then(|nulls| nulls.iter().position(|is_valid| !is_valid));
            if let Some(row) = row {
                return Err(LoadError::Value {
                    column: name.clone(),
                    problem: format!(
                        "row {} of the rows written has no value, but the column is part of the \
                         key; make it `required`",
                        before + row as u64 + 1
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
