//! What a pipeline needs in an account: buckets, queues, notifications,
//! services. `millrace plan` shows it; provisioning makes it.

use std::collections::BTreeMap;
use std::time::Duration;

use millrace_contract::{
    DeriveTask, Derived, Export, ExportSchedule, ExportTask, MaintainTask, Refresh, Report,
    ReportTask, StageName, Stream, View,
};
use serde::Serialize;

use crate::access::PlannedAccess;
use crate::alerts::{Events, Subscription};
use crate::pipeline::Pipeline;

use crate::retention::DEAD_LETTERS;
use crate::url::UrlSource;

/// Everything a pipeline needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The pipeline's name.
    pub pipeline: String,
    /// Buckets, the raw one first.
    pub buckets: Vec<PlannedBucket>,
    /// Queues, in the order of a file's journey.
    pub queues: Vec<PlannedQueue>,
    /// Which new objects are announced where.
    pub notifications: Vec<PlannedNotification>,
    /// Services, in the order of a file's journey.
    pub services: Vec<PlannedService>,
    /// Who is told what goes wrong, if anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts: Option<PlannedAlerts>,
    /// Where completion events are put, if anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Events>,
    /// Views of the warehouse, each behind those it depends on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<PlannedView>,
    /// Datasets in file order.
    pub datasets: Vec<PlannedDataset>,
    /// Exports in file order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<PlannedExport>,
    /// Derived datasets, each behind those it is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<PlannedDerived>,
    /// Reports in file order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<PlannedReport>,
    /// Streams in file order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<PlannedStream>,
    /// What fires by the clock, in file order: exports, derived datasets, then
    /// reports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<PlannedSchedule>,
}

/// Where the objects of an export go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedExport {
    /// Name.
    pub name: String,
    /// Bucket.
    pub bucket: String,
    /// What their keys begin with.
    pub prefix: String,
    /// `parquet`, `csv` or `ndjson`.
    pub format: &'static str,
}

/// A dataset that is made of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedDerived {
    /// Name.
    pub name: String,
    /// The datasets it is made of.
    pub inputs: Vec<String>,
    /// Whether it is made again when they change.
    pub on_change: bool,
    /// How long changes are gathered, in seconds.
    pub debounce_seconds: u32,
    /// `full` or `partition`: what is written again.
    pub refresh: Refresh,
    /// What the keys of its Parquet begin with, in the lake.
    pub lake_prefix: String,
}

/// Where the pages of a report go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedReport {
    /// Name.
    pub name: String,
    /// Bucket.
    pub bucket: String,
    /// What their keys begin with.
    pub prefix: String,
    /// How many charts a page has.
    pub charts: usize,
}

/// Where the messages of a stream go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedStream {
    /// Name.
    pub name: String,
    /// The queue that takes its messages.
    pub queue: String,
    /// Bucket of its objects.
    pub bucket: String,
    /// What their keys begin with.
    pub prefix: String,
    /// `ndjson` or `json`.
    pub format: &'static str,
}

/// A schedule of EventBridge Scheduler, in the group that has the pipeline's
/// name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedSchedule {
    /// Name: that of what it starts.
    pub name: String,
    /// The stage that hears of it.
    pub stage: StageName,
    /// That stage's queue.
    pub queue: String,
    /// `rate(…)`, `cron(…)` or `at(…)`.
    pub expression: String,
    /// IANA name of the time zone that it is reckoned in.
    pub timezone: String,
    /// The message it sends.
    pub input: String,
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedBucket {
    /// Name.
    pub name: String,
    /// What it is for.
    pub purpose: &'static str,
}

/// A stage's queue and its dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedQueue {
    /// The stage that drains it.
    pub stage: StageName,
    /// Name.
    pub name: String,
    /// Name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// Default visibility timeout.
    pub visibility_seconds: u32,
    /// How long messages are kept.
    pub retention_seconds: u32,
    /// How long dead letters are kept.
    pub dead_letter_retention_seconds: u32,
    /// Receives after which the redrive policy dead-letters a message.
    pub max_receive_count: u32,
}

