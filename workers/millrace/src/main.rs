//! The one binary: every worker, the operator's commands, and the whole system
//! on one machine.

mod actor;
mod args;
mod commands;
mod confirm;
mod datasets;
mod demo;
mod dev;
mod doctor;
mod exit;
mod journal;
mod place;
mod process;
mod redrive;
mod replay;
mod rows;
mod setup;
mod show;
mod telling;
mod watch;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    show::set_colour(args.color);
    process::run(args)
}
