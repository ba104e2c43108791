//! How many workers a stage has, how much they do at a time, and how its queue
//! behaves.

use std::ops::RangeInclusive;
use std::time::Duration;

use millrace_contract::StageName;
use serde::Serialize;

use crate::quantity;
use crate::retention::retention;
use crate::retry::{self, StageRetry};
use crate::walk::Section;

/// The longest a message can be hidden (Amazon SQS, "Visibility timeout").
const LONGEST_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);

/// Bounds of [`StageSettings::workers`].
pub(crate) const WORKERS: RangeInclusive<u64> = 0..=5_000;

/// Bounds of [`StageSettings::max_workers`]; ECS runs 5,000 tasks of a service.
pub(crate) const MAX_WORKERS: RangeInclusive<u64> = 1..=5_000;

/// Bounds of [`StageSettings::connections`].
pub(crate) const CONNECTIONS: RangeInclusive<u64> = 1..=1_000;

/// Bounds of [`StageSettings::max_receive_count`], as SQS has them.
pub(crate) const MAX_RECEIVE_COUNT: RangeInclusive<u64> = 1..=1_000;

/// Settings of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageSettings {
    /// Workers to run; none pauses the stage.
    pub workers: u32,
    /// Workers to scale out to, at least `workers`.
    pub max_workers: u32,
    /// Messages one worker handles at a time.
    pub concurrency: u32,
    /// Database connections one worker has open at most, to each database.
    pub connections: u32,
    /// How long a message stays hidden between two heartbeats; also the queue's
    /// default.
    pub visibility: Duration,
    /// Receives after which the redrive policy dead-letters a message.
    pub max_receive_count: u32,
    /// How long the queue keeps messages; shorter than dead letters are kept.
    pub retention: Duration,
    /// Memory of a worker in bytes.
    pub memory: u64,
    /// How long failed messages stay away.
    pub retry: StageRetry,
}

/// The settings of every stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stages {
    ingest: StageSettings,
    transform: StageSettings,
    load: StageSettings,
    export: StageSettings,
    derive: StageSettings,
    report: StageSettings,
    maintain: StageSettings,
    collect: StageSettings,
    catalog: StageSettings,
}

impl Stages {
    /// The settings of a stage.
    pub fn get(&self, stage: StageName) -> &StageSettings {
        match stage {
            StageName::Ingest => &self.ingest,
            StageName::Transform => &self.transform,
            StageName::Load => &self.load,
            StageName::Export => &self.export,
            StageName::Derive => &self.derive,
            StageName::Report => &self.report,
            StageName::Maintain => &self.maintain,
            StageName::Collect => &self.collect,
            StageName::Catalog => &self.catalog,
        }
    }

    /// Reads `[stages]`, which may be absent.
    pub(crate) fn read(section: Option<&Section<'_>>) -> Self {
        let stage = |name: StageName| {
            let section = section.and_then(|stages| stages.section(name.as_str()));
            read(name, section.as_ref(), &StageDefaults::of(name))
        };
        Self {
            ingest: stage(StageName::Ingest),
            transform: stage(StageName::Transform),
            load: stage(StageName::Load),
            export: stage(StageName::Export),
            derive: stage(StageName::Derive),
            report: stage(StageName::Report),
            maintain: stage(StageName::Maintain),
            collect: stage(StageName::Collect),
            catalog: stage(StageName::Catalog),
        }
    }
}

/// What a stage's settings are unless the file says otherwise, as it would say
/// it; chosen for a task with two cores.
pub(crate) struct StageDefaults {
    pub(crate) about: &'static str,
    pub(crate) workers: u64,
    pub(crate) max_workers: u64,
    pub(crate) concurrency: u64,
    pub(crate) most_concurrency: u64,
    pub(crate) connections: u64,
    pub(crate) visibility: &'static str,
    pub(crate) max_receive_count: u64,
    pub(crate) memory: &'static str,
}

impl StageDefaults {
    /// Waits for the ledger most of the time.
    pub(crate) const INGEST: Self = Self {
        about: "Object events become planned work.",
        workers: 1,
        max_workers: 10,
        concurrency: 16,
        most_concurrency: 1_000,
        connections: 2,
        visibility: "1m",
        max_receive_count: 5,
        memory: "512MiB",
    };

    /// Computes: as many files as cores.
    pub(crate) const TRANSFORM: Self = Self {
        about: "Raw objects become Parquet and rejects.",
        concurrency: 2,
        memory: "1GiB",
        ..Self::INGEST
    };

    /// Waits for the warehouse half of the time, one connection each and one for
    /// small files and the ledger. Ten workers of every stage, as many as there are
    /// unless the file says otherwise, stay within the 97 connections that a
    /// PostgreSQL server has for its users unless it is told otherwise.
    pub(crate) const LOAD: Self = Self {
        about: "Parquet becomes rows in a database.",
        concurrency: 4,
        connections: 5,
        ..Self::INGEST
    };

    /// Waits for the database half of the time, and encodes the other half. These
    /// connections are the ledger's; each export has its own beside them, and one
    /// for each part it is split over. With one worker the stages stay within the
    /// connections that [`Self::LOAD`] speaks of.
    pub(crate) const EXPORT: Self = Self {
        about: "Rows of a database become objects.",
        max_workers: 1,
        concurrency: 2,
        connections: 2,
        visibility: "2m",
        memory: "1GiB",
        ..Self::INGEST
    };

