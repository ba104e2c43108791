//! `millrace dlq`: the dead-letter workbench. What looks reads the ledger alone;
//! what acts is on record with who did it.

mod adopt;
mod discard;
mod edit;
mod export;
mod facts;
mod list;
mod one;
mod redrive;
mod select;
mod sweep;

use std::process::ExitCode;

use crate::args::DlqCommand;

pub(super) async fn run(command: &DlqCommand) -> anyhow::Result<ExitCode> {
    match command {
        DlqCommand::List(args) => list::run(args).await,
        DlqCommand::Show(args) => one::run(args).await,
        DlqCommand::Redrive(args) => redrive::run(args).await,
        DlqCommand::Edit(args) => edit::run(args).await,
        DlqCommand::Discard(args) => discard::run(args).await,
        DlqCommand::Export(args) => export::run(args).await,
        DlqCommand::Adopt(args) => adopt::run(args).await,
    }
}
