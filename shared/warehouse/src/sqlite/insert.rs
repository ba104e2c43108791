//! Multi-row `INSERT`s, as large as pays.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

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
use crate::group::Part;
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
    let mut insert = Insert::new(connection, at, plan, columns, load_id, into);
    let mut next = batches.next().await?;
    while let Some(batch) = next.take() {
        // The next batch is fetched while this one is written.
        let (written, following) = tokio::join!(insert.batch(&batch), batches.next());
        written?;
        next = following?;
    }
    Ok(())
}

/// Writes the rows of several small files.
pub(crate) async fn write_together(
    connection: &mut SqliteConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    parts: &[Part<'_>],
) -> Result<(), LoadError> {
    let into = Into { table: quote(&plan.target.table), tail: String::new() };
    let mut insert = Insert::new(connection, at, plan, columns, 0, &into);
    for part in parts {
        insert.load_id = part.load_id;
        for batch in part.rows {
            insert.batch(batch).await?;
        }
    }
    Ok(())
}

struct Insert<'a> {
    connection: &'a mut SqliteConnection,
    at: &'a str,
    plan: &'a LoadPlan<'a>,
    columns: &'a [Column],
    load_id: i64,
    into: &'a Into,
    /// Rows of one statement at most.
    most: usize,
    /// Statements by their number of rows.
    statements: HashMap<usize, Arc<str>>,
}

impl<'a> Insert<'a> {
    fn new(
        connection: &'a mut SqliteConnection,
        at: &'a str,
        plan: &'a LoadPlan<'a>,
        columns: &'a [Column],
        load_id: i64,
        into: &'a Into,
    ) -> Self {
        let most = (MAX_VALUES / (columns.len() + 1)).clamp(1, MAX_ROWS);
        let statements = HashMap::new();
        Self { connection, at, plan, columns, load_id, into, most, statements }
    }

    async fn batch(&mut self, batch: &RecordBatch) -> Result<(), LoadError> {
        let cells = cells(batch, self.columns)?;
        let mut row = 0;
        while row < batch.num_rows() {
            let rows = self.rows_of_next(batch.num_rows() - row);
            self.rows(&cells, row..row + rows).await?;
            row += rows;
        }
        Ok(())
    }

    /// What is left after the largest statements is written by halves, so that a
    /// few statements, which the connection keeps prepared, do for every number.
    fn rows_of_next(&self, left: usize) -> usize {
        if left >= self.most { self.most } else { 1 << left.max(1).ilog2() }
    }

    async fn rows(&mut self, cells: &[Cells], rows: Range<usize>) -> Result<(), LoadError> {
        let arguments = self.arguments(cells, rows.clone())?;
        let (into, columns, count) = (self.into, self.columns, rows.len());
        let made = || statement(into, columns, count).into();
        let sql = Arc::clone(self.statements.entry(count).or_insert_with(made));
        sqlx::query_with(AssertSqlSafe(sql), arguments)
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
        arguments.reserve(rows.len() * (cells.len() + 1), 0);
        for row in rows {
            for (index, cells) in cells.iter().enumerate() {
                bind(&mut arguments, cells, row).map_err(|problem| refused(index, problem))?;
            }
            arguments.add(self.load_id).map_err(|error| refused(usize::MAX, error.to_string()))?;
        }
        Ok(arguments)
    }
}

/// `INSERT … VALUES (?, ?, ?), (?, ?, ?)`. The values are not numbered: SQLite would
/// look each number up in a list of all of them, which takes longer than the rows.
fn statement(into: &Into, columns: &[Column], rows: usize) -> String {
    let names = quote_all(columns.iter().map(|column| column.name.as_str()).chain([LOAD_ID]));
    let row = format!("({}?)", "?, ".repeat(columns.len()));
    let values = vec![row.as_str(); rows].join(", ");
    let mut sql = format!("INSERT INTO {} ({names}) VALUES {values}", into.table);
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
