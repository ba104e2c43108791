//! `millrace retention`: what nobody needs any more is removed, at once.

use std::process::ExitCode;

use millrace_contract::{Upkeep, UpkeepCounts};
use millrace_maintain::{Permit, Retirement};
use serde_json::json;

use super::{claim, site, tell_catalog};
use crate::args::{Format, RetentionArgs};
use crate::confirm::confirm;
use crate::exit::Usage;
use crate::setup::Setup;
use crate::show;

/// What each count is called for people.
const NAMES: [(&str, &str); 12] = [
    ("expired", "files whose rows readers take no more"),
    ("lake_objects", "objects of the lake"),
    ("lake_bytes", "their bytes"),
    ("reject_objects", "objects with rejected rows"),
    ("reject_bytes", "their bytes"),
    ("history_files", "files in the ledger"),
    ("history_hops", "attempts in the ledger"),
    ("history_failures", "resolved failures in the ledger"),
    ("history_dlq_actions", "actions on dead letters in the ledger"),
    ("history_exports", "runs of exports in the ledger"),
    ("history_upkeep", "runs of upkeep in the ledger"),
    ("history_skips", "objects in the ledger that no dataset took"),
];

pub(in super::super) async fn run(args: &RetentionArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let Some(settings) = setup.pipeline.maintain.retention.clone() else {
        let how = "write `[maintain.retention]` in the pipeline file";
        return Err(
            Usage(format!("this pipeline says of nothing how long it is kept: {how}")).into()
        );
    };
    let (site, aws) = site(&setup).await?;
    let expiring: Vec<String> = settings.lake.keys().cloned().collect();
    if !args.dry_run {
        let question = "What has reached its age is removed for good; go on?";
        if !confirm(question, args.yes)? {
            return Ok(ExitCode::SUCCESS);
        }
    }
    let retirement = Retirement::new(site.clone(), settings, args.dry_run);
    let work = async {
        let counts = retirement.run(Permit::ByHand).await?;
        Ok((counts.clone(), counts))
    };
    let counts = claim::under(&site.ledger, Upkeep::Retention, args.dry_run, work).await?;
    if !args.dry_run && counts.get("expired").is_some_and(|expired| *expired > 0) {
        tell_catalog(&setup.pipeline, &aws, expiring.iter().map(String::as_str)).await?;
    }
    match args.output.output {
        Format::Json => show::json(&json!({ "dry_run": args.dry_run, "removed": counts }))?,
        Format::Table => table(&counts, args.dry_run),
    }
    Ok(ExitCode::SUCCESS)
}

fn table(counts: &UpkeepCounts, dry_run: bool) {
    let rows = NAMES.iter().filter_map(|(name, what)| {
        let number = *counts.get(*name)?;
        let shown =
            if name.ends_with("_bytes") { show::bytes(number) } else { show::number(number) };
        Some(vec![(*what).to_owned(), shown])
    });
    let removed = if dry_run { "#would be removed" } else { "#removed" };
    show::table(&["what", removed], rows.collect());
}
