//! The history of batches: what is to be published, and what `millrace batches`
//! shows.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::narrowed::Narrowed;
use crate::together::placeholders;
use crate::{Ledger, LedgerError, Row, Value};

/// How far a batch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchState {
    /// Its messages are its own, and it lies where it is staged.
    Committed,
    /// Its object is there.
    Published,
}

impl BatchState {
    /// Every state.
    pub const ALL: [Self; 2] = [Self::Committed, Self::Published];

    /// The name in the ledger and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Published => "published",
        }
    }
}

impl fmt::Display for BatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for BatchState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is not a state; the states are {names}")
        })
    }
}

/// Which batches to show.
#[derive(Debug, Clone, Default)]
pub struct BatchFilter {
    /// Of one stream.
    pub stream: Option<String>,
    /// In one state.
    pub state: Option<BatchState>,
    /// Committed before.
    pub before: Option<DateTime<Utc>>,
    /// At most this many; all without it.
    pub limit: Option<u32>,
}

/// A batch, as it was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRecord {
    /// Its name.
    pub id: String,
    /// Its stream.
    pub stream: String,
    /// How far it has come.
    pub state: BatchState,
    /// The bucket of its object.
    pub bucket: String,
    /// The key of its object.
    pub key: String,
    /// The bucket it is staged in.
    pub staged_bucket: String,
    /// The key it is staged under.
    pub staged_key: String,
    /// Messages.
    pub messages: u64,
    /// Bytes of the object.
    pub bytes: u64,
    /// When its first message came.
    pub opened_at: DateTime<Utc>,
    /// When the messages became its own.
    pub committed_at: DateTime<Utc>,
    /// When its object was there.
    pub published_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "batch_id, stream_name, state, bucket, object_key, staged_bucket, \
    staged_key, message_count, byte_count, opened_at, committed_at, published_at";

impl Ledger {
    /// Batches, the newest first.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn batches(&self, filter: &BatchFilter) -> Result<Vec<BatchRecord>, LedgerError> {
        let mut wanted = Narrowed::default();
        wanted.by("stream_name =", filter.stream.as_deref());
        wanted.by("state =", filter.state.map(BatchState::as_str));
        wanted.by("committed_at <", filter.before);
        let limit = wanted.limit(filter.limit);
        let sql = format!(
            "SELECT {COLUMNS} FROM millrace_batches WHERE {wanted} \
             ORDER BY committed_at DESC, batch_id LIMIT {limit}"
        );
        self.database.fetch_all(&sql, wanted.values()).await?.iter().map(read_batch).collect()
    }

    /// Those of some batches that were committed, in no order.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn batches_named(&self, ids: &[&str]) -> Result<Vec<BatchRecord>, LedgerError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM millrace_batches WHERE batch_id IN {}",
            placeholders(1, ids.len(), 1)
        );
        let values: Vec<Value> = ids.iter().map(|id| Value::from(*id)).collect();
        self.database.fetch_all(&sql, &values).await?.iter().map(read_batch).collect()
    }
}

fn read_batch(row: &Row) -> Result<BatchRecord, LedgerError> {
    let state: String = row.get("state")?;
    Ok(BatchRecord {
        id: row.get("batch_id")?,
        stream: row.get("stream_name")?,
        state: state.parse().map_err(|_| LedgerError::unreadable("a batch's state", &state))?,
        bucket: row.get("bucket")?,
        key: row.get("object_key")?,
        staged_bucket: row.get("staged_bucket")?,
        staged_key: row.get("staged_key")?,
        messages: row.count("message_count")?,
        bytes: row.count("byte_count")?,
        opened_at: row.get("opened_at")?,
        committed_at: row.get("committed_at")?,
        published_at: row.get("published_at")?,
    })
}
