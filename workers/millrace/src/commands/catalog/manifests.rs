//! `millrace catalog manifests`: the lists of live objects, written by hand.

use millrace_catalog::{CatalogTable, Manifest, manifests};
use millrace_contract::Dataset;
use millrace_ledger::Ledger;
use millrace_registrar::{Permit, keys, shown, write};
use millrace_storage::S3Storage;
use serde_json::{Value, json};

use super::wanted;
use crate::args::{CatalogListArgs, Format, OutputArgs};
use crate::setup::{self, Setup};
use crate::show;

/// A table, how many lists it has, and the keys of those that were emptied.
type Written = (CatalogTable, usize, Vec<String>);

pub(super) async fn run(args: &CatalogListArgs) -> anyhow::Result<()> {
    let OutputArgs { pipeline, output } = &args.output;
    let setup = Setup::new(pipeline)?;
    let ledger = setup.ledger_to_read().await?;
    let storage = S3Storage::new(&setup::signed_in().await?);
    let mut written = Vec::new();
    for dataset in wanted(&setup.pipeline, args.dataset.as_deref())? {
        let lake = &setup.pipeline.lake.curated;
        written.extend(of_dataset(&ledger, &storage, dataset, lake).await?);
    }
    match output {
        Format::Json => show::json(&written.iter().map(as_json).collect::<Vec<_>>())?,
        Format::Table => written.iter().for_each(say),
    }
    Ok(())
}

async fn of_dataset(
    ledger: &Ledger,
    storage: &S3Storage,
    dataset: &Dataset,
    lake: &str,
) -> anyhow::Result<Option<Written>> {
    let Some(shown) = shown(ledger, dataset, lake, true).await? else {
        show::note(millrace_lake::TableError::Empty(dataset.name.clone()));
        return Ok(None);
    };
    let table = shown.table;
    let all = manifests(&table);
    write(storage, &table.bucket, &all, Permit::ByHand).await?;
    // A partition of which nothing lives any more reads as empty.
    let there = keys(storage, &table.bucket, &table.manifests_prefix()).await?;
    let is_live = |key: &String| all.iter().any(|manifest| manifest.key == *key);
    let emptied: Vec<String> = there.into_iter().filter(|key| !is_live(key)).collect();
    let empty = |key: &String| Manifest { key: key.clone(), text: String::new() };
    let empty: Vec<Manifest> = emptied.iter().map(empty).collect();
    write(storage, &table.bucket, &empty, Permit::ByHand).await?;
    // The catalog stage may have written at the same time, and looks at them again.
    ledger.doubt_catalog(&table.dataset).await?;
    Ok(Some((table, all.len(), emptied)))
}

fn say((table, lists, emptied): &Written) {
    let lists = show::count(*lists as u64, "list");
    let emptied = match emptied.len() {
        0 => String::new(),
        count => format!(", {count} emptied"),
    };
    show::line(format!("{}: {lists} under {}{emptied}", table.name, table.location()));
}

fn as_json((table, lists, emptied): &Written) -> Value {
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
