//! Arguments of `millrace send` and `millrace batches`.

use std::path::PathBuf;

use clap::{Args as Group, ValueEnum};

use super::{OutputArgs, capture};

/// An example whose messages can be made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Simulated {
    /// Games of superheroes, as their servers log them.
    Superhero,
}

#[derive(Debug, Group)]
pub(crate) struct SendArgs {
    /// Files with a JSON message on each line; standard input unless given.
    pub(crate) files: Vec<PathBuf>,

    /// The stream; needed where the pipeline has several.
    #[arg(long)]
    pub(crate) stream: Option<String>,

    /// A message attribute.
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = capture)]
    pub(crate) attributes: Vec<(String, String)>,

    /// Make the messages of an example up, instead of reading any.
    #[arg(long, value_enum, conflicts_with = "files")]
    pub(crate) example: Option<Simulated>,

    /// How many messages are made up.
    #[arg(long, default_value_t = 1000, requires = "example")]
    pub(crate) count: usize,

    /// What they follow from: the same seed makes the same messages.
    #[arg(long, default_value_t = 1, requires = "example")]
    pub(crate) seed: u64,

    /// Print the messages, one per line, and send none.
    #[arg(long)]
    pub(crate) print: bool,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct BatchesArgs {
    /// Only batches of this stream.
    #[arg(long)]
    pub(crate) stream: Option<String>,

    /// Only batches in this state: committed or published.
    #[arg(long)]
    pub(crate) state: Option<String>,

    /// At most so many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
