//! The commit record: one row per load, in the warehouse's own database, written
//! in the transaction that writes the rows.
//!
//! Who holds the lock of [`lock`] and finds [`Verdict::Load`] is the only one
//! who can commit this version of this key to this table.

mod group;
mod whole_table;

use chrono::{DateTime, Utc};
use millrace_contract::{FileId, LoadTask, ObjectVersion, Replay, ReplayKind, Sequencer};

use crate::migrate::{Migration, migrate};
use crate::{Database, DatabaseError, Row, Transaction, Value};

pub use group::{Judged, enter_all, lock_all};
pub use whole_table::{lock_table, replace_table};

const LOADS: &[Migration] = &[
    Migration {
        version: 1,
        name: "loads",
        sql: include_str!("../migrations/loads_001.sql"),
        mysql: include_str!("../migrations/mysql/loads_001.sql"),
    },
    Migration {
        version: 2,
        name: "published files and views",
        sql: include_str!("../migrations/loads_002.sql"),
        mysql: include_str!("../migrations/mysql/loads_002.sql"),
    },
];

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
    /// A version of the key with a newer sequencer was committed before, or all
    /// rows of the file that the task is a part of were loaded again.
    Superseded {
        /// The file whose rows are there instead.
        by: FileId,
    },
    /// The rows are a part of a file that was never committed.
    Apart {
        /// That file.
        of: FileId,
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
    transaction.lock(&lock_name(table, task)).await?;
    judge(transaction, table, task).await
}

async fn judge(
    transaction: &mut Transaction,
    table: &str,
    task: &LoadTask,
) -> Result<Verdict, DatabaseError> {
    if let Some(row) = committed(transaction, table, task).await? {
        return Ok(Verdict::Already {
            rows: row.count("row_count")?,
            committed_at: row.get("committed_at")?,
        });
    }
    if let Some(replay) = &task.replay {
        match before(transaction, table, replay.of()).await? {
            Before::There { mode } if mode == "append" => return Ok(Verdict::Load),
            Before::There { .. } => {}
            Before::Replaced { by } => return Ok(Verdict::Superseded { by }),
            Before::Nothing if replay.kind() == ReplayKind::Rejects => {
                return Ok(Verdict::Apart { of: replay.of().clone() });
            }
            Before::Nothing => {}
        }
    }
    match newer(transaction, table, task).await? {
        Some(row) => {
            Ok(Verdict::Superseded { by: FileId::from_text(row.get::<String>("file_id")?) })
        }
        None => Ok(Verdict::Load),
    }
}

/// What is left of the file that a replay goes through again.
enum Before {
    /// Its rows, loaded in this mode. With `append`, those of newer versions of
    /// the key stand beside them.
    There { mode: String },
    /// Another file's rows, which took their place.
    Replaced { by: FileId },
    /// It was never committed.
    Nothing,
}

async fn before(
    transaction: &mut Transaction,
    table: &str,
    of: &FileId,
) -> Result<Before, DatabaseError> {
    let sql = "SELECT m.mode, n.file_id AS newer_file FROM millrace_loads AS m \
               LEFT JOIN millrace_loads AS n ON n.load_id = m.replaced_by \
               WHERE m.file_id = $1 AND m.table_name = $2";
    let row = transaction.fetch_optional(sql, &[of.as_str().into(), table.into()]).await?;
    let Some(row) = row else { return Ok(Before::Nothing) };
    Ok(match row.get::<Option<String>>("newer_file")? {
        Some(by) => Before::Replaced { by: FileId::from_text(by) },
        None => Before::There { mode: row.get("mode")? },
    })
}

fn lock_name<'a>(table: &'a str, task: &'a LoadTask) -> [&'a str; 4] {
    ["load", table, &task.object.bucket, &task.object.key]
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
    let values = [table, bucket, key, version, terms(task).into()];
    transaction.fetch_optional(sql, &values).await
}

