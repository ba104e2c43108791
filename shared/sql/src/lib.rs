//! SQL, by DataFusion: expectations and filters over one row, and queries over
//! the rows of a file or over whole tables. Rules that look beyond the row are
//! read here and judged by `format`.
//!
//! An expectation is compiled once per file and evaluated batch by batch, without
//! a runtime, a table or a plan. It has to say the same of a row whenever it is
//! asked, because a file may be transformed more than once: subqueries,
//! aggregates and functions of the clock or of chance are refused when it is
//! compiled. A query ([`SqlQuery`]) stands between reading and writing, or answers
//! a person; over the rows of a file it has to make the same rows each time too.

mod beyond;
mod columns;
mod compile;
mod fields;
mod floats;
mod message;
mod problem;
mod query;
mod read;
mod reference;
mod refuse;
mod rule;
mod session;
mod span;
mod stack;

use millrace_contract::Dataset;

use crate::read::{Read, read_all};
use crate::reference::{check_reference, declared_schema};

pub use problem::{RuleFault, RuleProblem};
pub use query::{
    INPUT, Part, Partition, QueryRows, SqlFault, SqlQuery, Table, TableRead, TransformProblem,
    check_derived, check_transform, table_schema, tables_named, type_name,
};
pub use read::Rules;
pub use reference::Reference;
pub use rule::CompiledRule;

/// Everything that is wrong with the filter and the expectations of a dataset,
/// as far as declared columns tell, its own and those of the `datasets` it
/// refers to. Where further columns are inferred from the files, a rule about an
/// undeclared one is left to the first file.
pub fn check_rules(dataset: &Dataset, datasets: &[Dataset]) -> Vec<RuleProblem> {
    let schema = declared_schema(dataset);
    let inferred = dataset.schema.mode.is_open();
    let left_to_the_file =
        |problem: &RuleProblem| inferred && matches!(problem.fault, RuleFault::NoColumn { .. });
    let read = read_all(dataset, &schema, 0).into_iter().map(|(rule, read)| {
        let refers = |read| match read {
            Read::Reference(reference) => {
                check_reference(&reference, dataset, datasets).map_err(|fault| rule.problem(fault))
            }
            Read::Filter(_) | Read::Row(_) | Read::File(_) => Ok(()),
        };
        read.and_then(refers)
    });
    read.filter_map(Result::err).filter(|problem| !left_to_the_file(problem)).collect()
}

/// The first expectation of a dataset that says something of the file as a whole
/// (`unique(id)`, `row_count …`, `max_age …`), so that a part of its rows can't be
/// judged alone.
pub fn rule_of_the_file(dataset: &Dataset) -> Option<&str> {
    let schema = declared_schema(dataset);
    let read = read_all(dataset, &schema, 0).into_iter();
    let mut of_the_file = read.filter(|(_, read)| matches!(read, Ok(Read::File(_))));
    let index = of_the_file.next()?.0.index?;
    dataset.expect.get(index).map(|expectation| expectation.rule.as_str())
}

#[cfg(test)]
mod tests;
