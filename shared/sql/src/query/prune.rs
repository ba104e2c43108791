//! Which parts of a table a query can do without.
//!
//! A filter over columns that hold one value in all rows of a part is asked once
//! for the part. What can't be told is read.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::DFSchema;
use datafusion::common::cast::as_boolean_array;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr_rewriter::unnormalize_col;

use super::table::{Part, Table};

/// A table's parts beside the names that its columns are shown under.
pub(crate) struct Parts<'a> {
    parts: &'a [Part],
    /// The columns as they are, and as they are shown, in the same order.
    real: SchemaRef,
    shown: &'a SchemaRef,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(table: &'a dyn Table, shown: &'a SchemaRef) -> Self {
        Self { parts: table.parts(), real: table.schema(), shown }
    }

    /// Whether a filter says something of whole parts.
    pub(crate) fn can_judge(&self, filter: &Expr) -> bool {
        let columns = self.columns(filter);
        !columns.is_empty() && self.parts.iter().any(|part| self.holds(part, &columns))
    }

    /// The positions of those that may have rows for which all filters hold.
    pub(crate) fn remaining(&self, filters: &[Expr], session: &dyn Session) -> Vec<usize> {
        let mut remaining: Vec<usize> = (0..self.parts.len()).collect();
        for filter in filters {
            let columns = self.columns(filter);
            let (known, mut others): (Vec<usize>, Vec<usize>) =
                remaining.iter().partition(|&&index| self.holds(&self.parts[index], &columns));
            // A filter that fails here fails where the rows are read, or does not.
            let kept = self.judge(filter, &columns, &known, session).unwrap_or(known);
            others.extend(kept);
            others.sort_unstable();
            remaining = others;
        }
        remaining
    }

    /// The columns that a filter looks at, as they are shown.
    fn columns(&self, filter: &Expr) -> HashSet<String> {
        filter.column_refs().into_iter().map(|column| column.name.clone()).collect()
    }

    fn holds(&self, part: &Part, columns: &HashSet<String>) -> bool {
        columns.iter().all(|column| self.value(part, column).is_some())
    }

    /// What a part holds in a column, by the name that is shown.
    fn value(&self, part: &'a Part, shown: &str) -> Option<Option<&'a str>> {
        let real = self.real.field(self.shown.index_of(shown).ok()?).name();
        let (_, value) = part.values.iter().find(|(column, _)| column == real)?;
        Some(value.as_deref())
    }

    /// Those of the parts at `known` for which a filter holds.
    fn judge(
        &self,
        filter: &Expr,
        columns: &HashSet<String>,
        known: &[usize],
        session: &dyn Session,
    ) -> Result<Vec<usize>> {
        let rows = self.rows(columns, known)?;
        let schema = DFSchema::try_from(rows.schema())?;
        let filter = session.create_physical_expr(unnormalize_col(filter.clone()), &schema)?;
        let verdicts = filter.evaluate(&rows)?.into_array(known.len())?;
        let verdicts = as_boolean_array(&verdicts)?;
        let holds = |index: usize| verdicts.is_valid(index) && verdicts.value(index);
        let kept = known.iter().enumerate().filter(|(index, _)| holds(*index));
        Ok(kept.map(|(_, part)| *part).collect())
    }

    /// A row for each part, as any of its rows, where only these columns are asked.
    fn rows(&self, columns: &HashSet<String>, known: &[usize]) -> Result<RecordBatch> {
        let nullable = |field: &Arc<Field>| field.as_ref().clone().with_nullable(true);
        let schema = Schema::new(self.shown.fields().iter().map(nullable).collect::<Vec<_>>());
        let arrays = schema.fields().iter().map(|field| match columns.contains(field.name()) {
            true => self.values(field, known),
            false => Ok(new_null_array(field.data_type(), known.len())),
        });
        let arrays = arrays.collect::<Result<Vec<ArrayRef>>>()?;
        let count = RecordBatchOptions::new().with_row_count(Some(known.len()));
        Ok(RecordBatch::try_new_with_options(Arc::new(schema), arrays, &count)?)
    }

    fn values(&self, field: &Field, known: &[usize]) -> Result<ArrayRef> {
        let value = |&index: &usize| self.value(&self.parts[index], field.name()).flatten();
        let texts = StringArray::from_iter(known.iter().map(value));
        let strictly = CastOptions { safe: false, ..CastOptions::default() };
        Ok(cast_with_options(&texts, field.data_type(), &strictly)?)
    }
}
