//! The command line.

mod dlq;
mod local;
mod operate;
mod rejects;
mod schedule;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use millrace_contract::StageName;

pub(crate) use dlq::{
    CauseArgs, DlqAdoptArgs, DlqCommand, DlqDiscardArgs, DlqEditArgs, DlqExportArgs, DlqListArgs,
    DlqRedriveArgs, DlqShowArgs, Rate, SelectionArgs,
};
pub(crate) use rejects::{
    FilesArgs, RejectListArgs, RejectShowArgs, RejectsCommand, ReplayArgs, since,
};

pub(crate) use schedule::{ExportsArgs, ScheduleCommand, ScheduleNameArgs, ScheduleRunArgs};

pub(crate) use operate::{HealthcheckArgs, ScaleArgs, Scaling, StatusArgs, WatchArgs};

pub(crate) use local::{FileArgs, InferArgs, PreviewArgs, ReadingArgs, TransformArgs};

/// Plain colours, which clap leaves out by itself where NO_COLOR is set.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default());

/// Files from S3 into your database, exactly once, by queue workers.
#[derive(Debug, Parser)]
#[command(name = "millrace", version, styles = STYLES, propagate_version = true)]
pub(crate) struct Args {
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables for people.
    Table,
    /// JSON for programs.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See it work: a local stack, sample files, results.
    Demo(DemoArgs),
    /// Run the whole system on this machine until Ctrl-C.
    Dev(DevArgs),
    /// Run one stage's worker: what a container runs.
    Worker(WorkerArgs),
    /// Check the pipeline file; print every problem at once.
    Check(CheckArgs),
    /// Show the queues, buckets and services that follow from the pipeline file.
    Plan(OutputArgs),
    /// Upload files to the raw bucket.
    Publish(PublishArgs),
    /// Show queues, workers and what came of the files.
    Status(StatusArgs),
    /// Set how many workers a stage has.
    Scale(ScaleArgs),
    /// Show the load history, newest first.
    Runs(RunsArgs),
    /// Follow one file through every hop.
    Trace(TraceArgs),
    /// Show runs of exports, newest first.
    Exports(ExportsArgs),
    /// Work on schedules: see when they fire, fire them by hand, turn them off.
    Schedule {
        #[command(subcommand)]
        command: ScheduleCommand,
    },
    /// Load files again, on purpose and without duplicates.
    ///
    /// Rows of a file take the place of those it brought before, in one
    /// transaction.
    Replay(ReplayArgs),
    /// Show rejected rows, or give them another chance.
    Rejects {
        #[command(subcommand)]
        command: RejectsCommand,
    },
    /// Work on dead letters: see why, send again, change, give up.
    ///
    /// Looking reads the ledger alone, so that it costs no message a receive.
    Dlq {
        #[command(subcommand)]
        command: DlqCommand,
    },
    /// Check everything a pipeline needs, and say how to mend what is wrong.
    ///
    /// Credentials, clock, buckets, queues, permissions, the database, and the way
    /// from an upload to the ledger, by an object that no dataset takes. No message
    /// of yours is touched. Exits with 1 if something is broken.
    Doctor(DoctorArgs),
    /// Turn a local file into Parquet and rejects, as the transform stage would.
    Transform(TransformArgs),
    /// Look at a local file: its columns, first rows, and what would be rejected.
    Preview(PreviewArgs),
    /// Find out a local file's columns and print the block for the pipeline file.
    Infer(InferArgs),
    /// Run SQL over the lake's datasets, or over Parquet files.
    Query(QueryArgs),
    /// Run the embedded AWS endpoint alone.
    Aws(AwsArgs),
    /// Say whether the worker beside it is well: 0 if it is, 1 if not.
    ///
    /// For the health check of a container, which has no shell. The worker keeps
    /// the file that MILLRACE_HEARTBEAT names fresh as long as it gets on.
    Healthcheck(HealthcheckArgs),
    /// Print the JSON Schema of the pipeline file.
    Schema,
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Which pipeline, and where local state lies.
#[derive(Debug, Clone, Group)]
pub(crate) struct PipelineArgs {
    /// The pipeline file.
    #[arg(long, env = "MILLRACE_PIPELINE", default_value = "millrace.toml")]
    pub(crate) pipeline: PathBuf,

