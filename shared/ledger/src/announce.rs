//! What is to be told is written down with what it tells of, in one transaction:
//! nothing is told that did not happen, and nothing that happened is forgotten.
//!
//! Nothing is written where nobody wants to know.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use millrace_contract::{
    AlertKind, ColumnChange, ExportEvent, FileEvent, FileId, FileOutcome, Occurrence, RowTotals,
    StageName,
};
use millrace_retry::FailureClass;
use tokio::sync::Notify;

use crate::runs::{RUN_COLUMNS, Run, read_run};
use crate::together::{by_halves, placeholders};
use crate::{Evolution, FailureRecord, Ledger, LedgerError, Row, Transaction, Value};

/// Rows or files of one statement.
const MOST_ROWS: usize = 64;

/// Bytes of a reason that are told; the ledger has all of it.
const LONGEST_REASON: usize = 4096;

/// What a pipeline wants to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announcing {
    /// The pipeline's name.
    pub pipeline: String,
    /// Whether files that are loaded, rejected or failed are events.
    pub events: bool,
    /// What alerts are about; nothing for none.
    pub alerts: Vec<AlertKind>,
}

/// Writes down what is to be told.
#[derive(Debug)]
pub(crate) struct Announcer {
    what: Announcing,
    written: Notify,
}

impl Ledger {
    /// Writes down what `what` asks to be told, from here on.
    #[must_use]
    pub fn announcing(mut self, what: Announcing) -> Self {
        let wanted = what.events || !what.alerts.is_empty();
        self.announcer = wanted.then(|| Arc::new(Announcer { what, written: Notify::new() }));
        self
    }

    /// Completes when this process has written down something to be told since
    /// this was called last; never where nothing is.
    pub async fn announced(&self) {
        match &self.announcer {
            Some(announcer) => announcer.written.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Writes down an occurrence by itself, unless its group was told of within
    /// the time that it is quiet for, or is about to be.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn alert_once(&self, occurrence: &Occurrence) -> Result<(), LedgerError> {
        let group = occurrence.group();
        let values: [Value; 2] = [group.as_str().into(), Utc::now().into()];
        let known = "SELECT 1 AS known FROM millrace_alert_groups \
                     WHERE alert_group = $1 AND due_at > $2 \
                     UNION ALL SELECT 1 AS known FROM millrace_alerts WHERE alert_group = $1";
        let mut transaction = self.database.begin().await?;
        transaction.lock(&["alerts", &group]).await?;
        if transaction.fetch_all(known, &values).await?.is_empty() {
            write_alert(&mut transaction, occurrence).await?;
            transaction.commit().await?;
            self.nudge();
        }
        Ok(())
    }

    /// Whether a failure would be told and is not on record yet.
    pub(crate) async fn is_news(
        &self,
        transaction: &mut Transaction,
        failure: &FailureRecord,
    ) -> Result<bool, LedgerError> {
        if self.announcer.is_none() {
            return Ok(false);
        }
        let sql = "SELECT 1 AS found FROM millrace_failures WHERE queue = $1 AND message_id = $2";
        let values: [Value; 2] =
            [failure.queue.as_str().into(), failure.message_id.as_str().into()];
        Ok(transaction.fetch_optional(sql, &values).await?.is_none())
    }

    /// Writes down a failure that is to be told.
    pub(crate) async fn announce_failure(
        &self,
        transaction: &mut Transaction,
        failure: &FailureRecord,
    ) -> Result<(), LedgerError> {
        let Some(announcer) = &self.announcer else { return Ok(()) };
        let what = &announcer.what;
        let kind = alert_kind(failure);
        if what.alerts.contains(&kind) {
            write_alert(transaction, &occurrence(kind, failure)).await?;
        }
        // What belongs to no file, such as a message nobody can read, ends none.
        if what.events && failure.object.is_some() {
            write_events(transaction, &[failed(&what.pipeline, failure)]).await?;
        }
        Ok(())
    }

    /// Writes down that a file changed a dataset's columns. The first file of a
    /// contract settles them and changes none.
    pub(crate) async fn announce_columns(
        &self,
        transaction: &mut Transaction,
        evolution: &Evolution<'_>,
    ) -> Result<(), LedgerError> {
        if !self.alerts_about(AlertKind::SchemaChanged) || evolution.known == 0 {
            return Ok(());
        }
        let changes: Vec<String> = evolution.changes.iter().map(ColumnChange::to_string).collect();
        let mut told = Occurrence::new(AlertKind::SchemaChanged, Utc::now(), changes.join("; "));
        told.stage = Some(StageName::Transform);
        told.dataset = Some(evolution.dataset.to_owned());
        told.file_id = Some(evolution.file_id.clone());
        write_alert(transaction, &told).await
    }

    /// Whether anybody wants to be told of that kind.
    pub(crate) fn alerts_about(&self, kind: AlertKind) -> bool {
        self.announcer.as_ref().is_some_and(|announcer| announcer.what.alerts.contains(&kind))
    }

    /// Writes down how a run of an export ended.
    pub(crate) async fn announce_export(
        &self,
        transaction: &mut Transaction,
        event: &ExportEvent,
    ) -> Result<(), LedgerError> {
        if self.announcer.as_ref().is_some_and(|announcer| announcer.what.events) {
            let detail = serde_json::json!(event).to_string();
            write_details(transaction, &[(event.outcome.detail_type(), detail)]).await?;
        }
        Ok(())
    }

    /// Name of the pipeline that is told of; empty where nothing is.
    pub(crate) fn pipeline_name(&self) -> String {
        self.announcer.as_ref().map(|told| told.what.pipeline.clone()).unwrap_or_default()
    }

    /// Says that something was written down, once its transaction is committed.
    pub(crate) fn nudge(&self) {
        if let Some(announcer) = &self.announcer {
            announcer.written.notify_one();
        }
    }

    /// Whoever writes down the files that are loaded.
    pub(crate) fn announcer_of_loads(&self) -> Option<Arc<Announcer>> {
        self.announcer.clone().filter(|announcer| announcer.what.events)
    }
}

impl Announcer {
    /// Of these files, those that are not loaded yet.
    pub(crate) async fn not_loaded(
        transaction: &mut Transaction,
        files: &[Value],
    ) -> Result<HashSet<String>, LedgerError> {
        let mut fresh = HashSet::new();
        for files in by_halves(files, MOST_ROWS) {
            let those = placeholders(1, files.len(), 1);
            let sql = format!(
                "SELECT file_id FROM millrace_files WHERE state <> 'loaded' AND file_id IN {those}"
            );
            for row in transaction.fetch_all(&sql, files).await? {
                fresh.insert(row.get("file_id")?);
            }
        }
        Ok(fresh)
    }

