//! Merge: rows go into a temporary table, and the pipeline file's own statements
//! take them from there.

use millrace_ledger::DatabaseError;
use sqlx::{AssertSqlSafe, PgConnection};

use super::copy::{Into, copy, statement};
use super::encode::Last;
use super::table::type_name;
use crate::batches::Batches;
use crate::column::{Column, LOAD_ID, quote};
use crate::merge::{STAGE, statements};
use crate::{LoadError, LoadPlan};

/// Writes all rows of a load to the temporary table and runs the statements. The
/// protocol takes one statement at a time, so none hides in another.
pub(super) async fn write(
    connection: &mut PgConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    load_id: i64,
    batches: &mut Batches<'_>,
) -> Result<(), LoadError> {
    let stage = format!("pg_temp.{}", quote(STAGE));
    sqlx::query(AssertSqlSafe(create(&stage, columns)))
        .persistent(false)
        .execute(&mut *connection)
        .await
        .map_err(|error| plan.failed(DatabaseError::of(at, error)))?;
    let last = Last::Constant(load_id);
    let into = Into { statement: statement(&stage, columns, LOAD_ID), columns, last };
    copy(connection, at, plan, &into, batches).await?;
    batches.check_balance(plan)?;
    for statement in statements(plan, &stage) {
        sqlx::query(AssertSqlSafe(statement.sql.clone()))
            .persistent(false)
            .execute(&mut *connection)
            .await
            .map_err(|error| statement.failed(plan, DatabaseError::of(at, error)))?;
    }
    Ok(())
}

/// A table of the dataset's types, gone with the transaction.
fn create(stage: &str, columns: &[Column]) -> String {
    let columns = columns.iter();
    let mut parts: Vec<String> = columns
        .map(|column| format!("{} {}", quote(&column.name), type_name(column.kind)))
        .collect();
    parts.push(format!("{} bigint NOT NULL", quote(LOAD_ID)));
    format!("CREATE TEMPORARY TABLE {stage} ({}) ON COMMIT DROP", parts.join(", "))
}
