//! `millrace catalog`: the lake's datasets as tables of Athena.

mod list;
mod manifests;
mod refresh;

use std::process::ExitCode;

use millrace_catalog::{
    CatalogTable, add_partitions, create_database, create_table, data_set, database_name,
    s3_manifest,
};
use millrace_contract::Dataset;
use millrace_lake::TableError;
use millrace_ledger::Ledger;
use millrace_pipeline::Pipeline;
use millrace_registrar::shown;

use crate::args::{CatalogCommand, CatalogDdlArgs, CatalogQuicksightArgs};
use crate::datasets;
use crate::exit::Usage;
use crate::setup::Setup;
use crate::show;

pub(super) async fn run(command: &CatalogCommand) -> anyhow::Result<ExitCode> {
    match command {
        CatalogCommand::List(args) => list::run(args).await?,
        CatalogCommand::Ddl(args) => ddl(args).await?,
        CatalogCommand::Manifests(args) => manifests::run(args).await?,
        CatalogCommand::Refresh(args) => refresh::run(args).await?,
        CatalogCommand::Quicksight(args) => quicksight(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The tables of the datasets that are asked for and have a file in the lake.
async fn tables(setup: &Setup, only: Option<&str>) -> anyhow::Result<Vec<CatalogTable>> {
    let pipeline = &setup.pipeline;
    let ledger = setup.ledger_to_read().await?;
    let mut tables = Vec::new();
    for dataset in wanted(pipeline, only)? {
        tables.extend(table(&ledger, pipeline, dataset).await?);
    }
    Ok(tables)
}

/// The datasets that are asked for.
fn wanted<'a>(pipeline: &'a Pipeline, only: Option<&str>) -> Result<Vec<&'a Dataset>, Usage> {
    Ok(match only {
        Some(name) => vec![datasets::named(pipeline, name)?],
        None => pipeline.datasets.iter().collect(),
    })
}

async fn table(
    ledger: &Ledger,
    pipeline: &Pipeline,
    dataset: &Dataset,
) -> anyhow::Result<Option<CatalogTable>> {
    let shown = shown(ledger, dataset, &pipeline.lake.curated, false).await?;
    if shown.is_none() {
        show::note(TableError::Empty(dataset.name.clone()));
    }
    Ok(shown.map(|shown| shown.table))
}

/// Where the tables are, unless the command says otherwise.
fn database(given: Option<&String>, pipeline: &Pipeline) -> String {
    let settings = pipeline.catalog.as_ref().map(|catalog| &catalog.database);
    let named = given.or(settings).cloned();
    named.unwrap_or_else(|| database_name(&pipeline.name))
}

async fn ddl(args: &CatalogDdlArgs) -> anyhow::Result<()> {
    let setup = Setup::new(&args.pipeline)?;
    let database = database(args.database.as_ref(), &setup.pipeline);
    let tables = tables(&setup, args.dataset.as_deref()).await?;
    let mut sql = create_database(&database);
    for table in &tables {
        sql.push('\n');
        let settings = setup.pipeline.catalog.as_ref();
        let projection = settings.and_then(|catalog| catalog.projection.as_deref());
        let projection = args.projection.as_deref().or(projection);
        sql.push_str(&create_table(table, &database, projection));
        sql.push_str(&add_partitions(table, &database, projection));
    }
    show::line(sql.trim_end());
    Ok(())
}

async fn quicksight(args: &CatalogQuicksightArgs) -> anyhow::Result<()> {
    let setup = Setup::new(&args.pipeline)?;
    let export = args.name.as_ref().and_then(|name| setup.pipeline.export(name));
    if let Some(export) = export {
        let place = &export.to;
        let prefix = place.literal_prefix();
        let manifest = s3_manifest(&place.bucket, prefix, export.format).ok_or_else(|| {
            Usage(format!(
                "export `{}` writes Parquet, which QuickSight does not read from S3; export CSV \
                 or NDJSON, or read a dataset through Athena",
                export.name
            ))
        })?;
        return show::json(&manifest);
    }
    let database = database(args.database.as_ref(), &setup.pipeline);
    let tables = tables(&setup, args.name.as_deref()).await?;
    let sets = tables.iter().map(|table| data_set(table, &database, &args.source));
    show::json(&sets.collect::<Vec<_>>())
}
