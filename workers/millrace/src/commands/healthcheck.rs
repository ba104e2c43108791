//! `millrace healthcheck`: whether the worker beside it is well.

use std::process::ExitCode;

use crate::args::HealthcheckArgs;
use crate::exit::FAILED;
use crate::show;
use crate::watch::heartbeat;

pub(super) fn run(args: &HealthcheckArgs) -> anyhow::Result<ExitCode> {
    match heartbeat::read(&args.heartbeat) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(why) => {
            show::note(why);
            Ok(ExitCode::from(FAILED))
        }
    }
}
