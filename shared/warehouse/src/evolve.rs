//! Tables that move with their dataset: columns are added, and types widened,
//! in the transaction that needs them.
//!
//! Nothing is ever narrowed or dropped. A file that is loaded late, under columns
//! that others have widened since, finds a table that is wider than its rows;
//! they are then sent as what the table has.

use millrace_ledger::{DatabaseError, Dialect, Transaction};

use crate::LoadPlan;
use crate::column::{Column, quote, quote_table};
use crate::table::{self, Existing};
use crate::{mysql, postgres, sqlite, views};

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
    transaction.lock(&["table", &plan.target.full_name()]).await?;
    let existing = table::describe(transaction, plan.target).await?;
    let steps = steps(dialect, columns, &existing);
    let widens = steps.iter().any(|step| matches!(step, Step::Widen(..)));
    let away = match widens {
        true => views::put_away(transaction, plan.target).await?,
        false => Vec::new(),
    };
    for step in steps {
        for sql in statements(transaction, plan, &step).await? {
            transaction.execute(&sql, &[]).await?;
        }
    }
    views::bring_back(transaction, &away).await
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
    let table = quote_table(plan.target);
    Ok(match (step, dialect) {
        (Step::Add(column), _) => {
            vec![format!("ALTER TABLE {table} ADD COLUMN {}", table::definition(dialect, column))]
        }
        (Step::Widen(column, wider, _), Dialect::Postgres) => {
            let name = quote(&column.name);
            vec![format!(
                "ALTER TABLE {table} ALTER COLUMN {name} TYPE {wider} USING CAST({name} AS {wider})"
            )]
        }
        (Step::Widen(column, wider, found), Dialect::Sqlite) => {
            sqlite::widen::statements(plan, column, found, wider)
        }
        (Step::Widen(_, wider, found), Dialect::MySql) => {
            mysql::widen::statement(transaction, plan, found, wider).await?.into_iter().collect()
        }
    })
}
