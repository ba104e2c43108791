//! Reads `[exports]`: what of a database is written to objects, where, and when.

pub(crate) mod place;

use std::collections::BTreeMap;

use millrace_contract::{
    DataType, Dataset, Export, ExportFormat, ExportPlace, ExportSchedule, ExportSource, LoadTarget,
    Split,
};
use millrace_schedule::Schedule;

use crate::entry::Entry;
use crate::glob::Glob;
use crate::known::Known;
use crate::pipeline::Lake;
use crate::placeholders::query_pieces;
use crate::url::UrlSource;
use crate::walk::Section;
use crate::{load, names, parquet, spelling, statement};

/// Rows of an object unless the file says otherwise.
pub(crate) const OBJECT_ROWS: u64 = 10_000_000;

/// Bytes of an object unless the file says otherwise.
pub(crate) const OBJECT_SIZE: u64 = 128 << 20;

/// Connections that one export may be split over.
pub(crate) const MOST_PARTS: u64 = 16;

/// What exports are read beside.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) lake: &'a Lake,
    pub(crate) datasets: &'a [Dataset],
    /// The datasets' patterns, in the same order.
    pub(crate) globs: &'a [Glob],
}

/// The exports of a file.
#[derive(Default)]
pub(crate) struct ReadExports {
    pub(crate) exports: Vec<Export>,
    /// Databases that are not the warehouse, by the export's name.
    pub(crate) urls: BTreeMap<String, UrlSource>,
}

/// Reads `[exports]`, which may be absent.
pub(crate) fn read(file: &Section<'_>, around: &Around<'_>) -> ReadExports {
    let mut found = ReadExports::default();
    let Some(section) = file.section("exports") else { return found };
    for (name, entry) in section.named() {
        if let Err(why) = names::export(name) {
            entry.findings.note(entry.key_span.clone(), &entry.path, why, None);
        }
        let Some(section) = entry.section() else { continue };
        if let Some(url) = section.get("url").and_then(|url| UrlSource::read(&url)) {
            found.urls.insert(name.to_owned(), url);
        }
        let Some(export) = export(name, &section, around) else { continue };
        place::note_shared(&section, &export, &found.exports);
        // Tables of another database are others, whatever their names.
        if !found.urls.contains_key(name) {
            place::note_loop(&section, &export, around);
        }
        found.exports.push(export);
    }
    found
}

fn export(name: &str, section: &Section<'_>, around: &Around<'_>) -> Option<Export> {
    let source = source(section);
    let format = section.get("format").map_or(Some(ExportFormat::default()), |e| e.choice());
    if let (Some(entry), Some(ExportFormat::Csv | ExportFormat::Ndjson)) =
        (section.get("parquet"), format)
    {
        entry.note("the format is another, so that these options have no use");
    }
    let known = Known { columns: &[], captures: Vec::new(), open: true };
    let incremental = section.section("incremental");
    let incremental = incremental.and_then(|section| column(&section));
    let timezone = timezone(section);
    let schedule = section.get("schedule").and_then(|entry| schedule(&entry, &timezone));
    let parameters = parameters(section, &Export::own_values());
    let types = types(section, source.as_ref(), around.datasets);
    let split = section.section("split").and_then(|section| split(&section));
    let number =
        |key: &str, default| section.get(key).map_or(Some(default), |e| e.number(1..=1 << 40));
    let size = section.get("object_size").map_or(Some(OBJECT_SIZE), |e| e.size(1 << 20..=5 << 30));
    let to: Option<ExportPlace> = place::read(section, around, incremental.is_some());
    let rows = number("object_rows", OBJECT_ROWS);
    let export = Export {
        name: name.to_owned(),
        source: source?,
        to: to?,
        format: format?,
        parquet: parquet::read(section, &known),
        object_rows: rows?,
        object_size: size?,
        incremental,
        split,
        types,
        parameters,
        schedule,
        timezone,
    };
    let used: Vec<&str> = export.to.values().chain(export.source.parameters()).collect();
    let own = Export::own_values();
    note_values(section, &Given { own: &own, parameters: &export.parameters, used: &used });
    Some(export)
}

/// The zone of the schedule and of `{date}` and the like.
pub(crate) fn timezone(section: &Section<'_>) -> String {
    let zone = section.get("timezone").and_then(|entry| spelling::zone(&entry));
    zone.map_or_else(|| "UTC".to_owned(), |zone| zone.name().to_owned())
}

