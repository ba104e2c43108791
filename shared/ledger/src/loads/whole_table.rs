//! The commit record of tables that hold one file: which of several keys' files
//! stays.

use millrace_contract::{FileId, LoadTask};

use super::{Verdict, lock, place};
use crate::{DatabaseError, Transaction};

/// As [`lock`], for a table that holds one file: waits for any other load of the
/// table. Of files with different keys the one that was published last stays, of
/// two published at the same time the one with the greater file id; a file whose
/// event did not say when it was published counts as the newest when it arrives.
///
/// # Errors
/// [`DatabaseError`], classified.
pub async fn lock_table(
    transaction: &mut Transaction,
    table: &str,
    task: &LoadTask,
) -> Result<Verdict, DatabaseError> {
    transaction.lock(&["load", table]).await?;
    match lock(transaction, table, task).await? {
        Verdict::Load => {}
        settled
        @ (Verdict::Already { .. } | Verdict::Superseded { .. } | Verdict::Apart { .. }) => {
            return Ok(settled);
        }
    }
    let Some(published_at) = task.published_at else { return Ok(Verdict::Load) };
    let sql = "SELECT file_id FROM millrace_loads WHERE table_name = $1 AND replaced_by IS NULL \
                   AND NOT (bucket = $2 AND object_key = $3) \
                   AND (published_at > $4 OR (published_at = $4 AND file_id > $5)) \
               ORDER BY published_at DESC, file_id DESC LIMIT 1";
    let [table, bucket, key] = place(table, &task.object);
    let values = [table, bucket, key, published_at.into(), task.file_id.as_str().into()];
    match transaction.fetch_optional(sql, &values).await? {
        Some(row) => {
            Ok(Verdict::Superseded { by: FileId::from_text(row.get::<String>("file_id")?) })
        }
        None => Ok(Verdict::Load),
    }
}

/// Records that all rows of a table left for `load_id`.
///
/// # Errors
/// [`DatabaseError`], classified.
pub async fn replace_table(
    transaction: &mut Transaction,
    load_id: i64,
    table: &str,
    rows: u64,
) -> Result<(), DatabaseError> {
    let leave = "UPDATE millrace_loads SET replaced_by = $1 \
                 WHERE table_name = $2 AND load_id <> $1 AND replaced_by IS NULL";
    transaction.execute(leave, &[load_id.into(), table.into()]).await?;
    let count = "UPDATE millrace_loads SET replaced = $2 WHERE load_id = $1";
    transaction.execute(count, &[load_id.into(), rows.into()]).await?;
    Ok(())
}
