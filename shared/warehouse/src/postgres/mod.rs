//! PostgreSQL: rows by binary `COPY`, straight into the table, or through a
//! temporary one where they have to meet the rows that are there.

mod copy;
mod encode;
mod merge;
pub(crate) mod numeric;
pub(crate) mod table;
mod upsert;
pub(crate) mod widen;

use millrace_contract::LoadMode;
use sqlx::PgConnection;

use crate::batches::Batches;
use crate::column::Column;
use crate::group::Part;
use crate::{LoadError, LoadPlan};

/// Writes all rows of a load.
pub(crate) async fn write(
    connection: &mut PgConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    load_id: i64,
    batches: &mut Batches<'_>,
) -> Result<(), LoadError> {
    match plan.target.mode {
        LoadMode::Append | LoadMode::ReplaceFile | LoadMode::ReplaceTable => {
            copy::copy(connection, at, plan, &copy::Into::table(plan, columns, load_id), batches)
                .await
        }
        LoadMode::Upsert => upsert::write(connection, at, plan, columns, load_id, batches).await,
        LoadMode::Merge => merge::write(connection, at, plan, columns, load_id, batches).await,
    }
}

/// Writes the rows of several small files, which nothing but their load tells
/// apart.
pub(crate) async fn write_together(
    connection: &mut PgConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    parts: &[Part<'_>],
) -> Result<(), LoadError> {
    copy::copy_parts(connection, at, plan, columns, parts).await
}
