//! Merge: rows go into a temporary table, and the pipeline file's own statements
//! take them from there.

use millrace_ledger::{DatabaseError, Dialect};
use sqlx::{AssertSqlSafe, MySqlConnection};

use super::insert::{self, Into};
use super::table::type_name;
use crate::batches::Batches;
use crate::column::{Column, LOAD_ID, quote};
use crate::merge::{STAGE, statements};
use crate::{LoadError, LoadPlan};

/// Writes all rows of a load to the temporary table and runs the statements. They
/// are prepared, which takes one at a time, and that each changes rows, so that
/// none commits by itself as DDL does, was seen to when the pipeline file was read.
pub(super) async fn write(
    connection: &mut MySqlConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    load_id: i64,
    batches: &mut Batches<'_>,
) -> Result<(), LoadError> {
    let failed = |error| plan.failed(DatabaseError::of(at, error));
    // One may be left from a load that failed: it is the connection's.
    super::run(connection, &drop_stage()).await.map_err(failed)?;
    super::run(connection, &create(columns)).await.map_err(failed)?;
    let into = Into { table: STAGE, columns, load_id: Some(load_id) };
    insert::write(connection, at, plan, into, batches).await?;
    batches.check_balance(plan)?;
    for statement in statements(plan, &quote(STAGE)) {
        sqlx::query(AssertSqlSafe(statement.sql.clone()))
            .persistent(false)
            .execute(&mut *connection)
            .await
            .map_err(|error| statement.failed(plan, DatabaseError::of(at, error)))?;
    }
    super::run(connection, &drop_stage()).await.map_err(failed)
}

fn drop_stage() -> String {
    format!("DROP TEMPORARY TABLE IF EXISTS {}", quote(STAGE))
}

/// A table of the dataset's types.
fn create(columns: &[Column]) -> String {
    let mut parts: Vec<String> = columns
        .iter()
        .map(|column| format!("{} {}", quote(&column.name), type_name(column)))
        .collect();
    parts.push(format!("{} BIGINT NOT NULL", quote(LOAD_ID)));
    let (stage, options) = (quote(STAGE), Dialect::MySql.table_options());
    format!("CREATE TEMPORARY TABLE {stage} ({}){options}", parts.join(", "))
}
