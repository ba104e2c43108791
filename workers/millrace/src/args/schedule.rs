//! Arguments of `millrace schedule`, `millrace exports` and `millrace derived`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args as Group, Subcommand};

use super::{OutputArgs, capture, examples, seconds};

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Show schedules, when they fire next, and what came of them last.
    #[command(after_help = examples::SCHEDULE_LIST)]
    List(OutputArgs),
    /// Do now what a schedule would do, for any time and with any parameters.
    ///
    /// The same message is sent as by the schedule. A run is known by its time and
    /// its parameters: one that was done before is not done again.
    #[command(after_help = examples::SCHEDULE_RUN)]
    Run(ScheduleRunArgs),
    /// Let a schedule fire.
    #[command(after_help = examples::SCHEDULE_ENABLE)]
    Enable(ScheduleNameArgs),
    /// Keep a schedule from firing; everything else about it stays.
    #[command(after_help = examples::SCHEDULE_DISABLE)]
    Disable(ScheduleNameArgs),
}

#[derive(Debug, Group)]
pub(crate) struct ScheduleRunArgs {
    /// The export, derived dataset or report, whether or not it has a schedule; or
    /// `maintain-reconcile`, `maintain-compact`, `maintain-retention`.
    pub(crate) name: String,

    /// The time the run of an export is for (RFC 3339); now unless given.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<DateTime<Utc>>,

    /// A value for `{name}` in `to` and for `:name` in the query of an export.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = capture)]
    pub(crate) parameters: Vec<(String, String)>,

    /// Wait until the run of an export is done.
    #[arg(long)]
    pub(crate) wait: bool,

    /// Give up waiting after this many seconds.
    #[arg(long, default_value = "600", value_parser = seconds)]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct ScheduleNameArgs {
    /// The schedule.
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct ExportsArgs {
    /// Only runs of this export.
    #[arg(long)]
    pub(crate) export: Option<String>,

    /// Only runs in this state: running, done or failed.
    #[arg(long)]
    pub(crate) state: Option<String>,

    /// At most so many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct DerivedArgs {
    /// Only runs of this dataset.
    #[arg(long)]
    pub(crate) dataset: Option<String>,

    /// Only runs in this state: running, done or failed.
    #[arg(long)]
    pub(crate) state: Option<String>,

    /// At most so many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
