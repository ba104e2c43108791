//! Tables that move with their dataset: columns are added, and types widened,
//! in the transaction that needs them.
//!
//! Nothing is ever narrowed or dropped. A file that is loaded late, under columns
//! that others have widened since, finds a table that is wider than its rows;
//! they are then sent as what the table has.

use millrace_ledger::{DatabaseError, Dialect, Transaction};

use crate::LoadPlan;
use crate::column::{Column, quote};
use crate::table::{self, Existing};
use crate::{mysql, postgres, sqlite};

/// One statement's worth of moving.
enum Step<'a> {
    Add(&'a Column),
    /// To this type, from that one.
    Widen(&'a Column, String, &'a Existing),
}

/// Adds the columns that a table lacks and widens those that are too narrow.
/// What can't be done is left for the comparison to name.
///
/// Types are looked at twice: without a lock, since most loads change nothing,
/// and again once nobody else changes the table.
///
/// # Errors
/// [`DatabaseError`], classified.
pub(crate) async fn evolve(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    existing: &[Existing],
) -> Result<(), DatabaseError> {
    let dialect = transaction.dialect();
    if !needs_evolving(dialect, columns, existing) {
        return Ok(());
    }
    let name = &plan.target.table;
    transaction.lock(&["table", name]).await?;
    let existing = table::describe(transaction, name).await?;
    for step in steps(dialect, columns, &existing) {
        for sql in statements(transaction, plan, &step).await? {
            transaction.execute(&sql, &[]).await?;
        }
    }
    Ok(())
}

/// Whether [`evolve`] would change the table.
pub(crate) fn needs_evolving(dialect: Dialect, columns: &[Column], existing: &[Existing]) -> bool {
    !steps(dialect, columns, existing).is_empty()
}

/// The type that a column has to become; none if it takes the values as it is,
/// or if nothing does.
pub(crate) fn wider(dialect: Dialect, column: &Column, found: &Existing) -> Option<String> {
    match dialect {
        Dialect::Postgres => postgres::widen::wider(column.kind, &found.type_name),
        Dialect::Sqlite => sqlite::widen::wider(column.kind, &found.type_name),
        Dialect::MySql => mysql::widen::wider(column, &found.type_name),
    }
}

fn steps<'a>(dialect: Dialect, columns: &'a [Column], existing: &'a [Existing]) -> Vec<Step<'a>> {
    let step = |column: &'a Column| match table::find(dialect, existing, &column.name) {
        None => Some(Step::Add(column)),
        Some(found) => wider(dialect, column, found).map(|wider| Step::Widen(column, wider, found)),
    };
    columns.iter().filter_map(step).collect()
}

async fn statements(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    step: &Step<'_>,
) -> Result<Vec<String>, DatabaseError> {
    let dialect = transaction.dialect();
    let table = quote(&plan.target.table);
    Ok(match (step, dialect) {
        (Step::Add(column), _) => {
            let type_name = table::type_name(dialect, column);
            vec![format!("ALTER TABLE {table} ADD COLUMN {} {type_name}", quote(&column.name))]
        }
        (Step::Widen(column, wider, _), Dialect::Postgres) => {
            let name = quote(&column.name);
            vec![format!(
                "ALTER TABLE {table} ALTER COLUMN {name} TYPE {wider} USING CAST({name} AS {wider})"
            )]
        }
        (Step::Widen(_, wider, found), Dialect::Sqlite) => {
            sqlite::widen::statements(plan, found, wider)
        }
        (Step::Widen(_, wider, found), Dialect::MySql) => {
            mysql::widen::statement(transaction, plan, found, wider).await?.into_iter().collect()
        }
    })
}
