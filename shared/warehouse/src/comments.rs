//! What tables and columns are for, as the pipeline file describes them: comments
//! where the database has such.

use std::collections::BTreeMap;

use millrace_contract::LoadTarget;
use millrace_ledger::{DatabaseError, Dialect, Transaction};

use crate::LoadPlan;
use crate::column::{Column, quote, quote_table};

/// Has the database say what the pipeline file says. Comments that it says
/// nothing about stay.
///
/// # Errors
/// [`DatabaseError`], classified.
pub(crate) async fn ready(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    columns: &[Column],
) -> Result<(), DatabaseError> {
    match transaction.dialect() {
        Dialect::Postgres => {}
        // MySQL has them in the definitions, where they are made with the table.
        Dialect::MySql | Dialect::Sqlite => return Ok(()),
    }
    let described = columns
        .iter()
        .filter_map(|column| Some((column.name.as_str(), column.description.as_deref()?)));
    let wanted: Vec<(&str, &str)> =
        plan.description.map(|text| ("", text)).into_iter().chain(described).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let existing = describe(transaction, plan.target).await?;
    for (column, text) in wanted {
        if existing.get(column).map(String::as_str) != Some(text) {
            transaction.execute(&statement(plan.target, column, text), &[]).await?;
        }
    }
    Ok(())
}

/// Comments by column; that of the table has no name.
async fn describe(
    transaction: &mut Transaction,
    target: &LoadTarget,
) -> Result<BTreeMap<String, String>, DatabaseError> {
    let sql = "SELECT CAST(COALESCE(a.attname, '') AS TEXT) AS name, d.description \
               FROM pg_catalog.pg_class AS c \
               JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
               JOIN pg_catalog.pg_description AS d ON d.objoid = c.oid \
                   AND d.classoid = CAST('pg_catalog.pg_class' AS REGCLASS) \
               LEFT JOIN pg_catalog.pg_attribute AS a \
                   ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0 \
               WHERE c.relname = CAST($1 AS NAME) AND c.relkind IN ('r', 'p', 'v', 'f') \
                   AND (n.nspname = CAST($2 AS NAME) \
                        OR CAST($2 AS NAME) IS NULL AND pg_catalog.pg_table_is_visible(c.oid))";
    let values = [target.table.as_str().into(), target.schema.as_deref().into()];
    let rows = transaction.fetch_all(sql, &values).await?;
    rows.iter().map(|row| Ok((row.get("name")?, row.get("description")?))).collect()
}

fn statement(target: &LoadTarget, column: &str, text: &str) -> String {
    let table = quote_table(target);
    let of = match column {
        "" => format!("TABLE {table}"),
        column => format!("COLUMN {table}.{}", quote(column)),
    };
    // U+0000 is in no text of PostgreSQL; `E''` and its escapes are not used.
    format!("COMMENT ON {of} IS '{}'", text.replace('\0', "").replace('\'', "''"))
}
