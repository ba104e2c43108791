//! Looking for failures: grouped by cause, page by page, or one by one. It is the
//! database that counts: a hundred thousand of them are a few rows here.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use millrace_contract::StageName;
use millrace_retry::FailureClass;

use crate::failures::{FAILURE_COLUMNS, read};
use crate::narrowed::Narrowed;
use crate::together::placeholders;
use crate::{Failure, FailureKey, Ledger, LedgerError, Row, Value};

/// Groups that are told apart at most.
const MOST_GROUPS: i64 = 10_000;

/// Which failures are meant: those for which all of it is true.
#[derive(Debug, Clone, Default)]
pub struct FailureFilter {
    /// By what was done about them.
    pub only: Only,
    /// Of one stage.
    pub stage: Option<StageName>,
    /// Of one dataset.
    pub dataset: Option<String>,
    /// Of one class.
    pub class: Option<FailureClass>,
    /// With this fingerprint, or one that begins so.
    pub fingerprint: Option<String>,
    /// With one of these message ids, or one that begins so; empty is any.
    pub ids: Vec<String>,
    /// That happened at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// That happened at this time or earlier.
    pub until: Option<DateTime<Utc>>,
}

/// By what was done about them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Only {
    /// Nothing was done about them.
    #[default]
    Open,
    /// They did not come to a good end: open, sent again, or given up.
    Unfinished,
    /// Whatever was done.
    Any,
}

/// Failures of one cause.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureGroup {
    /// The same for all of them.
    pub fingerprint: String,
    /// Why, in one word.
    pub class: FailureClass,
    /// The stage that failed.
    pub stage: StageName,
    /// Datasets that are affected, in order.
    pub datasets: Vec<String>,
    /// How many there are.
    pub failures: u64,
    /// When the first message was first received.
    pub first_seen: DateTime<Utc>,
    /// When the newest failed.
    pub last_seen: DateTime<Utc>,
    /// The newest.
    pub newest: FailureKey,
    /// What it says.
    pub message: String,
}

impl FailureFilter {
    /// The condition, its values counted from `$1`.
    pub(crate) fn condition(&self) -> (String, Vec<Value>) {
        let mut narrowed = Narrowed::default();
        match self.only {
            Only::Open => narrowed.only("resolution IS NULL"),
            Only::Unfinished => {
                narrowed.only("(resolution IS NULL OR resolution IN ('redriven', 'discarded'))");
            }
            Only::Any => {}
        }
        narrowed.by("stage =", self.stage.map(StageName::as_str));
        narrowed.by("dataset =", self.dataset.as_deref());
        narrowed.by("class =", self.class.map(FailureClass::as_str));
        narrowed.by("last_seen >=", self.since);
        narrowed.by("last_seen <=", self.until);
        if let Some(fingerprint) = &self.fingerprint {
            let part = beginning(&mut narrowed, "fingerprint", fingerprint);
            narrowed.only(part);
        }
        if !self.ids.is_empty() {
            let any: Vec<_> =
                self.ids.iter().map(|id| beginning(&mut narrowed, "message_id", id)).collect();
            narrowed.only(format!("({})", any.join(" OR ")));
        }
        narrowed.into_parts()
    }
}

/// That a text begins so: a range, which an index serves everywhere. `~` is behind
/// whatever ids and fingerprints are made of.
fn beginning(narrowed: &mut Narrowed, column: &str, text: &str) -> String {
    let (from, to) = (narrowed.bind(text), narrowed.bind(format!("{text}~")));
    format!("({column} >= {from} AND {column} < {to})")
}

impl Ledger {
    /// Failures by cause, the one with the newest failure first, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote one.
    pub async fn failure_groups(
        &self,
        filter: &FailureFilter,
        limit: usize,
    ) -> Result<Vec<FailureGroup>, LedgerError> {
        let (condition, mut values) = filter.condition();
        values.push(MOST_GROUPS.into());
        let sql = format!(
            "SELECT fingerprint, class, stage, dataset, COUNT(*) AS failures, \
                 MIN(first_seen) AS first_seen, MAX(last_seen) AS last_seen \
             FROM millrace_failures WHERE {condition} \
             GROUP BY fingerprint, class, stage, dataset \
             ORDER BY MAX(last_seen) DESC LIMIT ${}",
            values.len()
        );
        let mut groups: BTreeMap<String, FailureGroup> = BTreeMap::new();
        for row in &self.database.fetch_all(&sql, &values).await? {
            merge(&mut groups, row)?;
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_by_key(|group| (std::cmp::Reverse(group.last_seen), group.fingerprint.clone()));
        groups.truncate(limit);
        for group in &mut groups {
            self.find_newest(filter, group).await?;
        }
        Ok(groups)
    }

    async fn find_newest(
        &self,
        filter: &FailureFilter,
        group: &mut FailureGroup,
    ) -> Result<(), LedgerError> {
        let (condition, mut values) = filter.condition();
        values.push(group.fingerprint.as_str().into());
        let sql = format!(
            "SELECT queue, message_id, message FROM millrace_failures \
             WHERE {condition} AND fingerprint = ${} ORDER BY last_seen DESC LIMIT 1",
            values.len()
        );
        if let Some(row) = self.database.fetch_optional(&sql, &values).await? {
            group.newest = key(&row)?;
            group.message = row.get("message")?;
        }
        Ok(())
    }

    /// How many failures are meant.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn count_failures(&self, filter: &FailureFilter) -> Result<u64, LedgerError> {
        let (condition, values) = filter.condition();
        let sql = format!("SELECT COUNT(*) AS failures FROM millrace_failures WHERE {condition}");
        let row = self.database.fetch_optional(&sql, &values).await?;
        Ok(row.map_or(Ok(0), |row| row.count("failures"))?)
    }

