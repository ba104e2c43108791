//! Upsert: rows go into a temporary table, where they are numbered, and from
//! there, in the order of their key, into the target: of rows with one key the
//! last stays, and loads with the same keys wait for each other instead of
//! deadlocking.

use millrace_ledger::DatabaseError;
use sqlx::MySqlConnection;

use super::insert::{self, Into};
use super::run;
use crate::batches::Batches;
use crate::column::{Column, LOAD_ID, quote, quote_all};
use crate::merge::STAGE;
use crate::{LoadError, LoadPlan};

const ROW: &str = "_millrace_row";

/// It is the connection's, not the transaction's; dropping it commits nothing.
const DROP_STAGE: &str = "DROP TEMPORARY TABLE IF EXISTS millrace_stage";

/// Writes all rows of a load, replacing those with the same key.
pub(super) async fn write(
    connection: &mut MySqlConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    load_id: i64,
    batches: &mut Batches<'_>,
) -> Result<(), LoadError> {
    let failed = |error| plan.failed(DatabaseError::of(at, error));
    // One may be left from a load that failed.
    run(connection, DROP_STAGE).await.map_err(failed)?;
    run(connection, &create_stage(plan, columns)).await.map_err(failed)?;
    let into = Into { table: STAGE, columns, load_id: None };
    insert::write(connection, at, plan, into, batches).await?;
    run(connection, &merge(plan, columns, load_id)).await.map_err(failed)?;
    run(connection, DROP_STAGE).await.map_err(failed)
}

/// A temporary table of the target's own types, with the number of each row.
fn create_stage(plan: &LoadPlan<'_>, columns: &[Column]) -> String {
    format!(
        "CREATE TEMPORARY TABLE {STAGE} ({} BIGINT AUTO_INCREMENT PRIMARY KEY) ENGINE = InnoDB \
         AS SELECT {} FROM {} LIMIT 0",
        quote(ROW),
        quote_all(columns.iter().map(|column| column.name.as_str())),
        quote(&plan.target.table),
    )
}

fn merge(plan: &LoadPlan<'_>, columns: &[Column], load_id: i64) -> String {
    let names = quote_all(columns.iter().map(|column| column.name.as_str()));
    let order = plan.target.order_by.as_deref();
    // Assignments count from left to right, so what the others look at comes last.
    let updated: Vec<String> = columns
        .iter()
        .map(|column| column.name.as_str())
        .filter(|name| Some(*name) != order && !plan.target.key.iter().any(|key| key == name))
        .chain([LOAD_ID])
        .chain(order)
        .map(|name| taken(plan, name, order))
        .collect();
    let within = plan.target.key.iter().map(String::as_str).chain(order);
    format!(
        "INSERT INTO {table} ({names}, {load}) SELECT {names}, {load_id} FROM {STAGE} \
         ORDER BY {key}, {row} ON DUPLICATE KEY UPDATE {updated}",
        table = quote(&plan.target.table),
        load = quote(LOAD_ID),
        key = quote_all(within),
        row = quote(ROW),
        updated = updated.join(", "),
    )
}

/// A column takes the new value; with an order only where nothing newer is there,
/// and null is the oldest.
fn taken(plan: &LoadPlan<'_>, name: &str, order: Option<&str>) -> String {
    let (table, name) = (quote(&plan.target.table), quote(name));
    match order.map(quote) {
        None => format!("{name} = VALUES({name})"),
        Some(order) => format!(
            "{name} = IF({table}.{order} IS NULL OR VALUES({order}) >= {table}.{order}, \
                 VALUES({name}), {table}.{name})"
        ),
    }
}