    /// Folder of a local stack: its databases stand in where the pipeline
    /// file's own are not set.
    #[arg(long, env = "MILLRACE_DATA")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(crate) struct OutputArgs {
    #[command(flatten)]
    pub(crate) pipeline: PipelineArgs,

    /// How to print.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

#[derive(Debug, Group)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,

    /// Write nothing: leave out the object in the lake and the one that is
    /// published to see whether it arrives.
    #[arg(long)]
    pub(crate) no_canary: bool,

    /// How long that one may take to arrive.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) wait: u64,
}

#[derive(Debug, Group)]
pub(crate) struct DemoArgs {
    /// Folder for the demo's state; what an earlier demo left there is removed.
    #[arg(long, default_value = ".millrace/demo")]
    pub(crate) data: PathBuf,
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
}

#[derive(Debug, Group)]
pub(crate) struct WorkerArgs {
    /// ingest, transform, load or export.
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
pub(crate) struct CheckArgs {
    /// The pipeline file.
    #[arg(env = "MILLRACE_PIPELINE", default_value = "millrace.toml")]
    pub(crate) file: PathBuf,

    /// How to print.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

#[derive(Debug, Group)]
pub(crate) struct PublishArgs {
    /// Files, or folders with everything in them.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,

    /// Dataset to publish to, where the paths don't tell.
    #[arg(long)]
    pub(crate) dataset: Option<String>,

    /// Part of the key, as in `year=2024`, for a pattern with `{year}`.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = capture)]
    pub(crate) captures: Vec<(String, String)>,

    /// Follow the files until they are loaded or dead-lettered.
    #[arg(long)]
    pub(crate) wait: bool,

    /// Give up waiting after this many seconds.
    #[arg(long, default_value = "600", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// Say what would be uploaded, and upload nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct RunsArgs {
    /// Only this dataset.
    #[arg(long)]
    pub(crate) dataset: Option<String>,

    /// Only files in this state: registered, transformed, loaded, unchanged,
    /// superseded or failed.
    #[arg(long)]
    pub(crate) state: Option<String>,

    /// Only files registered since: a date, a time (RFC 3339), or as `36h` or
    /// `7d` how long ago.
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) since: Option<DateTime<Utc>>,

    /// At most so many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct TraceArgs {
    /// The object: s3://bucket/key, or a key of the raw bucket.
    pub(crate) object: String,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct QueryArgs {
    /// A query, `select …` or `with … select …`; or `show tables`; or
    /// `describe DATASET`.
    pub(crate) sql: String,

    /// Query Parquet files instead of the lake: a file, or a folder with all
    /// below it. The table is named as the file or folder, or as NAME says.
    #[arg(long = "file", value_name = "[NAME=]PATH")]
    pub(crate) files: Vec<PathBuf>,

    /// At most so many rows; 0 is all. A table for people has 1000 unless
    /// given, JSON and CSV have all.
    #[arg(long, value_name = "ROWS")]
    pub(crate) max_rows: Option<u64>,

    /// MiB of memory the query may take before it goes on on disk.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u64).range(4..=1 << 20))]
    pub(crate) memory: u64,

    #[command(flatten)]
    pub(crate) pipeline: PipelineArgs,

    /// How to print. JSON is an array of objects, decimals as texts so that no
    /// digit is lost.
    #[arg(short, long, value_enum, default_value_t = RowFormat::Table)]
    pub(crate) output: RowFormat,
}

/// How to print rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// A table for people.
    Table,
    /// JSON for programs.
    Json,
    /// CSV with a header; null is nothing, an empty text is `""`.
    Csv,
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
}

/// `NAME=VALUE`.
fn capture(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|_| "write a number of seconds".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