    /// Waits for S3 and the ledger, and encodes when it joins objects. Two at a time,
    /// so that long upkeep does not hold up what was lost.
    pub(crate) const MAINTAIN: Self = Self {
        about: "What was lost is found, small objects are joined, old ones removed.",
        max_workers: 1,
        concurrency: 2,
        connections: 2,
        visibility: "5m",
        memory: "1GiB",
        ..Self::INGEST
    };

    /// Computes: as many queries as cores, each with the memory that it says. With
    /// one worker the stages stay within the connections that [`Self::LOAD`] speaks
    /// of.
    pub(crate) const DERIVE: Self = Self {
        about: "Datasets become datasets.",
        max_workers: 1,
        concurrency: 2,
        connections: 2,
        visibility: "2m",
        memory: "1GiB",
        ..Self::INGEST
    };

    /// Waits for the database nearly all of the time. These connections are the
    /// ledger's; the charts are read one after the other, by one of its own.
    pub(crate) const REPORT: Self = Self {
        about: "Queries become pages of charts.",
        max_workers: 1,
        concurrency: 1,
        connections: 1,
        visibility: "2m",
        ..Self::INGEST
    };

    /// Waits for messages: they are in hand until their batch is written, so that
    /// there are as many as four full batches of the usual size.
    pub(crate) const COLLECT: Self = Self {
        about: "Messages become objects, in batches.",
        concurrency: 4_000,
        most_concurrency: 20_000,
        connections: 2,
        visibility: "2m",
        ..Self::INGEST
    };

    /// Waits for the ledger, S3 and the catalog. A dataset is one worker's at a time,
    /// so that there is no use in many.
    pub(crate) const CATALOG: Self = Self {
        about: "Datasets become tables that others can query.",
        max_workers: 1,
        concurrency: 4,
        visibility: "2m",
        ..Self::INGEST
    };

    /// Bounds of [`StageSettings::concurrency`].
    pub(crate) fn concurrency_bounds(&self) -> RangeInclusive<u64> {
        1..=self.most_concurrency
    }

    fn of(stage: StageName) -> Self {
        match stage {
            StageName::Ingest => Self::INGEST,
            StageName::Transform => Self::TRANSFORM,
            StageName::Load => Self::LOAD,
            StageName::Export => Self::EXPORT,
            StageName::Derive => Self::DERIVE,
            StageName::Report => Self::REPORT,
            StageName::Maintain => Self::MAINTAIN,
            StageName::Collect => Self::COLLECT,
            StageName::Catalog => Self::CATALOG,
        }
    }
}

fn read(name: StageName, section: Option<&Section<'_>>, defaults: &StageDefaults) -> StageSettings {
    let number = |key: &str, bounds, default: u64| {
        let entry = section.and_then(|section| section.get(key));
        let number = entry.and_then(|entry| entry.number(bounds)).unwrap_or(default);
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    let visibility = section.and_then(|section| section.get("visibility"));
    let visibility = visibility
        .and_then(|entry| entry.duration(Duration::from_secs(1)..=LONGEST_VISIBILITY))
        .or_else(|| quantity::duration(defaults.visibility));
    let memory = section.and_then(|section| section.get("memory"));
    let memory = memory
        .and_then(|entry| entry.size(64 << 20..=120 << 30))
        .or_else(|| quantity::size(defaults.memory));
    let workers = number("workers", WORKERS, defaults.workers);
    let concurrency = number("concurrency", defaults.concurrency_bounds(), defaults.concurrency);
    StageSettings {
        workers,
        max_workers: max_workers(section, workers, defaults),
        concurrency,
        connections: connections(name, section, concurrency, defaults),
        visibility: visibility.unwrap_or_default(),
        max_receive_count: number(
            "max_receive_count",
            MAX_RECEIVE_COUNT,
            defaults.max_receive_count,
        ),
        retention: retention(section.and_then(|section| section.get("retention")).as_ref()),
        memory: memory.unwrap_or_default(),
        retry: retry::read(section),
    }
}

/// As many as the file says, or else as many as the stage has a use for.
fn connections(
    name: StageName,
    section: Option<&Section<'_>>,
    concurrency: u32,
    defaults: &StageDefaults,
) -> u32 {
    let needed = match name {
        StageName::Ingest
        | StageName::Transform
        | StageName::Export
        | StageName::Derive
        | StageName::Report
        | StageName::Maintain
        | StageName::Collect
        | StageName::Catalog => 1,
        StageName::Load => concurrency.saturating_add(1),
    };
    let default = u32::try_from(defaults.connections).unwrap_or(u32::MAX);
    let default = default.max(needed);
    let Some(entry) = section.and_then(|section| section.get("connections")) else {
        return default;
    };
    let Some(most) = entry.number(CONNECTIONS).and_then(|most| u32::try_from(most).ok()) else {
        return default;
    };
    if most < needed {
        entry.note(format!(
            "`connections` is {most}, but each of {concurrency} loads at a time (`concurrency`) \
             holds one, and the ledger needs another: set it to {needed} or more"
        ));
    }
    most.max(needed)
}

/// As many as the file says, or else room to grow beyond `workers`.
fn max_workers(section: Option<&Section<'_>>, workers: u32, defaults: &StageDefaults) -> u32 {
    let default = u32::try_from(defaults.max_workers).unwrap_or(u32::MAX).max(workers);
    let Some(entry) = section.and_then(|section| section.get("max_workers")) else {
        return default;
    };
    let Some(most) = entry.number(MAX_WORKERS).and_then(|most| u32::try_from(most).ok()) else {
        return default;
    };
    if most < workers {
        entry.note(format!("`max_workers` is {most}, but `workers` is {workers}"));
    }
    most.max(workers)
}
