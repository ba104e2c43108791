//! `millrace schedule`: when things happen by themselves, and making them happen
//! by hand.

mod fire;
mod list;
mod runs;
mod switch;

use std::process::ExitCode;

use millrace_pipeline::{Pipeline, nearest};

use crate::args::ScheduleCommand;
use crate::exit::Usage;

pub(super) async fn run(command: &ScheduleCommand) -> anyhow::Result<ExitCode> {
    match command {
        ScheduleCommand::List(args) => list::run(args).await,
        ScheduleCommand::Run(args) => fire::run(args).await,
        ScheduleCommand::Enable(args) => switch::run(args, true).await,
        ScheduleCommand::Disable(args) => switch::run(args, false).await,
    }
}

/// What is said of a name that the pipeline file does not have.
fn unknown(name: &str, pipeline: &Pipeline, scheduled_only: bool) -> Usage {
    let exports = pipeline.exports.iter().map(|export| (&export.name, &export.schedule));
    let derived = pipeline.derived.iter().map(|derived| (&derived.name, &derived.schedule));
    let reports = pipeline.reports.iter().map(|report| (&report.name, &report.schedule));
    let all = exports.chain(derived).chain(reports);
    let known = all.filter(|(_, schedule)| !scheduled_only || schedule.is_some());
    let names: Vec<&str> = known.map(|(name, _)| name.as_str()).collect();
    let what = if scheduled_only { "schedule" } else { "export, derived dataset or report" };
    Usage(match (nearest(name, &names), names.as_slice()) {
        (Some(meant), _) => format!("there is no {what} `{name}`; did you mean `{meant}`?"),
        (None, []) => format!("there is no {what} `{name}`; this pipeline has none"),
        (None, names) => format!("there is no {what} `{name}`; there are {}", names.join(", ")),
    })
}
