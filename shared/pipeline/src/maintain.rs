//! Reads `[maintain]`: the upkeep of a pipeline, what it goes by and when.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use millrace_contract::{Dataset, Export, ExportSchedule, Upkeep};

use crate::entry::Entry;
use crate::exports::schedule;
use crate::nearest::nearest;
use crate::quantity;
use crate::spelling;
use crate::walk::Section;

/// How old an object is at least before it counts as lost, unless the file says
/// otherwise.
pub(crate) const OLDER_THAN: &str = "15m";

/// How long a file may be without an end, unless the file says otherwise.
pub(crate) const STUCK_AFTER: &str = "1d";

/// Bytes of a joined object, unless the file says otherwise.
pub(crate) const TARGET: u64 = 128 << 20;

/// Objects that are worth being joined, unless the file says otherwise.
pub(crate) const MIN_FILES: u64 = 8;

/// How long what nobody reads any more is kept, unless the file says otherwise.
pub(crate) const SUPERSEDED: &str = "7d";

/// What keeps for good.
const NEVER: &str = "never";

/// Bounds of ages: a second to a hundred years.
const AGES: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(100 * 365 * 86_400);

/// A message comes again for fourteen days at most, and rows by which it is known
/// outlive that.
const HISTORY: RangeInclusive<Duration> =
    Duration::from_secs(15 * 86_400)..=Duration::from_secs(100 * 365 * 86_400);

/// The upkeep of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// What was published is held against the ledger.
    pub reconcile: Option<Reconcile>,
    /// Small objects of the lake are joined.
    pub compact: Option<Compact>,
    /// What nobody needs any more is removed.
    pub retention: Option<Retention>,
}

/// How what was published is held against the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconcile {
    /// When; by messages and by hand alone unless given.
    pub schedule: Option<ExportSchedule>,
    /// Younger objects may still be on their way.
    pub older_than: Duration,
    /// A file that is without an end for longer is sent on its way again.
    pub stuck_after: Duration,
    /// How many lost events of a run are worth an alert.
    pub alert_from: u64,
}

/// How small objects are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compact {
    /// When; by messages and by hand alone unless given.
    pub schedule: Option<ExportSchedule>,
    /// Bytes of a joined object; objects below half of it are joined.
    pub target: u64,
    /// Fewer small objects of a partition than this are left alone, unless they fill
    /// an object.
    pub min_files: u64,
}

/// How long what is kept; what has no age keeps for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// When; by messages and by hand alone unless given.
    pub schedule: Option<ExportSchedule>,
    /// Objects of the lake that no reader needs, since they ceased to be needed.
    pub superseded: Option<Duration>,
    /// Rejected rows.
    pub rejects: Option<Duration>,
    /// The ledger's rows about what is over.
    pub history: Option<Duration>,
    /// Live objects of the lake by dataset, since they were loaded.
    pub lake: BTreeMap<String, Duration>,
}

impl Default for Reconcile {
    fn default() -> Self {
        let duration = |text| quantity::duration(text).unwrap_or_default();
        Self {
            schedule: None,
            older_than: duration(OLDER_THAN),
            stuck_after: duration(STUCK_AFTER),
            alert_from: 1,
        }
    }
}

impl Default for Compact {
    fn default() -> Self {
        Self { schedule: None, target: TARGET, min_files: MIN_FILES }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            schedule: None,
            superseded: quantity::duration(SUPERSEDED),
            rejects: None,
            history: None,
            lake: BTreeMap::new(),
        }
    }
}

impl Maintenance {
    /// What the file asks for, with its schedule where it has one.
    pub fn asked_for(&self) -> Vec<(Upkeep, Option<&ExportSchedule>)> {
        let reconcile = self.reconcile.as_ref().map(|one| (Upkeep::Reconcile, &one.schedule));
        let compact = self.compact.as_ref().map(|one| (Upkeep::Compact, &one.schedule));
        let retention = self.retention.as_ref().map(|one| (Upkeep::Retention, &one.schedule));
        let all = [reconcile, compact, retention].into_iter().flatten();
        all.map(|(upkeep, schedule)| (upkeep, schedule.as_ref())).collect()
    }
}