fn source(section: &Section<'_>) -> Option<ExportSource> {
    let (table, query) = (section.get("table"), section.get("query"));
    if let (Some(schema), Some(_)) = (section.get("schema"), &query) {
        schema.note_with("a query names its tables itself", "write the schema in the query");
    }
    match (table, query) {
        (Some(_), Some(query)) => {
            query.note_with("an export has a table or a query, not both", "leave one of them out");
            None
        }
        (Some(table), None) => {
            let name = table.text()?;
            if name.trim().is_empty() || name.contains(char::is_control) {
                table.note("this is no table's name");
            }
            let schema = section.get("schema").and_then(|entry| load::schema(&entry));
            Some(ExportSource::Table { schema, table: name.to_owned() })
        }
        (None, Some(query)) => {
            let sql = query.text()?;
            let pieces =
                statement::selects(sql).and_then(|()| query_pieces(statement::trimmed(sql)));
            pieces.map(ExportSource::Query).map_err(|why| query.note(why)).ok()
        }
        (None, None) => {
            let hint = Some(r#"write `table = "users"` or `query = "select …"`"#.to_owned());
            let message = format!("`table` or `query` is missing in `{}`", section.path);
            section.findings.note(section.span.clone(), &section.path, message, hint);
            None
        }
    }
}

fn column(section: &Section<'_>) -> Option<String> {
    let entry = section.need("column", r#""updated_at""#)?;
    let name = entry.text()?;
    if name.trim().is_empty() {
        entry.note("the name of a column is empty");
    }
    Some(name.to_owned())
}

fn split(section: &Section<'_>) -> Option<Split> {
    let column = column(section);
    let parts = section.need("parts", "4").and_then(|entry| entry.number(2..=MOST_PARTS));
    Some(Split { column: column?, parts: u32::try_from(parts?).ok()? })
}

/// When something is done by the clock.
pub(crate) fn schedule(entry: &Entry<'_>, timezone: &str) -> Option<ExportSchedule> {
    let text = entry.text()?;
    if let Err(why) = text.parse::<Schedule>() {
        let hint = "write `rate(1 day)`, `cron(0 2 * * ? *)` or `at(2026-01-31T02:00:00)`";
        entry.note_with(why, hint);
        return None;
    }
    Some(ExportSchedule { expression: text.to_owned(), timezone: timezone.to_owned() })
}

/// Values by name where a message brings none.
pub(crate) fn parameters(section: &Section<'_>, own: &[&str]) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    let named = section.section("parameters").map(|section| section.named());
    for (name, entry) in named.unwrap_or_default() {
        if own.contains(&name) {
            entry.note(format!("every run has a `{name}` of its own"));
        }
        if let Some(text) = entry.text() {
            parameters.insert(name.to_owned(), text.to_owned());
        }
    }
    parameters
}

/// The types that the file says, and those of the dataset whose table it is.
fn types(
    section: &Section<'_>,
    source: Option<&ExportSource>,
    datasets: &[Dataset],
) -> BTreeMap<String, DataType> {
    let mut types = BTreeMap::new();
    if let Some(dataset) = source.and_then(|source| loaded_into(source, datasets)) {
        let columns = dataset.schema.columns.iter();
        types.extend(columns.map(|column| (column.name.clone(), column.data_type)));
    }
    let named = section.section("types").map(|section| section.named());
    for (name, entry) in named.unwrap_or_default() {
        if let Some(data_type) = entry.parsed::<DataType>() {
            types.insert(name.to_owned(), data_type);
        }
    }
    types
}

/// The dataset that is loaded into the table.
fn loaded_into<'d>(source: &ExportSource, datasets: &'d [Dataset]) -> Option<&'d Dataset> {
    let ExportSource::Table { schema, table } = source else { return None };
    let is_it = |load: &LoadTarget| load.table == *table && load.schema == *schema;
    datasets.iter().find(|dataset| dataset.load.as_ref().is_some_and(is_it))
}

/// The values that a run has, and those that it uses.
pub(crate) struct Given<'a> {
    /// Names of those that every run has.
    pub(crate) own: &'a [&'a str],
    /// Those of the file.
    pub(crate) parameters: &'a BTreeMap<String, String>,
    pub(crate) used: &'a [&'a str],
}

/// Values that nobody gives: a schedule brings none beside those of the file.
pub(crate) fn note_values(section: &Section<'_>, given: &Given<'_>) {
    let Given { own, parameters, used } = given;
    let is_given = |name: &str| own.contains(&name) || parameters.contains_key(name);
    if let (Some(entry), Some(name)) =
        (section.get("schedule"), used.iter().find(|name| !is_given(name)))
    {
        entry.note_with(
            format!("parameter `{name}` has no value when the schedule fires"),
            format!("write `parameters = {{ {name} = \"…\" }}`"),
        );
    }
    let named = section.section("parameters").map(|section| section.named());
    for (name, entry) in named.unwrap_or_default() {
        if !used.contains(&name) {
            entry.note_with(
                format!("parameter `{name}` is used nowhere"),
                format!("write `{{{name}}}` in `to` or in the query"),
            );
        }
    }
}
