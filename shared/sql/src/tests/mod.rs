//! Rules over batches: what holds, what is refused, what cannot be evaluated.

#![allow(clippy::unwrap_used)]

mod arbitrary;
mod beyond;
mod evaluated;
mod narrow;
mod queries;
mod refused;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Schema;
use millrace_contract::{Expectation, OnFail};
use millrace_format::RowRule;

use super::*;
use millrace_contract::SchemaMode;

/// Three rows; the last is null wherever it may be.
fn batch() -> RecordBatch {
    let amounts = Decimal128Array::from(vec![Some(1050), Some(-1), None]);
    let day = |text: &str| text.parse::<i32>().unwrap();
    let columns: [(&str, ArrayRef); 8] = [
        ("Amount", Arc::new(amounts.with_precision_and_scale(12, 2).unwrap())),
        ("currency", Arc::new(StringArray::from(vec![Some("EUR"), Some("usd"), None]))),
        ("date", Arc::new(Date32Array::from(vec![Some(day("19000")), Some(20_000), None]))),
        ("qty", Arc::new(Int64Array::from(vec![Some(2), Some(0), None]))),
        ("big", Arc::new(Int64Array::from(vec![i64::MAX, 1, 0]))),
        ("rate", Arc::new(Float64Array::from(vec![Some(0.5), Some(f64::NAN), None]))),
        ("paid", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        (
            "at",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(0), Some(1), None]).with_timezone("UTC"),
            ),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

fn expectation(rule: &str) -> Expectation {
    Expectation { rule: rule.to_owned(), on_fail: OnFail::RejectRow }
}

fn compiled(rule: &str, schema: &Schema) -> Result<CompiledRule, RuleProblem> {
    let dataset = refused::dataset(SchemaMode::Strict, &[rule]);
    Ok(Rules::compile(&dataset, schema, 0)?.rows.remove(0))
}

/// The rule's verdict for each row: `t`, `f` or `n`.
fn verdicts(rule: &str) -> Result<String, String> {
    let batch = batch();
    let rule = compiled(rule, &batch.schema()).map_err(|problem| problem.to_string())?;
    let verdicts = rule.check(&batch).map_err(|error| error.to_string())?;
    assert_eq!(verdicts.len(), batch.num_rows());
    let letter = |verdict| match verdict {
        Some(true) => 't',
        Some(false) => 'f',
        None => 'n',
    };
    Ok(verdicts.iter().map(letter).collect())
}
