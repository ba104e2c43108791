//! `millrace dlq adopt`: the dead-letter queues are gone through at once.

use std::process::ExitCode;

use millrace_contract::StageName;
use millrace_pipeline::Pipeline;
use millrace_queue::Sqs;
use millrace_runtime::{Limit, Tended};
use serde_json::json;

use super::sweep::Sweeper;
use crate::args::{DlqAdoptArgs, Format};
use crate::exit::Usage;
use crate::setup::{self, Setup};
use crate::show;

pub(super) async fn run(args: &DlqAdoptArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let ledger = setup.ledger_to_read().await?;
    let queues = Sqs::new(&setup::signed_in().await?);
    let sweeper = Sweeper { pipeline: &setup.pipeline, ledger: &ledger, queues: &queues };
    let mut tended: Vec<(String, Tended)> = Vec::new();
    for stage in stages(&setup.pipeline, args.stage)? {
        let queue = setup.pipeline.dead_letter_queue_name(stage);
        tended.push((queue, sweeper.tend(stage, Limit::NONE).await?));
    }
    match args.output.output {
        Format::Json => {
            let lines = tended.iter().map(|(queue, tended)| {
                json!({
                    "dead_letter_queue": queue,
                    "adopted": tended.adopted,
                    "removed": tended.removed,
                    "kept": tended.kept,
                })
            });
            show::json(&lines.collect::<Vec<_>>())?;
        }
        Format::Table => {
            let rows = tended.iter().map(|(queue, tended)| {
                let counts = [tended.adopted, tended.removed, tended.kept];
                std::iter::once(queue.clone()).chain(counts.map(show::number)).collect()
            });
            show::table(&["queue", "#adopted", "#removed", "#kept"], rows.collect());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The one that is named, or all that the pipeline has.
fn stages(pipeline: &Pipeline, named: Option<StageName>) -> anyhow::Result<Vec<StageName>> {
    let stages = pipeline.stages();
    match named {
        None => Ok(stages),
        Some(stage) if stages.contains(&stage) => Ok(vec![stage]),
        Some(stage) => {
            Err(Usage(format!("the pipeline has no stage `{stage}`, and so no queue of it")).into())
        }
    }
}
