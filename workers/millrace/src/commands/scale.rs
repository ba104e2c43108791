//! `millrace scale`: how many workers a stage has, in the cloud and on this
//! machine alike.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use millrace_pipeline::{Plan, PlannedService};
use millrace_retry::RequestError;
use millrace_services::{ServiceState, Services};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::args::{Format, ScaleArgs, Scaling};
use crate::exit::Usage;
use crate::setup::{self, read_pipeline};
use crate::show;

/// How often it is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(500);

/// A service, what it had and what it is to have.
struct Change {
    scaling: Scaling,
    before: ServiceState,
    after: ServiceState,
}

pub(super) async fn run(args: &ScaleArgs) -> anyhow::Result<ExitCode> {
    let plan = read_pipeline(&args.output.pipeline.pipeline)?.plan();
    let wanted = wanted(&plan, &args.stages)?;
    let services = Services::new(&setup::signed_in().await?, &plan.pipeline);
    let mut changes = look(&services, &plan, &wanted).await?;
    if !args.dry_run {
        for change in &mut changes {
            change.after = services.scale(&change.before.name, change.scaling.workers).await?;
        }
    }
    if args.wait && !args.dry_run {
        wait(&services, &mut changes, args.timeout).await?;
    }
    print(&changes, &plan.pipeline, args)?;
    Ok(ExitCode::SUCCESS)
}

/// What is to be scaled, if the pipeline allows for all of it.
fn wanted<'a>(
    plan: &'a Plan,
    stages: &[Scaling],
) -> Result<Vec<(&'a PlannedService, Scaling)>, Usage> {
    let mut wanted: Vec<(&PlannedService, Scaling)> = Vec::new();
    for &scaling in stages {
        let Scaling { stage, workers } = scaling;
        if wanted.iter().any(|(service, _)| service.stage == stage) {
            return Err(Usage(format!("`{stage}` is named twice")));
        }
        let service = plan.services.iter().find(|service| service.stage == stage);
        let Some(service) = service else {
            return Err(Usage(format!("this pipeline has no stage `{stage}`")));
        };
        if workers > service.max_workers {
            let most = service.max_workers;
            return Err(Usage(format!(
                "{stage}={workers} is more than the {most} that the pipeline file allows; raise \
                 `max_workers` under [stages.{stage}]"
            )));
        }
        wanted.push((service, scaling));
    }
    Ok(wanted)
}

/// Finds all of them before any is changed.
async fn look(
    services: &Services,
    plan: &Plan,
    wanted: &[(&PlannedService, Scaling)],
) -> anyhow::Result<Vec<Change>> {
    let names: Vec<String> = wanted.iter().map(|(service, _)| service.name.clone()).collect();
    let found = services.describe(&names).await?;
    let mut changes = Vec::new();
    for ((service, scaling), found) in wanted.iter().zip(found) {
        let before = found.ok_or_else(|| RequestError::NotFound {
            what: format!("service `{}` in cluster `{}`", service.name, plan.pipeline),
        })?;
        changes.push(Change { scaling: *scaling, after: before.clone(), before });
    }
    Ok(changes)
}

async fn wait(services: &Services, changes: &mut [Change], limit: Duration) -> anyhow::Result<()> {
    let names: Vec<String> = changes.iter().map(|change| change.before.name.clone()).collect();
    let deadline = Instant::now() + limit;
    loop {
        for (change, found) in changes.iter_mut().zip(services.describe(&names).await?) {
            if let Some(found) = found {
                change.after = found;
            }
        }
        let behind = changes.iter().find(|change| {
            change.after.running != change.scaling.workers || change.after.pending > 0
        });
        let Some(behind) = behind else { return Ok(()) };
        if Instant::now() >= deadline {
            let ServiceState { name, running, desired, .. } = &behind.after;
            bail!(
                "after {} s `{name}` has {running} workers of {desired}; one that works on a long \
                 file is left to finish it",
                limit.as_secs()
            );
        }
        sleep(LOOK).await;
    }
}

fn print(changes: &[Change], cluster: &str, args: &ScaleArgs) -> anyhow::Result<()> {
    match args.output.output {
        Format::Json => {
            let changes = changes.iter().map(|change| {
                json!({
                    "stage": change.scaling.stage,
                    "cluster": cluster,
                    "service": change.before.name,
                    "before": change.before.desired,
                    "desired": change.scaling.workers,
                    "running": change.after.running,
                    "dry_run": args.dry_run,
                })
            });
            show::json(&changes.collect::<Vec<_>>())
        }
        Format::Table => {
            let rows = changes.iter().map(|change| {
                let count = |count: u32| show::number(count.into());
                vec![
                    change.scaling.stage.to_string(),
                    change.before.name.clone(),
                    count(change.before.desired),
                    count(change.scaling.workers),
                    count(change.after.running),
                ]
            });
            show::table(&["stage", "service", "#before", "#desired", "#running"], rows.collect());
            if args.dry_run {
                show::note("nothing was changed");
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use millrace_contract::StageName;
    use millrace_pipeline::Pipeline;

    use super::*;

    const EXAMPLE: &str = include_str!("../../../../examples/finance/millrace.toml");

    fn said(stages: &[(StageName, u32)]) -> Result<usize, String> {
        let plan = Pipeline::parse(EXAMPLE).expect("a valid example").plan();
        let stages: Vec<_> =
            stages.iter().map(|&(stage, workers)| Scaling { stage, workers }).collect();
        wanted(&plan, &stages).map(|wanted| wanted.len()).map_err(|usage| usage.to_string())
    }

    #[test]
    fn more_workers_than_the_pipeline_allows_are_refused_with_what_to_change() {
        assert_eq!(said(&[(StageName::Load, 2), (StageName::Ingest, 0)]), Ok(2));
        let error = said(&[(StageName::Load, 5_001)]).expect_err("refused");
        assert!(error.contains("raise `max_workers` under [stages.load]"), "{error}");
        let error = said(&[(StageName::Load, 1), (StageName::Load, 2)]).expect_err("refused");
        assert_eq!(error, "`load` is named twice");
    }
}
