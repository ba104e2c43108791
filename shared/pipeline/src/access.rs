//! What a stage's workers may touch: the plan's part that becomes the policies
//! of their role. A file of its own, since a new stage has to say it here.

use std::collections::BTreeSet;

use millrace_contract::{AlertKind, Report, ReportSource, StageName};
use serde::Serialize;

use crate::alerts::Alerts;
use crate::pipeline::Pipeline;
use crate::url::UrlSource;

/// What a stage's workers touch, beside draining their queue and sending to its
/// dead-letter queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlannedAccess {
    /// Queues it sends to.
    pub sends_to: Vec<String>,
    /// Objects it reads.
    pub reads: Vec<PlannedPrefix>,
    /// Objects it writes.
    pub writes: Vec<PlannedPrefix>,
    /// Objects it removes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deletes: Vec<PlannedPrefix>,
    /// Topics it publishes alerts to: a name of ours, or an ARN.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub publishes_to: Vec<String>,
    /// Event buses it puts events on: names or ARNs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub puts_events_to: Vec<String>,
    /// Secrets it reads database URLs from: names or ARNs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
}

/// Objects of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PlannedPrefix {
    /// Bucket.
    pub bucket: String,
    /// What their keys begin with; empty for all.
    pub prefix: String,
}

impl Pipeline {
    /// What a stage's workers touch.
    pub(crate) fn planned_access(&self, stage: StageName) -> PlannedAccess {
        let mut access = self.work_access(stage);
        // Every stage tells what every other left to be told.
        if let Some(topic) = self.alerts_topic()
            && !access.publishes_to.contains(&topic)
        {
            access.publishes_to.push(topic);
        }
        access.puts_events_to.extend(self.events.as_ref().map(|events| events.bus.clone()));
        access.secrets = self.secrets(stage);
        // By a marker there workers agree who tells of an outage.
        let tells = |alerts: &&Alerts| alerts.on.contains(&AlertKind::Outage);
        if self.alerts.as_ref().filter(tells).is_some() {
            let markers = within(&self.lake.curated, self.markers_prefix());
            access.reads.push(markers.clone());
            access.writes.push(markers);
        }
        access
    }

    /// The topic that alerts are published to, if they are: its name or ARN.
    pub(crate) fn alerts_topic(&self) -> Option<String> {
        let alerts = self.alerts.as_ref()?;
        Some(alerts.topic.clone().unwrap_or_else(|| self.topic_name()))
    }

    /// Where the URLs of a stage's databases are kept, if it is in Secrets Manager:
    /// every stage keeps account in the ledger, load opens the warehouse, reports do
    /// where their rows come from there, and exports what they read.
    fn secrets(&self, stage: StageName) -> Vec<String> {
        let databases: Vec<&UrlSource> = match stage {
            StageName::Ingest | StageName::Transform => Vec::new(),
            StageName::Load => vec![&self.warehouse],
            StageName::Report => self.reports_from_warehouse().map(|_| &self.warehouse).collect(),
            StageName::Export => {
                let url = |name| self.export_url(name).unwrap_or(&self.warehouse);
                self.exports.iter().map(|export| url(&export.name)).collect()
            }
        };
        let ledger = self.ledger.as_ref().unwrap_or(&self.warehouse);
        let secrets = databases.into_iter().chain([ledger]).filter_map(UrlSource::secret);
        let secrets: BTreeSet<String> = secrets.map(|secret| secret.id.clone()).collect();
        secrets.into_iter().collect()
    }

