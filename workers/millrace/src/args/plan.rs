//! Arguments of `millrace plan`: the plan, or a template that makes it.

use clap::{Args as Group, ValueEnum};

use super::OutputArgs;

#[derive(Debug, Group)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,

    /// Print a template that makes it instead of the plan.
    #[arg(long, value_enum, conflicts_with = "output")]
    pub(crate) format: Option<Template>,
}

/// What a plan can be made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// CloudFormation, in JSON: queues, roles and services.
    Cloudformation,
}
