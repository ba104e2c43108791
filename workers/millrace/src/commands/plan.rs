//! `millrace plan`: what follows from the pipeline file.

use std::process::ExitCode;

use crate::args::{Format, OutputArgs};
use crate::setup::read_pipeline;
use crate::show;

pub(super) fn run(args: &OutputArgs) -> anyhow::Result<ExitCode> {
    let plan = read_pipeline(&args.pipeline.pipeline)?.plan();
    match args.output {
        Format::Json => show::json(&plan)?,
        Format::Table => show::line(plan.to_string().trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}
