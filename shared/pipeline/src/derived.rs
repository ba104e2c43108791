//! Reads `[derived]`: datasets that SQL makes of other datasets.
//!
//! What the SQL says is checked by `millrace-sql`, which this crate does not know;
//! here it is looked at for the tables it reads.

mod around;

use std::time::Duration;

use millrace_contract::{
    After, CsvOptions, DERIVED_SCHEME, Dataset, Derived, ExportSchedule, FileFormat, FixedOptions,
    JsonOptions, LimitOptions, LoadMode, LoadTarget, Refresh, RejectOptions, Schema, SchemaMode,
    SqlTransform, XlsxOptions,
};

use crate::entry::Entry;
use crate::exports;
use crate::freshness::{self, Freshness};
use crate::known::Known;
use crate::limits;
use crate::load;
use crate::names;
use crate::parquet;
use crate::spelling;
use crate::sql_transform;
use crate::tables::tables_read;
use crate::walk::Section;

pub(crate) use around::{Beside, note_around};

/// How long changes are gathered unless the file says so.
pub(crate) const DEBOUNCE: &str = "10s";

/// As long as a message can wait ("Amazon SQS delay queues").
pub(crate) const LONGEST_DEBOUNCE: Duration = Duration::from_secs(15 * 60);

/// Partitions of a run unless the file says otherwise: more than a file has, since
/// all that there are belong to it.
const PARTITIONS: u32 = 1024;

/// A derived dataset as it was read.
pub(crate) struct ReadDerived<'w> {
    pub(crate) derived: Derived,
    pub(crate) dataset: Dataset,
    pub(crate) freshness: Option<Freshness>,
    pub(crate) entry: Entry<'w>,
}

/// Reads `[derived]`, which may be absent. Its SQL may name the file's `datasets`,
/// and other derived ones.
pub(crate) fn read<'w>(file: &Section<'w>, datasets: &[Dataset]) -> Vec<ReadDerived<'w>> {
    let Some(section) = file.section("derived") else { return Vec::new() };
    let named = section.named();
    let names = datasets.iter().map(|dataset| dataset.name.as_str());
    let names: Vec<&str> = names.chain(named.iter().map(|(name, _)| *name)).collect();
    let read = named.iter().filter_map(|(name, entry)| derived(name, entry, &names));
    read.collect()
}

