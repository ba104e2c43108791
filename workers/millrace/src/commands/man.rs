//! `millrace man`: the manual, made of the same texts as the help.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;
use clap_mangen::{Man, generate_to};

use crate::args::Args;
use crate::setup::folder;
use crate::show;

pub(super) fn run(out: Option<&Path>) -> anyhow::Result<ExitCode> {
    match out {
        Some(out) => {
            let out = folder(out)?;
            let unwritten = || format!("manual pages can't be written to `{}`", out.display());
            generate_to(Args::command(), &out).with_context(unwritten)?;
            show::note(format!("manual pages written to {}", out.display()));
        }
        None => {
            let mut page = Vec::new();
            Man::new(Args::command()).render(&mut page)?;
            // A closed pipe is the reader's choice, no error.
            let _ = std::io::stdout().write_all(&page);
        }
    }
    Ok(ExitCode::SUCCESS)
}