/// An S3 event notification: `s3:ObjectCreated:*` under a prefix goes to a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedNotification {
    /// Bucket.
    pub bucket: String,
    /// What keys begin with; empty for all.
    pub prefix: String,
    /// Queue.
    pub queue: String,
}

/// A stage's service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedService {
    /// The stage its workers run.
    pub stage: StageName,
    /// Name.
    pub name: String,
    /// Workers to run.
    pub workers: u32,
    /// Workers to scale out to.
    pub max_workers: u32,
    /// Messages one worker handles at a time.
    pub concurrency: u32,
    /// Memory of a worker in bytes.
    pub memory: u64,
    /// Environment variables that hold database URLs, which a worker needs.
    pub variables: Vec<String>,
    /// What its workers may touch beside their own queue.
    #[serde(flatten)]
    pub access: PlannedAccess,
}

/// The topic of alerts and who hears of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedAlerts {
    /// Name of the topic, which is to be made, or the ARN of one that is there.
    pub topic: String,
    /// Who is subscribed to it.
    pub subscriptions: Vec<Subscription>,
}

/// Where a dataset's files lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedDataset {
    /// Name.
    pub name: String,
    /// What the keys of its files begin with, in the raw bucket.
    pub raw_prefix: String,
    /// What the keys of its Parquet begin with, in the lake.
    pub lake_prefix: String,
    /// What the keys of its rejects begin with, in the lake.
    pub rejects_prefix: String,
}

/// A view of the warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedView {
    /// Name, with its schema where it has one.
    pub name: String,
    /// Views that have to be there first.
    pub depends_on: Vec<String>,
    /// The query.
    pub sql: String,
}

impl Pipeline {
    /// What the pipeline needs.
    pub fn plan(&self) -> Plan {
        let bucket = |name: &str, purpose| PlannedBucket { name: name.to_owned(), purpose };
        Plan {
            pipeline: self.name.clone(),
            buckets: vec![
                bucket(&self.lake.raw, "files are published here"),
                bucket(&self.lake.curated, "Parquet and rejects"),
            ],
            queues: self.stages().into_iter().map(|stage| self.planned_queue(stage)).collect(),
            notifications: self.planned_notifications(),
            services: self.stages().into_iter().map(|stage| self.planned_service(stage)).collect(),
            alerts: self.planned_alerts(),
            events: self.events.clone(),
            views: self.views.iter().map(planned_view).collect(),
            datasets: self.planned_datasets(),
            exports: self.exports.iter().map(planned_export).collect(),
            derived: self.derived.iter().map(planned_derived).collect(),
            reports: self.reports.iter().map(planned_report).collect(),
            streams: self.streams.iter().map(|stream| self.planned_stream(stream)).collect(),
            schedules: self.planned_schedules(),
        }
    }

    fn planned_queue(&self, stage: StageName) -> PlannedQueue {
        let settings = self.stage(stage);
        let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        PlannedQueue {
            stage,
            name: self.queue_name(stage),
            dead_letter_queue: self.dead_letter_queue_name(stage),
            visibility_seconds: seconds(settings.visibility),
            retention_seconds: seconds(settings.retention),
            dead_letter_retention_seconds: seconds(DEAD_LETTERS),
            max_receive_count: settings.max_receive_count,
        }
    }

    /// One for the whole raw bucket: an object that no dataset takes is counted
    /// and shown rather than never heard of.
    fn planned_notifications(&self) -> Vec<PlannedNotification> {
        vec![PlannedNotification {
            bucket: self.lake.raw.clone(),
            prefix: String::new(),
            queue: self.queue_name(StageName::Ingest),
        }]
    }

    fn planned_service(&self, stage: StageName) -> PlannedService {
        let settings = self.stage(stage);
        PlannedService {
            stage,
            name: format!("{}-{stage}", self.name),
            workers: settings.workers,
            max_workers: settings.max_workers,
            concurrency: settings.concurrency,
            memory: settings.memory,
            variables: self.variables(stage),
            access: self.planned_access(stage),
        }
    }

