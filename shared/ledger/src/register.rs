//! Registering an object version: the gate every event goes through, where
//! redeliveries, unchanged content and late events are told from new work.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use millrace_contract::{Captures, ContractVersion, FileId, ObjectVersion};

use crate::state::parse_state;
use crate::together::{Answers, Entry, by_halves, placeholders};
use crate::{FileState, Ledger, LedgerError, Row, Transaction, Value, found};

/// Rows of one statement.
const MOST_ROWS: usize = 64;

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
    /// Registers an object version, in a transaction that waits for other
    /// registrations of the same key. Those that come at the same time share it.
    ///
    /// Unchanged and superseded versions are kept with their reason. Versions
    /// without a sequencer count as newest when they arrive; without a version
    /// id either, only the ETag tells them apart.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn register(&self, file: &Registration) -> Result<Registered, LedgerError> {
        self.register_published(file, None).await
    }

    /// As [`Ledger::register`], of an object of which it is known when it was put.
    ///
    /// By that time versions that events told of are ordered against those that were
    /// found by listing (`found.rs`).
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn register_published(
        &self,
        file: &Registration,
        published_at: Option<DateTime<Utc>>,
    ) -> Result<Registered, LedgerError> {
        self.registrations.enter(Arrival { file: file.clone(), published_at }).await
    }
}

/// An object version as it arrives.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) file: Registration,
    /// When the object was put, where its event said.
    pub(crate) published_at: Option<DateTime<Utc>>,
}

impl Entry for Arrival {
    type Answer = Registered;

    fn place(&self) -> String {
        self.file.lock_name().join("\u{1f}")
    }

    async fn enter_all(
        arrivals: &[&Self],
        transaction: &mut Transaction,
    ) -> Result<Answers<Self>, LedgerError> {
        let files: Vec<&Registration> = arrivals.iter().map(|arrival| &arrival.file).collect();
        transaction.lock_all(arrivals.iter().map(|arrival| arrival.place())).await?;
        let known = known_keys(transaction, &files).await?;
        // The first version of a key that nothing is known of is new.
        let mut met = HashSet::new();
        let is_new: Vec<bool> = files
            .iter()
            .map(|file| met.insert(file.lock_name()) && !known.contains(&file.names_of_key()))
            .collect();
        let new = arrivals.iter().zip(&is_new).filter(|(_, is_new)| **is_new);
        insert_new(transaction, &new.map(|(arrival, _)| *arrival).collect::<Vec<_>>()).await?;
        let mut answers = Vec::with_capacity(arrivals.len());
        for (arrival, is_new) in arrivals.iter().zip(is_new) {
            answers.push(match is_new {
                true => Ok(Registered::New),
                false => Ok(judged(transaction, arrival).await?),
            });
        }
        Ok(answers)
    }
}

impl Registration {
    /// Registrations of one key for one dataset go one after the other.
    fn lock_name(&self) -> [&str; 4] {
        ["register", &self.dataset, &self.object.bucket, &self.object.key]
    }

    fn names_of_key(&self) -> [String; 3] {
        [self.dataset.clone(), self.object.bucket.clone(), self.object.key.clone()]
    }
}

/// Those of the files' keys, with dataset and bucket, of which some version is
/// registered.
async fn known_keys(
    transaction: &mut Transaction,
    files: &[&Registration],
) -> Result<HashSet<[String; 3]>, LedgerError> {
    let mut by_bucket: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in files {
        by_bucket.entry(&file.object.bucket).or_default().insert(&file.object.key);
    }
    let mut known = HashSet::new();
    for (bucket, keys) in by_bucket {
        let keys: Vec<_> = keys.into_iter().collect();
        for keys in by_halves(&keys, MOST_ROWS) {
            let sql = format!(
                "SELECT DISTINCT dataset, object_key FROM millrace_files \
                 WHERE bucket = $1 AND object_key IN {}",
                placeholders(1, keys.len(), 2)
            );
            let values: Vec<Value> =
                std::iter::once(bucket).chain(keys.iter().copied()).map(Value::from).collect();
            for row in transaction.fetch_all(&sql, &values).await? {
                known.insert([row.get("dataset")?, bucket.to_owned(), row.get("object_key")?]);
            }
        }
    }
    Ok(known)
}

