//! Dead letters, recorded when they happen, so that looking at them costs no
//! receive count. What is looked for is in [`crate::failure_groups`], what is done
//! about them in [`crate::redrives`] and [`crate::dlq_actions`].

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use millrace_contract::{FileId, ObjectVersion, StageName};
use millrace_retry::FailureClass;

use crate::{Act, DlqAction, Ledger, LedgerError, Row, Transaction, Value};

/// Everything known about a message that won't be tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureRecord {
    /// Source queue.
    pub queue: String,
    /// Message id in that queue; with it, the record's identity.
    pub message_id: String,
    /// Why, in one word.
    pub class: FailureClass,
    /// Why, in words.
    pub message: String,
    /// The same for failures of one cause.
    pub fingerprint: String,
    /// The stage that failed.
    pub stage: StageName,
    /// Dataset, where it is known.
    pub dataset: Option<String>,
    /// File, where it is known.
    pub file_id: Option<FileId>,
    /// Object version, where it is known.
    pub object: Option<ObjectVersion>,
    /// How often the message was received.
    pub receive_count: u32,
    /// When the message was first received.
    pub first_seen: DateTime<Utc>,
    /// When it failed for good.
    pub last_seen: DateTime<Utc>,
    /// Follows the file through every hop.
    pub trace_id: Option<String>,
    /// Rejects object in the lake, where there is one.
    pub rejects_key: Option<String>,
    /// The message, for redrive.
    pub body: String,
    /// The failure whose redrive this message was, as [`FailureKey`] shows it.
    pub redrive_of: Option<String>,
}

/// A recorded failure, with what was done about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The facts.
    pub record: FailureRecord,
    /// What was done about it, and when; nothing while it is open.
    pub resolution: Option<(Resolution, DateTime<Utc>)>,
    /// How often it was sent again.
    pub redrives: u64,
    /// The message as it failed, if it was edited since.
    pub original_body: Option<String>,
    /// Why it was discarded, if it was.
    pub discard_reason: Option<String>,
}

impl Failure {
    /// What names it.
    pub fn key(&self) -> FailureKey {
        let FailureRecord { queue, message_id, .. } = &self.record;
        FailureKey { queue: queue.clone(), message_id: message_id.clone() }
    }
}

/// What names a failure. Shown as `queue/message id`; no queue's name has a slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FailureKey {
    /// Source queue.
    pub queue: String,
    /// Message id in that queue.
    pub message_id: String,
}

impl fmt::Display for FailureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.queue, self.message_id)
    }
}

impl FromStr for FailureKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = |(queue, message_id): (&str, &str)| Self {
            queue: queue.to_owned(),
            message_id: message_id.to_owned(),
        };
        let parts = text.split_once('/').map(named);
        parts.ok_or_else(|| format!("`{text}` names no failure; write QUEUE/MESSAGE-ID"))
    }
}

/// What was done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The message was sent again, and nothing is known yet of what became of it.
    Redriven,
    /// The message was given up.
    Discarded,
    /// The file was loaded after all.
    Loaded,
    /// The message, which is about no file, was sent again and handled.
    Handled,
}

impl Resolution {
    /// Every resolution.
    pub const ALL: [Self; 4] = [Self::Redriven, Self::Discarded, Self::Loaded, Self::Handled];

    /// The name in the ledger and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redriven => "redriven",
            Self::Discarded => "discarded",
            Self::Loaded => "loaded",
            Self::Handled => "handled",
        }
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Ledger {
    /// Records a dead letter and marks its file as failed, in one transaction.
    /// Once per queue and message id; a second call refreshes the facts.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn record_failure(&self, failure: &FailureRecord) -> Result<(), LedgerError> {
        let mut transaction = self.database.begin().await?;
        self.enter_failure(&mut transaction, failure).await?;
        transaction.commit().await?;
        self.nudge();
        Ok(())
    }

    /// Records a dead letter that a queue moved by itself, as
    /// [`Ledger::record_failure`] does, and who found it.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn adopt_failure(
        &self,
        failure: &FailureRecord,
        actor: &str,
    ) -> Result<(), LedgerError> {
        let mut transaction = self.database.begin().await?;
        self.enter_failure(&mut transaction, failure).await?;
        let action = DlqAction {
            key: Some(FailureKey {
                queue: failure.queue.clone(),
                message_id: failure.message_id.clone(),
            }),
            fingerprint: Some(failure.fingerprint.clone()),
            detail: Some(failure.message.clone()),
            ..DlqAction::now(actor, Act::Adopt)
        };
        action.enter(&mut transaction).await?;
        transaction.commit().await?;
        self.nudge();
        Ok(())
    }

    /// Records a failure, and what is to be told of it.
    async fn enter_failure(
        &self,
        transaction: &mut Transaction,
        failure: &FailureRecord,
    ) -> Result<(), LedgerError> {
        let is_news = self.is_news(transaction, failure).await?;
        record(transaction, failure).await?;
        if is_news {
            self.announce_failure(transaction, failure).await?;
        }
        Ok(())
    }

    /// Recorded failures, the newest first: the open ones, or all.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote one.
    pub async fn failures(&self, also_resolved: bool) -> Result<Vec<Failure>, LedgerError> {
        let which = if also_resolved { "1 = 1" } else { "resolution IS NULL" };
        let sql = format!(
            "SELECT {FAILURE_COLUMNS} FROM millrace_failures WHERE {which} \
             ORDER BY last_seen DESC, queue, message_id"
        );
        self.database.fetch_all(&sql, &[]).await?.iter().map(read).collect()
    }
}