    /// Every stage keeps account in the ledger, which is the warehouse unless
    /// the file names another; load needs both, and an export may have a database
    /// of its own.
    fn variables(&self, stage: StageName) -> Vec<String> {
        let own = self.export_urls.values().filter(|_| stage == StageName::Export);
        let sources = std::iter::once(&self.warehouse).chain(&self.ledger).chain(own);
        let mut names: Vec<String> = Vec::new();
        for name in sources.filter_map(UrlSource::variable) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// One for each export, derived dataset and report that runs by itself, then
    /// those of upkeep.
    fn planned_schedules(&self) -> Vec<PlannedSchedule> {
        let exports = self.exports.iter().filter_map(|export| {
            let input = ExportTask::scheduled_message(&export.name, &BTreeMap::new());
            Some((&export.name, StageName::Export, export.schedule.as_ref()?, input))
        });
        let reports = self.reports.iter().filter_map(|report| {
            let input = ReportTask::scheduled_message(&report.name);
            Some((&report.name, StageName::Report, report.schedule.as_ref()?, input))
        });
        let planned =
            |(name, stage, schedule, input): (&String, _, &ExportSchedule, _)| PlannedSchedule {
                name: name.clone(),
                stage,
                queue: self.queue_name(stage),
                expression: schedule.expression.clone(),
                timezone: schedule.timezone.clone(),
                input,
            };
        let derived = self.derived.iter().filter_map(|derived| {
            let input = DeriveTask::scheduled_message(&derived.name);
            Some((&derived.name, StageName::Derive, derived.schedule.as_ref()?, input))
        });
        let upkeep = self.maintain.asked_for().into_iter().filter_map(|(upkeep, schedule)| {
            let schedule = schedule?;
            Some(PlannedSchedule {
                name: upkeep.schedule(),
                stage: StageName::Maintain,
                queue: self.queue_name(StageName::Maintain),
                expression: schedule.expression.clone(),
                timezone: schedule.timezone.clone(),
                input: MaintainTask::scheduled_message(upkeep),
            })
        });
        exports.chain(derived).chain(reports).map(planned).chain(upkeep).collect()
    }

    fn planned_stream(&self, stream: &Stream) -> PlannedStream {
        PlannedStream {
            name: stream.name.clone(),
            queue: self.queue_name(StageName::Collect),
            bucket: stream.bucket.clone(),
            prefix: stream.literal_prefix().to_owned(),
            format: stream.format.as_str(),
        }
    }

    fn planned_alerts(&self) -> Option<PlannedAlerts> {
        let subscriptions = self.alerts.as_ref()?.subscribe.clone();
        Some(PlannedAlerts { topic: self.alerts_topic()?, subscriptions })
    }

    fn planned_datasets(&self) -> Vec<PlannedDataset> {
        let datasets = self.datasets.iter().zip(&self.globs);
        datasets
            .map(|(dataset, glob)| PlannedDataset {
                name: dataset.name.clone(),
                raw_prefix: glob.literal_prefix().to_owned(),
                lake_prefix: format!("{}/", dataset.name),
                rejects_prefix: format!("_rejects/{}/", dataset.name),
            })
            .collect()
    }
}

fn planned_export(export: &Export) -> PlannedExport {
    PlannedExport {
        name: export.name.clone(),
        bucket: export.to.bucket.clone(),
        prefix: export.to.literal_prefix().to_owned(),
        format: export.format.as_str(),
    }
}

fn planned_derived(derived: &Derived) -> PlannedDerived {
    PlannedDerived {
        name: derived.name.clone(),
        inputs: derived.inputs.clone(),
        on_change: derived.on_change,
        debounce_seconds: u32::try_from(derived.debounce.as_secs()).unwrap_or(u32::MAX),
        refresh: derived.refresh,
        lake_prefix: format!("{}/", derived.name),
    }
}

fn planned_report(report: &Report) -> PlannedReport {
    PlannedReport {
        name: report.name.clone(),
        bucket: report.to.bucket.clone(),
        prefix: report.to.literal_prefix().to_owned(),
        charts: report.charts.len(),
    }
}

fn planned_view(view: &View) -> PlannedView {
    PlannedView {
        name: view.full_name(),
        depends_on: view.depends_on.clone(),
        sql: view.sql.clone(),
    }
}
