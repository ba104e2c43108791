//! Registering an object version: the gate every event goes through, where
//! redeliveries, unchanged content and late events are told from new work.

use chrono::{DateTime, Utc};
use millrace_contract::{Captures, ContractVersion, FileId, ObjectVersion};

use crate::state::parse_state;
use crate::{FileState, Ledger, LedgerError, Row, Transaction, Value};

/// An object version that a dataset takes.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The file's identity.
    pub file_id: FileId,
    /// Dataset name.
    pub dataset: String,
    /// Contract version it is planned under.
    pub contract: ContractVersion,
    /// The object.
    pub object: ObjectVersion,
    /// Path parts by name.
    pub captures: Captures,
    /// Follows the file through every hop.
    pub trace_id: String,
}

/// What registering found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    /// New work.
    New,
    /// The same file was registered before: a redelivery.
    Known {
        /// How far it has come since.
        state: FileState,
    },
    /// The key's newest version has the same ETag under the same contract and
    /// did not fail, so there is nothing to load.
    Unchanged {
        /// The file that holds the content.
        of: FileId,
        /// When that one was loaded, if it was.
        loaded_at: Option<DateTime<Utc>>,
        /// How far that one has come.
        state: FileState,
    },
    /// A version of the key with a newer sequencer is registered already.
    Superseded {
        /// The newest of them.
        by: FileId,
    },
}

impl Ledger {
    /// Registers an object version, in one transaction that waits for other
    /// registrations of the same key.
    ///
    /// Unchanged and superseded versions are kept with their reason. Versions
    /// without a sequencer count as newest when they arrive; without a version
    /// id either, only the ETag tells them apart.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn register(&self, file: &Registration) -> Result<Registered, LedgerError> {
        let object = &file.object;
        let mut transaction = self.database.begin().await?;
        transaction.lock(&["register", &file.dataset, &object.bucket, &object.key]).await?;
        if let Some(state) = known(&mut transaction, file).await? {
            transaction.commit().await?;
            return Ok(Registered::Known { state });
        }
        let found = judge(&mut transaction, file).await?;
        insert(&mut transaction, file, &found).await?;
        transaction.commit().await?;
        Ok(found)
    }
}

async fn known(
    transaction: &mut Transaction,
    file: &Registration,
) -> Result<Option<FileState>, LedgerError> {
    let sql = "SELECT state FROM millrace_files WHERE file_id = $1";
    match transaction.fetch_optional(sql, &[file.file_id.as_str().into()]).await? {
        Some(row) => parse_state(&row.get::<String>("state")?).map(Some),
        None => Ok(None),
    }
}

async fn judge(
    transaction: &mut Transaction,
    file: &Registration,
) -> Result<Registered, LedgerError> {
    if let Some(by) = newer(transaction, file).await? {
        return Ok(Registered::Superseded { by });
    }
    match newest(transaction, file).await? {
        Some(newest) if newest.same_as(file) => Ok(Registered::Unchanged {
            of: newest.file_id,
            loaded_at: newest.loaded_at,
            state: newest.state,
        }),
        _ => Ok(Registered::New),
    }
}

async fn newer(
    transaction: &mut Transaction,
    file: &Registration,
) -> Result<Option<FileId>, LedgerError> {
    let Some(sequencer) = &file.object.sequencer else {
        return Ok(None);
    };
    let sql = "SELECT file_id FROM millrace_files \
               WHERE bucket = $1 AND object_key = $2 AND dataset = $3 AND sequencer_sort > $4 \
               ORDER BY sequencer_sort DESC, ordinal DESC LIMIT 1";
    let mut values = key_of(file).to_vec();
    values.push(sequencer.sort_key().into());
    match transaction.fetch_optional(sql, &values).await? {
        Some(row) => Ok(Some(FileId::from_text(row.get::<String>("file_id")?))),
        None => Ok(None),
    }
}

