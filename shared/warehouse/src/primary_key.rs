//! The table's primary key, where the pipeline file asks for one: made with the
//! table, compared where the table is there.

use millrace_contract::LoadTarget;
use millrace_ledger::{DatabaseError, Dialect, Transaction};

use crate::LoadPlan;
use crate::column::{quote_all, quote_table};
use crate::index::same_columns;

/// Adds the key to a table that moves with its dataset and has none. SQLite
/// can't: there a primary key is made with the table.
///
/// # Errors
/// [`DatabaseError`], classified: rows that are there may not be unique.
pub(crate) async fn add(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
) -> Result<(), DatabaseError> {
    let target = plan.target;
    let can_add = match transaction.dialect() {
        Dialect::Postgres | Dialect::MySql => true,
        Dialect::Sqlite => false,
    };
    if target.primary_key.is_empty() || !can_add || !describe(transaction, target).await?.is_empty()
    {
        return Ok(());
    }
    transaction.lock(&["table", &target.full_name()]).await?;
    if describe(transaction, target).await?.is_empty() {
        transaction.execute(&statement(target), &[]).await?;
    }
    Ok(())
}

/// How the table's primary key differs from the one that is asked for.
///
/// # Errors
/// [`DatabaseError`], classified.
pub(crate) async fn difference(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
) -> Result<Option<String>, DatabaseError> {
    let target = plan.target;
    if target.primary_key.is_empty() {
        return Ok(None);
    }
    let existing = describe(transaction, target).await?;
    if same_columns(&existing, &target.primary_key) {
        return Ok(None);
    }
    let wanted = target.primary_key.join(", ");
    Ok(Some(match (existing.is_empty(), transaction.dialect()) {
        (false, _) => format!(
            "the primary key is ({}) in the table but ({wanted}) in the dataset",
            existing.join(", ")
        ),
        (true, Dialect::Postgres | Dialect::MySql) => {
            format!("the table has no primary key; add it: {}", statement(target))
        }
        (true, Dialect::Sqlite) => format!(
            "the table has no primary key ({wanted}), and {} can't add one; create the table anew",
            Dialect::Sqlite
        ),
    }))
}

fn statement(target: &LoadTarget) -> String {
    let columns = quote_all(target.primary_key.iter().map(String::as_str));
    format!("ALTER TABLE {} ADD PRIMARY KEY ({columns})", quote_table(target))
}

async fn describe(
    transaction: &mut Transaction,
    target: &LoadTarget,
) -> Result<Vec<String>, DatabaseError> {
    let sql = match transaction.dialect() {
        Dialect::Postgres => {
            "SELECT CAST(a.attname AS TEXT) AS name FROM pg_catalog.pg_index AS i \
             JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid \
             JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_attribute AS a \
                 ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) \
             WHERE i.indisprimary AND c.relname = CAST($1 AS NAME) \
                 AND (n.nspname = CAST($2 AS NAME) \
                      OR CAST($2 AS NAME) IS NULL AND pg_catalog.pg_table_is_visible(c.oid))"
        }
        Dialect::Sqlite => {
            "SELECT name FROM pragma_table_info($1) WHERE pk > 0 AND $2 IS NULL ORDER BY pk"
        }
        Dialect::MySql => {
            "SELECT CAST(column_name AS CHAR) AS name FROM information_schema.statistics \
             WHERE table_schema = DATABASE() AND table_name = $1 AND index_name = 'PRIMARY' \
                 AND $2 IS NULL ORDER BY seq_in_index"
        }
    };
    let values = [target.table.as_str().into(), target.schema.as_deref().into()];
    let rows = transaction.fetch_all(sql, &values).await?;
    rows.iter().map(|row| row.get("name")).collect()
}