fn derived<'w>(name: &str, entry: &Entry<'w>, names: &[&str]) -> Option<ReadDerived<'w>> {
    if let Err(why) = names::dataset(name) {
        entry.findings.note(entry.key_span.clone(), &entry.path, why, None);
    }
    let section = entry.section()?;
    let transform = sql_transform::read_as(&section, r#""select … from users""#);
    let dataset = dataset(name, &section, transform.clone());
    let inputs = inputs(&section, transform.as_ref(), names);
    let freshness = section.section("freshness");
    let freshness = freshness.and_then(|section| freshness::read(name, &section));
    let schedule = schedule(&section);
    let on_change = section.get("on_change").and_then(|entry| entry.flag());
    let on_change = on_change.unwrap_or(schedule.is_none());
    note_never(&section, on_change, schedule.as_ref());
    let debounce = section.get("debounce");
    let debounce = debounce.and_then(|entry| entry.duration(Duration::ZERO..=LONGEST_DEBOUNCE));
    let refresh = section.get("refresh").and_then(|entry| entry.choice()).unwrap_or_default();
    if let (Refresh::Partition, Some(entry), true) =
        (refresh, section.get("refresh"), dataset.parquet.partition_by.is_empty())
    {
        entry.note_with("there are no partitions", r#"write partition_by = ["day"]"#);
    }
    note_mode(&section, refresh);
    let after = section.section("after").and_then(|section| after(&section, &inputs));
    if let (Some(entry), false) = (section.get("after"), on_change) {
        entry.note_with(
            "it is made by the clock alone, which waits for nothing",
            "write on_change = true",
        );
    }
    if let (true, Some(sql), None, true) =
        (inputs.is_empty(), section.get("sql"), section.get("from"), transform.is_some())
    {
        sql.note_with("the query reads no dataset", format!("there are {}", names.join(", ")));
    }
    transform?;
    let derived = Derived {
        name: name.to_owned(),
        inputs,
        on_change,
        debounce: debounce.or_else(|| crate::quantity::duration(DEBOUNCE)).unwrap_or_default(),
        after,
        schedule,
        refresh,
    };
    Some(ReadDerived { derived, dataset, freshness, entry: entry.clone() })
}

/// The dataset, whose pattern is the key of what is made and whose columns follow
/// from the SQL.
fn dataset(name: &str, section: &Section<'_>, transform: Option<SqlTransform>) -> Dataset {
    let known = Known { columns: &[], captures: Vec::new(), open: true };
    let description = section.get("description").and_then(|entry| entry.text());
    let mut parquet = parquet::read(section, &known);
    if let Some(columns) = section.get("partition_by").and_then(|entry| entry.texts()) {
        parquet.partition_by = known.names_in(&columns);
    }
    let limits = limits::read(section);
    Dataset {
        name: name.to_owned(),
        description: description.map(str::to_owned),
        pattern: format!("{DERIVED_SCHEME}{name}"),
        format: FileFormat::Parquet,
        csv: CsvOptions::default(),
        json: JsonOptions::default(),
        fixed: FixedOptions::default(),
        xlsx: XlsxOptions::default(),
        schema: Schema { mode: SchemaMode::Strict, ..Schema::default() },
        filter: None,
        shared: false,
        expect: Vec::new(),
        rejects: RejectOptions::default(),
        transform,
        parquet,
        limits: LimitOptions { partitions: limits.partitions.or(Some(PARTITIONS)), ..limits },
        load: section.section("load").and_then(|section| target(&section, &known)),
    }
}

/// What is derived again replaces what there was, unless it is merged.
fn target(section: &Section<'_>, known: &Known<'_>) -> Option<LoadTarget> {
    let target = load::read(section, known)?;
    match section.get("mode") {
        None => Some(LoadTarget { mode: LoadMode::ReplaceFile, ..target }),
        Some(entry) => {
            if target.mode == LoadMode::Append && entry.text() == Some("append") {
                entry.note_with(
                    "derived rows would be added again with every run",
                    "write `replace_file`, `replace_table`, `upsert` or `merge`",
                );
            }
            Some(target)
        }
    }
}

/// A table that holds one file holds one partition.
fn note_mode(section: &Section<'_>, refresh: Refresh) {
    let mode = section.section("load").and_then(|load| load.get("mode"));
    if let (Refresh::Partition, Some(entry)) = (refresh, mode)
        && entry.text() == Some("replace_table")
    {
        entry.note_with(
            "mode `replace_table` would leave nothing there but one partition",
            r#"write mode = "replace_file", or refresh = "full""#,
        );
    }
}

fn inputs(section: &Section<'_>, transform: Option<&SqlTransform>, names: &[&str]) -> Vec<String> {
    let Some(entry) = section.get("from") else {
        let found = transform.map(|transform| tables_read(&transform.sql, names));
        return found.unwrap_or_default().into_iter().map(str::to_owned).collect();
    };
    let mut inputs: Vec<String> = Vec::new();
    for (name, place) in entry.texts().unwrap_or_default() {
        if !names.contains(&name) {
            let hint = crate::walk::suggestion(name, names);
            let hint = hint.unwrap_or_else(|| format!("there are {}", names.join(", ")));
            place.note_with(format!("there is no dataset `{name}`"), hint);
        } else if inputs.iter().any(|known| known == name) {
            place.note(format!("`{name}` is named twice"));
        } else {
            inputs.push(name.to_owned());
        }
    }
    inputs
}

fn after(section: &Section<'_>, inputs: &[String]) -> Option<After> {
    let per = section.need("per", r#""date""#).and_then(|entry| entry.text());
    let all = match section.get("all") {
        None => inputs.to_vec(),
        Some(entry) => {
            let named = entry.texts().unwrap_or_default();
            for (name, place) in &named {
                if !inputs.iter().any(|input| input == name) {
                    let hint = crate::walk::suggestion(name, inputs);
                    let hint = hint.unwrap_or_else(|| format!("it reads {}", inputs.join(", ")));
                    place.note_with(format!("the SQL does not read `{name}`"), hint);
                }
            }
            named.into_iter().map(|(name, _)| name.to_owned()).collect()
        }
    };
    Some(After { all, per: per?.trim_matches(['{', '}']).to_owned() })
}

fn schedule(section: &Section<'_>) -> Option<ExportSchedule> {
    let zone = section.get("timezone").and_then(|entry| spelling::zone(&entry));
    let timezone = zone.map_or("UTC", |zone| zone.name());
    exports::schedule(&section.get("schedule")?, timezone)
}

fn note_never(section: &Section<'_>, on_change: bool, schedule: Option<&ExportSchedule>) {
    if let (Some(entry), false, None) = (section.get("on_change"), on_change, schedule)
        && section.get("schedule").is_none()
    {
        entry.note_with("nothing would ever make it", r#"write schedule = "rate(1 day)""#);
    }
    if let (Some(entry), None) = (section.get("timezone"), section.get("schedule")) {
        entry.note("there is no `schedule` that has a time zone");
    }
}
