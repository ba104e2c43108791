//! `[exports.NAME]`: what of a database goes where as objects, and when. Plain
//! data: the pipeline file is read into it, and the export stage works by it.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DataType, ParquetOptions};

/// Key of a column's metadata in memory under which its type stands as in the
/// pipeline file: text, JSON and UUIDs look alike otherwise.
pub const COLUMN_TYPE: &str = "millrace.type";

/// Rows of a table or a query, written to objects again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Which rows.
    pub source: ExportSource,
    /// Where the objects go.
    pub to: ExportPlace,
    /// What the objects are.
    pub format: ExportFormat,
    /// How Parquet is written: compression and row groups.
    pub parquet: ParquetOptions,
    /// Rows of an object at most.
    pub object_rows: u64,
    /// Bytes after which an object ends.
    pub object_size: u64,
    /// The column that grows: only rows beyond the last run's greatest value are
    /// exported. All rows without it.
    pub incremental: Option<String>,
    /// Whether the rows are read by several connections at once.
    pub split: Option<Split>,
    /// Types of columns that the database does not know, as SQLite does not know
    /// dates.
    pub types: BTreeMap<String, DataType>,
    /// Values of parameters where a message brings none.
    pub parameters: BTreeMap<String, String>,
    /// When it runs by itself.
    pub schedule: Option<ExportSchedule>,
    /// IANA name of the time zone that `{date}` and the like are reckoned in.
    pub timezone: String,
}

/// Which rows are exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportSource {
    /// All of a table.
    Table {
        /// The database's schema that it is in, if it is named.
        schema: Option<String>,
        /// Its name.
        table: String,
    },
    /// Those of a query.
    Query(Vec<QueryPiece>),
}

/// A piece of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryPiece {
    /// SQL as it is.
    Sql(String),
    /// The value of a parameter, which is bound and never part of the SQL.
    Parameter(String),
}

impl ExportSource {
    /// The parameters of the query, each once, in the order of their first
    /// appearance.
    pub fn parameters(&self) -> Vec<&str> {
        let Self::Query(pieces) = self else { return Vec::new() };
        let mut names: Vec<&str> = Vec::new();
        for piece in pieces {
            if let QueryPiece::Parameter(name) = piece
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        names
    }
}

/// Where objects go: a bucket and what their keys begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportPlace {
    /// The bucket.
    pub bucket: String,
    /// The folder's key, which ends with `/`.
    pub folder: Vec<KeyPart>,
}

/// A part of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPart {
    /// Text as it is.
    Text(String),
    /// A value by its name: `{date}`, `{user}`.
    Value(String),
}

impl ExportPlace {
    /// What every key begins with.
    pub fn literal_prefix(&self) -> &str {
        match self.folder.first() {
            Some(KeyPart::Text(text)) => text,
            Some(KeyPart::Value(_)) | None => "",
        }
    }

    /// The names of the values in it.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.folder.iter().filter_map(|part| match part {
            KeyPart::Value(name) => Some(name.as_str()),
            KeyPart::Text(_) => None,
        })
    }

    /// The folder's key.
    ///
    /// # Errors
    /// The value that is missing or can't be part of a key, in words.
    pub fn fill(&self, values: &BTreeMap<String, String>) -> Result<String, String> {
        let mut key = String::new();
        for part in &self.folder {
            match part {
                KeyPart::Text(text) => key.push_str(text),
                KeyPart::Value(name) => {
                    let value = values.get(name).ok_or_else(|| missing(name, "file"))?;
                    check_key_value(name, value)?;
                    key.push_str(value);
                }
            }
        }
        Ok(key)
    }
}

/// What is said of a parameter that neither message nor file has a value for.
pub(crate) fn missing(name: &str, of: &str) -> String {
    format!(
        "parameter `{name}` has no value; send one with the message, or write one under \
         `parameters` of the {of}"
    )
}

fn check_key_value(name: &str, value: &str) -> Result<(), String> {
    let is_wrong = |c: char| c.is_control() || matches!(c, '/' | '\\');
    match value {
        "" | "." | ".." => {}
        value if value.len() > 256 || value.contains(is_wrong) => {}
        _ => return Ok(()),
    }
    let shown: String = value.chars().take(60).collect();
    Err(format!(
        "parameter `{name}`: `{}` can't be part of a key; write 1 to 256 characters without `/`",
        shown.escape_debug()
    ))
}

/// Names of the values that every run has.
const OWN_VALUES: [&str; 9] =
    ["date", "yyyy", "mm", "dd", "hour", "minute", "time", "export", "run"];

impl Export {
    /// Names of the values that every run has: the day and time it is scheduled
    /// for in the export's time zone, `time` in UTC to the second, the export's
    /// name, and the run's id.
    pub fn own_values() -> [&'static str; 9] {
        OWN_VALUES
    }

    /// The values of a run by name: its parameters, or those of the file, and its
    /// own, which nobody can set. `local` is the scheduled time on the clocks of
    /// the export's time zone.
    pub fn values(
        &self,
        run: &str,
        scheduled_at: DateTime<Utc>,
        local: NaiveDateTime,
        parameters: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let own = [("export", self.name.as_str()), ("run", run)];
        run_values(&self.parameters, own, scheduled_at, local, parameters)
    }

