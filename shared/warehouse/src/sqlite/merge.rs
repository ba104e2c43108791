//! Merge: rows go into a temporary table, and the pipeline file's own statements
//! take them from there.

use millrace_ledger::DatabaseError;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::insert::{Into, insert};
use super::table::type_name;
use crate::batches::Batches;
use crate::column::{Column, LOAD_ID, quote};
use crate::merge::{STAGE, statements};
use crate::{LoadError, LoadPlan};

/// Writes all rows of a load to the temporary table and runs the statements. That
/// each is one statement was seen to when the pipeline file was read.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    load_id: i64,
    batches: &mut Batches<'_>,
) -> Result<(), LoadError> {
    let stage = format!("temp.{}", quote(STAGE));
    run(connection, &create(&stage, columns))
        .await
        .map_err(|error| plan.failed(DatabaseError::of(at, error)))?;
    let into = Into { table: stage.clone(), tail: String::new() };
    insert(connection, at, plan, columns, load_id, &into, batches).await?;
    batches.check_balance(plan)?;
    for statement in statements(plan, &stage) {
        run(connection, &statement.sql)
            .await
            .map_err(|error| statement.failed(plan, DatabaseError::of(at, error)))?;
    }
    // Temporary tables are the connection's, which goes on to other loads.
    run(connection, &format!("DROP TABLE {stage}"))
        .await
        .map_err(|error| plan.failed(DatabaseError::of(at, error)))
}

async fn run(connection: &mut SqliteConnection, sql: &str) -> Result<(), sqlx::Error> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false);
    query.execute(&mut *connection).await.map(drop)
}

fn create(stage: &str, columns: &[Column]) -> String {
    let columns = columns.iter();
    let mut parts: Vec<String> = columns
        .map(|column| format!("{} {}", quote(&column.name), type_name(column.kind)))
        .collect();
    parts.push(format!("{} INTEGER NOT NULL", quote(LOAD_ID)));
    format!("CREATE TEMPORARY TABLE {stage} ({})", parts.join(", "))
}