    fn work_access(&self, stage: StageName) -> PlannedAccess {
        match stage {
            // It reads the events, never the objects.
            StageName::Ingest => PlannedAccess {
                sends_to: vec![self.queue_name(StageName::Transform)],
                ..PlannedAccess::default()
            },
            // It reads the lake too: for `references` and other datasets in SQL, and
            // for the rejected rows that it goes through again.
            StageName::Transform => PlannedAccess {
                sends_to: vec![self.queue_name(StageName::Load)],
                reads: self.raw().chain(self.parquet()).chain(self.rejects()).collect(),
                writes: self.parquet().chain(self.rejects()).collect(),
                ..PlannedAccess::default()
            },
            StageName::Load => {
                PlannedAccess { reads: self.parquet().collect(), ..PlannedAccess::default() }
            }
            // It reads the manifest of the run before, and removes the objects that
            // an attempt which was cut short left in its folder.
            StageName::Export => PlannedAccess {
                reads: self.exported().collect(),
                writes: self.exported().collect(),
                deletes: self.exported().collect(),
                ..PlannedAccess::default()
            },
            // It reads the lake where a report does. Whoever follows a link reads as who
            // signed it.
            StageName::Report => PlannedAccess {
                reads: self.reported_on().chain(self.linked_to()).collect(),
                writes: self.reported().collect(),
                publishes_to: self.reports_topics(),
                ..PlannedAccess::default()
            },
        }
    }

    /// Datasets may share files, so each prefix is there once.
    fn raw(&self) -> impl Iterator<Item = PlannedPrefix> {
        let prefixes: BTreeSet<&str> =
            self.globs.iter().map(|glob| glob.literal_prefix()).collect();
        prefixes.into_iter().map(|prefix| within(&self.lake.raw, prefix.to_owned()))
    }

    /// Exports may share folders, so each prefix is there once.
    fn exported(&self) -> impl Iterator<Item = PlannedPrefix> {
        let places = self.exports.iter().map(|export| &export.to);
        let prefixes: BTreeSet<PlannedPrefix> =
            places.map(|place| within(&place.bucket, place.literal_prefix().to_owned())).collect();
        prefixes.into_iter()
    }

    fn reports_from_warehouse(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter().filter(|report| report.source == ReportSource::Warehouse)
    }

    /// The lake, if there are reports over it; which datasets a query names is found
    /// out when it is planned.
    fn reported_on(&self) -> impl Iterator<Item = PlannedPrefix> {
        let over_lake = self.reports.iter().any(|report| report.source == ReportSource::Lake);
        self.parquet().filter(move |_| over_lake)
    }

    /// Reports may share folders, so each prefix is there once.
    fn reported(&self) -> impl Iterator<Item = PlannedPrefix> {
        let places = self.reports.iter().map(|report| &report.to);
        let prefixes: BTreeSet<PlannedPrefix> =
            places.map(|place| within(&place.bucket, place.literal_prefix().to_owned())).collect();
        prefixes.into_iter()
    }

    /// Pages that there are links to, each prefix once.
    fn linked_to(&self) -> impl Iterator<Item = PlannedPrefix> {
        let linked = self.reports.iter().filter(|report| report.link.is_some());
        let prefixes: BTreeSet<PlannedPrefix> = linked
            .map(|report| within(&report.to.bucket, report.to.literal_prefix().to_owned()))
            .collect();
        prefixes.into_iter()
    }

    fn reports_topics(&self) -> Vec<String> {
        let topics: BTreeSet<String> =
            self.reports.iter().filter_map(|report| report.topic.clone()).collect();
        topics.into_iter().collect()
    }

    fn parquet(&self) -> impl Iterator<Item = PlannedPrefix> {
        let names = self.datasets.iter().map(|dataset| &dataset.name);
        names.map(|name| within(&self.lake.curated, format!("{name}/")))
    }

    fn rejects(&self) -> impl Iterator<Item = PlannedPrefix> {
        let names = self.datasets.iter().map(|dataset| &dataset.name);
        names.map(|name| within(&self.lake.curated, format!("_rejects/{name}/")))
    }
}

fn within(bucket: &str, prefix: String) -> PlannedPrefix {
    PlannedPrefix { bucket: bucket.to_owned(), prefix }
}
