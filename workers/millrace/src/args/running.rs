//! Arguments of what runs until it is stopped: a stack, a worker, an endpoint.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as Group, ValueEnum};
use millrace_contract::StageName;

use super::{PipelineArgs, WatchArgs, named};

#[derive(Debug, Group)]
pub(crate) struct DemoArgs {
    /// Which example.
    #[arg(long, value_enum, default_value_t = ExampleName::Finance)]
    pub(crate) example: ExampleName,

    /// Folder for the demo's state; what an earlier demo left there is removed.
    #[arg(long, default_value = ".millrace/demo")]
    pub(crate) data: PathBuf,
}

/// A pipeline under `examples/`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ExampleName {
    /// A household book: CSV files become two tables.
    Finance,
    /// A workbook: a table in one of its sheets becomes a table with a key.
    Preparation,
    /// A database: it is exported, and a table derived of what comes of it.
    Lake,
    /// A game's log: messages become batches, and batches typed tables.
    Superhero,
}

#[derive(Debug, Group)]
pub(crate) struct DevArgs {
    /// The pipeline file.
    #[arg(long, env = "MILLRACE_PIPELINE", default_value = "millrace.toml")]
    pub(crate) pipeline: PathBuf,

    /// Folder for objects, queues and databases; kept over restarts.
    #[arg(long, env = "MILLRACE_DATA", default_value = ".millrace/dev")]
    pub(crate) data: PathBuf,

    /// Port of the embedded AWS endpoint on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 4566)]
    pub(crate) port: u16,

    /// Exit when every queue is drained.
    #[arg(long)]
    pub(crate) until_idle: bool,

    /// What shall go wrong on the AWS side, as a TOML file; see the README.
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,

    /// Add every call to this file, with the permission it needs: a line of JSON
    /// each, from which the policies of roles can be written.
    #[arg(long, value_name = "FILE", env = "MILLRACE_TRAIL")]
    pub(crate) trail: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(crate) struct WorkerArgs {
    /// ingest, transform, load, export or collect.
    #[arg(value_parser = named::stage)]
    pub(crate) stage: StageName,

    #[command(flatten)]
    pub(crate) pipeline: PipelineArgs,

    /// How to log, to standard error.
    #[arg(long, env = "MILLRACE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    #[command(flatten)]
    pub(crate) watch: WatchArgs,

    /// Stop as on SIGTERM when standard input ends: set by whoever starts the
    /// worker as a child process, so that it never outlives its parent.
    #[arg(long, hide = true)]
    pub(crate) stop_on_stdin_end: bool,
}

/// How workers log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// JSON lines for log stores.
    Json,
}

#[derive(Debug, Group)]
pub(crate) struct AwsArgs {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:4566", conflicts_with = "port")]
    pub(crate) bind: SocketAddr,

    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long)]
    pub(crate) port: Option<u16>,

    /// Folder for objects and queues; kept over restarts.
    #[arg(long, default_value = ".millrace/aws")]
    pub(crate) data: PathBuf,

    /// Region in ARNs; requests signed for others are answered too.
    #[arg(long, default_value = "us-east-1")]
    pub(crate) region: String,

    /// Let in only requests signed with one of these keys: a file with a line
    /// `ID:SECRET` for each.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,

    /// What shall go wrong, as a TOML file; see the README.
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,

    /// Add every call to this file, with the permission it needs: a line of JSON
    /// each, from which the policies of roles can be written.
    #[arg(long, value_name = "FILE", env = "MILLRACE_TRAIL")]
    pub(crate) trail: Option<PathBuf>,
}
