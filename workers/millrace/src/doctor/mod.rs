//! `millrace doctor`: everything a pipeline needs, looked at from here, and the
//! remedy for what is wrong.
//!
//! It runs with the credentials at hand: an operator's, or a worker's where it is
//! run in a worker's place. Permissions are tried by requests that change nothing.

mod access;
mod buckets;
mod canary;
mod database;
mod finding;
mod queues;
mod remedy;
mod told;

use std::process::ExitCode;

use crate::args::{DoctorArgs, Format};
use crate::exit;
use crate::setup::{self, Setup};
use crate::show;

use self::finding::{Findings, Health};

pub(crate) async fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let aws = setup::aws().await;
    let mut findings = Findings::new(args.output.output == Format::Table);
    let account = access::check(&mut findings, &aws).await;
    let plan = setup.pipeline.plan();
    let clock = buckets::check(&mut findings, &aws, &plan, !args.no_canary).await;
    access::check_clock(&mut findings, clock);
    queues::check(&mut findings, &aws, &plan).await;
    told::check(&mut findings, &aws, &setup.pipeline, account.as_ref()).await;
    let ledger = database::check(&mut findings, &setup, &plan).await;
    match ledger {
        Some(ledger) if !args.no_canary => {
            canary::check(&mut findings, &aws, &setup.pipeline, &ledger, args.wait).await;
        }
        Some(_) | None => {}
    }
    let findings = findings.finish();
    if args.output.output == Format::Json {
        show::json(&findings)?;
    }
    let broken = findings.iter().any(|finding| finding.health == Health::Broken);
    Ok(if broken { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
}
