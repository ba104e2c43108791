//! Arguments of `millrace plan`: the plan, or a template that makes it.

use clap::{Args as Group, ValueEnum};

use super::OutputArgs;

#[derive(Debug, Group)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,

    /// Print it in another form: a template that makes it, or a drawing.
    #[arg(long, value_enum, conflicts_with = "output")]
    pub(crate) format: Option<Template>,
}

/// Other forms of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// CloudFormation, in JSON: queues, roles and services.
    Cloudformation,
    /// Mermaid: a flowchart of what is made of what.
    Mermaid,
}
