//! `millrace compact`: small objects of the lake are joined, at once.

use std::process::ExitCode;

use millrace_contract::{Upkeep, UpkeepCounts};
use millrace_maintain::{Compactor, Permit};
use serde_json::{Value, json};

use super::{claim, site, tell_catalog};
use crate::args::{CompactArgs, Format};
use crate::datasets;
use crate::setup::Setup;
use crate::show;

/// What came of each dataset.
type Done = Vec<(String, UpkeepCounts)>;

pub(in super::super) async fn run(args: &CompactArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let names: Vec<String> = match &args.dataset {
        Some(name) => vec![datasets::named(&setup.pipeline, name)?.name.clone()],
        None => setup.pipeline.datasets.iter().map(|dataset| dataset.name.clone()).collect(),
    };
    let (site, aws) = site(&setup).await?;
    let settings = setup.pipeline.maintain.compact.clone().unwrap_or_default();
    let compactor = Compactor::new(site.clone(), settings);
    let work = async {
        let (mut done, mut total) = (Done::new(), UpkeepCounts::new());
        for name in names {
            let counts = compactor.run(&name, Permit::ByHand, args.dry_run).await?;
            for (count, number) in &counts {
                *total.entry(count.clone()).or_default() += number;
            }
            done.push((name, counts));
        }
        Ok((done, total))
    };
    let done = claim::under(&site.ledger, Upkeep::Compact, args.dry_run, work).await?;
    let joined = done.iter().filter(|(_, counts)| !args.dry_run && of(counts, "joined") > 0);
    let joined = joined.map(|(dataset, _)| dataset.as_str());
    tell_catalog(&setup.pipeline, &aws, joined).await?;
    match args.output.output {
        Format::Json => {
            let all: Vec<Value> = done.iter().map(|one| as_json(one, args.dry_run)).collect();
            show::json(&all)?;
        }
        Format::Table => {
            let joined = if args.dry_run { "#would be joined" } else { "#joined" };
            let headers = ["dataset", joined, "#of objects", "#rows", "#bytes", "#left"];
            show::table(&headers, done.iter().map(row).collect());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn of(counts: &UpkeepCounts, name: &str) -> u64 {
    counts.get(name).copied().unwrap_or_default()
}

fn row((dataset, counts): &(String, UpkeepCounts)) -> Vec<String> {
    let numbers = ["joined", "objects", "rows"].map(|name| show::number(of(counts, name)));
    let mut row = vec![dataset.clone()];
    row.extend(numbers);
    row.push(show::bytes(of(counts, "bytes")));
    row.push(show::number(of(counts, "left")));
    row
}

fn as_json((dataset, counts): &(String, UpkeepCounts), dry_run: bool) -> Value {
    json!({
        "dataset": dataset,
        "joined": of(counts, "joined"),
        "objects": of(counts, "objects"),
        "rows": of(counts, "rows"),
        "bytes": of(counts, "bytes"),
        "left": of(counts, "left"),
        "dry_run": dry_run,
    })
}
