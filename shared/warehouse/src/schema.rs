//! Schemas of the database other than the default one.

use millrace_ledger::{Dialect, Transaction};

use crate::column::quote;
use crate::{LoadError, LoadPlan};

/// Makes sure that the schema of a new table is there.
///
/// # Errors
/// [`LoadError::Table`] if it is missing and not to be created.
pub(crate) async fn ready(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
) -> Result<(), LoadError> {
    let Some(schema) = &plan.target.schema else { return Ok(()) };
    let failed = |source| plan.failed(source);
    match transaction.dialect() {
        Dialect::Postgres => {}
        // Refused with the other names.
        Dialect::MySql | Dialect::Sqlite => return Ok(()),
    }
    let found = "SELECT 1 AS found FROM pg_catalog.pg_namespace WHERE nspname = CAST($1 AS NAME)";
    let values = [schema.as_str().into()];
    if transaction.fetch_optional(found, &values).await.map_err(failed)?.is_some() {
        return Ok(());
    }
    if !plan.target.create_schema {
        let difference = format!(
            "there is no schema `{schema}`; create it, or write `create_schema = true`: CREATE \
             SCHEMA {}",
            quote(schema)
        );
        let table = plan.target.full_name();
        return Err(LoadError::Table { table, differences: vec![difference] });
    }
    // Two that create it at once would not both succeed.
    transaction.lock(&["schema", schema]).await.map_err(failed)?;
    let sql = format!("CREATE SCHEMA IF NOT EXISTS {}", quote(schema));
    transaction.execute(&sql, &[]).await.map(drop).map_err(failed)
}
