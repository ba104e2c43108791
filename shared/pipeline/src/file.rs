//! Reads the file as a whole.

use millrace_contract::{LoadMode, LoadTarget};
use toml::de::DeTable;

use crate::alerts;
use crate::catalog;
use crate::dataset::{self, ReadDataset};
use crate::derived;
use crate::entry::Entry;
use crate::exports::{self, Around, ReadExports};
use crate::maintain;
use crate::names;
use crate::order;
use crate::pipeline::{Lake, Pipeline};
use crate::problem::Problem;
use crate::reports;
use crate::schema::schema;
use crate::stage::Stages;
use crate::streams;
use crate::url::UrlSource;
use crate::views;
use crate::walk::{Findings, Section, Span};

/// Reads a pipeline file, or says everything that is wrong with it.
pub(crate) fn read(text: &str) -> Result<Pipeline, Vec<Problem>> {
    let findings = Findings::default();
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or_default();
        findings.note(span, "", format!("not TOML: {}", error.message()), None);
    }
    let first_line = 0..text.find('\n').unwrap_or(text.len());
    let pipeline = {
        let section = Section::open(&findings, String::new(), first_line, root.get_ref(), schema());
        pipeline(&section, text)
    };
    let problems = findings.into_problems(text);
    match pipeline {
        Some(pipeline) if problems.is_empty() => Ok(pipeline),
        _ => Err(problems),
    }
}

fn pipeline(file: &Section<'_>, text: &str) -> Option<Pipeline> {
    version(file);
    let name = name(file);
    let lake = lake(file, name);
    let warehouse = url(file, "warehouse");
    let ledger = url(file, "ledger");
    let stages = Stages::read(file.section("stages").as_ref());
    let mut freshness = Vec::new();
    let (mut datasets, globs): (Vec<_>, Vec<_>) = datasets(file)
        .into_iter()
        .map(|read| {
            freshness.extend(read.freshness);
            (read.dataset, read.glob)
        })
        .unzip();
    let derived = derived::read(file, &datasets);
    let of_files = datasets.len();
    datasets.extend(derived.iter().map(|read| read.dataset.clone()));
    let views = file.section("views").map(|section| views::read(&section, &datasets));
    let around = Around { lake: &lake, datasets: &datasets, globs: &globs };
    let ReadExports { exports, urls } = exports::read(file, &around);
    let beside =
        derived::Beside { datasets: &datasets[..of_files], globs: &globs, exports: &exports };
    derived::note_around(&derived, &beside);
    freshness.extend(derived.iter().filter_map(|read| read.freshness.clone()));
    let alerts = alerts::read(file);
    let reports = reports::read(
        file,
        &reports::Beside { around, exports: &exports, alerts: alerts.as_ref() },
    );
    let maintain = maintain::read(file, &datasets, &exports);
    let catalog = catalog::read(file, name, &datasets);
    let streams = streams::read(file, &around);
    Some(Pipeline {
        name: name?.to_owned(),
        warehouse: warehouse.unwrap_or_default(),
        ledger,
        lake,
        datasets,
        derived: order::in_order(derived.into_iter().map(|read| read.derived).collect()),
        views: views.unwrap_or_default(),
        exports,
        reports,
        export_urls: urls,
        maintain,
        catalog,
        streams,
        settings: stages,
        alerts,
        events: alerts::read_events(file),
        freshness,
        globs,
        text: text.to_owned().into(),
    })
}

fn version(file: &Section<'_>) {
    let Some(entry) = file.need("version", "1") else { return };
    if let Some(version) = entry.number(0..=u64::MAX)
        && version != 1
    {
        entry.note_with(
            format!("version {version} of the file is not known to this version of Millrace"),
            "write `version = 1`, or install a newer Millrace",
        );
    }
}

fn name<'w>(file: &Section<'w>) -> Option<&'w str> {
    let entry = file.need("name", r#""finance""#)?;
    let name = entry.text()?;
    if let Err(why) = names::pipeline(name) {
        entry.note(why);
    }
    Some(name)
}

