//! `millrace check`: everything that is wrong with the pipeline file, at once.

use std::collections::BTreeMap;
use std::process::ExitCode;

use millrace_contract::{Export, ExportSource, Stream};
use millrace_pipeline::{LoadError, Pipeline, Problem};
use millrace_sql::{check_derived, check_rules, check_transform};
use serde_json::json;

use super::plan::NOT_RUN;
use crate::args::{CheckArgs, Format};
use crate::exit::{USAGE, Usage};
use crate::show::{self, Style};

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut notes = Vec::new();
    let (problems, datasets) = match Pipeline::load(&args.file) {
        Ok(pipeline) => {
            let problems = [
                rule_problems(&pipeline),
                transform_problems(&pipeline),
                derived_problems(&pipeline),
                warehouse_problems(&pipeline),
                export_problems(&pipeline),
            ];
            let problems = problems.concat();
            notes = loop_notes(&pipeline);
            notes.extend(unread_notes(&pipeline));
            (problems, pipeline.datasets.len())
        }
        Err(LoadError::Invalid(problems)) => (problems.problems, 0),
        Err(error @ LoadError::Read { .. }) => {
            let what = "name the pipeline file: `millrace check FILE`";
            return Err(Usage(format!("{error}; {what}")).into());
        }
    };
    match args.output {
        Format::Json => show::json(&json!({ "ok": problems.is_empty(), "problems": problems }))?,
        Format::Table => {
            notes.iter().for_each(show::note);
            report(args, &problems, datasets);
        }
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(USAGE) })
}

/// Filters and expectations that don't fit the declared columns.
fn rule_problems(pipeline: &Pipeline) -> Vec<Problem> {
    let rules = pipeline.datasets.iter().flat_map(|dataset| {
        check_rules(dataset, &pipeline.datasets).into_iter().map(move |problem| {
            let key = format!("datasets.{}.{}", dataset.name, problem.key());
            pipeline.problem(&key, &problem.to_string(), None)
        })
    });
    rules.collect()
}

/// SQL that doesn't fit its dataset's declared columns, or does not give what the
/// dataset needs.
fn transform_problems(pipeline: &Pipeline) -> Vec<Problem> {
    let problems = pipeline.datasets.iter().flat_map(|dataset| {
        check_transform(dataset, &pipeline.datasets).into_iter().map(move |problem| {
            let key = format!("datasets.{}.{}", dataset.name, problem.key);
            pipeline.problem(&key, &problem.to_string(), None)
        })
    });
    problems.collect()
}

/// SQL of derived datasets that doesn't fit what they are made of, each looked at
/// behind those it is made of.
fn derived_problems(pipeline: &Pipeline) -> Vec<Problem> {
    let mut made = BTreeMap::new();
    let mut problems = Vec::new();
    for derived in &pipeline.derived {
        let Some(dataset) = pipeline.dataset(&derived.name) else { continue };
        let (found, columns) = check_derived(dataset, &derived.inputs, &pipeline.datasets, &made);
        problems.extend(found.into_iter().map(|problem| {
            let key = format!("derived.{}.{}", derived.name, problem.key);
            pipeline.problem(&key, &problem.to_string(), None)
        }));
        made.extend(columns.map(|columns| (derived.name.clone(), columns)));
    }
    problems
}

/// A warehouse that can't do what the file asks for, as far as its URL is known.
fn warehouse_problems(pipeline: &Pipeline) -> Vec<Problem> {
    if pipeline.warehouse.is("redshift") {
        let hint = Some("use PostgreSQL or SQLite");
        return vec![pipeline.problem("warehouse.url", NOT_RUN, hint)];
    }
    if !pipeline.warehouse.is("sqlite") {
        return Vec::new();
    }
    let tables = pipeline.datasets.iter().filter_map(|dataset| {
        dataset.load.as_ref()?.schema.as_ref()?;
        let table = if dataset.is_derived() { "derived" } else { "datasets" };
        Some(format!("{table}.{}.load.schema", dataset.name))
    });
    let views = pipeline.views.iter().filter_map(|view| {
        view.schema.as_ref()?;
        Some(format!("views.{}.schema", view.name))
    });
    let hint = Some("leave `schema` out");
    let why = "SQLite has no schemas: a file is one";
    tables.chain(views).map(|key| pipeline.problem(&key, why, hint)).collect()
}

/// Exports that their database can't do, as far as its URL is known.
fn export_problems(pipeline: &Pipeline) -> Vec<Problem> {
    let mut problems = Vec::new();
    for export in &pipeline.exports {
        let url = pipeline.export_url(&export.name).unwrap_or(&pipeline.warehouse);
        let is_mysql = url.is("mysql") || url.is("mariadb");
        let mut note = |key: &str, why: &str, hint: &str| {
            let key = format!("exports.{}.{key}", export.name);
            problems.push(pipeline.problem(&key, why, Some(hint)));
        };
        if export.split.is_some() && (is_mysql || url.is("sqlite")) {
            let why = "only PostgreSQL can show one snapshot to several connections";
            note("split", why, "leave `split` out");
        }
        let in_schema = matches!(export.source, ExportSource::Table { schema: Some(_), .. });
        if in_schema && url.is("sqlite") {
            note("schema", "SQLite has no schemas: a file is one", "leave `schema` out");
        }
        if url.is("redshift") {
            note("to", "exports from Redshift are not run by this version", "use `UNLOAD`");
        }
    }
    problems
}

/// What is written where it is read again, which may be meant.
fn loop_notes(pipeline: &Pipeline) -> Vec<String> {
    let from_the_warehouse = |export: &&Export| pipeline.export_url(&export.name).is_none();
    let exports = pipeline.exports.iter().filter(from_the_warehouse);
    let notes = exports.filter_map(|export| {
        let dataset = pipeline.read_again_as(export)?;
        Some(format!(
            "note: what export `{}` writes is read as dataset `{dataset}`; see that this is no \
             circle",
            export.name
        ))
    });
    notes.collect()
}

/// What is collected and not read, as far as names of objects tell. A member of the
/// message may be what a pattern asks for.
fn unread_notes(pipeline: &Pipeline) -> Vec<String> {
    let unread = pipeline
        .streams
        .iter()
        .filter(|stream| stream.fields().is_empty() && pipeline.read_from(stream).is_empty());
    let note = |stream: &Stream| {
        format!(
            "note: no dataset's pattern matches what stream `{}` writes, such as `{}`",
            stream.name,
            stream.example_key()
        )
    };
    unread.map(note).collect()
}

fn report(args: &CheckArgs, problems: &[Problem], datasets: usize) {
    let file = args.file.display().to_string();
    for problem in problems {
        show::note(problem.render(&file));
    }
    match problems.len() as u64 {
        0 => {
            let datasets = show::count(datasets as u64, "dataset");
            show::line(format!("{}: {file}, {datasets}", show::styled("ok", Style::Good)));
        }
        count => show::note(show::styled(
            format!("{file}: {}", show::count(count, "problem")),
            Style::Bad,
        )),
    }
}
