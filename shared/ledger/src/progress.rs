//! What becomes of a file after it was registered.

use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::{FileId, LoadTask, StageName};

use crate::entry::Progress;
use crate::{Ledger, LedgerError, RuleOutcome, Value};

/// The result of transforming a file.
#[derive(Debug, Clone, Copy)]
pub struct Transformed<'a> {
    /// The load message, kept so that a redelivered transform sends the same.
    pub task: &'a LoadTask,
    /// Rejected rows by rule.
    pub rejects: &'a [RuleCount],
    /// Rows that were kept although they break a rule.
    pub warnings: &'a [RuleCount],
    /// How long it took.
    pub duration: Duration,
}

/// Rows that broke one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCount {
    /// The rule: a type such as `decimal(12,2)`, `required`, or the text of an
    /// expectation.
    pub rule: String,
    /// How many.
    pub rows: u64,
    /// What was wrong with one of them.
    pub example: String,
}

/// One attempt of one stage at one file.
#[derive(Debug, Clone, Copy)]
pub struct Hop<'a> {
    /// The file.
    pub file_id: &'a FileId,
    /// The stage.
    pub stage: StageName,
    /// Receive count of the message.
    pub attempt: u32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took.
    pub duration: Duration,
    /// What came out: `done`, `retry`, `failed`, ….
    pub outcome: &'a str,
    /// More about it, for a person.
    pub detail: Option<&'a str>,
}

impl Ledger {
    /// Records that a file's Parquet and rejects are written. Again is fine.
    ///
    /// # Errors
    /// [`LedgerError::UnknownFile`] if it was never registered.
    pub async fn transformed(&self, done: &Transformed<'_>) -> Result<(), LedgerError> {
        self.progress.enter(transformed(done)).await
    }

    /// The load message a transform recorded, so that a redelivered transform
    /// sends the same again without doing the work again.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote it.
    pub async fn load_task(&self, file_id: &FileId) -> Result<Option<LoadTask>, LedgerError> {
        let sql = "SELECT task FROM millrace_files WHERE file_id = $1 AND task IS NOT NULL";
        let Some(row) = self.database.fetch_optional(sql, &[file_id.as_str().into()]).await? else {
            return Ok(None);
        };
        let task: String = row.get("task")?;
        LoadTask::from_message(&task)
            .map(Some)
            .map_err(|_| LedgerError::unreadable("a load message", &task))
    }

    /// Records that a file's rows are where they belong, and closes its open
    /// failures, with those of the file it is a replay of. Again is fine; the
    /// first time counts.
    ///
    /// # Errors
    /// [`LedgerError::UnknownFile`] if it was never registered.
    pub async fn loaded(
        &self,
        file_id: &FileId,
        rows: u64,
        duration: Duration,
    ) -> Result<(), LedgerError> {
        let now = Utc::now();
        let values: [Value; 4] =
            [file_id.as_str().into(), rows.into(), now.into(), millis(duration).into()];
        let sql = "UPDATE millrace_files SET state = 'loaded', reason = NULL, \
                       related_file = NULL, rows_loaded = $2, \
                       loaded_at = COALESCE(loaded_at, $3), load_ms = COALESCE(load_ms, $4) \
                   WHERE file_id = $1";
        let update = Some((sql, values.into()));
        let announcer = self.announcer_of_loads();
        let progress =
            Progress { update, closes_failures: true, announcer, ..Progress::of(file_id) };
        self.progress.enter(progress).await?;
        self.nudge();
        Ok(())
    }

    /// Records that a file was left out by a named rule.
    ///
    /// # Errors
    /// [`LedgerError::UnknownFile`] if it was never registered.
    pub async fn skipped(
        &self,
        file_id: &FileId,
        rule: &str,
        detail: &str,
    ) -> Result<(), LedgerError> {
        let sql = "UPDATE millrace_files SET state = 'skipped', reason = $2 \
                   WHERE file_id = $1 AND state <> 'loaded'";
        let reason = if detail.is_empty() { rule.to_owned() } else { format!("{rule}: {detail}") };
        self.unless_loaded(file_id, sql, &[file_id.as_str().into(), reason.into()]).await
    }