/// What registering finds of a file whose key may have versions.
async fn judged(
    transaction: &mut Transaction,
    arrival: &Arrival,
) -> Result<Registered, LedgerError> {
    if let Some(state) = known(transaction, &arrival.file).await? {
        return Ok(Registered::Known { state });
    }
    let found = judge(transaction, arrival).await?;
    insert(transaction, &[values(arrival, &found)]).await?;
    Ok(found)
}

async fn insert_new(
    transaction: &mut Transaction,
    arrivals: &[&Arrival],
) -> Result<(), LedgerError> {
    let rows: Vec<_> = arrivals.iter().map(|one| values(one, &Registered::New)).collect();
    for rows in by_halves(&rows, MOST_ROWS) {
        insert(transaction, rows).await?;
    }
    Ok(())
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
    arrival: &Arrival,
) -> Result<Registered, LedgerError> {
    let file = &arrival.file;
    if let Some(by) = newer(transaction, arrival).await? {
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

/// A version of the key that is newer than the one that arrives.
async fn newer(
    transaction: &mut Transaction,
    arrival: &Arrival,
) -> Result<Option<FileId>, LedgerError> {
    let file = &arrival.file;
    let Some(sequencer) = &file.object.sequencer else {
        return Ok(None);
    };
    if let Some(seen_at) = sequencer.found_at() {
        return found::newer_than_found(transaction, file, seen_at).await;
    }
    let sql = "SELECT file_id FROM millrace_files \
               WHERE bucket = $1 AND object_key = $2 AND dataset = $3 AND sequencer_sort > $4 \
               ORDER BY sequencer_sort DESC, ordinal DESC LIMIT 1";
    let mut values = key_of(file).to_vec();
    values.push(sequencer.sort_key().into());
    if let Some(row) = transaction.fetch_optional(sql, &values).await? {
        return Ok(Some(FileId::from_text(row.get::<String>("file_id")?)));
    }
    match arrival.published_at {
        Some(published_at) => found::found_after(transaction, file, published_at).await,
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

pub(crate) fn key_of(file: &Registration) -> [Value; 3] {
    [
        file.object.bucket.as_str().into(),
        file.object.key.as_str().into(),
        file.dataset.as_str().into(),
    ]
}

fn values(arrival: &Arrival, found: &Registered) -> Vec<Value> {
    let (state, reason, related) = match found {
        Registered::New | Registered::Known { .. } => (FileState::Registered, None, None),
        Registered::Unchanged { of, .. } => {
            let reason = "same content (ETag) and contract as the key's version before";
            (FileState::Unchanged, Some(reason), Some(of))
        }
        Registered::Superseded { by } => {
            let reason = "a newer version was registered before";
            (FileState::Superseded, Some(reason), Some(by))
        }
    };
    let mut values = file_values(&arrival.file, state, reason, related);
    values.push(arrival.published_at.into());
    values
}

async fn insert(transaction: &mut Transaction, rows: &[Vec<Value>]) -> Result<(), LedgerError> {
    let sql = format!(
        "INSERT INTO millrace_files (file_id, dataset, contract, bucket, object_key, \
             version_id, etag, sequencer, sequencer_sort, size_bytes, captures, trace_id, \
             state, reason, related_file, registered_at, published_at) VALUES {}",
        placeholders(rows.len(), 17, 1)
    );
    transaction.execute(&sql, &rows.concat()).await?;
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
        // Those of objects that were found are in no order with S3's.
        sequencer.filter(|one| one.found_at().is_none()).map(|one| one.sort_key()).into(),
        object.size.into(),
        captures.into(),
        file.trace_id.as_str().into(),
        state.as_str().into(),
        reason.into(),
        related.map(FileId::as_str).into(),
        Utc::now().into(),
    ]
}
