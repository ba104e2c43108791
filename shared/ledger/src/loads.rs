//! The commit record: one row per load, in the warehouse's own database, written
//! in the transaction that writes the rows.
//!
//! Who holds the lock of [`lock`] and finds [`Verdict::Load`] is the only one
//! who can commit this version of this key to this table.

use chrono::{DateTime, Utc};
use millrace_contract::{FileId, LoadTask, ObjectVersion};

use crate::migrate::{Migration, migrate};
use crate::{Database, DatabaseError, Dialect, Row, Transaction, Value};

const LOADS: &[Migration] = &[Migration {
    version: 1,
    name: "loads",
    sql: include_str!("../migrations/loads_001.sql"),
    mysql: include_str!("../migrations/mysql/loads_001.sql"),
}];

/// Brings the commit record's table up to date.
///
/// # Errors
/// [`DatabaseError`], classified.
pub async fn open(database: &Database) -> Result<(), DatabaseError> {
    migrate(database, "loads", LOADS).await
}

/// Whether a file may still be loaded into a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody did it yet.
    Load,
    /// It was committed before.
    Already {
        /// Rows committed.
        rows: u64,
        /// When.
        committed_at: DateTime<Utc>,
    },
    /// A version of the key with a newer sequencer was committed before.
    Superseded {
        /// That version.
        by: FileId,
    },
}

/// Waits for any other load of the same key into the same table, then judges.
/// The lock is held until the transaction ends.
///
/// # Errors
/// [`DatabaseError`], classified.
pub async fn lock(
    transaction: &mut Transaction,
    table: &str,
    task: &LoadTask,
) -> Result<Verdict, DatabaseError> {
    let object = &task.object;
    transaction.lock(&["load", table, &object.bucket, &object.key]).await?;
    if let Some(row) = committed(transaction, table, task).await? {
        return Ok(Verdict::Already {
            rows: row.count("row_count")?,
            committed_at: row.get("committed_at")?,
        });
    }
    match newer(transaction, table, object).await? {
        Some(row) => {
            Ok(Verdict::Superseded { by: FileId::from_text(row.get::<String>("file_id")?) })
        }
        None => Ok(Verdict::Load),
    }
}

async fn committed(
    transaction: &mut Transaction,
    table: &str,
    task: &LoadTask,
) -> Result<Option<Row>, DatabaseError> {
    let sql = "SELECT row_count, committed_at FROM millrace_loads WHERE table_name = $1 \
               AND bucket = $2 AND object_key = $3 AND version = $4 AND contract = $5";
    let [table, bucket, key] = place(table, &task.object);
    let version = version(&task.object).into();
    let values = [table, bucket, key, version, task.contract.as_str().into()];
    transaction.fetch_optional(sql, &values).await
}

async fn newer(
    transaction: &mut Transaction,
    table: &str,
    object: &ObjectVersion,
) -> Result<Option<Row>, DatabaseError> {
    let Some(sequencer) = &object.sequencer else {
        return Ok(None);
    };
    let sql = "SELECT file_id FROM millrace_loads WHERE table_name = $1 AND bucket = $2 \
               AND object_key = $3 AND sequencer_sort > $4 ORDER BY sequencer_sort DESC LIMIT 1";
    let [table, bucket, key] = place(table, object);
    transaction.fetch_optional(sql, &[table, bucket, key, sequencer.sort_key().into()]).await
}

/// Enters the commit record and names it: the `_load_id` of the rows. Its row
/// count is the file's row balance.
///
/// # Errors
/// [`DatabaseError`], classified.
pub async fn enter(
    transaction: &mut Transaction,
    table: &str,
    mode: &str,
    task: &LoadTask,
) -> Result<i64, DatabaseError> {
    let object = &task.object;
    let [table, bucket, key] = place(table, object);
    let values: [Value; 11] = [
        table,
        bucket,
        key,
        version(object).into(),
        task.contract.as_str().into(),
        object.sequencer.as_ref().map(|sequencer| sequencer.sort_key()).into(),
        task.file_id.as_str().into(),
        task.dataset.as_str().into(),
        mode.into(),
        task.balance.written.into(),
        Utc::now().into(),
    ];
    let sql = "INSERT INTO millrace_loads (table_name, bucket, object_key, version, contract, \
                   sequencer_sort, file_id, dataset, mode, row_count, replaced, committed_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11)";
    let row = match transaction.dialect() {
        Dialect::Postgres | Dialect::Sqlite => {
            transaction.fetch_optional(&format!("{sql} RETURNING load_id"), &values).await?
        }
        Dialect::MySql => {
            transaction.execute(sql, &values).await?;
            let entered = "SELECT CAST(LAST_INSERT_ID() AS SIGNED) AS load_id";
            transaction.fetch_optional(entered, &[]).await?
        }
    };
    row.map_or(Ok(0), |row| row.get("load_id"))
}

