//! The statements that make views, and those that take them out of the way of a
//! table whose columns change.

use millrace_contract::{LoadTarget, View};
use millrace_ledger::{DatabaseError, Dialect, Transaction};

use super::record;
use super::run_all;
use crate::column::quote;

/// Marks where a failed attempt is undone to.
const ATTEMPT: &str = "millrace_view";

/// Makes a view, in the place of what it was before.
///
/// PostgreSQL lets a view be replaced where its columns stay, so that grants and
/// what depends on it stay too; only where they do not it is dropped first.
pub(super) async fn create(
    transaction: &mut Transaction,
    view: &View,
) -> Result<(), DatabaseError> {
    let (name, sql) = (quoted(view), &view.sql);
    let drop = format!("DROP VIEW IF EXISTS {name}");
    let create = format!("CREATE VIEW {name} AS {sql}");
    match transaction.dialect() {
        Dialect::Postgres => {
            let replace = format!("CREATE OR REPLACE VIEW {name} AS {sql}");
            match attempt(transaction, &[replace]).await {
                Err(error) if record::is_about_the_view(&error) => {
                    attempt(transaction, &[drop, create]).await.map_err(|_| error)
                }
                done => done,
            }
        }
        // It commits with every view it makes, so there is nothing to undo to.
        Dialect::MySql => {
            run_all(transaction, &[format!("CREATE OR REPLACE VIEW {name} AS {sql}")]).await
        }
        // It takes any text for a view; that it can be read is asked here.
        Dialect::Sqlite => {
            let read = format!("SELECT 1 AS readable FROM {name} LIMIT 0");
            attempt(transaction, &[drop, create, read]).await
        }
    }
}

/// Runs statements, and undoes them alone if one fails.
async fn attempt(
    transaction: &mut Transaction,
    statements: &[String],
) -> Result<(), DatabaseError> {
    transaction.session().run_script(&format!("SAVEPOINT {ATTEMPT}")).await?;
    let done = run_all(transaction, statements).await;
    let end = match done {
        Ok(()) => format!("RELEASE SAVEPOINT {ATTEMPT}"),
        Err(_) => format!("ROLLBACK TO SAVEPOINT {ATTEMPT}; RELEASE SAVEPOINT {ATTEMPT}"),
    };
    match transaction.session().run_script(&end).await {
        Ok(()) => done,
        Err(broken) => done.and(Err(broken)),
    }
}

/// Whether there is a view of the name.
pub(super) async fn exists(
    transaction: &mut Transaction,
    view: &View,
) -> Result<bool, DatabaseError> {
    let sql = match transaction.dialect() {
        Dialect::Postgres => {
            "SELECT 1 AS found FROM pg_catalog.pg_class AS c \
             JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE c.relname = CAST($1 AS NAME) AND c.relkind = 'v' \
                 AND (n.nspname = CAST($2 AS NAME) \
                      OR CAST($2 AS NAME) IS NULL AND pg_catalog.pg_table_is_visible(c.oid))"
        }
        Dialect::Sqlite => {
            "SELECT 1 AS found FROM sqlite_master \
             WHERE type = 'view' AND name = $1 AND $2 IS NULL"
        }
        Dialect::MySql => {
            "SELECT 1 AS found FROM information_schema.views \
             WHERE table_schema = DATABASE() AND table_name = $1 AND $2 IS NULL"
        }
    };
    let values = [view.name.as_str().into(), view.schema.as_deref().into()];
    Ok(transaction.fetch_optional(sql, &values).await?.is_some())
}

/// Takes views of ours out of the way of a table of which a column changes its
/// type, which no database does under a view; they come back in the same
/// transaction. Views of other people's stay, and the database says so.
///
/// # Errors
/// [`DatabaseError`], classified.
pub(crate) async fn put_away(
    transaction: &mut Transaction,
    target: &LoadTarget,
) -> Result<Vec<View>, DatabaseError> {
    if transaction.dialect() == Dialect::MySql {
        // There no view is in the way.
        return Ok(Vec::new());
    }
    let mut away = record::all_made(transaction).await?;
    if away.is_empty() {
        return Ok(away);
    }
    match transaction.dialect() {
        Dialect::Postgres => {
            let above = above(transaction, target).await?;
            away.retain(|view| above.contains(view));
        }
        // It looks at every view when a table changes.
        Dialect::Sqlite | Dialect::MySql => {}
    }
    let names: Vec<String> = away.iter().map(quoted).collect();
    let statements: Vec<String> = match transaction.dialect() {
        Dialect::Postgres if names.is_empty() => Vec::new(),
        // Together, since they may stand on each other.
        Dialect::Postgres => vec![format!("DROP VIEW {}", names.join(", "))],
        Dialect::Sqlite | Dialect::MySql => {
            names.iter().map(|name| format!("DROP VIEW IF EXISTS {name}")).collect()
        }
    };
    run_all(transaction, &statements).await?;
    Ok(away)
}

/// Makes views again that were put away. One that the changed table does not
/// suit is written down with the reason; the load goes on.
///
/// # Errors
/// [`DatabaseError`] if the database can't be asked.
pub(crate) async fn bring_back(
    transaction: &mut Transaction,
    away: &[View],
) -> Result<(), DatabaseError> {
    for view in away {
        match create(transaction, view).await {
            Ok(()) => {}
            Err(error) if record::is_about_the_view(&error) => {
                record::gone(transaction, view, &error.to_string()).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Views that read from a table, by however many others.
struct Above(Vec<(String, String)>);

impl Above {
    /// A view without a schema is taken to be any of its name.
    fn contains(&self, view: &View) -> bool {
        self.0.iter().any(|(schema, name)| {
            *name == view.name && view.schema.as_ref().is_none_or(|wanted| wanted == schema)
        })
    }
}

async fn above(transaction: &mut Transaction, target: &LoadTarget) -> Result<Above, DatabaseError> {
    let sql = "WITH RECURSIVE above AS ( \
                   SELECT c.oid FROM pg_catalog.pg_class AS c \
                   JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
                   WHERE c.relname = CAST($1 AS NAME) \
                       AND (n.nspname = CAST($2 AS NAME) \
                            OR CAST($2 AS NAME) IS NULL AND pg_catalog.pg_table_is_visible(c.oid)) \
                   UNION \
                   SELECT r.ev_class FROM above AS a \
                   JOIN pg_catalog.pg_depend AS d ON d.refobjid = a.oid \
                       AND d.refclassid = CAST('pg_catalog.pg_class' AS REGCLASS) \
                       AND d.classid = CAST('pg_catalog.pg_rewrite' AS REGCLASS) \
                   JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid \
               ) SELECT CAST(c.relname AS TEXT) AS name, CAST(n.nspname AS TEXT) AS schema \
               FROM above AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.oid \
               JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
               WHERE c.relkind = 'v'";
    let values = [target.table.as_str().into(), target.schema.as_deref().into()];
    let rows = transaction.fetch_all(sql, &values).await?;
    let names = rows.iter().map(|row| Ok((row.get("schema")?, row.get("name")?)));
    Ok(Above(names.collect::<Result<_, DatabaseError>>()?))
}

pub(super) fn quoted(view: &View) -> String {
    match &view.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(&view.name)),
        None => quote(&view.name),
    }
}
