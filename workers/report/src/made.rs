//! A report made: its page and its pictures, as files with names that follow from the
//! report.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use millrace_chart::{ChartError, Page, Rows, figures, page, picture};
use millrace_contract::{ChartKind, Report, ReportChart};
use millrace_ledger::Figure;
use millrace_runtime::Failed;

use crate::source::{Bounds, Source};

/// The page's name in its folder.
pub(crate) const PAGE: &str = "index.html";

/// Letters of a picture's name that come from its chart's title.
const LONGEST_NAME: usize = 60;

/// What a report is made for.
#[derive(Debug, Clone)]
pub struct Moment<'a> {
    /// The pipeline's name.
    pub pipeline: &'a str,
    /// The time it is for, on the clocks of the report's time zone.
    pub local: NaiveDateTime,
    /// Values by name.
    pub values: &'a BTreeMap<String, String>,
    /// Those of them that whoever asked for it gave.
    pub given: &'a BTreeMap<String, String>,
    /// When it is made.
    pub now: DateTime<Utc>,
}

/// A file of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// Its name in the folder.
    pub name: String,
    /// What it is, for browsers.
    pub content_type: &'static str,
    /// What is in it.
    pub text: String,
}

/// A report made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The pictures, and last the page.
    pub files: Vec<ReportFile>,
    /// Its large numbers.
    pub figures: Vec<Figure>,
    /// Rows of all charts.
    pub rows: u64,
}

impl Made {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.text.len() as u64).sum()
    }
}

/// Reads the rows of all charts, one after the other, and draws them.
///
/// # Errors
/// [`Failed`]: which chart's query failed, and why; or why its rows can't be drawn.
pub async fn make(report: &Report, source: &Source, moment: &Moment<'_>) -> Result<Made, Failed> {
    let most = usize::try_from(report.rows).unwrap_or(usize::MAX);
    let bounds = Bounds { rows: most, time: report.timeout };
    let mut charts: Vec<(ReportChart, Rows)> = Vec::with_capacity(report.charts.len());
    for chart in &report.charts {
        let bound = chart.bound(moment.values).map_err(Failed::contract)?;
        let rows = source.rows(chart, &bound, bounds).await;
        charts.push((chart.clone(), rows.map_err(|failed| of_chart(&chart.title, failed))?));
    }
    let (title, text) = (report.title.clone(), report.text.clone());
    let about = about(report, moment);
    let drawing =
        tokio::task::spawn_blocking(move || draw(&title, text.as_deref(), &about, &charts));
    match drawing.await {
        // Rows that can't be drawn are not this attempt's alone.
        Ok(made) => made.map_err(Failed::contract),
        Err(error) => Err(Failed::contract(format!("drawing ended early: {error}"))),
    }
}

/// The failure, with the chart that it happened to.
fn of_chart(title: &str, failed: Failed) -> Failed {
    match failed {
        Failed::Lost => Failed::Lost,
        Failed::Verdict(mut failure) => {
            failure.message = format!("chart `{title}`: {}", failure.message);
            Failed::Verdict(failure)
        }
    }
}

fn draw(
    title: &str,
    text: Option<&str>,
    about: &str,
    charts: &[(ReportChart, Rows)],
) -> Result<Made, ChartError> {
    let mut made = Made { files: Vec::new(), figures: Vec::new(), rows: 0 };
    for (index, (chart, rows)) in charts.iter().enumerate() {
        made.rows += rows.len() as u64;
        made.files.push(ReportFile {
            name: picture_name(index, &chart.title),
            content_type: "image/svg+xml",
            text: picture(chart, rows)?,
        });
        if chart.kind == ChartKind::Number {
            made.figures.extend(figures(chart, rows)?.into_iter().map(|figure| Figure {
                title: figure.title,
                value: figure.value,
                change: figure.change.map(|change| change.to_string()),
            }));
        }
    }
    let charts: Vec<_> = charts.iter().map(|(chart, rows)| (chart, rows)).collect();
    made.files.push(ReportFile {
        name: PAGE.to_owned(),
        content_type: "text/html; charset=utf-8",
        text: page(&Page { title, text, about, charts: &charts })?,
    });
    Ok(made)
}

/// `02-spending-per-category.svg`.
fn picture_name(index: usize, title: &str) -> String {
    let mut name = String::new();
    for c in title.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_lowercase()),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    name.truncate(LONGEST_NAME);
    let name = name.trim_end_matches('-');
    match name {
        "" => format!("{:02}.svg", index + 1),
        name => format!("{:02}-{name}.svg", index + 1),
    }
}

/// What the page is for, with which values, and when it was made.
fn about(report: &Report, moment: &Moment<'_>) -> String {
    let local = moment.local.format("%-d %B %Y %H:%M");
    let made = moment.now.to_rfc3339_opts(SecondsFormat::Secs, true);
    let given: String =
        moment.given.iter().map(|(name, value)| format!(" · {name} {value}")).collect();
    format!(
        "Report {} of {} for {local} {}{given} · made {made}",
        report.name, moment.pipeline, report.timezone
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_named_by_their_place_and_title() {
        assert_eq!(picture_name(0, "Spending per category"), "01-spending-per-category.svg");
        assert_eq!(picture_name(9, "  ../<b>: "), "10-b.svg");
        assert_eq!(picture_name(1, "支出"), "02.svg");
        assert!(picture_name(1, &"x".repeat(500)).len() < 80);
    }
}