pub(crate) const FAILURE_COLUMNS: &str = "queue, message_id, class, message, fingerprint, stage, \
    dataset, file_id, object, receive_count, first_seen, last_seen, trace_id, rejects_key, body, \
    redrive_of, resolution, resolved_at, redrives, original_body, discard_reason";

async fn record(transaction: &mut Transaction, failure: &FailureRecord) -> Result<(), LedgerError> {
    let refreshed =
        ["class", "message", "fingerprint", "receive_count", "last_seen", "rejects_key"];
    let met = transaction.dialect().on_conflict(&["queue", "message_id"], &refreshed);
    let sql = format!(
        "INSERT INTO millrace_failures (queue, message_id, class, message, fingerprint, \
             stage, dataset, file_id, object, receive_count, first_seen, last_seen, \
             trace_id, rejects_key, body, redrive_of) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16){met}"
    );
    transaction.execute(&sql, &values(failure)).await?;
    if let Some(file_id) = &failure.file_id {
        let reason = format!("{}: {}", failure.class, storable(&failure.message));
        let fail = "UPDATE millrace_files SET state = 'failed', reason = $2, \
                        rejects_key = COALESCE($3, rejects_key) \
                    WHERE file_id = $1 AND state IN ('registered', 'transformed', 'failed')";
        let values =
            [file_id.as_str().into(), reason.into(), failure.rejects_key.as_deref().into()];
        transaction.execute(fail, &values).await?;
    }
    Ok(())
}

fn values(failure: &FailureRecord) -> [Value; 16] {
    let object = failure.object.as_ref().map(|object| serde_json::json!(object).to_string());
    [
        failure.queue.as_str().into(),
        failure.message_id.as_str().into(),
        failure.class.as_str().into(),
        storable(&failure.message).into(),
        failure.fingerprint.as_str().into(),
        failure.stage.as_str().into(),
        failure.dataset.as_deref().into(),
        failure.file_id.as_ref().map(FileId::as_str).into(),
        object.into(),
        failure.receive_count.into(),
        failure.first_seen.into(),
        failure.last_seen.into(),
        failure.trace_id.as_deref().into(),
        failure.rejects_key.as_deref().into(),
        storable(&failure.body).into(),
        failure.redrive_of.as_deref().into(),
    ]
}

/// A poison body may hold U+0000, which PostgreSQL's text can't.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub(crate) fn read(row: &Row) -> Result<Failure, LedgerError> {
    let class: String = row.get("class")?;
    let stage: String = row.get("stage")?;
    let record = FailureRecord {
        queue: row.get("queue")?,
        message_id: row.get("message_id")?,
        class: class.parse().map_err(|_| LedgerError::unreadable("a failure class", &class))?,
        message: row.get("message")?,
        fingerprint: row.get("fingerprint")?,
        stage: stage.parse().map_err(|_| LedgerError::unreadable("a stage", &stage))?,
        dataset: row.get("dataset")?,
        file_id: row.get::<Option<String>>("file_id")?.map(FileId::from_text),
        object: read_object(row)?,
        receive_count: u32::try_from(row.count("receive_count")?).unwrap_or(u32::MAX),
        first_seen: row.get("first_seen")?,
        last_seen: row.get("last_seen")?,
        trace_id: row.get("trace_id")?,
        rejects_key: row.get("rejects_key")?,
        body: row.get("body")?,
        redrive_of: row.get("redrive_of")?,
    };
    Ok(Failure {
        record,
        resolution: read_resolution(row)?,
        redrives: row.count("redrives")?,
        original_body: row.get("original_body")?,
        discard_reason: row.get("discard_reason")?,
    })
}

fn read_object(row: &Row) -> Result<Option<ObjectVersion>, LedgerError> {
    let Some(object) = row.get::<Option<String>>("object")? else {
        return Ok(None);
    };
    serde_json::from_str(&object)
        .map(Some)
        .map_err(|_| LedgerError::unreadable("an object version", &object))
}

fn read_resolution(row: &Row) -> Result<Option<(Resolution, DateTime<Utc>)>, LedgerError> {
    let Some(text) = row.get::<Option<String>>("resolution")? else {
        return Ok(None);
    };
    let resolution = Resolution::ALL
        .into_iter()
        .find(|resolution| resolution.as_str() == text)
        .ok_or_else(|| LedgerError::unreadable("a resolution", &text))?;
    Ok(Some((resolution, row.get("resolved_at")?)))
}
