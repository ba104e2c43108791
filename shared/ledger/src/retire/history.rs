//! Rows about what is over, by age and in batches, so that nobody waits long for a
//! lock.
//!
//! What stays, however old it is: of every key the newest version, with all of the same
//! rank, and versions without a sequencer, by which a redelivered event is known for
//! what it is; files with rows or rejected rows in the lake; what an open failure, a
//! replay or an unchanged version refers to; and the commit records beside the tables.

use chrono::{DateTime, Utc};
use millrace_contract::UpkeepCounts;

use crate::together::{by_halves, placeholders};
use crate::{Ledger, LedgerError, Row, Transaction, Value};

use super::{MOST_ROWS, PAGE};

/// That file `f` is over and a newer version of its key is on record.
const OVER: &str = "f.registered_at < $1 AND f.sequencer_sort IS NOT NULL \
    AND f.state IN ('loaded', 'unchanged', 'superseded', 'skipped', 'failed') \
    AND (f.task IS NULL OR f.lake_removed_at IS NOT NULL) AND f.rejects_key IS NULL \
    AND EXISTS (SELECT 1 FROM millrace_files AS n \
        WHERE n.bucket = f.bucket AND n.object_key = f.object_key AND n.dataset = f.dataset \
          AND n.replay IS NULL AND n.state IN ('transformed', 'loaded') \
          AND n.sequencer_sort > f.sequencer_sort) \
    AND NOT EXISTS (SELECT 1 FROM millrace_files AS u \
        WHERE u.bucket = f.bucket AND u.object_key = f.object_key AND u.dataset = f.dataset \
          AND (u.related_file = f.file_id AND u.state = 'unchanged' \
            OR u.replay_of = f.file_id)) \
    AND NOT EXISTS (SELECT 1 FROM millrace_failures AS x \
        WHERE x.file_id = f.file_id AND x.resolution IS NULL)";

/// A table whose rows go by age.
struct Aged {
    /// What its rows are called in counts.
    name: &'static str,
    table: &'static str,
    key: Key,
    /// Which rows are over.
    over: &'static str,
}

/// The columns that name a row.
enum Key {
    Number(&'static str),
    Texts(&'static [&'static str]),
}

impl Key {
    fn columns(&self) -> &[&'static str] {
        match self {
            Self::Number(column) => std::slice::from_ref(column),
            Self::Texts(columns) => columns,
        }
    }

    /// The values that name a row.
    fn read(&self, row: &Row) -> Result<Vec<Value>, LedgerError> {
        match self {
            Self::Number(column) => Ok(vec![row.get::<i64>(column)?.into()]),
            Self::Texts(columns) => {
                let text = |name: &&str| Ok(row.get::<String>(name)?.into());
                columns.iter().map(text).collect()
            }
        }
    }
}

const TABLES: [Aged; 6] = [
    Aged {
        name: "hops",
        table: "millrace_hops",
        key: Key::Number("hop_id"),
        over: "started_at < $1",
    },
    Aged {
        name: "failures",
        table: "millrace_failures",
        key: Key::Texts(&["queue", "message_id"]),
        over: "resolved_at < $1",
    },
    Aged {
        name: "dlq_actions",
        table: "millrace_dlq_actions",
        key: Key::Number("action_id"),
        over: "acted_at < $1",
    },
    Aged {
        name: "exports",
        table: "millrace_exports",
        key: Key::Texts(&["run_id"]),
        over: "state <> 'running' AND finished_at < $1",
    },
    Aged {
        name: "upkeep",
        table: "millrace_upkeep",
        key: Key::Texts(&["run_id"]),
        over: "state <> 'running' AND finished_at < $1",
    },
    Aged {
        name: "skips",
        table: "millrace_skips",
        key: Key::Texts(&["bucket", "object_key", "reason"]),
        over: "last_seen < $1",
    },
];