    /// The values that the query binds, in the order of
    /// [`ExportSource::parameters`].
    ///
    /// # Errors
    /// The one that is missing, in words.
    pub fn bound(&self, values: &BTreeMap<String, String>) -> Result<Vec<String>, String> {
        let value = |name: &str| values.get(name).cloned().ok_or_else(|| missing(name, "export"));
        self.source.parameters().into_iter().map(value).collect()
    }
}

/// The values of a run: its parameters, or those of the file, the time's, and its
/// own names, which nobody can set.
pub(crate) fn run_values(
    of_file: &BTreeMap<String, String>,
    own: [(&str, &str); 2],
    scheduled_at: DateTime<Utc>,
    local: NaiveDateTime,
    parameters: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut values = of_file.clone();
    values.extend(parameters.clone());
    let of_time = [
        ("date", local.format("%Y-%m-%d").to_string()),
        ("yyyy", local.format("%Y").to_string()),
        ("mm", local.format("%m").to_string()),
        ("dd", local.format("%d").to_string()),
        ("hour", local.format("%H").to_string()),
        ("minute", local.format("%M").to_string()),
        ("time", scheduled_at.format("%Y%m%dT%H%M%SZ").to_string()),
    ];
    for (name, value) in of_time {
        // `--param date=…` means another day than the scheduled one.
        if !parameters.contains_key(name) {
            values.insert(name.to_owned(), value);
        }
    }
    values.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    values
}

/// What exported objects are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Parquet, each column of its type.
    #[default]
    Parquet,
    /// CSV with a header, RFC 4180; null is nothing, an empty text is `""`.
    Csv,
    /// A JSON object a line; decimals are texts, so that no digit is lost.
    Ndjson,
}

impl ExportFormat {
    /// The word in the pipeline file, which is the ending of the keys too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reading by key range: rows go to parts by the value of a column of whole
/// numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The column.
    pub column: String,
    /// How many parts.
    pub parts: u32,
}

/// When an export runs by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSchedule {
    /// `rate(…)`, `cron(…)` or `at(…)`, valid.
    pub expression: String,
    /// IANA name of the time zone that it is reckoned in.
    pub timezone: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export() -> Export {
        Export {
            name: "users".into(),
            source: ExportSource::Query(vec![
                QueryPiece::Sql("select 1 where a = ".into()),
                QueryPiece::Parameter("user".into()),
                QueryPiece::Sql(" or b = ".into()),
                QueryPiece::Parameter("date".into()),
                QueryPiece::Sql(" or c = ".into()),
                QueryPiece::Parameter("user".into()),
            ]),
            to: ExportPlace {
                bucket: "lake".into(),
                folder: vec![
                    KeyPart::Text("exports/".into()),
                    KeyPart::Value("user".into()),
                    KeyPart::Text("/".into()),
                    KeyPart::Value("date".into()),
                    KeyPart::Text("/".into()),
                ],
            },
            format: ExportFormat::Parquet,
            parquet: ParquetOptions::default(),
            object_rows: 1,
            object_size: 1,
            incremental: None,
            split: None,
            types: BTreeMap::new(),
            parameters: BTreeMap::from([("user".into(), "ann".into())]),
            schedule: None,
            timezone: "UTC".into(),
        }
    }

    fn values(parameters: &[(&str, &str)]) -> BTreeMap<String, String> {
        let at = DateTime::from_timestamp(1_767_225_600, 0).expect("a time");
        let given = parameters.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        export().values("r1", at, at.naive_utc(), &given.collect())
    }

    #[test]
    fn a_run_has_its_own_values_those_of_its_message_and_those_of_the_file() {
        let all = values(&[("city", "Bonn")]);
        let of = |name: &str| all[name].as_str();
        assert_eq!(
            (of("date"), of("yyyy"), of("mm"), of("dd")),
            ("2026-01-01", "2026", "01", "01")
        );
        assert_eq!((of("hour"), of("time"), of("run")), ("00", "20260101T000000Z", "r1"));
        assert_eq!((of("user"), of("city")), ("ann", "Bonn"));
        assert_eq!(values(&[("user", "bob")])["user"], "bob");
        assert_eq!(values(&[("date", "2025-12-24"), ("run", "mine")])["date"], "2025-12-24");
        assert_eq!(values(&[("run", "mine")])["run"], "r1");
    }

    #[test]
    fn parameters_are_bound_once_in_the_order_they_appear() {
        assert_eq!(export().source.parameters(), ["user", "date"]);
        assert_eq!(export().bound(&values(&[])), Ok(vec!["ann".into(), "2026-01-01".into()]));
        let error = export().bound(&BTreeMap::new()).expect_err("nothing is there");
        assert!(error.contains("parameter `user` has no value"), "{error}");
    }

    #[test]
    fn a_key_takes_no_value_that_would_change_its_folders() {
        assert_eq!(export().to.fill(&values(&[])).as_deref(), Ok("exports/ann/2026-01-01/"));
        assert_eq!(export().to.literal_prefix(), "exports/");
        for wrong in ["", "..", "a/b", "a\nb", &"x".repeat(300)] {
            let error = export().to.fill(&values(&[("user", wrong)])).expect_err(wrong);
            assert!(error.contains("can't be part of a key"), "{error}");
        }
    }
}
