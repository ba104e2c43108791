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
    let names: Vec<&str> = exports.map(|export| export.name.as_str()).collect();
    let what = if scheduled_only { "schedule" } else { "export" };
    Usage(match (nearest(name, &names), names.as_slice()) {
        (Some(meant), _) => format!("there is no {what} `{name}`; did you mean `{meant}`?"),
        (None, []) => format!("there is no {what} `{name}`; this pipeline has none"),
        (None, names) => format!("there is no {what} `{name}`; there are {}", names.join(", ")),
    })
}
