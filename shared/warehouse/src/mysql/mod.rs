//! MySQL and MariaDB: rows by prepared multi-row `INSERT`s, straight into the
//! table, or through a temporary one where they have to meet the rows that are
//! there.

mod bind;
mod insert;
mod merge;
pub(crate) mod table;
mod upsert;
pub(crate) mod widen;

use millrace_contract::LoadMode;
use sqlx::{AssertSqlSafe, MySqlConnection};

use crate::batches::Batches;
use crate::column::Column;
use crate::group::Part;
use crate::{LoadError, LoadPlan};

/// Writes all rows of a load.
pub(crate) async fn write(
    connection: &mut MySqlConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    load_id: i64,
    batches: &mut Batches<'_>,
) -> Result<(), LoadError> {
    match plan.target.mode {
        LoadMode::Append | LoadMode::ReplaceFile | LoadMode::ReplaceTable => {
            let into = insert::Into { table: &plan.target.table, columns, load_id: Some(load_id) };
            insert::write(connection, at, plan, into, batches).await
        }
        LoadMode::Upsert => upsert::write(connection, at, plan, columns, load_id, batches).await,
        LoadMode::Merge => merge::write(connection, at, plan, columns, load_id, batches).await,
    }
}

/// Runs a statement of our own that answers nothing.
async fn run(connection: &mut MySqlConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
}

/// Writes the rows of several small files, which nothing but their load tells
/// apart.
pub(crate) async fn write_together(
    connection: &mut MySqlConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    parts: &[Part<'_>],
) -> Result<(), LoadError> {
    for part in parts {
        let load_id = Some(part.load_id);
        let into = insert::Into { table: &plan.target.table, columns, load_id };
        insert::write_rows(connection, at, plan, into, part.rows).await?;
    }
    Ok(())
}