impl Ledger {
    /// Removes rows about what was over before `before`; answers how many of which
    /// kind. With `dry_run` they are only counted.
    ///
    /// # Errors
    /// [`LedgerError::Database`]; what was removed before stays removed.
    pub async fn trim_history(
        &self,
        before: DateTime<Utc>,
        dry_run: bool,
    ) -> Result<UpkeepCounts, LedgerError> {
        let mut counts = UpkeepCounts::new();
        counts.insert("files".to_owned(), self.trim_files(before, dry_run).await?);
        for aged in &TABLES {
            let rows = format!("{} WHERE {}", aged.table, aged.over);
            let removed = match dry_run {
                true => self.count_rows(&rows, before).await?,
                false => self.trim_table(aged, before).await?,
            };
            counts.insert(aged.name.to_owned(), removed);
        }
        Ok(counts)
    }

    async fn count_rows(&self, rows: &str, before: DateTime<Utc>) -> Result<u64, LedgerError> {
        let sql = format!("SELECT COUNT(*) AS found FROM {rows}");
        let row = self.database.fetch_optional(&sql, &[before.into()]).await?;
        Ok(row.map_or(Ok(0), |row| row.count("found"))?)
    }

    async fn trim_files(&self, before: DateTime<Utc>, dry_run: bool) -> Result<u64, LedgerError> {
        if dry_run {
            return self.count_rows(&format!("millrace_files AS f WHERE {OVER}"), before).await;
        }
        let sql = format!("SELECT f.file_id FROM millrace_files AS f WHERE {OVER} LIMIT {PAGE}");
        let mut removed = 0;
        loop {
            let rows = self.database.fetch_all(&sql, &[before.into()]).await?;
            let ids = rows.iter().map(|row| row.get::<String>("file_id"));
            let ids: Vec<Value> =
                ids.map(|id| id.map(Value::from)).collect::<Result<Vec<_>, _>>()?;
            if ids.is_empty() {
                return Ok(removed);
            }
            for ids in by_halves(&ids, MOST_ROWS) {
                let mut transaction = self.database.begin().await?;
                remove_files(&mut transaction, ids).await?;
                transaction.commit().await?;
            }
            removed += ids.len() as u64;
        }
    }

    async fn trim_table(&self, aged: &Aged, before: DateTime<Utc>) -> Result<u64, LedgerError> {
        let Aged { table, key, over, .. } = aged;
        let columns = key.columns();
        let names = columns.join(", ");
        let sql = format!("SELECT {names} FROM {table} WHERE {over} LIMIT {PAGE}");
        let mut removed = 0;
        loop {
            let rows = self.database.fetch_all(&sql, &[before.into()]).await?;
            if rows.is_empty() {
                return Ok(removed);
            }
            let found = rows.iter().map(|row| key.read(row));
            let found = found.collect::<Result<Vec<_>, _>>()?;
            for found in by_halves(&found, MOST_ROWS) {
                let sql = format!("DELETE FROM {table} WHERE {}", any_of(columns, found.len()));
                removed += self.database.execute(&sql, &found.concat()).await?;
            }
        }
    }
}

/// `(a = $1 AND b = $2) OR (a = $3 AND b = $4)`.
fn any_of(columns: &[&str], rows: usize) -> String {
    let row = |row: usize| {
        let first = row * columns.len() + 1;
        let column = |(number, name): (usize, &&str)| format!("{name} = ${}", first + number);
        let all: Vec<String> = columns.iter().enumerate().map(column).collect();
        format!("({})", all.join(" AND "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(" OR ")
}

/// Removes files with what is kept about them.
async fn remove_files(transaction: &mut Transaction, ids: &[Value]) -> Result<(), LedgerError> {
    let tables = [
        "millrace_hops",
        "millrace_rejects",
        "millrace_failures",
        "millrace_placements",
        "millrace_files",
    ];
    for table in tables {
        let those = placeholders(1, ids.len(), 1);
        let sql = format!("DELETE FROM {table} WHERE file_id IN {those}");
        transaction.execute(&sql, ids).await?;
    }
    Ok(())
}
