//! MySQL and MariaDB: rows by prepared multi-row `INSERT`s, straight into the
//! table, or through a temporary one where they have to meet the rows that are
//! there.

mod bind;
mod insert;
pub(crate) mod table;
mod upsert;
pub(crate) mod widen;

use millrace_contract::LoadMode;
use sqlx::MySqlConnection;

use crate::batches::Batches;
use crate::column::Column;
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
        LoadMode::Append | LoadMode::ReplaceFile => {
            let into = insert::Into { table: &plan.target.table, columns, load_id: Some(load_id) };
            insert::write(connection, at, plan, into, batches).await
        }
        LoadMode::Upsert => upsert::write(connection, at, plan, columns, load_id, batches).await,
    }
}
