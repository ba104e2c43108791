//! `millrace schedule enable` and `disable`.

use std::process::ExitCode;

use millrace_timetable::Timetable;
use serde_json::json;

use super::unknown;
use crate::args::{Format, ScheduleNameArgs};
use crate::setup::{self, read_pipeline};
use crate::show;

pub(super) async fn run(args: &ScheduleNameArgs, enabled: bool) -> anyhow::Result<ExitCode> {
    let pipeline = read_pipeline(&args.output.pipeline.pipeline)?;
    if !pipeline.plan().schedules.iter().any(|planned| planned.name == args.name) {
        return Err(unknown(&args.name, &pipeline, true).into());
    }
    let timetable = Timetable::new(&setup::aws().await, &pipeline.name);
    let before = timetable.set_enabled(&args.name, enabled).await?;
    let word = |enabled: bool| if enabled { "enabled" } else { "disabled" };
    match args.output.output {
        Format::Json => show::json(&json!({
            "name": args.name,
            "before": word(before.enabled),
            "state": word(enabled),
        }))?,
        Format::Table if before.enabled == enabled => {
            show::line(format!("{} was {} already", args.name, word(enabled)));
        }
        Format::Table => show::line(format!("{} is {}", args.name, word(enabled))),
    }
    Ok(ExitCode::SUCCESS)
}