/// A load of a newer version of the key.
///
/// Versions that events told of are ordered by their sequencers. One that was found
/// by listing was the newest at a known moment: what was published after it is newer,
/// what was published before it is older.
async fn newer(
    transaction: &mut Transaction,
    table: &str,
    task: &LoadTask,
) -> Result<Option<Row>, DatabaseError> {
    let Some(sequencer) = &task.object.sequencer else {
        return Ok(None);
    };
    let [table, bucket, key] = place(table, &task.object);
    let mut values = vec![table, bucket, key, sequencer.sort_key().into()];
    let condition = match (sequencer.found_at(), task.published_at) {
        (Some(seen_at), _) => {
            values.push(seen_at.into());
            "((sequencer_sort < '0' AND sequencer_sort > $4) \
              OR ((sequencer_sort IS NULL OR sequencer_sort >= '0') AND published_at > $5))"
        }
        (None, Some(published_at)) => {
            values.push(Sequencer::found(published_at).sort_key().into());
            "(sequencer_sort > $4 OR (sequencer_sort < '0' AND sequencer_sort > $5))"
        }
        (None, None) => "sequencer_sort > $4",
    };
    let sql = format!(
        "SELECT file_id FROM millrace_loads WHERE table_name = $1 AND bucket = $2 \
         AND object_key = $3 AND {condition} ORDER BY sequencer_sort DESC, load_id DESC LIMIT 1"
    );
    transaction.fetch_optional(&sql, &values).await
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
    let load_ids = enter_all(transaction, table, mode, &[task]).await?;
    Ok(load_ids.into_iter().next().unwrap_or_default())
}

fn record(table: &str, mode: &str, task: &LoadTask) -> [Value; 13] {
    let object = &task.object;
    let [table, bucket, key] = place(table, object);
    [
        table,
        bucket,
        key,
        version(object).into(),
        terms(task).into(),
        object.sequencer.as_ref().map(|sequencer| sequencer.sort_key()).into(),
        task.file_id.as_str().into(),
        task.dataset.as_str().into(),
        mode.into(),
        task.balance.written.into(),
        0_i64.into(),
        Utc::now().into(),
        task.published_at.into(),
    ]
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

/// One committed load, as lineage shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedLoad {
    /// `_load_id` of the rows.
    pub load_id: i64,
    /// Table name.
    pub table: String,
    /// `append`, `replace_file`, ….
    pub mode: String,
    /// Rows of the file that were sent to the table.
    pub rows: u64,
    /// Rows of older loads that left for it.
    pub replaced: u64,
    /// The load for which its own rows left, if they did.
    pub replaced_by: Option<i64>,
    /// When.
    pub committed_at: DateTime<Utc>,
}

/// What was committed of a file, in the order of the loads: one, or none.
///
/// # Errors
/// [`DatabaseError`], classified.
pub async fn of_file(
    database: &Database,
    file_id: &FileId,
) -> Result<Vec<CommittedLoad>, DatabaseError> {
    let sql = "SELECT load_id, table_name, mode, row_count, replaced, replaced_by, committed_at \
               FROM millrace_loads WHERE file_id = $1 ORDER BY load_id";
    let rows = database.fetch_all(sql, &[file_id.as_str().into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(CommittedLoad {
                load_id: row.get("load_id")?,
                table: row.get("table_name")?,
                mode: row.get("mode")?,
                rows: row.count("row_count")?,
                replaced: row.count("replaced")?,
                replaced_by: row.get("replaced_by")?,
                committed_at: row.get("committed_at")?,
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

/// On what terms a version is loaded, each of which happens once: under its
/// contract, again because that was asked for, or for rejected rows once for all
/// that are listed, whatever contract they pass under at last.
fn terms(task: &LoadTask) -> String {
    match &task.replay {
        None => task.contract.as_str().to_owned(),
        Some(Replay::Whole { .. }) => format!("{} again as {}", task.contract, task.file_id),
        Some(Replay::Rejects { from, .. }) => format!("rejects of {from}"),
    }
}
