//! Arguments of the commands that show rejected rows.

use clap::{Args as Group, Subcommand};

use super::OutputArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum RejectsCommand {
    /// Count rejected rows by dataset and rule, the most frequent first.
    List(RejectListArgs),
    /// Show the rejected rows of one file: where, why, and the row itself.
    Show(RejectShowArgs),
}

#[derive(Debug, Group)]
pub(crate) struct RejectListArgs {
    /// Only this dataset.
    #[arg(long)]
    pub(crate) dataset: Option<String>,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct RejectShowArgs {
    /// The object: s3://bucket/key, or a key of the raw bucket.
    pub(crate) object: String,

    /// Only as this dataset, where the file feeds several.
    #[arg(long)]
    pub(crate) dataset: Option<String>,

    /// Only rows that broke this rule: a type, `required`, or a rule's text.
    #[arg(long)]
    pub(crate) rule: Option<String>,

    /// At most so many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
