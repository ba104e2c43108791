//! Reads `[reports]`: charts over SQL that become a page, where it goes, and when.

use std::ops::RangeInclusive;
use std::time::Duration;

use millrace_contract::{
    ChartKind, DisplayFormat, Export, ExportSource, Report, ReportChart, ReportSource,
};

use crate::alerts::{self, Alerts};
use crate::entry::Entry;
use crate::exports::{self, Around, Given, place};
use crate::placeholders::query_pieces;
use crate::walk::Section;
use crate::{names, statement};

/// Rows of a chart unless the file says otherwise.
pub(crate) const ROWS: u64 = 1_000;

/// Bounds of the rows of a chart, which all stand in the page's tables.
pub(crate) const ROWS_BOUNDS: RangeInclusive<u64> = 1..=10_000;

/// How long a chart's query may take unless the file says otherwise.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// Bounds of that.
const TIMEOUT_BOUNDS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

/// How long a link works: at most seven days ("Download and upload objects with
/// presigned URLs", Amazon S3 User Guide).
const LINK_BOUNDS: RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(7 * 86_400);

/// Charts of a page at most.
const MOST_CHARTS: usize = 50;

/// What reports are read beside.
pub(crate) struct Beside<'a> {
    pub(crate) around: Around<'a>,
    pub(crate) exports: &'a [Export],
    pub(crate) alerts: Option<&'a Alerts>,
}

/// Reads `[reports]`, which may be absent.
pub(crate) fn read(file: &Section<'_>, beside: &Beside<'_>) -> Vec<Report> {
    let Some(section) = file.section("reports") else { return Vec::new() };
    let mut reports: Vec<Report> = Vec::new();
    for (name, entry) in section.named() {
        let note = |why: String| {
            entry.findings.note(entry.key_span.clone(), &entry.path, why, None);
        };
        if let Err(why) = names::report(name) {
            note(why);
        }
        if beside.exports.iter().any(|export| export.name == name) {
            note(format!("export `{name}` has that name, and schedules are known by it"));
        }
        let Some(section) = entry.section() else { continue };
        let Some(report) = report(name, &section, beside) else { continue };
        note_shared(&section, &report, &reports);
        reports.push(report);
    }
    reports
}

fn report(name: &str, section: &Section<'_>, beside: &Beside<'_>) -> Option<Report> {
    let title = section.get("title").map_or(Some(name), |entry| words(&entry));
    let text = section.get("text").map(|entry| words(&entry).map(str::to_owned));
    let source = section.get("source").map_or(Some(ReportSource::default()), |e| e.choice());
    let timezone = exports::timezone(section);
    let schedule = section.get("schedule").and_then(|entry| exports::schedule(&entry, &timezone));
    let parameters = exports::parameters(section, &Report::own_values());
    let rows = section.get("rows").map_or(Some(ROWS), |entry| entry.number(ROWS_BOUNDS));
    let timeout = section.get("timeout").map_or(Some(TIMEOUT), |e| e.duration(TIMEOUT_BOUNDS));
    let topic = section.get("topic").and_then(|entry| alerts::topic_arn(&entry));
    let link = section.get("link").and_then(|entry| link(&entry, topic.is_some(), beside));
    let charts = charts(section);
    let to = place::read(section, &beside.around, false);
    let report = Report {
        name: name.to_owned(),
        title: title?.to_owned(),
        text: text.unwrap_or_default(),
        charts: charts?,
        source: source?,
        to: to?,
        rows: rows?,
        timeout: timeout?,
        parameters,
        schedule,
        timezone,
        topic,
        link,
    };
    note_values(section, &report);
    Some(report)
}

/// A text that says something.
fn words<'w>(entry: &Entry<'w>) -> Option<&'w str> {
    let text = entry.text()?;
    if text.trim().is_empty() {
        entry.note("the text is empty; write one or leave it out");
        return None;
    }
    Some(text.trim())
}

fn link(entry: &Entry<'_>, has_topic: bool, beside: &Beside<'_>) -> Option<Duration> {
    if !has_topic && beside.alerts.is_none() {
        entry.note_with(
            "nobody would be told of the link",
            "write `topic = \"arn:aws:sns:…\"`, or `[alerts]`",
        );
    }
    entry.duration(LINK_BOUNDS)
}

