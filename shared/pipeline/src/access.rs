//! What a stage's workers may touch: the plan's part that becomes the policies
//! of their role. A file of its own, since a new stage has to say it here.

use std::collections::BTreeSet;

use millrace_catalog::table_name;
use millrace_contract::{AlertKind, Report, ReportSource, StageName, Stream};
use serde::Serialize;

use crate::alerts::Alerts;
use crate::maintain::Maintenance;
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
    /// Tables that it keeps in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<PlannedTables>,
}

/// Tables of a database of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedTables {
    /// The database, which is made unless it is there.
    pub database: String,
    /// Names of the tables, in the order of the datasets.
    pub names: Vec<String>,
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
            StageName::Ingest
            | StageName::Transform
            | StageName::Derive
            | StageName::Maintain
            | StageName::Collect
            | StageName::Catalog => Vec::new(),
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
                sends_to: self.queues_of([StageName::Load, StageName::Derive, StageName::Catalog]),
                reads: self.raw().chain(self.parquet()).chain(self.rejects()).collect(),
                writes: self.files_parquet().chain(self.rejects()).collect(),
                ..PlannedAccess::default()
            },
            StageName::Load => PlannedAccess {
                sends_to: self.queues_of([StageName::Derive, StageName::Catalog]),
                reads: self.loaded_parquet().collect(),
                ..PlannedAccess::default()
            },
            // It sends to its own queue, too: what changed meanwhile, and what is made
            // of what it made.
            StageName::Derive => PlannedAccess {
                sends_to: self.queues_of([StageName::Load, StageName::Derive, StageName::Catalog]),
                reads: self.derived_from().collect(),
                writes: self.derived_parquet().collect(),
                ..PlannedAccess::default()
            },
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
            StageName::Maintain => self.upkeep_access(),
            // A batch that a worker which died left behind is read by another. Raw
            // objects are written, and neither read nor replaced.
            StageName::Collect => PlannedAccess {
                reads: self.staged().collect(),
                writes: self.collected().chain(self.staged()).collect(),
                deletes: self.staged().collect(),
                ..PlannedAccess::default()
            },
            // It goes by the ledger, and reads neither lists nor the objects in them.
            // Who may read in a bucket may list it, which is how an outage is probed.
            StageName::Catalog => PlannedAccess {
                reads: self.lists().collect(),
                writes: self.lists().collect(),
                tables: self.planned_tables(),
                ..PlannedAccess::default()
            },
        }
    }

    /// The queues of those of the stages that there are.
    fn queues_of(&self, stages: impl IntoIterator<Item = StageName>) -> Vec<String> {
        let there = self.stages();
        let asked = stages.into_iter().filter(|stage| there.contains(stage));
        asked.map(|stage| self.queue_name(stage)).collect()
    }

    /// What the kinds of upkeep touch that the file asks for. Objects that may be
    /// lost are looked at one by one; what is joined is read and written; only
    /// retention removes.
    fn upkeep_access(&self) -> PlannedAccess {
        let Maintenance { reconcile, compact, retention } = &self.maintain;
        let mut access = PlannedAccess::default();
        if reconcile.is_some() {
            access.sends_to = StageName::JOURNEY.map(|stage| self.queue_name(stage)).into();
            access.reads.extend(self.raw());
        }
        // A long run goes on by another message.
        access.sends_to.push(self.queue_name(StageName::Maintain));
        if compact.is_some() || retention.is_some() {
            access.reads.extend(self.parquet());
        }
        if compact.is_some() || retention.is_some() {
            access.sends_to.extend(self.queues_of([StageName::Catalog]));
        }
        if compact.is_some() {
            access.writes.extend(self.parquet());
        }
        if let Some(retention) = retention {
            if retention.superseded.is_some() {
                access.deletes.extend(self.parquet());
            }
            if retention.rejects.is_some() {
                access.deletes.extend(self.rejects());
            }
        }
        access
    }

    /// Streams may share folders, so each prefix is there once.
    fn collected(&self) -> impl Iterator<Item = PlannedPrefix> {
        let prefix = |stream: &Stream| within(&stream.bucket, stream.literal_prefix().to_owned());
        let prefixes: BTreeSet<PlannedPrefix> = self.streams.iter().map(prefix).collect();
        prefixes.into_iter()
    }

    /// Where batches lie until they are published.
    fn staged(&self) -> impl Iterator<Item = PlannedPrefix> {
        let prefix = |stream: &Stream| within(&stream.staging, stream.staged_prefix());
        self.streams.iter().map(prefix)
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

    /// Of files, not of what is derived from them.
    fn files_parquet(&self) -> impl Iterator<Item = PlannedPrefix> {
        let datasets = self.datasets.iter().filter(|dataset| !dataset.is_derived());
        datasets.map(|dataset| within(&self.lake.curated, format!("{}/", dataset.name)))
    }

    /// Of datasets that have a table.
    fn loaded_parquet(&self) -> impl Iterator<Item = PlannedPrefix> {
        let datasets = self.datasets.iter().filter(|dataset| dataset.load.is_some());
        datasets.map(|dataset| within(&self.lake.curated, format!("{}/", dataset.name)))
    }

    /// The inputs of derived datasets, each prefix once.
    fn derived_from(&self) -> impl Iterator<Item = PlannedPrefix> {
        let names = self.derived.iter().flat_map(|one| &one.inputs);
        let names: BTreeSet<&String> = names.collect();
        names.into_iter().map(|name| within(&self.lake.curated, format!("{name}/")))
    }

    /// Lists of live objects.
    fn lists(&self) -> impl Iterator<Item = PlannedPrefix> {
        let names = self.datasets.iter().map(|dataset| &dataset.name);
        names.map(|name| within(&self.lake.curated, format!("_symlinks/{name}/")))
    }

    fn planned_tables(&self) -> Option<PlannedTables> {
        let database = self.catalog.as_ref()?.database.clone();
        let names = self.datasets.iter().map(|dataset| table_name(&dataset.name));
        Some(PlannedTables { database, names: names.collect() })
    }

    fn derived_parquet(&self) -> impl Iterator<Item = PlannedPrefix> {
        let names = self.derived.iter().map(|derived| &derived.name);
        names.map(|name| within(&self.lake.curated, format!("{name}/")))
    }

    /// Of files alone: what is derived has no rejects.
    fn rejects(&self) -> impl Iterator<Item = PlannedPrefix> {
        let names = self.datasets.iter().filter(|dataset| !dataset.is_derived());
        let names = names.map(|dataset| &dataset.name);
        names.map(|name| within(&self.lake.curated, format!("_rejects/{name}/")))
    }
}

fn within(bucket: &str, prefix: String) -> PlannedPrefix {
    PlannedPrefix { bucket: bucket.to_owned(), prefix }
}
