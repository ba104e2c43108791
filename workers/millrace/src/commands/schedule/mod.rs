//! `millrace schedule`: when things happen by themselves, and making them happen
//! by hand.

mod fire;
mod fire_upkeep;
mod list;
mod runs;
mod switch;

use std::process::ExitCode;

use chrono::{DateTime, SubsecRound, Utc};
use millrace_contract::Upkeep;
use millrace_pipeline::{Pipeline, nearest};

use crate::args::ScheduleCommand;
use crate::exit::Usage;

pub(super) async fn run(command: &ScheduleCommand) -> anyhow::Result<ExitCode> {
    match command {
        ScheduleCommand::List(args) => list::run(args).await,
        ScheduleCommand::Run(args) => match Upkeep::of_schedule(&args.name) {
            Some(upkeep) => fire_upkeep::run(args, upkeep).await,
            None => fire::run(args).await,
        },
        ScheduleCommand::Enable(args) => switch::run(args, true).await,
        ScheduleCommand::Disable(args) => switch::run(args, false).await,
    }
}

/// The time that a run asked for by hand is for, where nobody says: a run is keyed by
/// it, and who asks twice within a second wants two.
fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

/// What is said of a name that the pipeline file does not have.
fn unknown(name: &str, pipeline: &Pipeline, scheduled_only: bool) -> Usage {
    let exports = pipeline.exports.iter().map(|export| (export.name.clone(), &export.schedule));
    let derived = pipeline.derived.iter().map(|derived| (derived.name.clone(), &derived.schedule));
    let reports = pipeline.reports.iter().map(|report| (report.name.clone(), &report.schedule));
    let all = exports.chain(derived).chain(reports);
    let known = all.filter(|(_, schedule)| !scheduled_only || schedule.is_some());
    let upkeep = pipeline.maintain.asked_for().into_iter();
    let upkeep = upkeep.filter(|(_, schedule)| !scheduled_only || schedule.is_some());
    let upkeep = upkeep.map(|(upkeep, _)| upkeep.schedule());
    let names: Vec<String> = known.map(|(name, _)| name).chain(upkeep).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let what = if scheduled_only { "schedule" } else { "export, derived dataset or report" };
    Usage(match (nearest(name, &names), names.as_slice()) {
        (Some(meant), _) => format!("there is no {what} `{name}`; did you mean `{meant}`?"),
        (None, []) => format!("there is no {what} `{name}`; this pipeline has none"),
        (None, names) => format!("there is no {what} `{name}`; there are {}", names.join(", ")),
    })
}
