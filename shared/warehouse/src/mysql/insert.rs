//! Multi-row `INSERT`s, as large as pays and as the server takes.

use std::ops::Range;

use arrow::record_batch::RecordBatch;
use millrace_ledger::DatabaseError;
use sqlx::mysql::MySqlArguments;
use sqlx::{Arguments, AssertSqlSafe, MySqlConnection};

use super::bind::{bind, size};
use crate::batches::Batches;
use crate::cells::{Cells, cells};
use crate::column::{Column, LOAD_ID, quote, quote_all};
use crate::{LoadError, LoadPlan};

/// The protocol's limit on bound values of one statement.
const MAX_VALUES: usize = 65_535;

/// Rows of one statement. What is left of a batch goes by halves of it, so that
/// each connection prepares a dozen statements for a table and no more.
const MAX_ROWS: usize = 512;

/// Bytes of one statement, beyond which a row begins another. `max_allowed_packet`
/// is 16 MiB in MariaDB, 64 MiB in MySQL, and seldom set to less than 4.
const MAX_BYTES: usize = 1024 * 1024;

/// What is inserted into: a table and its columns.
pub(super) struct Into<'a> {
    pub(super) table: &'a str,
    pub(super) columns: &'a [Column],
    /// What every row carries, unless the rows are on their way elsewhere.
    pub(super) load_id: Option<i64>,
}

/// Inserts all batches.
pub(super) async fn write(
    connection: &mut MySqlConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    into: Into<'_>,
    batches: &mut Batches<'_>,
) -> Result<(), LoadError> {
    let mut insert = Insert::new(connection, at, plan, into);
    let mut next = batches.next().await?;
    while let Some(batch) = next.take() {
        // The next batch is fetched while this one is written.
        let (written, following) = tokio::join!(insert.batch(&batch), batches.next());
        written?;
        next = following?;
    }
    Ok(())
}

/// Inserts rows that are at hand.
pub(super) async fn write_rows(
    connection: &mut MySqlConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    into: Into<'_>,
    rows: &[RecordBatch],
) -> Result<(), LoadError> {
    let mut insert = Insert::new(connection, at, plan, into);
    for batch in rows {
        insert.batch(batch).await?;
    }
    Ok(())
}

impl Into<'_> {
    /// `INSERT INTO … (…) VALUES (?, ?), (?, ?)`.
    fn statement(&self, rows: usize) -> String {
        let load = self.load_id.map(|_| LOAD_ID);
        let names = self.columns.iter().map(|column| column.name.as_str()).chain(load);
        let names: Vec<&str> = names.collect();
        let row = format!("({})", vec!["?"; names.len()].join(", "));
        let rows = vec![row.as_str(); rows].join(", ");
        format!("INSERT INTO {} ({}) VALUES {rows}", quote(self.table), quote_all(names))
    }
}

/// The largest power of two that is not above `count`, which is at least 1.
fn power_of_two(count: usize) -> usize {
    1 << count.ilog2()
}

struct Insert<'a> {
    connection: &'a mut MySqlConnection,
    at: &'a str,
    plan: &'a LoadPlan<'a>,
    into: Into<'a>,
    rows: usize,
    full: String,
}

impl<'a> Insert<'a> {
    fn new(
        connection: &'a mut MySqlConnection,
        at: &'a str,
        plan: &'a LoadPlan<'a>,
        into: Into<'a>,
    ) -> Self {
        let values = into.columns.len() + usize::from(into.load_id.is_some());
        let rows = power_of_two((MAX_VALUES / values.max(1)).clamp(1, MAX_ROWS));
        let full = into.statement(rows);
        Self { connection, at, plan, into, rows, full }
    }

    async fn batch(&mut self, batch: &RecordBatch) -> Result<(), LoadError> {
        let cells = cells(batch, self.into.columns)?;
        let mut row = 0;
        while row < batch.num_rows() {
            let end = self.end(&cells, row..batch.num_rows());
            self.rows(&cells, row..end).await?;
            row = end;
        }
        Ok(())
    }

    /// Where the statement that begins with the first of `rows` ends.
    fn end(&self, cells: &[Cells], rows: Range<usize>) -> usize {
        let most = rows.len().min(self.rows);
        let mut bytes = 0;
        let fitting = (rows.start..rows.start + most).take_while(|row| {
            bytes += cells.iter().map(|cells| size(cells, *row)).sum::<usize>();
            bytes <= MAX_BYTES
        });
        rows.start + power_of_two(fitting.count().max(1))
    }

    async fn rows(&mut self, cells: &[Cells], rows: Range<usize>) -> Result<(), LoadError> {
        let arguments = self.arguments(cells, rows.clone())?;
        let sql = match rows.len() == self.rows {
            true => self.full.clone(),
            false => self.into.statement(rows.len()),
        };
        sqlx::query_with(AssertSqlSafe(sql), arguments)
            .execute(&mut *self.connection)
            .await
            .map_err(|error| self.plan.failed(DatabaseError::of(self.at, error)))?;
        Ok(())
    }

    fn arguments(&self, cells: &[Cells], rows: Range<usize>) -> Result<MySqlArguments, LoadError> {
        let refused = |index: usize, problem: String| LoadError::Value {
            column: self.into.columns.get(index).map_or(LOAD_ID, |column| &column.name).to_owned(),
            problem,
        };
        let mut arguments = MySqlArguments::default();
        arguments.reserve(rows.len() * (cells.len() + 1), rows.len() * cells.len() * 8);
        for row in rows {
            for (index, cells) in cells.iter().enumerate() {
                bind(&mut arguments, cells, row).map_err(|problem| refused(index, problem))?;
            }
            if let Some(load_id) = self.into.load_id {
                arguments.add(load_id).map_err(|error| refused(usize::MAX, error.to_string()))?;
            }
        }
        Ok(arguments)
    }
}
