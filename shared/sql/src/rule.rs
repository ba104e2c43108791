//! A compiled rule at work.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, BooleanBuilder, RecordBatch};
use arrow::util::display::array_value_to_string;
use datafusion::error::Result as DfResult;
use datafusion::physical_expr::PhysicalExpr;
use millrace_contract::OnFail;
use millrace_format::{RowFilter, RowRule, RuleError};

use crate::message::message;

/// An expectation or a filter, compiled against the columns of a file.
pub struct CompiledRule {
    pub(crate) text: String,
    pub(crate) on_fail: OnFail,
    pub(crate) expr: Arc<dyn PhysicalExpr>,
    /// Positions of the columns it looks at.
    pub(crate) columns: Vec<usize>,
}

impl RowRule for CompiledRule {
    fn text(&self) -> &str {
        &self.text
    }

    fn on_fail(&self) -> OnFail {
        self.on_fail
    }

    /// A rule that cannot be evaluated for some row of the batch is evaluated
    /// row by row, so that a condition before it (`qty <> 0 and …`) can keep it
    /// from being asked. The row that still fails is named: it fails the file,
    /// for neither loading nor rejecting it would be what the rule says.
    fn check(&self, batch: &RecordBatch) -> Result<BooleanArray, RuleError> {
        match self.evaluate(batch) {
            Ok(verdicts) => Ok(verdicts),
            Err(_) => self.row_by_row(batch),
        }
    }
}

impl RowFilter for CompiledRule {
    fn text(&self) -> &str {
        &self.text
    }

    fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// As a rule is checked: row by row where it must be.
    fn select(&self, batch: &RecordBatch) -> Result<BooleanArray, RuleError> {
        self.check(batch)
    }
}

impl CompiledRule {
    fn evaluate(&self, batch: &RecordBatch) -> DfResult<BooleanArray> {
        let verdicts = self.expr.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(verdicts.as_boolean().clone())
    }

    fn row_by_row(&self, batch: &RecordBatch) -> Result<BooleanArray, RuleError> {
        let mut verdicts = BooleanBuilder::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let row = batch.slice(row, 1);
            let verdict =
                self.evaluate(&row).map_err(|error| self.fault(&row, &message(&error)))?;
            verdicts.append_option(verdict.is_valid(0).then(|| verdict.value(0)));
        }
        Ok(verdicts.finish())
    }

    fn fault(&self, row: &RecordBatch, message: &str) -> RuleError {
        let schema = row.schema();
        let value = |&column: &usize| {
            let value = array_value_to_string(row.column(column), 0).unwrap_or_default();
            let shown = if row.column(column).is_null(0) { "null" } else { &value };
            format!("{} = {shown}", schema.field(column).name())
        };
        let values: Vec<String> = self.columns.iter().map(value).collect();
        RuleError(format!(
            "rule `{}` cannot be evaluated for the row with {}: {message}; guard it with a \
             condition before it, as in `x <> 0 and …`",
            self.text,
            values.join(", "),
        ))
    }
}

impl fmt::Debug for CompiledRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompiledRule")
            .field("text", &self.text)
            .field("on_fail", &self.on_fail)
            .finish_non_exhaustive()
    }
}
