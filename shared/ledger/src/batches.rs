//! Batches of collected messages: which messages are whose, exactly once.
//!
//! A batch is committed by one transaction that claims its messages' names, each
//! of which is there once. Whoever comes second is told whose the messages are. A
//! committed batch lies where it was staged until its object is published; both
//! can be done by anybody, any number of times. `workers/collect/design.md` has the
//! argument.

mod history;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::fault::Fault;
use crate::together::{by_halves, placeholders};
use crate::{DatabaseError, Ledger, LedgerError, Row, Transaction, Value};

pub use history::{BatchFilter, BatchRecord, BatchState};

/// Names of one statement.
const MOST_NAMES: usize = 256;

/// Rows that are forgotten by one statement.
const FORGOTTEN: i64 = 5_000;

/// How often a commit that met another is tried before it counts as a conflict.
const TRIES: u32 = 5;

/// A batch that lies where it is staged.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// Its name.
    pub id: &'a str,
    /// Its stream.
    pub stream: &'a str,
    /// The bucket of its object.
    pub bucket: &'a str,
    /// The key of its object.
    pub key: &'a str,
    /// The bucket it is staged in.
    pub staged_bucket: &'a str,
    /// The key it is staged under.
    pub staged_key: &'a str,
    /// The names of its messages: each has one or several, and none is there twice.
    pub names: &'a [&'a str],
    /// Messages.
    pub messages: u64,
    /// Bytes of the object.
    pub bytes: u64,
    /// When its first message came.
    pub opened_at: DateTime<Utc>,
    /// From when on it need not be known any more whose the messages are.
    pub forget_at: DateTime<Utc>,
}

/// What came of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The messages are the batch's.
    Committed,
    /// Some were another batch's before, and nothing was changed: batches by the
    /// names of those.
    Met(BTreeMap<String, String>),
}

impl Ledger {
    /// Makes messages a batch's, if they are nobody's.
    ///
    /// # Errors
    /// [`LedgerError::Database`]. If the answer got lost, the batch may or may not
    /// be committed: [`Ledger::collected`] tells.
    pub async fn commit_batch(&self, batch: &Batch<'_>) -> Result<Recorded, LedgerError> {
        // Batches that share messages wait for each other instead of deadlocking.
        let mut names = batch.names.to_vec();
        names.sort_unstable();
        let mut tries = 0;
        loop {
            tries += 1;
            let mut transaction = self.database.begin().await?;
            let met = owners(&mut transaction, &names).await?;
            if !met.is_empty() {
                transaction.rollback().await?;
                return Ok(Recorded::Met(met));
            }
            if claim(&mut transaction, batch, &names).await? {
                insert(&mut transaction, batch).await?;
                transaction.commit().await?;
                return Ok(Recorded::Committed);
            }
            transaction.rollback().await?;
            if tries == TRIES {
                let why = "another batch is taking the same messages";
                return Err(DatabaseError::new(Fault::Conflict, self.database.name(), why).into());
            }
        }
    }

    /// Whose messages are, as far as they were collected: batches by the messages'
    /// names.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn collected(&self, names: &[&str]) -> Result<BTreeMap<String, String>, LedgerError> {
        let mut found = BTreeMap::new();
        for names in by_halves(names, MOST_NAMES) {
            let (sql, values) = owners_of(names);
            read_owners(&self.database.fetch_all(&sql, &values).await?, &mut found)?;
        }
        Ok(found)
    }

    /// Says that a batch's object is there. Again is fine.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn batch_published(&self, id: &str) -> Result<(), LedgerError> {
        let sql = "UPDATE millrace_batches SET state = 'published', published_at = $1 \
                   WHERE batch_id = $2 AND state = 'committed'";
        let values: [Value; 2] = [Utc::now().into(), id.into()];
        self.database.execute(sql, &values).await?;
        Ok(())
    }

    /// Forgets the messages whose time has come; answers how many names these were.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn forget_collected(&self, now: DateTime<Utc>) -> Result<u64, LedgerError> {
        // MySQL takes no limit in a subquery of `IN`, except in one more.
        let sql = "DELETE FROM millrace_collected WHERE message_key IN (SELECT message_key FROM \
                       (SELECT message_key FROM millrace_collected WHERE forget_at < $1 \
                        ORDER BY forget_at LIMIT $2) AS old)";
        let mut forgotten = 0;
        loop {
            let values: [Value; 2] = [now.into(), FORGOTTEN.into()];
            match self.database.execute(sql, &values).await? {
                0 => return Ok(forgotten),
                rows => forgotten += rows,
            }
        }
    }
}

/// Writes the names down as the batch's; false if another has some of them.
async fn claim(
    transaction: &mut Transaction,
    batch: &Batch<'_>,
    names: &[&str],
) -> Result<bool, LedgerError> {
    let kept = transaction.dialect().on_conflict(&["message_key"], &[]);
    for chunk in by_halves(names, MOST_NAMES) {
        let sql = format!(
            "INSERT INTO millrace_collected (message_key, batch_id, forget_at) VALUES {}{kept}",
            placeholders(chunk.len(), 3, 1)
        );
        let row = |name: &&str| [(*name).into(), batch.id.into(), batch.forget_at.into()];
        let values: Vec<Value> = chunk.iter().flat_map(row).collect();
        transaction.execute(&sql, &values).await?;
    }
    // How many rows an insert counts that met others differs between databases.
    let sql = "SELECT COUNT(*) AS names FROM millrace_collected WHERE batch_id = $1";
    let row = transaction.fetch_optional(sql, &[batch.id.into()]).await?;
    let ours = row.map(|row| row.count("names")).transpose()?.unwrap_or_default();
    Ok(ours == names.len() as u64)
}

async fn insert(transaction: &mut Transaction, batch: &Batch<'_>) -> Result<(), LedgerError> {
    let sql = "INSERT INTO millrace_batches (batch_id, stream_name, state, bucket, object_key, \
                   staged_bucket, staged_key, message_count, byte_count, opened_at, committed_at) \
               VALUES ($1, $2, 'committed', $3, $4, $5, $6, $7, $8, $9, $10)";
    let values: [Value; 10] = [
        batch.id.into(),
        batch.stream.into(),
        batch.bucket.into(),
        batch.key.into(),
        batch.staged_bucket.into(),
        batch.staged_key.into(),
        batch.messages.into(),
        batch.bytes.into(),
        batch.opened_at.into(),
        Utc::now().into(),
    ];
    transaction.execute(sql, &values).await?;
    Ok(())
}

async fn owners(
    transaction: &mut Transaction,
    names: &[&str],
) -> Result<BTreeMap<String, String>, LedgerError> {
    let mut found = BTreeMap::new();
    for names in by_halves(names, MOST_NAMES) {
        let (sql, values) = owners_of(names);
        read_owners(&transaction.fetch_all(&sql, &values).await?, &mut found)?;
    }
    Ok(found)
}

fn owners_of(names: &[&str]) -> (String, Vec<Value>) {
    let sql = format!(
        "SELECT message_key, batch_id FROM millrace_collected WHERE message_key IN {}",
        placeholders(1, names.len(), 1)
    );
    (sql, names.iter().map(|name| Value::from(*name)).collect())
}

fn read_owners(rows: &[Row], found: &mut BTreeMap<String, String>) -> Result<(), LedgerError> {
    for row in rows {
        found.insert(row.get("message_key")?, row.get("batch_id")?);
    }
    Ok(())
}
