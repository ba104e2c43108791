//! All rules of a dataset, read and sorted by what they look at.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use millrace_contract::{Dataset, Expectation, OnFail};
use millrace_format::FileRule;

use crate::beyond::{self, Beyond};
use crate::compile::{compile, parse};
use crate::problem::{RuleFault, RuleProblem};
use crate::reference::Reference;
use crate::rule::CompiledRule;
use crate::stack::with_stack;

/// The filter and the expectations of a dataset, compiled against the columns of
/// a file.
#[derive(Debug, Default)]
pub struct Rules {
    /// Which rows are taken.
    pub filter: Option<CompiledRule>,
    /// What must hold for every row.
    pub rows: Vec<CompiledRule>,
    /// What must hold for the file.
    pub file: Vec<FileRule>,
    /// What must exist in other datasets.
    pub references: Vec<Reference>,
}

impl Rules {
    /// Compiles a dataset's rules against the columns of a file's batches.
    /// `file_time` is when the file was written, in microseconds since 1970
    /// (UTC): what the age of its newest row is counted from.
    ///
    /// # Errors
    /// [`RuleProblem`]: the first rule that is none.
    pub fn compile(
        dataset: &Dataset,
        schema: &Schema,
        file_time: i64,
    ) -> Result<Self, RuleProblem> {
        let mut rules = Self::default();
        for (_, read) in read_all(dataset, schema, file_time) {
            match read? {
                Read::Filter(filter) => rules.filter = Some(filter),
                Read::Row(rule) => rules.rows.push(rule),
                Read::File(rule) => rules.file.push(rule),
                Read::Reference(reference) => rules.references.push(reference),
            }
        }
        Ok(rules)
    }
}

/// A rule that was read.
pub(crate) enum Read {
    /// The filter.
    Filter(CompiledRule),
    /// An expectation over one row.
    Row(CompiledRule),
    /// One over the file.
    File(FileRule),
    /// One about another dataset.
    Reference(Reference),
}

/// A rule and where it stands.
pub(crate) struct Written {
    /// Which expectation it is; none of them is the filter.
    pub(crate) index: Option<usize>,
    rule: String,
}

impl Written {
    /// What is wrong with it.
    pub(crate) fn problem(&self, fault: RuleFault) -> RuleProblem {
        RuleProblem { index: self.index, rule: self.rule.as_str().into(), fault }
    }
}

/// Reads the filter and every expectation of a dataset.
pub(crate) fn read_all(
    dataset: &Dataset,
    schema: &Schema,
    file_time: i64,
) -> Vec<(Written, Result<Read, RuleProblem>)> {
    let filter = dataset.filter.iter().map(|filter| {
        // To the filter, every column may be null.
        let nullable = |field: &Arc<Field>| field.as_ref().clone().with_nullable(true);
        let schema = Schema::new(schema.fields().iter().map(nullable).collect::<Vec<_>>());
        let filter = Expectation { rule: filter.clone(), on_fail: OnFail::Warn };
        let read = aside(|| compile(&filter, &schema).map(Read::Filter));
        (Written { index: None, rule: filter.rule }, read)
    });
    let expectations = dataset.expect.iter().enumerate().map(|(index, expectation)| {
        let read = aside(|| read_one(expectation, schema, file_time));
        (Written { index: Some(index), rule: expectation.rule.clone() }, read)
    });
    let read = filter.chain(expectations);
    read.map(|(written, read)| {
        let read = read.map_err(|fault| written.problem(fault));
        (written, read)
    })
    .collect()
}

fn aside<T: Send>(work: impl FnOnce() -> Result<T, RuleFault> + Send) -> Result<T, RuleFault> {
    with_stack(work).unwrap_or_else(|error| Err(RuleFault::NoThread(error.to_string())))
}

fn read_one(expectation: &Expectation, schema: &Schema, file_time: i64) -> Result<Read, RuleFault> {
    let parsed = parse(&expectation.rule)?;
    match beyond::read(expectation, &parsed.expr, schema, file_time) {
        Some(beyond) => Ok(match beyond? {
            Beyond::File(rule) => Read::File(rule),
            Beyond::Reference(reference) => Read::Reference(reference),
        }),
        None => compile(expectation, schema).map(Read::Row),
    }
}