fn charts(section: &Section<'_>) -> Option<Vec<ReportChart>> {
    let entry = section.need("charts", r#"[{ title = "…", kind = "bar", sql = "select …" }]"#)?;
    if entry.is_empty_list() {
        entry.note("a page without charts shows nothing");
        return None;
    }
    let items = entry.items()?;
    if items.len() > MOST_CHARTS {
        entry.note(format!("a page takes up to {MOST_CHARTS} charts; make two reports"));
    }
    let (asked, charts) = (items.len(), items.iter().filter_map(chart).collect::<Vec<_>>());
    (charts.len() == asked).then_some(charts)
}

fn chart(entry: &Entry<'_>) -> Option<ReportChart> {
    let section = entry.section()?;
    let title = section.need("title", r#""Spending per category""#);
    let title = title.and_then(|entry| words(&entry));
    let kind = section.need("kind", r#""bar""#).and_then(|entry| entry.choice());
    let query = section.need("sql", r#""select …""#).and_then(|entry| query(&entry));
    let format = section.get("format").map(|entry| entry.parsed::<DisplayFormat>());
    let text = section.get("text").and_then(|entry| words(&entry)).map(str::to_owned);
    let column = |key: &str| section.get(key).and_then(|entry| words(&entry)).map(str::to_owned);
    let y = section.get("y").map(|entry| columns(&entry)).unwrap_or_default();
    let chart = ReportChart {
        title: title?.to_owned(),
        text,
        kind: kind?,
        query: query?,
        x: column("x"),
        y,
        series: column("series"),
        format: format.unwrap_or_default(),
        stacked: section.get("stacked").and_then(|entry| entry.flag()),
    };
    note_useless(&section, &chart);
    Some(chart)
}

fn query(entry: &Entry<'_>) -> Option<ExportSource> {
    let sql = entry.text()?;
    let pieces = statement::charts(sql).and_then(|()| query_pieces(statement::trimmed(sql)));
    pieces.map(ExportSource::Query).map_err(|why| entry.note(why)).ok()
}

/// One column or several.
fn columns(entry: &Entry<'_>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (text, item) in entry.texts().unwrap_or_default() {
        match all.iter().any(|known| known == text) {
            true => item.note(format!("column `{text}` is there twice")),
            false => all.push(text.to_owned()),
        }
    }
    all
}

/// Keys that such a chart has no use for.
fn note_useless(section: &Section<'_>, chart: &ReportChart) {
    let useless = |key: &str, why: &str| {
        if let Some(entry) = section.get(key) {
            entry.note(format!("a {} has no use for it: {why}", chart.kind));
        }
    };
    match chart.kind {
        ChartKind::Bar | ChartKind::Area => {}
        ChartKind::Line => useless("stacked", "lines do not stand on each other"),
        ChartKind::Pie => {
            useless("series", "its slices are the rows");
            useless("stacked", "its slices are the rows");
        }
        ChartKind::Number => {
            useless("series", "it shows the last row");
            useless("stacked", "it shows the last row");
        }
        ChartKind::Table => {
            for key in ["x", "y", "series", "stacked"] {
                useless(key, "it shows the columns of the query");
            }
        }
    }
    if let (ChartKind::Pie, true, Some(entry)) = (chart.kind, chart.y.len() > 1, section.get("y")) {
        entry.note("a pie shows one column");
    }
    if let (Some(_), true, Some(entry)) = (&chart.series, chart.y.len() > 1, section.get("y")) {
        entry.note_with(
            "with `series` the values of one column are shown",
            "name one column, or leave `series` out",
        );
    }
}

fn note_values(section: &Section<'_>, report: &Report) {
    let of_charts = report.charts.iter().flat_map(|chart| chart.query.parameters());
    let used: Vec<&str> = report.to.values().chain(of_charts).collect();
    let given = Given { own: &Report::own_values(), parameters: &report.parameters, used: &used };
    exports::note_values(section, &given);
}

/// Two reports whose pages would replace each other.
fn note_shared(section: &Section<'_>, report: &Report, before: &[Report]) {
    let tells_apart = report.to.values().any(|name| matches!(name, "report" | "run"));
    let other = before.iter().find(|other| other.to == report.to && !tells_apart);
    if let (Some(other), Some(entry)) = (other, section.get("to")) {
        entry.note_with(
            format!("the page of report `{}` is there already", other.name),
            "give each a folder of its own, by `{report}` for instance",
        );
    }
}
