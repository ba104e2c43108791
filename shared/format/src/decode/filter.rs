//! Which rows of a block the dataset's filter leaves out: asked of typed values,
//! before anything else is held against a row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{filter_record_batch, nullif};
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;

use crate::fault::Faults;
use crate::{RowFilter, RuleError};

/// Says of each row of `batch` whether the filter leaves it out.
///
/// Rows that it can't judge, since they are no rows or a value it looks at is
/// not of its type, stay: they have their faults. A required value that is
/// missing is null to it.
pub(super) fn skipped_rows(
    filter: &dyn RowFilter,
    batch: &RecordBatch,
    faults: &Faults,
) -> Result<Vec<bool>, RuleError> {
    let rows = batch.num_rows();
    let mut judged = vec![true; rows];
    for &row in faults.unjudged() {
        judged[row] = false;
    }
    let seen = seen(filter, batch, faults).and_then(|batch| {
        let keep = BooleanArray::from(judged.clone());
        if faults.unjudged().is_empty() { Ok(batch) } else { filter_record_batch(&batch, &keep) }
    });
    let seen = seen.map_err(|error| RuleError(error.to_string()))?;
    if seen.num_rows() == 0 {
        return Ok(vec![false; rows]);
    }
    let selected = filter.select(&seen)?;
    if selected.len() != seen.num_rows() {
        let said = format!("it answered {} rows of {}", selected.len(), seen.num_rows());
        return Err(RuleError(said));
    }
    let mut verdicts = selected.iter();
    let is_skipped = |judged| judged && verdicts.next().flatten() != Some(true);
    Ok(judged.into_iter().map(is_skipped).collect())
}

/// The rows as the filter sees them: every column may be null.
fn seen(
    filter: &dyn RowFilter,
    batch: &RecordBatch,
    faults: &Faults,
) -> Result<RecordBatch, ArrowError> {
    let mut columns = batch.columns().to_vec();
    for &column in filter.columns() {
        let missing: Vec<usize> = faults.missing(column).collect();
        if !missing.is_empty() {
            columns[column] = without(&columns[column], &missing)?;
        }
    }
    let nullable = |field: &Arc<Field>| field.as_ref().clone().with_nullable(true);
    let fields: Vec<Field> = batch.schema_ref().fields().iter().map(nullable).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

fn without(column: &ArrayRef, rows: &[usize]) -> Result<ArrayRef, ArrowError> {
    let mut missing = vec![false; column.len()];
    for &row in rows {
        missing[row] = true;
    }
    nullif(column, &BooleanArray::from(missing))
}
