//! Arguments of the commands that look after running workers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as Group;
use millrace_contract::StageName;

use super::{OutputArgs, named, seconds};

#[derive(Debug, Group)]
pub(crate) struct StatusArgs {
    /// Show it again every so many seconds, until Ctrl-C; on a terminal in place.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = pause)]
    pub(crate) watch: Option<Duration>,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct ScaleArgs {
    /// How many workers of a stage, as in `transform=4`.
    #[arg(required = true, value_name = "STAGE=WORKERS", value_parser = scaling)]
    pub(crate) stages: Vec<Scaling>,

    /// Wait until as many run.
    #[arg(long)]
    pub(crate) wait: bool,

    /// Give up waiting after this many seconds.
    #[arg(long, default_value = "600", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// Say what would be changed, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How many workers a stage is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scaling {
    pub(crate) stage: StageName,
    pub(crate) workers: u32,
}

/// How a worker is watched.
#[derive(Debug, Group)]
pub(crate) struct WatchArgs {
    /// Answer Prometheus under /metrics and liveness under /live at this address,
    /// as in 127.0.0.1:9464.
    #[arg(long, env = "MILLRACE_METRICS_ADDRESS", value_name = "ADDRESS")]
    pub(crate) metrics: Option<SocketAddr>,

    /// Print metrics for CloudWatch (embedded metric format) among the log lines
    /// every so many seconds.
    #[arg(long, env = "MILLRACE_METRICS_LOG", value_name = "SECONDS", value_parser = pause)]
    pub(crate) metrics_log: Option<Duration>,

    /// Keep this file fresh as long as the worker gets on, for `millrace
    /// healthcheck`.
    #[arg(long, env = "MILLRACE_HEARTBEAT", value_name = "FILE")]
    pub(crate) heartbeat: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(crate) struct HealthcheckArgs {
    /// The file that the worker beside it keeps fresh.
    #[arg(long, env = "MILLRACE_HEARTBEAT", value_name = "FILE")]
    pub(crate) heartbeat: PathBuf,
}

fn scaling(text: &str) -> Result<Scaling, String> {
    let (stage, workers) =
        text.split_once('=').ok_or("write it as STAGE=WORKERS, as in `transform=4`")?;
    let stage = named::stage(stage)?;
    let workers = workers
        .parse()
        .map_err(|_| format!("`{workers}` is no number of workers; write 0 or more"))?;
    Ok(Scaling { stage, workers })
}

fn pause(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        Ok(_) | Err(_) => Err("write a number of seconds from 1 to 86400".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_stages_name_is_recognised() {
        let wanted = Scaling { stage: StageName::Transform, workers: 4 };
        assert_eq!(scaling("transform=4"), Ok(wanted));
        let said = scaling("transfrom=4").expect_err("refused");
        assert!(said.ends_with("did you mean `transform`?"), "{said}");
        for text in ["transform", "transform=", "load=-1", "load=two", "=3"] {
            assert!(scaling(text).is_err(), "{text}");
        }
    }
}
