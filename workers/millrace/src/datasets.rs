//! Datasets as they are named on the command line: a slip is recognised.

use millrace_contract::Dataset;
use millrace_ledger::{Ledger, RunFilter};
use millrace_pipeline::Pipeline;

use crate::args::choices;
use crate::exit::Usage;

/// A dataset of the pipeline file.
///
/// # Errors
/// [`Usage`] with which may be meant.
pub(crate) fn named<'a>(pipeline: &'a Pipeline, name: &str) -> Result<&'a Dataset, Usage> {
    pipeline.dataset(name).ok_or_else(|| unknown(pipeline, name))
}

/// Checks the name of a dataset whose history is asked for. It need not be in the
/// pipeline file any more, if the ledger has files of it.
///
/// # Errors
/// [`Usage`] with which may be meant, or what the ledger says.
pub(crate) async fn check(
    pipeline: &Pipeline,
    ledger: &Ledger,
    name: Option<&str>,
) -> anyhow::Result<()> {
    let Some(name) = name.filter(|name| pipeline.dataset(name).is_none()) else { return Ok(()) };
    let dataset = Some(name.to_owned());
    let any = RunFilter { dataset, limit: Some(1), ..RunFilter::default() };
    match ledger.runs(&any).await?.is_empty() {
        true => Err(unknown(pipeline, name).into()),
        false => Ok(()),
    }
}

fn unknown(pipeline: &Pipeline, name: &str) -> Usage {
    let known: Vec<&str> = pipeline.datasets.iter().map(|dataset| &*dataset.name).collect();
    Usage(format!("there is no dataset `{name}`{}", choices(name, &known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../examples/finance/millrace.toml");

    #[test]
    fn a_slip_in_a_datasets_name_is_recognised() {
        let pipeline = Pipeline::parse(EXAMPLE).expect("a valid example");
        assert!(named(&pipeline, "expenses").is_ok());
        let said = named(&pipeline, "expnses").expect_err("a slip").to_string();
        assert_eq!(said, "there is no dataset `expnses`; did you mean `expenses`?");
        let said = named(&pipeline, "x").expect_err("none").to_string();
        assert!(said.contains("there are expenses, incomes"), "{said}");
    }
}
