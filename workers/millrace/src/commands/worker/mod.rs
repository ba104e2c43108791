//! `millrace worker STAGE`: one stage's worker, what a container runs.

mod outlast;

use std::pin::pin;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::SdkConfig;
use millrace_collect::{Collect, Collector, Settings};
use millrace_contract::StageName;
use millrace_derive::Derive;
use millrace_export::Exports;
use millrace_failpoint::{Point, reach};
use millrace_ingest::Ingest;
use millrace_ledger::{Database, Dialect, Ledger};
use millrace_load::Load;
use millrace_maintain::Maintain;
use millrace_pipeline::{Pipeline, RetryCurve, StageRetry};
use millrace_queue::Sqs;
use millrace_report::{Announce, Reports};
use millrace_retry::{Backoff, Curve};
use millrace_runtime::{Handler, Worker, WorkerConfig, shutdown, telemetry};
use millrace_storage::S3Storage;
use millrace_transform::Transform;
use millrace_warehouse::Warehouse;

use self::outlast::outlast;
use crate::args::{LogFormat, WorkerArgs};
use crate::exit::Usage;
use crate::journal::{LedgerFailures, Recorded};
use crate::setup::{self, Setup};
use crate::telling::{self, Telling};
use crate::watch::{self, Watch};

/// How long a worker of a local stack polls: a person waits for it to stop.
const LOCAL_WAIT: Duration = Duration::from_secs(1);

pub(super) async fn run(args: &WorkerArgs) -> anyhow::Result<ExitCode> {
    telemetry::init(match args.log_format {
        LogFormat::Text => telemetry::Format::Text,
        LogFormat::Json => telemetry::Format::Json,
    });
    let setup = Setup::new(&args.pipeline)?;
    if !setup.pipeline.stages().contains(&args.stage) {
        let stage = args.stage;
        return Err(Usage(format!("this pipeline has nothing for stage `{stage}` to do")).into());
    }
    let mut config = config(&setup, args.stage);
    if args.stop_on_stdin_end {
        config.wait = LOCAL_WAIT;
    }
    reach(args.stage.as_str(), Point::Started);
    let aws = setup::aws().await;
    let mut stopped = pin!(stopped(args.stop_on_stdin_end));
    let opened = Arc::new(OnceLock::new());
    let outages = telling::outages(&setup.pipeline, args.stage, Arc::clone(&opened), &aws);
    let waiting = watch::waiting(&args.watch);
    let opening = outlast(outages.as_ref(), async || open(&setup, args.stage, &aws).await);
    let (ledger, handler) = tokio::select! {
        opened = opening => opened?,
        () = &mut stopped => return Ok(ExitCode::SUCCESS),
    };
    drop(waiting);
    let ledger = opened.get_or_init(|| ledger).clone();
    let telling = Telling::start(&setup.pipeline, &ledger, &aws);
    let failures = Arc::new(LedgerFailures::new(ledger, outages));
    let worker = Worker::new(config, Arc::new(Sqs::new(&aws)), handler, failures);
    let service = format!("{}-{}", setup.pipeline.name, args.stage);
    let (worker, watch) = Watch::start(&args.watch, worker, &setup.pipeline.name, &service).await;
    let ended = worker.run(stopped).await;
    watch.stop().await;
    telling.stop().await;
    let summary = ended?;
    tracing::info!(?summary, "stopped");
    Ok(ExitCode::SUCCESS)
}

/// What a worker works with: the ledger, and what handles its messages.
async fn open(
    setup: &Setup,
    stage: StageName,
    aws: &SdkConfig,
) -> anyhow::Result<(Ledger, Arc<dyn Handler>)> {
    let connections = setup.pipeline.stage(stage).connections;
    let (database, ledger) = setup.ledger(connections).await?;
    let ledger = ledger.announcing(telling::announcing(&setup.pipeline));
    let databases = Databases { ledger: ledger.clone(), database, connections };
    let handler = handler(setup, stage, databases, aws).await?;
    Ok((ledger, handler))
}

fn config(setup: &Setup, stage: StageName) -> WorkerConfig {
    let settings = setup.pipeline.stage(stage);
    let concurrency = usize::try_from(settings.concurrency).unwrap_or(usize::MAX);
    let mut config = WorkerConfig::new(stage.as_str(), setup.pipeline.queue_name(stage))
        .concurrency(concurrency)
        .visibility(settings.visibility);
    config.dead_letter_queue = setup.pipeline.dead_letter_queue_name(stage);
    config.max_receive_count = settings.max_receive_count;
    config.backoff = backoff(&settings.retry);
    if stage == StageName::Collect {
        // Messages wait for their batch, so that all in hand are handled.
        config.max_in_hand = concurrency;
        config.max_bytes = held_bytes(settings.memory);
    }
    config
}

fn backoff(retry: &StageRetry) -> Backoff {
    let curve = |curve: RetryCurve| Curve { base: curve.base, cap: curve.cap };
    Backoff {
        transient: curve(retry.transient),
        throttled: curve(retry.throttled),
        outage: curve(retry.outage),
    }
}

