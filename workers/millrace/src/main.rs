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
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::failed(&error.into()),
    };
    let outcome = runtime.block_on(commands::run(args));
    // A thread may still wait on standard input; it must not hold up the exit.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(error) => exit::failed(&error),
    }
}
