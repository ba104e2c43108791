//! `millrace plan`: what follows from the pipeline file.

use std::process::ExitCode;

use millrace_contract::{Dataset, SchemaMode};
use millrace_pipeline::Pipeline;
use millrace_warehouse::redshift::{RedshiftLoad, statements};
use serde_json::{Value, json};

use crate::args::{Format, OutputArgs, PlanArgs, Template};
use crate::setup::read_pipeline;
use crate::show;

/// What is said of a warehouse that loads are not run into.
pub(super) const NOT_RUN: &str =
    "loads into Redshift are not run by this version: `millrace plan` shows their statements";

pub(super) fn run(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    let pipeline = read_pipeline(&args.output.pipeline.pipeline)?;
    match args.format {
        Some(Template::Cloudformation) => show::json(&pipeline.plan().cloudformation())?,
        Some(Template::Mermaid) => show::line(pipeline.graph().mermaid().trim_end()),
        None => print(&pipeline, &args.output)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print(pipeline: &Pipeline, args: &OutputArgs) -> anyhow::Result<()> {
    let plan = pipeline.plan();
    let redshift = pipeline.warehouse.is("redshift").then(|| redshift(pipeline));
    match args.output {
        Format::Json => {
            let mut plan = json!(plan);
            if let Some(loads) = redshift {
                let loads = loads.into_iter().map(|(dataset, load)| match load {
                    Ok(statements) => json!({ "dataset": dataset, "statements": statements }),
                    Err(why) => json!({ "dataset": dataset, "problem": why }),
                });
                plan["redshift"] = json!({
                    "note": NOT_RUN,
                    "loads": loads.collect::<Vec<Value>>(),
                });
            }
            show::json(&plan)?;
        }
        Format::Table => {
            show::line(plan.to_string().trim_end());
            if !pipeline.derived.is_empty() {
                show::line("\nwhat is made of what");
                pipeline.graph().tree().lines().for_each(|line| show::line(format!("  {line}")));
            }
            for line in redshift.iter().flatten().map(shown) {
                show::line(line);
            }
            if redshift.is_some() {
                show::note(NOT_RUN);
            }
        }
    }
    Ok(())
}

/// The statements that load one file of a dataset, or why there are none.
type Load = (String, Result<Vec<String>, String>);

fn redshift(pipeline: &Pipeline) -> Vec<Load> {
    let datasets = pipeline.datasets.iter().filter(|dataset| dataset.load.is_some());
    datasets.map(|dataset| (dataset.name.clone(), load(pipeline, dataset))).collect()
}

fn load(pipeline: &Pipeline, dataset: &Dataset) -> Result<Vec<String>, String> {
    let Some(target) = &dataset.load else { return Ok(Vec::new()) };
    if dataset.schema.mode != SchemaMode::Strict || dataset.transform.is_some() {
        return Err("its columns are known when a file is read".to_owned());
    }
    if !dataset.parquet.partition_by.is_empty() || dataset.pattern.contains('{') {
        return Err("columns of its folders are known when a file is read".to_owned());
    }
    statements(&RedshiftLoad {
        dataset: &dataset.name,
        target,
        columns: &dataset.schema.columns,
        objects: &[format!(
            "s3://{}/{}/<file id>-0000.parquet",
            pipeline.lake.curated, dataset.name
        )],
        iam_role: "<role>",
        source: [&pipeline.lake.raw, "<key>", "<version>"],
        sequencer: Some("<sequencer>"),
        contract: "<contract>",
        rows: 0,
        file_id: "<file id>",
    })
}

fn shown((dataset, load): &Load) -> String {
    match load {
        Ok(statements) => {
            format!("\nload of {dataset} into Redshift\n  {};", statements.join(";\n  "))
        }
        Err(why) => format!("\nload of {dataset} into Redshift\n  not shown: {why}"),
    }
}
