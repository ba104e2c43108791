//! Multi-row `INSERT`s, as large as pays.

use std::fmt::Write;
use std::ops::Range;

use arrow::record_batch::RecordBatch;
use millrace_contract::LoadMode;
use millrace_ledger::DatabaseError;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, SqliteConnection};

use super::bind::bind;
use super::merge;
use crate::batches::Batches;
use crate::cells::{Cells, cells};
use crate::column::{Column, LOAD_ID, quote, quote_all};
use crate::{LoadError, LoadPlan};

/// SQLite's limit on bound values of one statement.
const MAX_VALUES: usize = 32_766;

/// Rows of one statement: more do not make it faster.
const MAX_ROWS: usize = 100;

/// Writes all rows of a load.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    load_id: i64,
    batches: &mut Batches<'_>,
) -> Result<(), LoadError> {
    let tail = match plan.target.mode {
        LoadMode::Append | LoadMode::ReplaceFile | LoadMode::ReplaceTable => String::new(),
        LoadMode::Upsert => on_conflict(plan, columns),
        LoadMode::Merge => {
            return merge::write(connection, at, plan, columns, load_id, batches).await;
        }
    };
    let into = Into { table: quote(&plan.target.table), tail };
    insert(connection, at, plan, columns, load_id, &into, batches).await
}

/// What is inserted into, quoted already, and what comes behind the rows.
pub(super) struct Into {
    pub(super) table: String,
    pub(super) tail: String,
}

/// Inserts all rows.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    load_id: i64,
    into: &Into,
    batches: &mut Batches<'_>,
) -> Result<(), LoadError> {
    // The first value is the load, shared by all rows.
    let rows = ((MAX_VALUES - 1) / columns.len().max(1)).clamp(1, MAX_ROWS);
    let mut insert = Insert {
        connection,
        at,
        plan,
        columns,
        load_id,
        rows,
        into,
        full: statement(into, columns, rows),
    };
    let mut next = batches.next().await?;
    while let Some(batch) = next.take() {
        // The next batch is fetched while this one is written.
        let (written, following) = tokio::join!(insert.batch(&batch), batches.next());
        written?;
        next = following?;
    }
    Ok(())
}

struct Insert<'a> {
    connection: &'a mut SqliteConnection,
    at: &'a str,
    plan: &'a LoadPlan<'a>,
    columns: &'a [Column],
    load_id: i64,
    rows: usize,
    into: &'a Into,
    full: String,
}

impl Insert<'_> {
    async fn batch(&mut self, batch: &RecordBatch) -> Result<(), LoadError> {
        let cells = cells(batch, self.columns)?;
        let mut row = 0;
        while row < batch.num_rows() {
            let end = batch.num_rows().min(row + self.rows);
            self.rows(&cells, row..end).await?;
            row = end;
        }
        Ok(())
    }

    async fn rows(&mut self, cells: &[Cells], rows: Range<usize>) -> Result<(), LoadError> {
        let arguments = self.arguments(cells, rows.clone())?;
        let is_full = rows.len() == self.rows;
        let sql = if is_full {
            self.full.clone()
        } else {
            statement(self.into, self.columns, rows.len())
        };
        sqlx::query_with(AssertSqlSafe(sql), arguments)
            .persistent(is_full)
            .execute(&mut *self.connection)
            .await
            .map_err(|error| self.plan.failed(DatabaseError::of(self.at, error)))?;
        Ok(())
    }

    fn arguments(&self, cells: &[Cells], rows: Range<usize>) -> Result<SqliteArguments, LoadError> {
        let refused = |index: usize, problem: String| LoadError::Value {
            column: self.columns.get(index).map_or(LOAD_ID, |column| &column.name).to_owned(),
            problem,
        };
        let mut arguments = SqliteArguments::default();
        arguments.reserve(1 + rows.len() * cells.len(), 0);
        arguments.add(self.load_id).map_err(|error| refused(usize::MAX, error.to_string()))?;
        for row in rows {
            for (index, cells) in cells.iter().enumerate() {
                bind(&mut arguments, cells, row).map_err(|problem| refused(index, problem))?;
            }
        }
        Ok(arguments)
    }
}

/// `INSERT … VALUES (?2, ?3, ?1), (?4, ?5, ?1)`.
fn statement(into: &Into, columns: &[Column], rows: usize) -> String {
    let names = quote_all(columns.iter().map(|column| column.name.as_str()).chain([LOAD_ID]));
    let mut sql = format!("INSERT INTO {} ({names}) VALUES ", into.table);
    let mut number = 1;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for _ in columns {
            number += 1;
            // Writing to a string does not fail.
            let _ = write!(sql, "?{number}, ");
        }
        sql.push_str("?1)");
    }
    sql.push_str(&into.tail);
    sql
}

/// Rows are written in their order, so the last of a key stays, or the last of
/// those that nothing is newer than.
fn on_conflict(plan: &LoadPlan<'_>, columns: &[Column]) -> String {
    let key = &plan.target.key;
    let updated: Vec<String> = columns
        .iter()
        .map(|column| column.name.as_str())
        .filter(|name| !key.iter().any(|key| key == name))
        .chain([LOAD_ID])
        .map(|name| format!("{0} = excluded.{0}", quote(name)))
        .collect();
    let key = quote_all(key.iter().map(String::as_str));
    let unless_older = plan.target.order_by.as_ref().map_or_else(String::new, |name| {
        let (table, name) = (quote(&plan.target.table), quote(name));
        format!(" WHERE excluded.{name} >= {table}.{name} COLLATE BINARY OR {table}.{name} IS NULL")
    });
    format!(" ON CONFLICT ({key}) DO UPDATE SET {}{unless_older}", updated.join(", "))
}