/// Loads of the same key into the same table whose rows are still there, other
/// than `load_id`: of every version, or of this one only (under an earlier
/// contract).
///
/// # Errors
/// [`DatabaseError`], classified.
pub async fn older(
    transaction: &mut Transaction,
    load_id: i64,
    table: &str,
    object: &ObjectVersion,
    this_version_only: bool,
) -> Result<Vec<i64>, DatabaseError> {
    let every = "SELECT load_id FROM millrace_loads WHERE table_name = $1 AND bucket = $2 \
                 AND object_key = $3 AND load_id <> $4 AND replaced_by IS NULL ORDER BY load_id";
    let same = "SELECT load_id FROM millrace_loads WHERE table_name = $1 AND bucket = $2 \
                AND object_key = $3 AND load_id <> $4 AND replaced_by IS NULL AND version = $5 \
                ORDER BY load_id";
    let [table, bucket, key] = place(table, object);
    let mut values = vec![table, bucket, key, load_id.into()];
    let sql = if this_version_only {
        values.push(version(object).into());
        same
    } else {
        every
    };
    let rows = transaction.fetch_all(sql, &values).await?;
    rows.iter().map(|row| row.get("load_id")).collect()
}

/// Records that the rows of `older` left for `load_id`.
///
/// # Errors
/// [`DatabaseError`], classified.
pub async fn replace(
    transaction: &mut Transaction,
    load_id: i64,
    older: i64,
    rows: u64,
) -> Result<(), DatabaseError> {
    let leave = "UPDATE millrace_loads SET replaced_by = $1 WHERE load_id = $2";
    transaction.execute(leave, &[load_id.into(), older.into()]).await?;
    let count = "UPDATE millrace_loads SET replaced = replaced + $2 WHERE load_id = $1";
    transaction.execute(count, &[load_id.into(), rows.into()]).await?;
    Ok(())
}

/// What loads brought to one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableTotal {
    /// Table name.
    pub table: String,
    /// Loads committed.
    pub loads: u64,
    /// Rows they brought, without those that left for newer versions of their
    /// files. With upsert, rows that met their key are counted each time.
    pub rows: u64,
    /// When the last of them was committed.
    pub last_committed_at: DateTime<Utc>,
}

/// What loads brought, table by table.
///
/// # Errors
/// [`DatabaseError`], classified.
pub async fn table_totals(database: &Database) -> Result<Vec<TableTotal>, DatabaseError> {
    let sql = format!(
        "SELECT table_name, COUNT(*) AS loads, MAX(committed_at) AS last_committed_at, \
             CAST(SUM(CASE WHEN replaced_by IS NULL THEN row_count ELSE 0 END) AS {}) \
                 AS row_count \
         FROM millrace_loads GROUP BY table_name ORDER BY table_name",
        database.dialect().bigint()
    );
    let rows = database.fetch_all(&sql, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(TableTotal {
                table: row.get("table_name")?,
                loads: row.count("loads")?,
                rows: row.count("row_count")?,
                last_committed_at: row.get("last_committed_at")?,
            })
        })
        .collect()
}

fn place(table: &str, object: &ObjectVersion) -> [Value; 3] {
    [table.into(), object.bucket.as_str().into(), object.key.as_str().into()]
}

/// What names the version: as in [`FileId`], the version id, or else the ETag
/// with the sequencer, since a key may go back to content it had before.
fn version(object: &ObjectVersion) -> String {
    match (&object.version_id, &object.sequencer) {
        (Some(id), _) => format!("version {id}"),
        (None, Some(sequencer)) => format!("etag {} {}", object.etag, sequencer.sort_key()),
        (None, None) => format!("etag {}", object.etag),
    }
}
