//! `millrace schedule`: when things happen by themselves, and making them happen
//! by hand.

mod fire;
mod list;
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
    let exports = pipeline.exports.iter();
    let exports = exports.filter(|export| !scheduled_only || export.schedule.is_some());
    let derived = pipeline.derived.iter();
    let derived = derived.filter(|derived| !scheduled_only || derived.schedule.is_some());
    let derived = derived.map(|derived| derived.name.as_str());
    let names = exports.map(|export| export.name.as_str()).chain(derived);
    let names: Vec<&str> = names.collect();
    let what = match (scheduled_only, pipeline.derived.is_empty()) {
        (true, _) => "schedule",
        (false, true) => "export",
        (false, false) => "export or derived dataset",
    };
    Usage(match (nearest(name, &names), names.as_slice()) {
        (Some(meant), _) => format!("there is no {what} `{name}`; did you mean `{meant}`?"),
        (None, []) => format!("there is no {what} `{name}`; this pipeline has none"),
        (None, names) => format!("there is no {what} `{name}`; there are {}", names.join(", ")),
    })
}
