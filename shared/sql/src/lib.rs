//! SQL, by DataFusion: expectations over one row, and queries over the rows of a
//! file or over whole tables.
//!
//! An expectation is compiled once per file and evaluated batch by batch, without
//! a runtime, a table or a plan. It has to say the same of a row whenever it is
//! asked, because a file may be transformed more than once: subqueries,
//! aggregates and functions of the clock or of chance are refused when it is
//! compiled. A query ([`SqlQuery`]) stands between reading and writing, or answers
//! a person; over the rows of a file it has to make the same rows each time too.

mod columns;
mod compile;
mod floats;
mod message;
mod problem;
mod query;
mod refuse;
mod rule;
mod session;
mod stack;

use arrow::datatypes::Schema;
use millrace_contract::{Captures, Dataset, Expectation, SchemaMode};
use millrace_format::arrow_schema;

use crate::compile::compile;
use crate::stack::with_stack;

pub use problem::{RuleFault, RuleProblem};
pub use query::{
    INPUT, QueryRows, SqlFault, SqlQuery, Table, TransformProblem, check_transform, table_schema,
    tables_named, type_name,
};
pub use rule::CompiledRule;

/// Expectations, compiled.
pub struct RowRules;

impl RowRules {
    /// Compiles expectations against the columns of a file's batches.
    ///
    /// # Errors
    /// [`RuleProblem`]: the first rule that is not a condition over one row.
    pub fn compile(
        expectations: &[Expectation],
        schema: &Schema,
    ) -> Result<Vec<CompiledRule>, RuleProblem> {
        compile_all(expectations, schema).into_iter().collect()
    }
}

/// Everything that is wrong with a dataset's expectations, as far as its
/// declared columns tell. Where further columns are inferred from the files, a
/// rule about an undeclared one is left to the first file.
pub fn check_rules(dataset: &Dataset) -> Vec<RuleProblem> {
    let captures = capture_names(&dataset.pattern);
    let schema = arrow_schema(&dataset.schema.columns, &captures);
    let inferred = dataset.schema.mode == SchemaMode::Infer;
    let left_to_the_file =
        |problem: &RuleProblem| inferred && matches!(problem.fault, RuleFault::NoColumn { .. });
    let rules = compile_all(&dataset.expect, &schema).into_iter();
    rules.filter_map(Result::err).filter(|problem| !left_to_the_file(problem)).collect()
}

fn compile_all(
    expectations: &[Expectation],
    schema: &Schema,
) -> Vec<Result<CompiledRule, RuleProblem>> {
    let compile_one = |(index, expectation): (usize, &Expectation)| {
        let wrong = |fault| RuleProblem { index, rule: expectation.rule.clone(), fault };
        let compiled = with_stack(|| compile(expectation, schema));
        compiled.unwrap_or_else(|error| Err(RuleFault::NoThread(error.to_string()))).map_err(wrong)
    };
    expectations.iter().enumerate().map(compile_one).collect()
}

/// The names in braces of a pattern that the pipeline file has been checked for.
fn capture_names(pattern: &str) -> Captures {
    let openings = pattern.split('{').skip(1);
    let names = openings.filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()));
    names.map(|name| (name, String::new())).collect()
}

#[cfg(test)]
mod tests;