/// Reads `[maintain]`, which may be absent.
pub(crate) fn read(file: &Section<'_>, datasets: &[Dataset], exports: &[Export]) -> Maintenance {
    let Some(section) = file.section("maintain") else { return Maintenance::default() };
    for upkeep in Upkeep::ALL {
        note_taken_name(&section, upkeep, exports);
    }
    Maintenance {
        reconcile: section.section("reconcile").map(|section| reconcile(&section)),
        compact: section.section("compact").map(|section| compact(&section)),
        retention: section.section("retention").map(|section| retention(&section, datasets)),
    }
}

/// Schedules are known by their names, and an export's has the export's.
fn note_taken_name(section: &Section<'_>, upkeep: Upkeep, exports: &[Export]) {
    let name = upkeep.schedule();
    if let Some(entry) = section.get(upkeep.as_str())
        && exports.iter().any(|export| export.name == name)
    {
        entry.note_with(
            format!("an export has the name of this schedule, `{name}`"),
            "rename the export",
        );
    }
}

fn timing(section: &Section<'_>) -> Option<ExportSchedule> {
    let zone = section.get("timezone").and_then(|entry| spelling::zone(&entry));
    let zone = zone.map_or("UTC", |zone| zone.name());
    section.get("schedule").and_then(|entry| schedule(&entry, zone))
}

fn reconcile(section: &Section<'_>) -> Reconcile {
    let defaults = Reconcile::default();
    let duration = |key: &str, default: Duration| {
        let entry = section.get(key);
        entry.and_then(|entry| entry.duration(Duration::ZERO..=*AGES.end())).unwrap_or(default)
    };
    let alert_from = section.get("alert_from").and_then(|entry| entry.number(1..=u64::MAX));
    Reconcile {
        schedule: timing(section),
        older_than: duration("older_than", defaults.older_than),
        stuck_after: duration("stuck_after", defaults.stuck_after),
        alert_from: alert_from.unwrap_or(defaults.alert_from),
    }
}

fn compact(section: &Section<'_>) -> Compact {
    let defaults = Compact::default();
    let target = section.get("target").and_then(|entry| entry.size(1 << 10..=4 << 30));
    let min_files = section.get("min_files").and_then(|entry| entry.number(2..=1_000));
    Compact {
        schedule: timing(section),
        target: target.unwrap_or(defaults.target),
        min_files: min_files.unwrap_or(defaults.min_files),
    }
}

fn retention(section: &Section<'_>, datasets: &[Dataset]) -> Retention {
    let defaults = Retention::default();
    let age_of = |key: &str, default| section.get(key).map_or(default, |entry| age(&entry, AGES));
    let superseded = age_of("superseded", defaults.superseded);
    let mut lake = BTreeMap::new();
    for (name, entry) in section.section("lake").map(|lake| lake.named()).unwrap_or_default() {
        note_unknown_dataset(name, &entry, datasets);
        if let Some(age) = age(&entry, AGES) {
            lake.insert(name.to_owned(), age);
        }
    }
    if let (Some(entry), false, None) = (section.get("lake"), lake.is_empty(), superseded) {
        entry.note_with(
            "objects whose time has come go once `superseded` has passed, which is never",
            "write `superseded = \"7d\"`",
        );
    }
    Retention {
        schedule: timing(section),
        superseded,
        rejects: age_of("rejects", defaults.rejects),
        history: section.get("history").and_then(|entry| age(&entry, HISTORY)),
        lake,
    }
}

/// An age, or none for what keeps for good.
fn age(entry: &Entry<'_>, bounds: RangeInclusive<Duration>) -> Option<Duration> {
    match entry.text() {
        Some(NEVER) | None => None,
        Some(_) => entry.duration(bounds),
    }
}

fn note_unknown_dataset(name: &str, entry: &Entry<'_>, datasets: &[Dataset]) {
    let names: Vec<&str> = datasets.iter().map(|dataset| dataset.name.as_str()).collect();
    if names.contains(&name) {
        return;
    }
    let hint = nearest(name, &names).map(|meant| format!("did you mean `{meant}`?"));
    let message = format!("there is no dataset `{name}`");
    entry.findings.note(entry.key_span.clone(), &entry.path, message, hint);
}
