//! Exit codes, as the README documents them.

use std::process::ExitCode;

use crate::show;

/// Something failed; standard error says what.
pub(crate) const FAILED: u8 = 1;

/// The command line or the pipeline file is wrong.
pub(crate) const USAGE: u8 = 2;

/// Work was followed to its end, and some of it was dead-lettered.
pub(crate) const DEAD_LETTERED: u8 = 3;

/// Ended by Ctrl-C, as shells say it.
pub(crate) const INTERRUPTED: u8 = 130;

/// The pipeline file has problems, which were printed already.
#[derive(Debug, thiserror::Error)]
#[error("the pipeline file has {count} problem{}", if *count == 1 { "" } else { "s" })]
pub(crate) struct BadPipeline {
    /// How many.
    pub(crate) count: usize,
}

/// The command was called wrongly, in a way its parser can't see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Prints an error with its causes and picks the exit code.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    show::error(error);
    let usage = error.is::<Usage>() || error.is::<BadPipeline>();
    ExitCode::from(if usage { USAGE } else { FAILED })
}
