//! `millrace catalog refresh`: tables and partitions are registered at once, whatever
//! the ledger believes of them.

use std::time::Duration;

use anyhow::bail;
use millrace_catalog::Change;
use millrace_contract::Dataset;
use millrace_registrar::{Permit, Plan, Registered, Registrar, Site};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::wanted;
use crate::actor::actor;
use crate::args::{CatalogRefreshArgs, Format, OutputArgs};
use crate::setup::{self, Setup};
use crate::show;

/// How long a claim lasts unless it is renewed.
const LEASE: Duration = Duration::from_secs(60);

/// How long it is waited for a worker that is at a dataset.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// How often it is looked whether it is done.
const LOOK: Duration = Duration::from_millis(500);

/// Connections to the ledger.
const CONNECTIONS: u32 = 2;

pub(super) async fn run(args: &CatalogRefreshArgs) -> anyhow::Result<()> {
    let OutputArgs { pipeline, output } = &args.output;
    let setup = Setup::new(pipeline)?;
    let aws = setup::signed_in().await?;
    let ledger = setup.ledger(CONNECTIONS).await?.1;
    let site = setup.catalog_site(ledger.clone(), &aws)?;
    let registrar = setup.registrar(ledger, &aws, LEASE)?;
    let mut done = Vec::new();
    for dataset in wanted(&setup.pipeline, args.dataset.as_deref())? {
        let plan = match args.dry_run {
            true => Plan::of(&site, dataset, true).await?.map(Box::new),
            false => register(&registrar, dataset).await?,
        };
        match plan {
            Some(plan) => done.push((dataset.name.clone(), plan)),
            None => show::note(millrace_lake::TableError::Empty(dataset.name.clone())),
        }
    }
    match output {
        Format::Json => {
            let all = done.iter().map(|one| as_json(one, &site, args.dry_run));
            show::json(&all.collect::<Vec<_>>())?;
        }
        Format::Table => {
            let headers = ["table", "is", "#lists", "#emptied", "#added", "#changed", "#removed"];
            show::table(&headers, done.iter().map(|one| row(one, &site)).collect());
        }
    }
    Ok(())
}

/// Waits for whoever is at it.
async fn register(registrar: &Registrar, dataset: &Dataset) -> anyhow::Result<Option<Box<Plan>>> {
    let until = Instant::now() + PATIENCE;
    loop {
        match registrar.register(&dataset.name, &actor(), Permit::ByHand, true).await? {
            Registered::Done(plan) => return Ok(Some(plan)),
            Registered::Nothing => return Ok(None),
            Registered::Joined if Instant::now() < until => sleep(LOOK).await,
            Registered::Joined => {
                bail!("a worker is at dataset `{}` for long; try again later", dataset.name)
            }
        }
    }
}

fn row((_, plan): &(String, Box<Plan>), site: &Site) -> Vec<String> {
    let number = |number: usize| show::number(number as u64);
    vec![
        format!("{}.{}", site.settings.database, plan.table.name),
        word(&plan.change).to_owned(),
        number(plan.lists.len()),
        number(plan.emptied.len()),
        number(plan.partitions.create.len()),
        number(plan.partitions.update.len()),
        number(plan.partitions.delete.len()),
    ]
}

fn as_json((dataset, plan): &(String, Box<Plan>), site: &Site, dry_run: bool) -> Value {
    json!({
        "dataset": dataset,
        "database": site.settings.database,
        "table": plan.table.name,
        "change": word(&plan.change),
        "lists": plan.lists.len(),
        "emptied": plan.emptied.len(),
        "added": plan.partitions.create.len(),
        "changed": plan.partitions.update.len(),
        "removed": plan.partitions.delete.len(),
        "dry_run": dry_run,
    })
}

fn word(change: &Change) -> &'static str {
    match change {
        Change::Create => "new",
        Change::Nothing => "as it was",
        Change::Update(_) => "changed",
        Change::Replace => "made anew",
        Change::Refuse => "not ours",
    }
}