/// Bytes of messages that a worker of the collect stage has in hand: each is there
/// as it came, as it is written, and compressed.
fn held_bytes(memory: u64) -> usize {
    usize::try_from(memory / 8).unwrap_or(usize::MAX)
}

/// What is collected, and how much of it may wait: not all that is in hand, so that
/// there is room for messages that make a batch full.
fn collecting(pipeline: &Pipeline) -> Settings {
    let settings = pipeline.stage(StageName::Collect);
    let in_hand = usize::try_from(settings.concurrency).unwrap_or(usize::MAX);
    Settings {
        pipeline: pipeline.name.clone(),
        streams: pipeline.streams.clone(),
        most_messages: in_hand - in_hand / 4,
        most_bytes: held_bytes(settings.memory) / 2,
    }
}

/// What a handler talks to.
struct Databases {
    ledger: Ledger,
    /// The ledger's.
    database: Database,
    /// Connections to each at most.
    connections: u32,
}

impl Databases {
    /// The warehouse's database. Where it is the ledger's, which is usual with
    /// PostgreSQL, both share their connections: nobody who holds one waits for
    /// another.
    async fn warehouse(&self, setup: &Setup) -> anyhow::Result<Database> {
        // A SQLite ledger is a file of its own, which does not wait for the disk.
        if setup.pipeline.ledger.is_none() && self.database.dialect() != Dialect::Sqlite {
            return Ok(self.database.clone());
        }
        setup.warehouse(self.connections).await
    }
}

async fn handler(
    setup: &Setup,
    stage: StageName,
    databases: Databases,
    aws: &SdkConfig,
) -> anyhow::Result<Arc<dyn Handler>> {
    let ledger = databases.ledger.clone();
    let storage = || Arc::new(S3Storage::new(aws));
    let pipeline = &setup.pipeline;
    Ok(match stage {
        StageName::Ingest => {
            let ingest = Ingest::new(pipeline.clone(), ledger);
            ingest.publish_contracts().await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
            Arc::new(ingest)
        }
        StageName::Transform => {
            let transform = Transform::new(pipeline, ledger.clone(), storage());
            Arc::new(Recorded::new(stage, ledger, transform))
        }
        StageName::Load => {
            let warehouse = Warehouse::open(&databases.warehouse(setup).await?).await?;
            let warehouse = warehouse.with_views(&pipeline.views);
            let load = Load::new(ledger.clone(), warehouse, storage());
            let load = load.with_dependents(pipeline.dependents());
            load.refresh_views().await;
            Arc::new(Recorded::new(stage, ledger, load))
        }
        StageName::Export => {
            let databases = setup.export_databases().await?;
            let (name, exports) = (pipeline.name.clone(), pipeline.exports.clone());
            // Who waits for a worker that died waits for its message, too.
            let claim = pipeline.stage(stage).visibility;
            Arc::new(Exports::new(name, exports, ledger, databases, storage(), claim))
        }
        StageName::Derive => {
            let claim = pipeline.stage(stage).visibility;
            let derive = Derive::new(pipeline, ledger, storage(), claim);
            derive.publish_contracts().await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
            Arc::new(derive)
        }
        StageName::Report => {
            let sources = setup.report_sources(&ledger, storage()).await?;
            let (name, reports) = (pipeline.name.clone(), pipeline.reports.clone());
            let claim = pipeline.stage(stage).visibility;
            let handler = Reports::new(name, reports, ledger, sources, storage(), claim);
            let topics = telling::report_topics(pipeline, aws);
            Arc::new(handler.announcing(Announce { topics, links: Some(storage()) }))
        }
        StageName::Maintain => {
            let claim = pipeline.stage(stage).visibility;
            Arc::new(Maintain::new(pipeline.clone(), ledger, storage(), claim))
        }
        StageName::Collect => {
            let collector = Collector::new(collecting(pipeline), ledger, storage());
            collector.look_after();
            Arc::new(Collect::new(pipeline.queue_name(stage), collector))
        }
        StageName::Catalog => {
            let claim = pipeline.stage(stage).visibility;
            Arc::new(setup.registrar(ledger, aws, claim)?)
        }
    })
}

/// Completes on SIGTERM, SIGINT, or the end of standard input if that counts.
async fn stopped(on_stdin_end: bool) {
    tokio::select! {
        () = shutdown::signal() => {}
        () = stdin_end(), if on_stdin_end => {}
    }
}

/// Completes when standard input ends: when whoever started us closes it, or is
/// no more. Reading blocks, so a thread of its own does it.
async fn stdin_end() {
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = ended.send(());
    });
    // The thread sends before it goes; either way standard input is at its end.
    let _ = end.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_says_nothing_of_retries_has_those_of_the_runtime() {
        assert_eq!(backoff(&StageRetry::default()), Backoff::default());
    }
}
