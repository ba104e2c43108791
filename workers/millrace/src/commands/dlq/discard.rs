//! `millrace dlq discard`: dead letters are given up, for a reason.

use std::collections::BTreeMap;
use std::process::ExitCode;

use millrace_contract::StageName;
use millrace_queue::Sqs;
use serde_json::json;

use super::select::{Pages, meant};
use super::sweep::{Sweeper, bar};
use crate::actor::actor;
use crate::args::{DlqDiscardArgs, Format};
use crate::confirm::confirm;
use crate::exit::FAILED;
use crate::setup::{self, Setup};
use crate::show;

pub(super) async fn run(args: &DlqDiscardArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.doing.output.pipeline)?;
    let ledger = setup.ledger_to_read().await?;
    let filter = meant(&setup.pipeline, &ledger, &args.doing.selection).await?;
    let selected = ledger.count_failures(&filter).await?;
    if selected == 0 || args.doing.dry_run {
        print(args, selected, 0, 0)?;
        return Ok(ExitCode::SUCCESS);
    }
    let question = format!("Give up {} for good?", show::count(selected, "dead letter"));
    if !confirm(&question, args.doing.yes)? {
        show::note("nothing was done");
        return Ok(ExitCode::from(FAILED));
    }
    let actor = actor();
    let mut discarded = 0;
    let mut by_stage: BTreeMap<StageName, u64> = BTreeMap::new();
    let progress = bar("discarding", selected);
    let mut pages = Pages::new(&ledger, &filter);
    loop {
        let page = pages.next().await?;
        if page.is_empty() {
            break;
        }
        let keys: Vec<_> = page
            .iter()
            .map(|failure| (failure.key(), failure.record.fingerprint.clone()))
            .collect();
        discarded += ledger.discard_failures(&keys, &actor, &args.reason).await?;
        for failure in &page {
            *by_stage.entry(failure.record.stage).or_default() += 1;
        }
        progress.inc(page.len() as u64);
    }
    progress.finish_and_clear();
    let queues = Sqs::new(&setup::signed_in().await?);
    let sweeper = Sweeper { pipeline: &setup.pipeline, ledger: &ledger, queues: &queues };
    let removed = sweeper.sweep(&by_stage).await;
    print(args, selected, discarded, removed)?;
    Ok(ExitCode::SUCCESS)
}

fn print(args: &DlqDiscardArgs, selected: u64, discarded: u64, removed: u64) -> anyhow::Result<()> {
    match args.doing.output.output {
        Format::Json => show::json(&json!({
            "selected": selected,
            "discarded": discarded,
            "copies_removed": removed,
            "reason": args.reason,
            "dry_run": args.doing.dry_run,
        })),
        Format::Table if selected == 0 => {
            show::note("no dead letter is meant");
            Ok(())
        }
        Format::Table if args.doing.dry_run => {
            show::line(format!("{} would be given up", show::count(selected, "dead letter")));
            Ok(())
        }
        Format::Table => {
            show::line(format!(
                "{} given up: {}",
                show::count(discarded, "dead letter"),
                args.reason
            ));
            Ok(())
        }
    }
}