fn url(file: &Section<'_>, table: &str) -> Option<UrlSource> {
    let section = file.section(table)?;
    UrlSource::read(&section.need("url", r#""env:DATABASE_URL""#)?)
}

fn lake(file: &Section<'_>, name: Option<&str>) -> Lake {
    let section = file.section("lake");
    let bucket = |key: &str, suffix: &str| {
        let entry = section.as_ref().and_then(|lake| lake.get(key));
        match &entry {
            Some(entry) => bucket_named(entry),
            None => bucket_by_default(file, key, &format!("{}-{suffix}", name.unwrap_or("x"))),
        }
    };
    let lake = Lake { raw: bucket("raw", "raw"), curated: bucket("curated", "lake") };
    if let Some(entry) = section.and_then(|lake| lake.get("curated"))
        && !lake.raw.is_empty()
        && lake.raw == lake.curated
    {
        entry.note_with(
            format!(
                "`{}` is the raw bucket too, so what is written would come back as input",
                lake.raw
            ),
            "use two buckets",
        );
    }
    lake
}

fn bucket_named(entry: &Entry<'_>) -> String {
    let Some(name) = entry.text() else { return String::new() };
    if let Err(why) = names::bucket(name) {
        entry.note(why);
    }
    name.to_owned()
}

/// A bucket the file does not name has the pipeline's name, which may not do.
fn bucket_by_default(file: &Section<'_>, key: &str, bucket: &str) -> String {
    if let (Err(why), Some(entry)) = (names::bucket(bucket), file.get("name")) {
        entry.note_with(why, format!("write `{key} = \"…\"` under `[lake]`"));
    }
    bucket.to_owned()
}

fn datasets<'w>(file: &Section<'w>) -> Vec<ReadDataset<'w>> {
    let Some(section) = file.need("datasets", "…").and_then(|entry| entry.section()) else {
        return Vec::new();
    };
    let named = section.named();
    if named.is_empty() {
        let hint = Some("write `[datasets.NAME]` with `match = \"…\"`".to_owned());
        let message = "there are no datasets, so there is nothing to do".to_owned();
        section.findings.note(section.span.clone(), &section.path, message, hint);
    }
    let datasets: Vec<_> =
        named.iter().filter_map(|(name, entry)| dataset::read(name, entry)).collect();
    note_identical_patterns(&datasets);
    note_shared_tables(&datasets);
    datasets
}

fn note_identical_patterns(datasets: &[ReadDataset<'_>]) {
    for (index, later) in datasets.iter().enumerate() {
        let clashes = |earlier: &&ReadDataset<'_>| {
            let share = earlier.dataset.shared && later.dataset.shared;
            !share && earlier.glob.shape() == later.glob.shape()
        };
        if let Some(earlier) = datasets[..index].iter().find(clashes) {
            let name = &later.dataset.name;
            later.pattern.note_with(
                format!("dataset `{}` matches the same keys already", earlier.dataset.name),
                format!(
                    "`{name}` would never get a file; if both are in the same files, give each a \
                     `where`, or `shared = true`"
                ),
            );
        }
    }
}

/// A table knows the rows of a file by the file: those of a second dataset would
/// take the place of the first one's.
fn note_shared_tables(datasets: &[ReadDataset<'_>]) {
    for (index, later) in datasets.iter().enumerate() {
        let Some(load) = &later.dataset.load else { continue };
        note_whole_table(later, load, &datasets[..index]);
        let same_table =
            |earlier: &&ReadDataset<'_>| is_into(earlier, load) && may_share(earlier, later);
        if let Some(earlier) = datasets[..index].iter().find(same_table) {
            let (name, other) = (&later.dataset.name, &earlier.dataset.name);
            later.pattern.note_with(
                format!("`{name}` and `{other}` share files and load both into `{}`", load.table),
                "the rows of one would replace those of the other; use two tables, or one dataset",
            );
        }
    }
}

fn is_into(dataset: &ReadDataset<'_>, load: &LoadTarget) -> bool {
    let target = dataset.dataset.load.as_ref();
    target.is_some_and(|target| target.full_name() == load.full_name())
}

/// A table that holds one file holds nothing of another dataset.
fn note_whole_table(later: &ReadDataset<'_>, load: &LoadTarget, before: &[ReadDataset<'_>]) {
    let is_whole = |load: &LoadTarget| load.mode == LoadMode::ReplaceTable;
    let clashes = |earlier: &&ReadDataset<'_>| {
        let is_either = earlier.dataset.load.as_ref().is_some_and(is_whole) || is_whole(load);
        is_either && is_into(earlier, load)
    };
    if let Some(earlier) = before.iter().find(clashes) {
        let (name, other) = (&later.dataset.name, &earlier.dataset.name);
        later.pattern.note_with(
            format!("`{name}` and `{other}` load both into `{}`", load.full_name()),
            "mode `replace_table` leaves nothing there but one file; use two tables",
        );
    }
}

/// Whether a file can belong to both, as far as the beginnings of their patterns
/// say.
fn may_share(one: &ReadDataset<'_>, other: &ReadDataset<'_>) -> bool {
    let (left, right) = (one.glob.literal_prefix(), other.glob.literal_prefix());
    let overlap = left.starts_with(right) || right.starts_with(left);
    one.dataset.shared && other.dataset.shared && overlap
}

/// Where a key's value stands, by its path as in problems.
pub(crate) fn locate(text: &str, path: &str) -> Span {
    let (root, _) = DeTable::parse_recoverable(text);
    let findings = Findings::default();
    let file = Section::open(&findings, String::new(), 0..0, root.get_ref(), schema());
    let mut span = 0..0;
    let mut section = Some(file);
    for step in path.split('.') {
        let Some(current) = section.take() else { break };
        let (name, index) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
            Some((name, index)) => (name, index.parse::<usize>().ok()),
            None => (step, None),
        };
        let Some(entry) = current.get(name) else { break };
        let entry = match index {
            Some(index) => entry.items().and_then(|mut items| items.drain(..).nth(index)),
            None => Some(entry),
        };
        let Some(entry) = entry else { break };
        span = entry.span();
        section = match entry.value.get_ref() {
            toml::de::DeValue::Table(_) => entry.section(),
            _ => None,
        };
    }
    span
}