    /// The newest failures first, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote one.
    pub async fn newest_failures(
        &self,
        filter: &FailureFilter,
        limit: u32,
    ) -> Result<Vec<Failure>, LedgerError> {
        let (condition, mut values) = filter.condition();
        values.push(limit.into());
        let sql = format!(
            "SELECT {FAILURE_COLUMNS} FROM millrace_failures WHERE {condition} \
             ORDER BY last_seen DESC, queue, message_id LIMIT ${}",
            values.len()
        );
        self.database.fetch_all(&sql, &values).await?.iter().map(read).collect()
    }

    /// Failures in the order of their keys, at most `limit`, behind `after`. What
    /// is done about one does not move the others.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote one.
    pub async fn failures_behind(
        &self,
        filter: &FailureFilter,
        after: Option<&FailureKey>,
        limit: u32,
    ) -> Result<Vec<Failure>, LedgerError> {
        let (mut condition, mut values) = filter.condition();
        if let Some(FailureKey { queue, message_id }) = after {
            values.extend([queue.as_str().into(), message_id.as_str().into()]);
            let (queue, message) = (values.len() - 1, values.len());
            condition += &format!(
                " AND (queue > ${queue} OR (queue = ${queue} AND message_id > ${message}))"
            );
        }
        values.push(limit.into());
        let sql = format!(
            "SELECT {FAILURE_COLUMNS} FROM millrace_failures WHERE {condition} \
             ORDER BY queue, message_id LIMIT ${}",
            values.len()
        );
        self.database.fetch_all(&sql, &values).await?.iter().map(read).collect()
    }

    /// Failures that are about any of these files, or the redrive of `key`, in the
    /// order in which they happened.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote one.
    pub async fn failures_after(
        &self,
        key: &FailureKey,
        files: &[&str],
    ) -> Result<Vec<Failure>, LedgerError> {
        let about = match files.is_empty() {
            true => String::new(),
            false => format!(" OR file_id IN {}", placeholders(1, files.len(), 2)),
        };
        let sql = format!(
            "SELECT {FAILURE_COLUMNS} FROM millrace_failures WHERE redrive_of = $1{about} \
             ORDER BY last_seen, queue, message_id"
        );
        let values: Vec<Value> = std::iter::once(key.to_string().into())
            .chain(files.iter().map(|file| (*file).into()))
            .collect();
        self.database.fetch_all(&sql, &values).await?.iter().map(read).collect()
    }
}

pub(crate) fn key(row: &Row) -> Result<FailureKey, LedgerError> {
    Ok(FailureKey { queue: row.get("queue")?, message_id: row.get("message_id")? })
}

/// Adds a row to the group it belongs to: one for each dataset.
fn merge(groups: &mut BTreeMap<String, FailureGroup>, row: &Row) -> Result<(), LedgerError> {
    let fingerprint: String = row.get("fingerprint")?;
    let dataset: Option<String> = row.get("dataset")?;
    let (class, stage): (String, String) = (row.get("class")?, row.get("stage")?);
    let (first_seen, last_seen) = (row.get("first_seen")?, row.get("last_seen")?);
    let class = class.parse().map_err(|_| LedgerError::unreadable("a failure class", &class))?;
    let stage = stage.parse().map_err(|_| LedgerError::unreadable("a stage", &stage))?;
    let group = groups.entry(fingerprint.clone()).or_insert_with(|| FailureGroup {
        fingerprint,
        class,
        stage,
        datasets: Vec::new(),
        failures: 0,
        first_seen,
        last_seen,
        newest: FailureKey { queue: String::new(), message_id: String::new() },
        message: String::new(),
    });
    group.failures += row.count("failures")?;
    group.first_seen = group.first_seen.min(first_seen);
    group.last_seen = group.last_seen.max(last_seen);
    group.datasets.extend(dataset);
    group.datasets.sort();
    group.datasets.dedup();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_one_condition_with_its_values_in_order() {
        let (condition, values) = FailureFilter::default().condition();
        assert_eq!((condition.as_str(), values.len()), ("resolution IS NULL", 0));
        let filter = FailureFilter {
            only: Only::Any,
            stage: Some(StageName::Load),
            fingerprint: Some("ab".into()),
            ids: vec!["1".into(), "2".into()],
            ..FailureFilter::default()
        };
        let (condition, values) = filter.condition();
        assert_eq!(
            condition,
            "stage = $1 AND (fingerprint >= $2 AND fingerprint < $3) AND \
             ((message_id >= $4 AND message_id < $5) OR (message_id >= $6 AND message_id < $7))"
        );
        assert_eq!(values[2], "ab~".into());
        let any = FailureFilter { only: Only::Any, ..FailureFilter::default() };
        assert_eq!(any.condition().0, "1 = 1");
    }
}
