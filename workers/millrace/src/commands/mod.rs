//! The commands, one file each.

mod aws;
mod batches;
mod catalog;
mod check;
mod derived;
mod dlq;
mod exports;
mod healthcheck;
mod local;
mod maintain;
mod man;
mod plan;
pub(crate) mod publish;
mod query;
mod rejects;
mod replay;
pub(crate) mod report;
mod runs;
mod scale;
mod schedule;
mod send;
mod status;
mod trace;
mod worker;

use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::{Args, Command};
use crate::{demo, dev, doctor, show};

/// Runs the command that was asked for.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Demo(args) => demo::run(&args).await,
        Command::Dev(args) => dev::run(&args).await,
        Command::Worker(args) => worker::run(&args).await,
        Command::Check(args) => check::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Publish(args) => publish::run(&args).await,
        Command::Status(args) => status::run(&args).await,
        Command::Scale(args) => scale::run(&args).await,
        Command::Runs(args) => runs::run(&args).await,
        Command::Trace(args) => trace::run(&args).await,
        Command::Send(args) => send::run(&args).await,
        Command::Batches(args) => batches::run(&args).await,
        Command::Exports(args) => exports::run(&args).await,
        Command::Derived(args) => derived::run(&args).await,
        Command::Report(args) => report::run(&args).await,
        Command::Catalog { command } => catalog::run(&command).await,
        Command::Schedule { command } => schedule::run(&command).await,
        Command::Reconcile(args) => maintain::reconcile(&args).await,
        Command::Compact(args) => maintain::compact(&args).await,
        Command::Retention(args) => maintain::retention(&args).await,
        Command::Maintenance(args) => maintain::history(&args).await,
        Command::Replay(args) => replay::run(&args).await,
        Command::Rejects { command } => rejects::run(&command).await,
        Command::Dlq { command } => dlq::run(&command).await,
        Command::Doctor(args) => doctor::run(&args).await,
        Command::Transform(args) => local::transform(&args),
        Command::Preview(args) => local::preview(&args),
        Command::Infer(args) => local::infer(&args),
        Command::Query(args) => query::run(args).await,
        Command::Healthcheck(args) => healthcheck::run(&args),
        Command::Aws(args) => aws::run(&args).await,
        Command::Man { out } => man::run(out.as_deref()),
        Command::Schema => {
            show::json(&millrace_pipeline::json_schema())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => {
            let mut command = Args::command();
            clap_complete::generate(shell, &mut command, "millrace", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}