    /// Writes down that files are loaded, as their rows say by now.
    pub(crate) async fn announce_loads(
        &self,
        transaction: &mut Transaction,
        files: &HashSet<String>,
    ) -> Result<(), LedgerError> {
        let files: Vec<Value> = files.iter().map(|file| file.as_str().into()).collect();
        for files in by_halves(&files, MOST_ROWS) {
            let those = placeholders(1, files.len(), 1);
            let sql = format!(
                "SELECT {RUN_COLUMNS} FROM millrace_files AS f WHERE file_id IN {those} \
                 ORDER BY ordinal"
            );
            let rows = transaction.fetch_all(&sql, files).await?;
            let told = rows.iter().map(|row: &Row| Ok(loaded(&self.what.pipeline, read_run(row)?)));
            let told = told.collect::<Result<Vec<_>, LedgerError>>()?;
            write_events(transaction, &told).await?;
        }
        Ok(())
    }
}

/// The reason, short enough to be one of ten in a request, and without U+0000.
fn short(reason: &str) -> String {
    let cut = reason.floor_char_boundary(LONGEST_REASON);
    reason[..cut].replace('\0', "\u{fffd}")
}

/// A file that broke its contract is rejected; whatever else is not tried again
/// is a dead letter.
fn alert_kind(failure: &FailureRecord) -> AlertKind {
    match failure.class {
        FailureClass::Contract if is_about_a_file(failure.stage) => AlertKind::FileRejected,
        FailureClass::Contract
        | FailureClass::Transient
        | FailureClass::Throttled
        | FailureClass::Outage
        | FailureClass::Denied
        | FailureClass::Missing
        | FailureClass::Poison => AlertKind::DeadLetter,
    }
}

/// Whether a stage's messages are about files; an export or a report reads none.
fn is_about_a_file(stage: StageName) -> bool {
    match stage {
        StageName::Ingest | StageName::Transform | StageName::Load => true,
        StageName::Export
        | StageName::Derive
        | StageName::Report
        | StageName::Maintain
        | StageName::Collect
        | StageName::Catalog => false,
    }
}

fn occurrence(kind: AlertKind, failure: &FailureRecord) -> Occurrence {
    Occurrence {
        stage: Some(failure.stage),
        dataset: failure.dataset.clone(),
        class: Some(failure.class.to_string()),
        fingerprint: Some(failure.fingerprint.clone()),
        message_id: Some(failure.message_id.clone()),
        object: failure.object.clone(),
        file_id: failure.file_id.clone(),
        rejects: failure.rejects_key.clone(),
        trace_id: failure.trace_id.clone(),
        ..Occurrence::new(kind, failure.last_seen, short(&failure.message))
    }
}

fn failed(pipeline: &str, failure: &FailureRecord) -> FileEvent {
    FileEvent {
        version: 1,
        pipeline: pipeline.to_owned(),
        outcome: match alert_kind(failure) {
            AlertKind::FileRejected => FileOutcome::Rejected,
            AlertKind::DeadLetter
            | AlertKind::LateDataset
            | AlertKind::Outage
            | AlertKind::SchemaChanged
            | AlertKind::LostEvents => FileOutcome::Failed,
        },
        dataset: failure.dataset.clone(),
        file_id: failure.file_id.clone(),
        contract: None,
        object: failure.object.clone(),
        rows: RowTotals::default(),
        rejects: failure.rejects_key.clone(),
        stage: Some(failure.stage),
        class: Some(failure.class.to_string()),
        reason: Some(short(&failure.message)),
        trace_id: failure.trace_id.clone(),
        at: failure.last_seen,
    }
}

fn loaded(pipeline: &str, run: Run) -> FileEvent {
    FileEvent {
        version: 1,
        pipeline: pipeline.to_owned(),
        outcome: FileOutcome::Loaded,
        dataset: Some(run.dataset),
        file_id: Some(FileId::from_text(run.file_id.to_string())),
        contract: Some(run.contract.to_string()),
        object: Some(run.object),
        rows: RowTotals {
            read: run.rows_read,
            written: run.rows_written,
            rejected: run.rows_rejected,
            skipped: run.rows_skipped,
            loaded: run.rows_loaded,
        },
        rejects: run.rejects_key,
        stage: None,
        class: None,
        reason: None,
        trace_id: Some(run.trace_id),
        at: run.loaded_at.unwrap_or_else(Utc::now),
    }
}

/// Writes down an occurrence that is to be told.
pub(crate) async fn write_alert(
    transaction: &mut Transaction,
    occurrence: &Occurrence,
) -> Result<(), LedgerError> {
    let values: [Value; 4] = [
        occurrence.group().into(),
        occurrence.kind.as_str().into(),
        serde_json::json!(occurrence).to_string().into(),
        occurrence.at.into(),
    ];
    let sql = "INSERT INTO millrace_alerts (alert_group, kind, occurrence, happened_at) \
               VALUES ($1, $2, $3, $4)";
    transaction.execute(sql, &values).await?;
    Ok(())
}

async fn write_events(
    transaction: &mut Transaction,
    events: &[FileEvent],
) -> Result<(), LedgerError> {
    let detail =
        |event: &FileEvent| (event.outcome.detail_type(), serde_json::json!(event).to_string());
    write_details(transaction, &events.iter().map(detail).collect::<Vec<_>>()).await
}

/// Writes down events by `detail-type` and `detail`.
async fn write_details(
    transaction: &mut Transaction,
    events: &[(&'static str, String)],
) -> Result<(), LedgerError> {
    let now: DateTime<Utc> = Utc::now();
    let row = |(detail_type, detail): &(&'static str, String)| -> [Value; 5] {
        let attempts = Value::from(0_u32);
        [(*detail_type).into(), detail.as_str().into(), now.into(), now.into(), attempts]
    };
    for events in by_halves(events, MOST_ROWS) {
        let values: Vec<[Value; 5]> = events.iter().map(row).collect();
        let sql = format!(
            "INSERT INTO millrace_events (detail_type, detail, created_at, due_at, attempts) \
             VALUES {}",
            placeholders(values.len(), 5, 1)
        );
        transaction.execute(&sql, values.as_flattened()).await?;
    }
    Ok(())
}
