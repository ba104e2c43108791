//! Versioned migrations, run once, safe with any number of workers starting
//! together.
//!
//! Migrations only ever add. So an older worker runs on a newer database, as it
//! must during a rolling deployment.
//!
//! In PostgreSQL and SQLite a step and its record are one transaction. MySQL
//! commits with every change of a table, so that a step may be cut short there:
//! whoever comes next does it again, and what is there already is passed over.

use chrono::Utc;

use crate::{Database, DatabaseError, Dialect, Fault, Transaction, Value};

/// One step: a number that is never used again, a name, and SQL in the form
/// that [`Dialect::ddl`] fills in. MySQL has its own, since it has no index over
/// texts of any length.
pub(crate) struct Migration {
    pub(crate) version: u32,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
    pub(crate) mysql: &'static str,
}

/// Brings the tables of one set (`journey`, `loads`) up to date.
pub(crate) async fn migrate(
    database: &Database,
    set: &str,
    migrations: &[Migration],
) -> Result<(), DatabaseError> {
    let newest = migrations.iter().map(|step| step.version).max().unwrap_or_default();
    if current(database, set).await? >= newest {
        return Ok(());
    }
    let mut transaction = database.begin().await?;
    transaction.lock(&["millrace_migrations"]).await?;
    transaction.session().run_script(&database.dialect().ddl(MIGRATIONS)).await?;
    let applied = "SELECT COALESCE(MAX(version), 0) AS version FROM millrace_migrations \
                   WHERE migration_set = $1";
    let row = transaction.fetch_optional(applied, &[set.into()]).await?;
    let current = row.map_or(Ok(0), |row| row.count("version"))?;
    for step in migrations.iter().filter(|step| u64::from(step.version) > current) {
        apply(&mut transaction, step).await?;
        let values: [Value; 4] =
            [set.into(), step.version.into(), step.name.into(), Utc::now().into()];
        let record = "INSERT INTO millrace_migrations (migration_set, version, name, applied_at) \
                      VALUES ($1, $2, $3, $4)";
        transaction.execute(record, &values).await?;
    }
    transaction.commit().await
}

async fn apply(transaction: &mut Transaction, step: &Migration) -> Result<(), DatabaseError> {
    let dialect = transaction.dialect();
    match dialect {
        Dialect::Postgres | Dialect::Sqlite => {
            transaction.session().run_script(&dialect.ddl(step.sql)).await
        }
        Dialect::MySql => {
            for statement in statements(&dialect.ddl(step.mysql)) {
                match transaction.session().run_script(statement).await {
                    Err(error) if error.fault() == Fault::Exists => {}
                    done => done?,
                }
            }
            Ok(())
        }
    }
}

/// The statements of a script, each of which ends with a line that ends in `;`.
fn statements(script: &str) -> impl Iterator<Item = &str> {
    script.split(";\n").filter(|statement| !statement.trim().is_empty())
}

const MIGRATIONS: &str = "
CREATE TABLE IF NOT EXISTS millrace_migrations (
    migration_set {name} NOT NULL, -- which tables: journey or loads
    version       BIGINT NOT NULL,
    name          {text} NOT NULL,
    applied_at    {time} NOT NULL,
    PRIMARY KEY (migration_set, version)
){table}";

/// The newest version applied, without taking any lock: 0 if there is none.
async fn current(database: &Database, set: &str) -> Result<u32, DatabaseError> {
    let known = match database.dialect() {
        Dialect::Postgres => {
            "SELECT 1 AS found WHERE to_regclass('millrace_migrations') IS NOT NULL"
        }
        Dialect::Sqlite => {
            "SELECT 1 AS found FROM sqlite_master WHERE name = 'millrace_migrations'"
        }
        Dialect::MySql => {
            "SELECT 1 AS found FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name = 'millrace_migrations'"
        }
    };
    if database.fetch_optional(known, &[]).await?.is_none() {
        return Ok(0);
    }
    let sql = "SELECT COALESCE(MAX(version), 0) AS version FROM millrace_migrations \
               WHERE migration_set = $1";
    let row = database.fetch_optional(sql, &[set.into()]).await?;
    let version = row.map_or(Ok(0), |row| row.count("version"))?;
    Ok(u32::try_from(version).unwrap_or(u32::MAX))
}