    /// Records that a newer version of the key took a file's place; `by` is
    /// that version where it is known.
    ///
    /// # Errors
    /// [`LedgerError::UnknownFile`] if it was never registered.
    pub async fn superseded(
        &self,
        file_id: &FileId,
        by: Option<&FileId>,
        detail: &str,
    ) -> Result<(), LedgerError> {
        let sql = "UPDATE millrace_files SET state = 'superseded', reason = $2, \
                   related_file = $3 WHERE file_id = $1 AND state <> 'loaded'";
        let values = [file_id.as_str().into(), detail.into(), by.map(FileId::as_str).into()];
        self.unless_loaded(file_id, sql, &values).await
    }

    async fn unless_loaded(
        &self,
        file_id: &FileId,
        sql: &str,
        values: &[Value],
    ) -> Result<(), LedgerError> {
        if self.database.execute(sql, values).await? > 0 {
            return Ok(());
        }
        let exists = "SELECT 1 AS found FROM millrace_files WHERE file_id = $1";
        let found = self.database.fetch_optional(exists, &[file_id.as_str().into()]).await?;
        known(u64::from(found.is_some()), file_id)
    }

    /// Records one attempt, for `trace`.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn hop(&self, hop: &Hop<'_>) -> Result<(), LedgerError> {
        let values: [Value; 7] = [
            hop.file_id.as_str().into(),
            hop.stage.as_str().into(),
            hop.attempt.into(),
            hop.started_at.into(),
            millis(hop.duration).into(),
            hop.outcome.into(),
            hop.detail.into(),
        ];
        let progress = Progress { hop: Some(values), ..Progress::of(hop.file_id) };
        self.progress.enter(progress).await
    }
}

/// What is said of a file whose Parquet is in the lake.
pub(crate) fn transformed(done: &Transformed<'_>) -> Progress {
    let task = done.task;
    let balance = &task.balance;
    let values: [Value; 9] = [
        task.file_id.as_str().into(),
        balance.read.into(),
        balance.written.into(),
        balance.rejected.into(),
        balance.skipped_total().into(),
        task.to_message().into(),
        task.rejects_key.as_deref().into(),
        Utc::now().into(),
        millis(done.duration).into(),
    ];
    let sql = "UPDATE millrace_files SET rows_read = $2, rows_written = $3, \
                   rows_rejected = $4, rows_skipped = $5, task = $6, rejects_key = $7, \
                   transformed_at = $8, transform_ms = $9, \
                   reason = CASE WHEN state = 'loaded' THEN reason ELSE NULL END, \
                   state = CASE WHEN state = 'loaded' THEN state ELSE 'transformed' END \
               WHERE file_id = $1";
    let mut counts = count(&task.file_id, RuleOutcome::Rejected, done.rejects);
    counts.extend(count(&task.file_id, RuleOutcome::Warned, done.warnings));
    let update = Some((sql, values.into()));
    Progress { update, counts: Some(counts), ..Progress::of(&task.file_id) }
}

fn count(file_id: &FileId, outcome: RuleOutcome, rules: &[RuleCount]) -> Vec<[Value; 5]> {
    let row = |rule: &RuleCount| {
        [
            file_id.as_str().into(),
            rule.rule.as_str().into(),
            outcome.as_str().into(),
            rule.rows.into(),
            rule.example.as_str().into(),
        ]
    };
    rules.iter().map(row).collect()
}

pub(crate) fn known(changed: u64, file_id: &FileId) -> Result<(), LedgerError> {
    match changed {
        0 => Err(LedgerError::UnknownFile(file_id.to_string())),
        _ => Ok(()),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
