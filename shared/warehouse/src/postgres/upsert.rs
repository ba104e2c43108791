//! Upsert: rows go into a temporary table with their number, and from there,
//! of each key the row that wins, into the target.

use millrace_ledger::DatabaseError;
use sqlx::{AssertSqlSafe, PgConnection};

use super::copy::{Into, copy, statement};
use super::encode::Last;
use crate::batches::Batches;
use crate::column::{Column, Kind, LOAD_ID, quote, quote_all, quote_table};
use crate::{LoadError, LoadPlan};

const STAGE: &str = "millrace_stage";
const ROW: &str = "_millrace_row";
const TARGET: &str = "millrace_target";

/// Writes all rows of a load, replacing those with the same key.
pub(super) async fn write(
    connection: &mut PgConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    load_id: i64,
    batches: &mut Batches<'_>,
) -> Result<(), LoadError> {
    let failed = |error| plan.failed(DatabaseError::of(at, error));
    sqlx::query(AssertSqlSafe(create_stage(plan, columns)))
        .persistent(false)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let into = Into { statement: statement(STAGE, columns, ROW), columns, last: Last::Ordinal };
    copy(connection, at, plan, &into, batches).await?;
    sqlx::query(AssertSqlSafe(merge(plan, columns)))
        .persistent(false)
        .bind(load_id)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// A temporary table of the target's own types, gone with the transaction.
fn create_stage(plan: &LoadPlan<'_>, columns: &[Column]) -> String {
    format!(
        "CREATE TEMPORARY TABLE {STAGE} ON COMMIT DROP AS \
         SELECT {}, CAST(0 AS BIGINT) AS {} FROM {} WITH NO DATA",
        quote_all(columns.iter().map(|column| column.name.as_str())),
        quote(ROW),
        quote_table(plan.target),
    )
}

/// Of each key the row that wins. Rows are written in the order of their key, so
/// that two loads with the same keys wait for each other instead of deadlocking.
fn merge(plan: &LoadPlan<'_>, columns: &[Column]) -> String {
    let key = quote_all(plan.target.key.iter().map(String::as_str));
    let names = quote_all(columns.iter().map(|column| column.name.as_str()));
    let updated: Vec<String> = columns
        .iter()
        .map(|column| column.name.as_str())
        .filter(|name| !plan.target.key.iter().any(|key| key == name))
        .chain([LOAD_ID])
        .map(|name| format!("{0} = excluded.{0}", quote(name)))
        .collect();
    let order = ordering(plan, columns);
    let newest_first = order.as_ref().map_or_else(String::new, |(column, collation)| {
        format!("{column}{collation} DESC NULLS LAST, ")
    });
    let unless_older = order.map_or_else(String::new, |(column, collation)| {
        format!(
            " WHERE excluded.{column}{collation} >= {TARGET}.{column}{collation} \
             OR {TARGET}.{column} IS NULL"
        )
    });
    format!(
        "INSERT INTO {table} AS {TARGET} ({names}, {load_id}) \
         SELECT DISTINCT ON ({key}) {names}, CAST($1 AS BIGINT) FROM {STAGE} \
         ORDER BY {key}, {newest_first}{row} DESC \
         ON CONFLICT ({key}) DO UPDATE SET {updated}{unless_older}",
        table = quote_table(plan.target),
        load_id = quote(LOAD_ID),
        row = quote(ROW),
        updated = updated.join(", "),
    )
}

/// The column that says which row is newer, and how it is compared: texts by
/// their bytes, as everywhere.
fn ordering(plan: &LoadPlan<'_>, columns: &[Column]) -> Option<(String, &'static str)> {
    let name = plan.target.order_by.as_ref()?;
    let column = columns.iter().find(|column| column.name == *name)?;
    let collation = if column.kind == Kind::Text { " COLLATE \"C\"" } else { "" };
    Some((quote(name), collation))
}
