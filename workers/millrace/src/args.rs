//! The command line.

mod catalog;
mod dlq;
mod examples;
mod local;
mod maintain;
mod named;
mod operate;
mod plan;
mod rejects;
mod report;
mod running;
mod schedule;
mod streams;

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use millrace_ledger::FileState;

pub(crate) use catalog::{
    CatalogCommand, CatalogDdlArgs, CatalogListArgs, CatalogQuicksightArgs, CatalogRefreshArgs,
};
pub(crate) use dlq::{
    CauseArgs, DlqAdoptArgs, DlqCommand, DlqDiscardArgs, DlqEditArgs, DlqExportArgs, DlqListArgs,
    DlqRedriveArgs, DlqShowArgs, Rate, SelectionArgs,
};
pub(crate) use maintain::{CompactArgs, MaintenanceArgs, ReconcileArgs, RetentionArgs};
pub(crate) use named::choices;
pub(crate) use rejects::{
    FilesArgs, RejectListArgs, RejectShowArgs, RejectsCommand, ReplayArgs, since,
};

pub(crate) use report::ReportArgs;
pub(crate) use running::{AwsArgs, DemoArgs, DevArgs, ExampleName, LogFormat, WorkerArgs};
pub(crate) use schedule::{
    DerivedArgs, ExportsArgs, ScheduleCommand, ScheduleNameArgs, ScheduleRunArgs,
};

pub(crate) use streams::{BatchesArgs, SendArgs, Simulated};

pub(crate) use operate::{HealthcheckArgs, ScaleArgs, Scaling, StatusArgs, WatchArgs};

pub(crate) use plan::{PlanArgs, Template};

pub(crate) use local::{FileArgs, InferArgs, PreviewArgs, ReadingArgs, TransformArgs};

/// Plain colours, which clap leaves out by itself where NO_COLOR is set.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default());

/// Files from S3 into your database, exactly once, by queue workers.
#[derive(Debug, Parser)]
#[command(
    name = "millrace",
    version,
    styles = STYLES,
    propagate_version = true,
    after_long_help = examples::ALL
)]
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
    #[command(after_help = examples::DEMO)]
    Demo(DemoArgs),
    /// Run the whole system on this machine until Ctrl-C.
    #[command(after_help = examples::DEV)]
    Dev(DevArgs),
    /// Run one stage's worker: what a container runs.
    #[command(after_help = examples::WORKER)]
    Worker(WorkerArgs),
    /// Check the pipeline file; print every problem at once.
    #[command(after_help = examples::CHECK)]
    Check(CheckArgs),
    /// Show the queues, buckets and services that follow from the pipeline file.
    #[command(after_help = examples::PLAN)]
    Plan(PlanArgs),
    /// Upload files to the raw bucket.
    #[command(after_help = examples::PUBLISH)]
    Publish(PublishArgs),
    /// Send messages to a stream.
    #[command(after_help = examples::SEND)]
    Send(SendArgs),
    /// Show queues, workers and what came of the files.
    #[command(after_help = examples::STATUS)]
    Status(StatusArgs),
    /// Set how many workers a stage has.
    #[command(after_help = examples::SCALE)]
    Scale(ScaleArgs),
    /// Show the load history, newest first.
    #[command(after_help = examples::RUNS)]
    Runs(RunsArgs),
    /// Follow one file through every hop.
    #[command(after_help = examples::TRACE)]
    Trace(TraceArgs),
    /// Show runs of exports, newest first.
    #[command(after_help = examples::EXPORTS)]
    Exports(ExportsArgs),
    /// Show runs of derived datasets, newest first.
    #[command(after_help = examples::DERIVED)]
    Derived(DerivedArgs),
    /// Make a report here, from the database or the lake; or list them.
    ///
    /// No queue is needed, and nobody is told. `millrace schedule run NAME` has the
    /// report stage make it, put it in S3 and tell.
    #[command(after_help = examples::REPORT)]
    Report(ReportArgs),
    /// Show the lake's datasets as tables of Athena, and let Athena read them.
    Catalog {
        #[command(subcommand)]
        command: CatalogCommand,
    },
    /// Show batches of collected messages, newest first.
    #[command(after_help = examples::BATCHES)]
    Batches(BatchesArgs),
    /// Work on schedules: see when they fire, fire them by hand, turn them off.
    Schedule {
        #[command(subcommand)]
        command: ScheduleCommand,
    },
    /// Find objects that no event told of and files that are stuck, and send them on
    /// their way.
    ///
    /// The raw bucket is listed and held against the ledger. What is known, whatever
    /// became of it, is not sent again. With a prefix it is a backfill.
    #[command(after_help = examples::RECONCILE)]
    Reconcile(ReconcileArgs),
    /// Join small objects of the lake into larger ones, without readers noticing.
    #[command(after_help = examples::COMPACT)]
    Compact(CompactArgs),
    /// Remove what has reached the age that `[maintain.retention]` says.
    #[command(after_help = examples::RETENTION)]
    Retention(RetentionArgs),
    /// Show runs of upkeep, newest first.
    #[command(after_help = examples::MAINTENANCE)]
    Maintenance(MaintenanceArgs),
    /// Load files again, on purpose and without duplicates.
    ///
    /// Rows of a file take the place of those it brought before, in one
    /// transaction.
    #[command(after_help = examples::REPLAY)]
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
    #[command(after_help = examples::DOCTOR)]
    Doctor(DoctorArgs),
    /// Turn a local file into Parquet and rejects, as the transform stage would.
    #[command(after_help = examples::TRANSFORM)]
    Transform(TransformArgs),
    /// Look at a local file: its columns, first rows, and what would be rejected.
    #[command(after_help = examples::PREVIEW)]
    Preview(PreviewArgs),
    /// Find out a local file's columns and print the block for the pipeline file.
    #[command(after_help = examples::INFER)]
    Infer(InferArgs),
    /// Run SQL over the lake's datasets, or over Parquet files.
    #[command(after_help = examples::QUERY)]
    Query(QueryArgs),
    /// Run the embedded AWS endpoint alone.
    #[command(after_help = examples::AWS)]
    Aws(AwsArgs),
    /// Say whether the worker beside it is well: 0 if it is, 1 if not.
    ///
    /// For the health check of a container, which has no shell. The worker keeps
    /// the file that MILLRACE_HEARTBEAT names fresh as long as it gets on.
    #[command(after_help = examples::HEALTHCHECK)]
    Healthcheck(HealthcheckArgs),
    /// Print the JSON Schema of the pipeline file.
    #[command(after_help = examples::SCHEMA)]
    Schema,
    /// Print completions for a shell.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for every command.
    #[command(after_help = examples::MAN)]
    Man {
        /// Folder to write `millrace.1`, `millrace-dlq-list.1`, … to.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
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
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) wait: Duration,
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
    #[arg(long, value_parser = named::state)]
    pub(crate) state: Option<FileState>,

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
#[path = "args/tests.rs"]
mod tests;
