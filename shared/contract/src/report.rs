//! `[reports.NAME]`: charts over SQL that become a page, and when. Plain data: the
//! pipeline file is read into it, and the report stage works by it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::export::{missing, run_values};
use crate::{DisplayFormat, ExportPlace, ExportSchedule, ExportSource};

/// A page of charts, made again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// What stands above the page.
    pub title: String,
    /// What stands below the title; an empty line begins a paragraph.
    pub text: Option<String>,
    /// The charts, in order; never none.
    pub charts: Vec<ReportChart>,
    /// Where the rows come from.
    pub source: ReportSource,
    /// The folder that the page goes to.
    pub to: ExportPlace,
    /// Rows of a chart at most; more are cut off, and the page says so.
    pub rows: u64,
    /// How long a chart's query may take.
    pub timeout: Duration,
    /// Values of parameters where a message brings none.
    pub parameters: BTreeMap<String, String>,
    /// When it is made by itself.
    pub schedule: Option<ExportSchedule>,
    /// IANA name of the time zone that `{date}` and the like are reckoned in.
    pub timezone: String,
    /// The topic that is told of the page, by its ARN; that of the alerts without it.
    pub topic: Option<String>,
    /// How long a link to the page works that needs no AWS login, if it has one.
    pub link: Option<Duration>,
}

/// Where the rows of a report come from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ReportSource {
    /// The database that datasets are loaded into, with its views, in its own SQL.
    #[default]
    Warehouse,
    /// The datasets of the lake, by their names, as in `millrace query`.
    Lake,
}

/// A chart over the rows of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportChart {
    /// What stands above it.
    pub title: String,
    /// What stands below its title.
    pub text: Option<String>,
    /// How its rows are shown.
    pub kind: ChartKind,
    /// The query; [`ExportSource::Query`] always.
    pub query: ExportSource,
    /// The column along the axis, of a pie the one that names the slices; the first
    /// without it.
    pub x: Option<String>,
    /// The columns whose values are shown; all others that are numbers where there
    /// are none.
    pub y: Vec<String>,
    /// The column whose values tell series apart.
    pub series: Option<String>,
    /// How numbers are written.
    pub format: Option<DisplayFormat>,
    /// Whether series stand on each other; areas do, bars don't, unless it is said.
    pub stacked: Option<bool>,
}

/// How rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChartKind {
    /// A bar for each row.
    Bar,
    /// Points joined by a line.
    Line,
    /// A line with the space below it filled.
    Area,
    /// Shares of a whole.
    Pie,
    /// The rows as they are.
    Table,
    /// The last row's numbers, large, with the change against the row before.
    Number,
}

impl ChartKind {
    /// The word in the pipeline file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bar => "bar",
            Self::Line => "line",
            Self::Area => "area",
            Self::Pie => "pie",
            Self::Table => "table",
            Self::Number => "number",
        }
    }
}

impl fmt::Display for ChartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Report {
    /// Names of the values that every run has, as of an export's.
    pub fn own_values() -> [&'static str; 9] {
        ["date", "yyyy", "mm", "dd", "hour", "minute", "time", "report", "run"]
    }

    /// The values of a run by name, as [`Export::values`](crate::Export::values)
    /// gives an export's.
    pub fn values(
        &self,
        run: &str,
        scheduled_at: DateTime<Utc>,
        local: NaiveDateTime,
        parameters: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let own = [("report", self.name.as_str()), ("run", run)];
        run_values(&self.parameters, own, scheduled_at, local, parameters)
    }
}

impl ReportChart {
    /// The values that the query binds, in the order of
    /// [`ExportSource::parameters`].
    ///
    /// # Errors
    /// The one that is missing, in words.
    pub fn bound(&self, values: &BTreeMap<String, String>) -> Result<Vec<String>, String> {
        let value = |name: &str| values.get(name).cloned().ok_or_else(|| missing(name, "report"));
        self.query.parameters().into_iter().map(value).collect()
    }
}
