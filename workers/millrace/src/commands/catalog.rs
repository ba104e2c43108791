//! `millrace catalog`: the lake's datasets as tables of Athena.

use std::process::ExitCode;

use anyhow::bail;
use bytes::Bytes;
use millrace_catalog::{
    CatalogTable, LiveObject, add_partitions, create_database, create_table, data_set, manifests,
    s3_manifest,
};
use millrace_contract::Dataset;
use millrace_lake::{Live, TableError, coalesced, live};
use millrace_ledger::Ledger;
use millrace_pipeline::{Pipeline, nearest};
use millrace_storage::{S3Storage, Storage};
use serde_json::{Value, json};

use crate::args::{
    CatalogCommand, CatalogDdlArgs, CatalogListArgs, CatalogQuicksightArgs, Format, OutputArgs,
};
use crate::exit::Usage;
use crate::setup::{self, Setup};
use crate::show;

pub(super) async fn run(command: &CatalogCommand) -> anyhow::Result<ExitCode> {
    match command {
        CatalogCommand::List(args) => list(args).await?,
        CatalogCommand::Ddl(args) => ddl(args).await?,
        CatalogCommand::Manifests(args) => write_manifests(args).await?,
        CatalogCommand::Quicksight(args) => quicksight(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The tables of the datasets that are asked for and have a file in the lake.
async fn tables(setup: &Setup, only: Option<&str>) -> anyhow::Result<Vec<CatalogTable>> {
    let pipeline = &setup.pipeline;
    let wanted: Vec<&Dataset> = match only {
        Some(name) => vec![pipeline.dataset(name).ok_or_else(|| unknown(name, pipeline))?],
        None => pipeline.datasets.iter().collect(),
    };
    let ledger = setup.ledger_to_read().await?;
    let mut tables = Vec::with_capacity(wanted.len());
    for dataset in wanted {
        tables.extend(table(&ledger, pipeline, dataset).await?);
    }
    Ok(tables)
}

async fn table(
    ledger: &Ledger,
    pipeline: &Pipeline,
    dataset: &Dataset,
) -> anyhow::Result<Option<CatalogTable>> {
    let Live { columns, outputs } = match live(ledger, &dataset.name).await {
        Ok(live) => live,
        Err(empty @ TableError::Empty(_)) => {
            show::note(empty);
            return Ok(None);
        }
        Err(error @ TableError::Ledger(_)) => return Err(error.into()),
    };
    // Those that were joined in one object are one.
    let outputs = coalesced(outputs);
    let objects = outputs.into_iter().map(|(bucket, output)| LiveObject { bucket, output });
    let objects: Vec<LiveObject> = objects.collect();
    Ok(Some(CatalogTable::new(dataset, &pipeline.lake.curated, &columns, &objects)))
}

fn unknown(name: &str, pipeline: &Pipeline) -> Usage {
    let names: Vec<&str> = pipeline.datasets.iter().map(|dataset| dataset.name.as_str()).collect();
    Usage(match nearest(name, &names) {
        Some(meant) => format!("there is no dataset `{name}`; did you mean `{meant}`?"),
        None => format!("there is no dataset `{name}`; there are {}", names.join(", ")),
    })
}

/// The pipeline's name as Athena takes it.
fn database(given: Option<&String>, pipeline: &Pipeline) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    given.cloned().unwrap_or_else(|| pipeline.name.chars().map(letter).collect())
}

async fn list(args: &CatalogListArgs) -> anyhow::Result<()> {
    let OutputArgs { pipeline, output } = &args.output;
    let tables = tables(&Setup::new(pipeline)?, args.dataset.as_deref()).await?;
    match output {
        Format::Json => show::json(&tables.iter().map(as_json).collect::<Vec<_>>())?,
        Format::Table => {
            let headers = ["table", "partitioned by", "#partitions", "#objects", "#rows", "#bytes"];
            show::table(&headers, tables.iter().map(row).collect());
        }
    }
    Ok(())
}

fn row(table: &CatalogTable) -> Vec<String> {
    let by: Vec<&str> = table.partitioned_by.iter().map(|column| column.name.as_str()).collect();
    vec![
        table.name.clone(),
        by.join(", "),
        show::number(table.partitions.len() as u64),
        show::number(table.objects() as u64),
        show::number(table.rows()),
        show::number(table.bytes()),
    ]
}

fn as_json(table: &CatalogTable) -> Value {
    let column = |column: &millrace_contract::ColumnDef| {
        let data_type = millrace_catalog::hive_type(column.data_type);
        json!({ "name": column.name, "type": data_type })
    };
    let partition = |partition: &millrace_catalog::Partition| {
        json!({
            "values": partition.values,
            "objects": partition.objects.len(),
            "rows": partition.rows,
            "bytes": partition.bytes,
        })
    };
    json!({
        "table": table.name,
        "dataset": table.dataset,
        "columns": table.columns.iter().map(column).collect::<Vec<_>>(),
        "partitioned_by": table.partitioned_by.iter().map(column).collect::<Vec<_>>(),
        "partitions": table.partitions.iter().map(partition).collect::<Vec<_>>(),
        "objects": table.objects(),
        "rows": table.rows(),
        "bytes": table.bytes(),
    })
}

async fn ddl(args: &CatalogDdlArgs) -> anyhow::Result<()> {
    let setup = Setup::new(&args.pipeline)?;
    let database = database(args.database.as_ref(), &setup.pipeline);
    let tables = tables(&setup, args.dataset.as_deref()).await?;
    let mut sql = create_database(&database);
    for table in &tables {
        sql.push('\n');
        let projection = args.projection.as_deref();
        sql.push_str(&create_table(table, &database, projection));
        sql.push_str(&add_partitions(table, &database, projection));
    }
    show::line(sql.trim_end());
    Ok(())
}

/// Refuses a list that would name rows of nobody: an object that others were joined
/// into is read whole, and a file of it may have been superseded since.
async fn check_whole(ledger: &Ledger, dataset: &str) -> anyhow::Result<()> {
    let Ok(Live { outputs, .. }) = live(ledger, dataset).await else { return Ok(()) };
    let rows = ledger.joined_rows(dataset).await?;
    for (bucket, output) in coalesced(outputs) {
        let Some(first) = output.first_row else { continue };
        let all = rows.get(&(bucket.clone(), output.key.clone())).copied();
        if first > 0 || all != Some(output.rows) {
            bail!(
                "object s3://{bucket}/{} of dataset `{dataset}` has rows of a file that was \
                 superseded since it was joined, and Athena would read them; `millrace replay \
                 --dataset {dataset}` writes the dataset's files anew",
                output.key
            );
        }
    }
    Ok(())
}

async fn write_manifests(args: &CatalogListArgs) -> anyhow::Result<()> {
    let OutputArgs { pipeline, output } = &args.output;
    let setup = Setup::new(pipeline)?;
    let ledger = setup.ledger_to_read().await?;
    let storage = S3Storage::new(&setup::signed_in().await?);
    let mut written = Vec::new();
    for table in tables(&setup, args.dataset.as_deref()).await? {
        check_whole(&ledger, &table.dataset).await?;
        let (bucket, prefix) = (table.bucket.clone(), table.manifests_prefix());
        let all = manifests(&table);
        let mut emptied = Vec::new();
        for manifest in &all {
            let body = Bytes::from(manifest.text.clone());
            storage.put_as(&bucket, &manifest.key, body, "text/plain").await?;
        }
        // A partition of which nothing lives any more reads as empty.
        for key in keys(&storage, &bucket, &prefix).await? {
            if !all.iter().any(|manifest| manifest.key == key) {
                storage.put_as(&bucket, &key, Bytes::new(), "text/plain").await?;
                emptied.push(key);
            }
        }
        written.push((table, all.len(), emptied));
    }
    match output {
        Format::Json => show::json(&written.iter().map(written_as_json).collect::<Vec<_>>())?,
        Format::Table => {
            for (table, lists, emptied) in &written {
                let lists = show::count(*lists as u64, "list");
                let emptied = match emptied.len() {
                    0 => String::new(),
                    count => format!(", {count} emptied"),
                };
                let place = format!("s3://{}/{}", table.bucket, table.manifests_prefix());
                show::line(format!("{}: {lists} under {place}{emptied}", table.name));
            }
        }
    }
    Ok(())
}

fn written_as_json((table, lists, emptied): &(CatalogTable, usize, Vec<String>)) -> Value {
    json!({
        "table": table.name,
        "dataset": table.dataset,
        "bucket": table.bucket,
        "prefix": table.manifests_prefix(),
        "lists": lists,
        "emptied": emptied,
        "objects": table.objects(),
        "rows": table.rows(),
    })
}

async fn keys(storage: &S3Storage, bucket: &str, prefix: &str) -> anyhow::Result<Vec<String>> {
    let (mut keys, mut page) = (Vec::new(), None);
    loop {
        let listing = storage.list(bucket, prefix, page).await?;
        keys.extend(listing.objects.into_iter().map(|(key, _)| key));
        page = listing.next;
        if page.is_none() {
            return Ok(keys);
        }
    }
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