/// The content the key has now: its newest version, or the one that this is
/// unchanged of.
struct Content {
    file_id: FileId,
    etag: String,
    contract: String,
    state: FileState,
    loaded_at: Option<DateTime<Utc>>,
}

impl Content {
    fn same_as(&self, file: &Registration) -> bool {
        let arrived = match self.state {
            FileState::Registered | FileState::Transformed | FileState::Loaded => true,
            FileState::Unchanged
            | FileState::Superseded
            | FileState::Skipped
            | FileState::Failed => false,
        };
        arrived
            && !self.etag.is_empty()
            && self.etag == file.object.etag
            && self.contract == file.contract.as_str()
    }

    fn read(row: &Row) -> Result<Self, LedgerError> {
        Ok(Self {
            file_id: FileId::from_text(row.get::<String>("file_id")?),
            etag: row.get("etag")?,
            contract: row.get("contract")?,
            state: parse_state(&row.get::<String>("state")?)?,
            loaded_at: row.get("loaded_at")?,
        })
    }
}

async fn newest(
    transaction: &mut Transaction,
    file: &Registration,
) -> Result<Option<Content>, LedgerError> {
    let sql = "SELECT c.file_id, c.etag, c.contract, c.state, c.loaded_at FROM ( \
                   SELECT COALESCE(related_file, file_id) AS content FROM millrace_files \
                   WHERE bucket = $1 AND object_key = $2 AND dataset = $3 AND state <> 'superseded' \
                     AND replay IS NULL ORDER BY ordinal DESC LIMIT 1 \
               ) AS newest JOIN millrace_files AS c ON c.file_id = newest.content";
    let row = transaction.fetch_optional(sql, &key_of(file)).await?;
    row.as_ref().map(Content::read).transpose()
}

fn key_of(file: &Registration) -> [Value; 3] {
    [
        file.object.bucket.as_str().into(),
        file.object.key.as_str().into(),
        file.dataset.as_str().into(),
    ]
}

async fn insert(
    transaction: &mut Transaction,
    file: &Registration,
    found: &Registered,
) -> Result<(), LedgerError> {
    let (state, reason, related) = match found {
        Registered::New | Registered::Known { .. } => (FileState::Registered, None, None),
        Registered::Unchanged { of, .. } => {
            let reason = "same content (ETag) and contract as the key's version before";
            (FileState::Unchanged, Some(reason), Some(of))
        }
        Registered::Superseded { by } => {
            let reason = "a version with a newer sequencer was registered before";
            (FileState::Superseded, Some(reason), Some(by))
        }
    };
    let values = file_values(file, state, reason, related);
    let sql = "INSERT INTO millrace_files (file_id, dataset, contract, bucket, object_key, \
                   version_id, etag, sequencer, sequencer_sort, size_bytes, captures, trace_id, \
                   state, reason, related_file, registered_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    transaction.execute(sql, &values).await?;
    Ok(())
}

/// The values of a new row, in the order of the statement above.
pub(crate) fn file_values(
    file: &Registration,
    state: FileState,
    reason: Option<&str>,
    related: Option<&FileId>,
) -> Vec<Value> {
    let object = &file.object;
    let sequencer = object.sequencer.as_ref();
    let captures = serde_json::json!(file.captures).to_string();
    vec![
        file.file_id.as_str().into(),
        file.dataset.as_str().into(),
        file.contract.as_str().into(),
        object.bucket.as_str().into(),
        object.key.as_str().into(),
        object.version_id.as_deref().into(),
        object.etag.as_str().into(),
        sequencer.map(|sequencer| sequencer.as_str()).into(),
        sequencer.map(|sequencer| sequencer.sort_key()).into(),
        object.size.into(),
        captures.into(),
        file.trace_id.as_str().into(),
        state.as_str().into(),
        reason.into(),
        related.map(FileId::as_str).into(),
        Utc::now().into(),
    ]
}
