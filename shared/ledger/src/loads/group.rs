//! The commit records of several files of one transaction: the same questions, asked
//! once for all of them. What an answer raises doubt about is asked file by file.

use std::collections::{BTreeMap, HashMap, HashSet};

use millrace_contract::LoadTask;

use super::{Verdict, judge, lock_name, record};
use crate::together::{by_halves, placeholders};
use crate::{DatabaseError, Dialect, Fault, Row, Transaction, Value};

/// Rows of one statement.
const MOST_ROWS: usize = 64;

/// What is known of a file of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Whether it may be loaded.
    pub verdict: Verdict,
    /// Whether its key was loaded into the table before, in some version.
    pub key_is_known: bool,
}

/// As [`lock`](super::lock) for several files, each of another key; answers in their order.
/// Locks are taken in the order given, which has to be the same for everybody.
///
/// # Errors
/// [`DatabaseError`], classified.
pub async fn lock_all(
    transaction: &mut Transaction,
    table: &str,
    tasks: &[&LoadTask],
) -> Result<Vec<Judged>, DatabaseError> {
    let names = tasks.iter().map(|task| lock_name(table, task).join("\u{1f}"));
    transaction.lock_all(names).await?;
    let known = known_keys(transaction, table, tasks).await?;
    let mut judged = Vec::with_capacity(tasks.len());
    for task in tasks {
        let key = (task.object.bucket.clone(), task.object.key.clone());
        let key_is_known = known.contains(&key);
        let verdict = match key_is_known || task.replay.is_some() {
            true => judge(transaction, table, task).await?,
            false => Verdict::Load,
        };
        judged.push(Judged { verdict, key_is_known });
    }
    Ok(judged)
}

/// Those of the files' keys, with their bucket, that have a record.
async fn known_keys(
    transaction: &mut Transaction,
    table: &str,
    tasks: &[&LoadTask],
) -> Result<HashSet<(String, String)>, DatabaseError> {
    let mut by_bucket: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for task in tasks {
        by_bucket.entry(&task.object.bucket).or_default().push(&task.object.key);
    }
    let mut known = HashSet::new();
    for (bucket, keys) in by_bucket {
        for keys in by_halves(&keys, MOST_ROWS) {
            let sql = format!(
                "SELECT DISTINCT object_key FROM millrace_loads \
                 WHERE table_name = $1 AND bucket = $2 AND object_key IN {}",
                placeholders(1, keys.len(), 3)
            );
            let names = [table, bucket].into_iter().chain(keys.iter().copied());
            let values: Vec<Value> = names.map(Value::from).collect();
            for row in transaction.fetch_all(&sql, &values).await? {
                known.insert((bucket.to_owned(), row.get("object_key")?));
            }
        }
    }
    Ok(known)
}

/// As [`enter`](super::enter) for several files, each of another key; answers in their order.
///
/// # Errors
/// [`DatabaseError`], classified.
pub async fn enter_all(
    transaction: &mut Transaction,
    table: &str,
    mode: &str,
    tasks: &[&LoadTask],
) -> Result<Vec<i64>, DatabaseError> {
    let mut load_ids = HashMap::new();
    for tasks in by_halves(tasks, MOST_ROWS) {
        let rows: Vec<_> = tasks.iter().map(|task| record(table, mode, task)).collect();
        let insert = format!(
            "INSERT INTO millrace_loads (table_name, bucket, object_key, version, contract, \
                 sequencer_sort, file_id, dataset, mode, row_count, replaced, committed_at, published_at) \
             VALUES {}",
            placeholders(rows.len(), 13, 1)
        );
        let entered = match transaction.dialect() {
            Dialect::Postgres | Dialect::Sqlite => {
                let sql = format!("{insert} RETURNING load_id, file_id");
                transaction.fetch_all(&sql, rows.as_flattened()).await?
            }
            Dialect::MySql => {
                transaction.execute(&insert, rows.as_flattened()).await?;
                entered_last(transaction, table, tasks).await?
            }
        };
        for row in entered {
            load_ids.insert(row.get::<String>("file_id")?, row.get::<i64>("load_id")?);
        }
    }
    let load_id = |task: &&LoadTask| {
        let why = || format!("no load id came back for file `{}`", task.file_id);
        let missing = || DatabaseError::new(Fault::Internal, transaction.name(), why());
        load_ids.get(task.file_id.as_str()).copied().ok_or_else(missing)
    };
    tasks.iter().map(load_id).collect()
}

/// The records of files that were just entered: of each the last one, since a file
/// may have been loaded into the table before.
async fn entered_last(
    transaction: &mut Transaction,
    table: &str,
    tasks: &[&LoadTask],
) -> Result<Vec<Row>, DatabaseError> {
    let sql = format!(
        "SELECT MAX(load_id) AS load_id, file_id FROM millrace_loads \
         WHERE table_name = $1 AND file_id IN {} GROUP BY file_id",
        placeholders(1, tasks.len(), 2)
    );
    let files = tasks.iter().map(|task| Value::from(task.file_id.as_str()));
    let values: Vec<Value> = std::iter::once(table.into()).chain(files).collect();
    transaction.fetch_all(&sql, &values).await
}
