//! Objects of the lake that others were joined into.
//!
//! A placement says in which object the rows of an output lie. There is one for every
//! output at most, so that however many workers join at once, a reader finds every row
//! once: where two have joined the same output, the later placement holds, and the
//! rows in the other object are nobody's.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use millrace_contract::{FileId, JoinedId};

use crate::together::{by_halves, placeholders};
use crate::{Ledger, LedgerError, Transaction, Value};

/// Rows of one statement.
const MOST_ROWS: usize = 64;

/// An object that others were joined into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Follows from what was joined.
    pub id: JoinedId,
    /// Dataset.
    pub dataset: String,
    /// Bucket.
    pub bucket: String,
    /// Object key.
    pub key: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it was made of, in the order of its rows.
    pub parts: Vec<Part>,
}

/// The rows of an output in a joined object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The file.
    pub file_id: FileId,
    /// Which of its outputs, from 0.
    pub output: u64,
    /// Where its rows begin.
    pub first_row: u64,
    /// The object that they were read from.
    pub from: String,
}

impl Ledger {
    /// Has a joined object, which is durable, stand in for what it was made of: all
    /// of it from one moment on. Again is fine.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn put_joined(&self, joined: &Joined) -> Result<(), LedgerError> {
        let now = Utc::now();
        let mut transaction = self.database.begin().await?;
        transaction.lock(&["joined", &joined.dataset]).await?;
        insert(&mut transaction, joined, now).await?;
        leave(&mut transaction, joined, now).await?;
        for parts in by_halves(&joined.parts, MOST_ROWS) {
            let taken = ["joined_id", "first_row", "placed_at"];
            let met = transaction.dialect().on_conflict(&["file_id", "output_number"], &taken);
            let sql = format!(
                "INSERT INTO millrace_placements \
                     (file_id, output_number, joined_id, first_row, placed_at) VALUES {}{met}",
                placeholders(parts.len(), 5, 1)
            );
            let row = |part: &Part| -> [Value; 5] {
                let id = joined.id.as_str().into();
                let (file, output) = (part.file_id.as_str().into(), part.output.into());
                [file, output, id, part.first_row.into(), now.into()]
            };
            let values: Vec<[Value; 5]> = parts.iter().map(row).collect();
            transaction.execute(&sql, values.as_flattened()).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// How many rows the objects have that outputs of a dataset were joined into, by
    /// bucket and key.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn joined_rows(
        &self,
        dataset: &str,
    ) -> Result<HashMap<(String, String), u64>, LedgerError> {
        let sql = "SELECT bucket, object_key, row_count FROM millrace_joined WHERE dataset = $1";
        let mut rows = HashMap::new();
        for row in self.database.fetch_all(sql, &[dataset.into()]).await? {
            rows.insert((row.get("bucket")?, row.get("object_key")?), row.count("row_count")?);
        }
        Ok(rows)
    }

    /// Of these joined objects, those that nobody needs to keep: that were never put
    /// on record, or whose rows were all joined anew before `before`, or have no file
    /// any more.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn left_objects(
        &self,
        ids: &[JoinedId],
        before: DateTime<Utc>,
    ) -> Result<Vec<JoinedId>, LedgerError> {
        let mut needed: Vec<String> = Vec::new();
        for ids in by_halves(ids, MOST_ROWS) {
            let sql = format!(
                "SELECT joined_id FROM millrace_joined WHERE left_at >= $1 AND joined_id IN {}",
                placeholders(1, ids.len(), 2)
            );
            let names = ids.iter().map(|id| Value::from(id.as_str()));
            let values: Vec<Value> = std::iter::once(before.into()).chain(names).collect();
            for row in self.database.fetch_all(&sql, &values).await? {
                needed.push(row.get("joined_id")?);
            }
        }
        Ok(ids.iter().filter(|id| !needed.iter().any(|one| one == id.as_str())).cloned().collect())
    }
}

async fn insert(
    transaction: &mut Transaction,
    joined: &Joined,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let met = transaction.dialect().on_conflict(&["joined_id"], &["row_count", "byte_count"]);
    let sql = format!(
        "INSERT INTO millrace_joined (joined_id, dataset, bucket, object_key, row_count, \
             byte_count, part_count, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8){met}"
    );
    let values: [Value; 8] = [
        joined.id.as_str().into(),
        joined.dataset.as_str().into(),
        joined.bucket.as_str().into(),
        joined.key.as_str().into(),
        joined.rows.into(),
        joined.bytes.into(),
        (joined.parts.len() as u64).into(),
        now.into(),
    ];
    transaction.execute(&sql, &values).await?;
    Ok(())
}

/// Marks the joined objects that rows leave for this one.
async fn leave(
    transaction: &mut Transaction,
    joined: &Joined,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let mut from: Vec<&str> = joined.parts.iter().map(|part| part.from.as_str()).collect();
    from.sort_unstable();
    from.dedup();
    for keys in by_halves(&from, MOST_ROWS) {
        let sql = format!(
            "UPDATE millrace_joined SET left_at = $1 \
             WHERE dataset = $2 AND joined_id <> $3 AND object_key IN {}",
            placeholders(1, keys.len(), 4)
        );
        let first: [Value; 3] =
            [now.into(), joined.dataset.as_str().into(), joined.id.as_str().into()];
        let keys = keys.iter().map(|key| Value::from(*key));
        let values: Vec<Value> = first.into_iter().chain(keys).collect();
        transaction.execute(&sql, &values).await?;
    }
    Ok(())
}
