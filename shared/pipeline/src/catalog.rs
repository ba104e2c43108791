//! Reads `[catalog]`: where the lake's datasets are registered as tables.

use std::collections::HashMap;
use std::time::Duration;

use millrace_catalog::{database_name, table_name};
use millrace_contract::{CatalogTask, Dataset, StageName};

use crate::dependents::Change;
use crate::derived::LONGEST_DEBOUNCE;
use crate::entry::Entry;
use crate::pipeline::Pipeline;
use crate::quantity;
use crate::walk::Section;

/// How long changes are gathered unless the file says so.
pub(crate) const DEBOUNCE: &str = "10s";

/// What a day that is reckoned from today may be off by ("Supported types for partition
/// projection", Amazon Athena User Guide).
const UNITS: [&str; 7] = ["YEARS", "MONTHS", "WEEKS", "DAYS", "HOURS", "MINUTES", "SECONDS"];

/// Where the lake's datasets are registered as tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSettings {
    /// The database that the tables are in.
    pub database: String,
    /// The range of days in which partitions are reckoned instead of registered.
    pub projection: Option<String>,
    /// How long changes are gathered.
    pub debounce: Duration,
}

/// Reads `[catalog]`, which may be absent.
pub(crate) fn read(
    file: &Section<'_>,
    name: Option<&str>,
    datasets: &[Dataset],
) -> Option<CatalogSettings> {
    let section = file.section("catalog")?;
    let database = section.get("database").and_then(|entry| database(&entry));
    let projection = section.get("projection").and_then(|entry| projection(&entry));
    let debounce = section.get("debounce");
    let debounce = debounce.and_then(|entry| entry.duration(Duration::ZERO..=LONGEST_DEBOUNCE));
    note_shared_names(&section, datasets);
    Some(CatalogSettings {
        database: database.unwrap_or_else(|| database_name(name.unwrap_or_default())),
        projection,
        debounce: debounce.or_else(|| quantity::duration(DEBOUNCE)).unwrap_or_default(),
    })
}

/// "Name databases, tables, and columns", Amazon Athena User Guide.
fn database(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    if text.is_empty() || text.len() > 255 || table_name(text) != text {
        entry.note_with(
            format!("`{text}` cannot be a database"),
            "its name has 1 to 255 small letters, digits and `_`",
        );
    }
    Some(text.to_owned())
}

/// Two days with a comma between them.
fn projection(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    let days: Vec<&str> = text.split(',').map(str::trim).collect();
    if days.len() != 2 || !days.iter().all(|day| is_day(day)) {
        entry.note_with(
            format!("`{text}` is no range of days"),
            r#"write "2020-01-01,NOW", or "NOW-2YEARS,NOW+1DAYS""#,
        );
    }
    Some(days.join(","))
}

/// `2020-01-31`, `NOW`, `NOW-2YEARS`.
fn is_day(text: &str) -> bool {
    let Some(off) = text.strip_prefix("NOW") else { return is_date(text) };
    let Some(off) = off.strip_prefix(['-', '+']) else { return off.is_empty() };
    let unit = off.trim_start_matches(|c: char| c.is_ascii_digit());
    off.len() > unit.len()
        && UNITS.iter().any(|known| known.trim_end_matches('S') == unit.trim_end_matches('S'))
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let within = |part: &str, length: usize, most: u32| {
        part.len() == length && part.parse().is_ok_and(|number: u32| (1..=most).contains(&number))
    };
    within(year, 4, 9999) && within(month, 2, 12) && within(day, 2, 31)
}

/// Two datasets whose tables would have one name.
fn note_shared_names(section: &Section<'_>, datasets: &[Dataset]) {
    let mut names: HashMap<String, &str> = HashMap::new();
    for dataset in datasets {
        let table = table_name(&dataset.name);
        if let Some(other) = names.insert(table.clone(), &dataset.name) {
            let message = format!(
                "datasets `{other}` and `{}` would both be table `{table}`, since tables have \
                 small letters, digits and `_`",
                dataset.name
            );
            let hint = "give one of them another name".to_owned();
            section.findings.note(section.span.clone(), &section.path, message, Some(hint));
        }
    }
}

impl Pipeline {
    /// What the catalog stage is told when something lives of a dataset that did not,
    /// or no more; nothing where there is no such stage.
    pub fn catalog_news(&self, dataset: &str) -> Option<Change> {
        let settings = self.catalog.as_ref()?;
        Some(Change {
            queue: self.queue_name(StageName::Catalog),
            dataset: dataset.to_owned(),
            body: CatalogTask::new(dataset).to_message(),
            delay: settings.debounce,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates_or_reckoned_from_today() {
        for day in ["2020-01-01", "NOW", "NOW-2YEARS", "NOW+1DAYS", "NOW-1DAY"] {
            assert!(is_day(day), "{day}");
        }
        for day in ["", "today", "2020-13-01", "20-01-01", "NOW-", "NOW-YEARS", "NOW-2EONS", "NOW2"]
        {
            assert!(!is_day(day), "{day}");
        }
    }
}
