//! Rows that leave for new ones, in the transaction that brings those.
//!
//! They are deleted, not swapped by renaming tables or truncated: views, grants
//! and foreign keys stay, and whoever reads meanwhile goes on seeing the old rows
//! until all the new ones are there at once. `design.md` has what that costs.

use millrace_contract::{LoadMode, Replay};
use millrace_ledger::{DatabaseError, Dialect, Transaction, loads};

use crate::LoadPlan;
use crate::column::{LOAD_ID, quote, quote_table};

/// Removes what must leave: of one key its other versions when files replace
/// each other, everything when the table holds one file, and always this same
/// version under an earlier contract, which would otherwise be there twice. For
/// rows that were rejected before none leave: they are added. Returns how many
/// rows left.
///
/// # Errors
/// [`DatabaseError`], classified.
pub(crate) async fn older(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    load_id: i64,
) -> Result<u64, DatabaseError> {
    if let Some(Replay::Rejects { .. }) = plan.task.replay {
        return Ok(0);
    }
    match plan.target.mode {
        LoadMode::Append => files(transaction, plan, load_id, true).await,
        LoadMode::ReplaceFile => files(transaction, plan, load_id, false).await,
        LoadMode::ReplaceTable => everything(transaction, plan, load_id).await,
        LoadMode::Upsert | LoadMode::Merge => Ok(0),
    }
}

async fn files(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    load_id: i64,
    this_version_only: bool,
) -> Result<u64, DatabaseError> {
    let (table, object) = (plan.target.full_name(), &plan.task.object);
    let older = loads::older(transaction, load_id, &table, object, this_version_only).await?;
    let sql = format!("DELETE FROM {} WHERE {} = $1", quote_table(plan.target), quote(LOAD_ID));
    let mut replaced = 0;
    for load in older {
        let rows = transaction.execute(&sql, &[load.into()]).await?;
        loads::replace(transaction, load_id, load, rows).await?;
        replaced += rows;
    }
    Ok(replaced)
}

async fn everything(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    load_id: i64,
) -> Result<u64, DatabaseError> {
    let table = quote_table(plan.target);
    match transaction.dialect() {
        // Readers go on; a writer of somebody else's waits, so that none of its
        // rows slip in between.
        Dialect::Postgres => {
            let lock = format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE");
            transaction.execute(&lock, &[]).await?;
        }
        // Others wait for the table's named lock, or for the rows.
        Dialect::MySql | Dialect::Sqlite => {}
    }
    let replaced = transaction.execute(&format!("DELETE FROM {table}"), &[]).await?;
    loads::replace_table(transaction, load_id, &plan.target.full_name(), replaced).await?;
    Ok(replaced)
}
