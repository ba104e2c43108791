//! The target table: created where it is missing, compared where it is there,
//! with every difference named at once.

use millrace_contract::{LoadMode, LoadTarget, SchemaMode};
use millrace_ledger::{DatabaseError, Dialect, Transaction};

use crate::column::{Column, Kind, LOAD_ID, quote, quote_all};
use crate::evolve::{evolve, needs_evolving, wider};
use crate::{LoadError, LoadPlan, mysql, postgres, sqlite};

/// A column as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Existing {
    pub(crate) name: String,
    /// The type as the database writes it.
    pub(crate) type_name: String,
    /// Whether a row that does not name the column is refused.
    pub(crate) demands_value: bool,
}

/// Makes the table ready and returns the columns as its types want them.
pub(crate) async fn prepare(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    columns: Vec<Column>,
) -> Result<Vec<Column>, LoadError> {
    let table = &plan.target.table;
    let failed = |source| LoadError::Database { table: table.clone(), source };
    let mut existing = describe(transaction, table).await.map_err(failed)?;
    if existing.is_empty() {
        // Whoever else creates it now is waited for, and then it is there.
        transaction.lock(&["table", table]).await.map_err(failed)?;
        existing = describe(transaction, table).await.map_err(failed)?;
    }
    if existing.is_empty() {
        let sql = create(transaction.dialect(), table, &columns);
        transaction.execute(&sql, &[]).await.map_err(failed)?;
        index(transaction, plan).await.map_err(failed)?;
        return Ok(columns);
    }
    if plan.mode == SchemaMode::Evolve && can_evolve(transaction.dialect(), &columns, &existing) {
        evolve(transaction, plan, &columns, &existing).await.map_err(failed)?;
        existing = describe(transaction, table).await.map_err(failed)?;
    }
    let ready = fit(transaction.dialect(), plan, columns.clone(), &existing)?;
    index(transaction, plan).await.map_err(failed)?;
    // Whoever widens the table from here on waits for the rows. Somebody may
    // have done so a moment ago.
    hold(transaction, table).await.map_err(failed)?;
    let held = describe(transaction, table).await.map_err(failed)?;
    if held == existing { Ok(ready) } else { fit(transaction.dialect(), plan, columns, &held) }
}

/// The columns as the table's types want them, if it is there as the plan needs
/// it: for transactions that may not change a table.
pub(crate) async fn look(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    columns: &[Column],
) -> Result<Option<Vec<Column>>, LoadError> {
    let table = &plan.target.table;
    let failed = |source| LoadError::Database { table: table.clone(), source };
    if describe(transaction, table).await.map_err(failed)?.is_empty() {
        return Ok(None);
    }
    hold(transaction, table).await.map_err(failed)?;
    let existing = describe(transaction, table).await.map_err(failed)?;
    let index = index_name(plan.target);
    let indexed = match plan.target.mode {
        LoadMode::Append => true,
        LoadMode::ReplaceFile | LoadMode::Upsert => {
            index_exists(transaction, plan.target, &index).await.map_err(failed)?
        }
    };
    let moves = plan.mode == SchemaMode::Evolve
        && needs_evolving(transaction.dialect(), columns, &existing);
    if !indexed || moves {
        return Ok(None);
    }
    let ready = fit(transaction.dialect(), plan, columns.to_vec(), &existing)?;
    let differences = match (transaction.dialect(), plan.target.mode) {
        (Dialect::MySql, LoadMode::Upsert) => {
            mysql::table::stray_unique_indexes(transaction, plan).await.map_err(failed)?
        }
        (Dialect::MySql, LoadMode::Append | LoadMode::ReplaceFile)
        | (Dialect::Postgres | Dialect::Sqlite, _) => Vec::new(),
    };
    match differences.is_empty() {
        true => Ok(Some(ready)),
        false => Err(LoadError::Table { table: table.clone(), differences }),
    }
}

/// Keeps the types of the table's columns as they are until the transaction
/// ends. SQLite needs nothing: whoever writes is alone.
async fn hold(transaction: &mut Transaction, table: &str) -> Result<(), DatabaseError> {
    match transaction.dialect() {
        Dialect::Postgres => {
            // Any read of the table keeps ALTER TABLE out.
            let sql = format!("SELECT 1 AS held FROM {} LIMIT 0", quote(table));
            transaction.fetch_optional(&sql, &[]).await.map(drop)
        }
        Dialect::MySql => {
            // As for writing, since a reader that begins to write later has to
            // queue behind an ALTER TABLE that waits for it to be gone.
            let sql = format!("SELECT 1 AS held FROM {} LIMIT 0 FOR UPDATE", quote(table));
            transaction.fetch_optional(&sql, &[]).await.map(drop)
        }
        Dialect::Sqlite => Ok(()),
    }
}

/// The columns of a table; none if there is no such table.
pub(crate) async fn describe(
    transaction: &mut Transaction,
    table: &str,
) -> Result<Vec<Existing>, DatabaseError> {
    match transaction.dialect() {
        Dialect::Postgres => postgres::table::describe(transaction, table).await,
        Dialect::Sqlite => sqlite::table::describe(transaction, table).await,
        Dialect::MySql => mysql::table::describe(transaction, table).await,
    }
}

fn create(dialect: Dialect, table: &str, columns: &[Column]) -> String {
    let mut parts: Vec<String> = columns
        .iter()
        .map(|column| {
            let type_name = type_name(dialect, column);
            let not_null = if column.nullable { "" } else { " NOT NULL" };
            format!("{} {type_name}{not_null}", quote(&column.name))
        })
        .collect();
    parts.push(format!("{} BIGINT NOT NULL", quote(LOAD_ID)));
    format!("CREATE TABLE {} ({}){}", quote(table), parts.join(", "), dialect.table_options())
}

/// The type of a new column.
pub(crate) fn type_name(dialect: Dialect, column: &Column) -> String {
    match dialect {
        Dialect::Postgres => postgres::table::type_name(column.kind),
        Dialect::Sqlite => sqlite::table::type_name(column.kind).to_owned(),
        Dialect::MySql => mysql::table::type_name(column),
    }
}

/// Holds the columns against the table's.
fn fit(
    dialect: Dialect,
    plan: &LoadPlan<'_>,
    columns: Vec<Column>,
    existing: &[Existing],
) -> Result<Vec<Column>, LoadError> {
    let table = plan.target.table.as_str();
    let mut differences = Vec::new();
    let mut ready = Vec::with_capacity(columns.len());
    for column in columns {
        match find(dialect, existing, &column.name) {
            None => differences.push(missing(table, &column.name, &type_name(dialect, &column))),
            Some(found) => match fitting(dialect, plan.mode, &column, &found.type_name) {
                Some(fitting) => ready.push(fitting),
                None => differences.push(format!(
                    "column `{}` is `{}` in the table but the dataset has `{}`",
                    column.name,
                    found.type_name,
                    type_name(dialect, &column)
                )),
            },
        }
    }
    match find(dialect, existing, LOAD_ID) {
        None => differences.push(missing(table, LOAD_ID, "BIGINT")),
        Some(found) if !holds_load_id(dialect, &found.type_name) => differences
            .push(format!("column `{LOAD_ID}` is `{}` but must be `bigint`", found.type_name)),
        Some(_) => {}
    }
    for extra in existing.iter().filter(|found| found.demands_value) {
        let known = |name: &str| same_name(dialect, name, &extra.name);
        let wanted = known(LOAD_ID) || ready.iter().any(|column| known(&column.name));
        if !wanted && !differences.iter().any(|text| text.contains(&format!("`{}`", extra.name))) {
            differences.push(format!(
                "the table demands column `{}`, which the dataset does not have; give it a default",
                extra.name
            ));
        }
    }
    if differences.is_empty() {
        return Ok(ready);
    }
    Err(LoadError::Table { table: table.to_owned(), differences })
}

fn fitting(dialect: Dialect, mode: SchemaMode, column: &Column, type_name: &str) -> Option<Column> {
    let kind = match (dialect, mode) {
        (Dialect::Postgres, SchemaMode::Evolve) => postgres::widen::roomy(column.kind, type_name),
        (Dialect::Postgres, SchemaMode::Strict | SchemaMode::Infer) => {
            postgres::table::fitting(column.kind, type_name)
        }
        (Dialect::Sqlite, SchemaMode::Evolve) => sqlite::widen::roomy(column.kind, type_name),
        (Dialect::Sqlite, SchemaMode::Strict | SchemaMode::Infer) => {
            sqlite::table::fits(column.kind, type_name).then_some(column.kind)
        }
        (Dialect::MySql, SchemaMode::Evolve) => mysql::widen::roomy(column.kind, type_name),
        (Dialect::MySql, SchemaMode::Strict | SchemaMode::Infer) => {
            mysql::table::fitting(column.kind, type_name)
        }
    }?;
    Some(Column { kind, ..column.clone() })
}

/// Whether every column can be made to fit. Where changes of a table can't be
/// undone, none is made for a file that will be refused.
fn can_evolve(dialect: Dialect, columns: &[Column], existing: &[Existing]) -> bool {
    let fits = |column: &Column| match find(dialect, existing, &column.name) {
        None => true,
        Some(found) => {
            fitting(dialect, SchemaMode::Evolve, column, &found.type_name).is_some()
                || wider(dialect, column, found).is_some()
        }
    };
    columns.iter().all(fits)
}

fn holds_load_id(dialect: Dialect, type_name: &str) -> bool {
    let column = Column {
        name: LOAD_ID.to_owned(),
        kind: Kind::Int64,
        nullable: false,
        data_type: None,
        key_of: None,
    };
    fitting(dialect, SchemaMode::Strict, &column, type_name)
        .is_some_and(|fitting| fitting.kind == Kind::Int64)
}

/// A column by name.
pub(crate) fn find<'a>(
    dialect: Dialect,
    existing: &'a [Existing],
    name: &str,
) -> Option<&'a Existing> {
    existing.iter().find(|found| same_name(dialect, &found.name, name))
}

/// SQLite and MySQL take letter case for the same, even in quotes.
fn same_name(dialect: Dialect, one: &str, other: &str) -> bool {
    match dialect {
        Dialect::Postgres => one == other,
        Dialect::Sqlite | Dialect::MySql => one.eq_ignore_ascii_case(other),
    }
}

fn missing(table: &str, column: &str, type_name: &str) -> String {
    format!(
        "column `{column}` is not in the table; add it: \
         ALTER TABLE {} ADD COLUMN {} {type_name}",
        quote(table),
        quote(column)
    )
}

/// The index that a mode relies on.
async fn index(transaction: &mut Transaction, plan: &LoadPlan<'_>) -> Result<(), DatabaseError> {
    let target = plan.target;
    let unique = match target.mode {
        LoadMode::Append => return Ok(()),
        LoadMode::ReplaceFile => "",
        LoadMode::Upsert => "UNIQUE ",
    };
    let (table, columns, name) = (quote(&target.table), index_columns(target), index_name(target));
    if index_exists(transaction, target, &name).await? {
        return Ok(());
    }
    transaction.lock(&["table", &target.table]).await?;
    if index_exists(transaction, target, &name).await? {
        return Ok(());
    }
    let sql = format!("CREATE {unique}INDEX {} ON {table} ({columns})", quote(&name));
    transaction.execute(&sql, &[]).await.map(drop)
}

fn index_columns(target: &LoadTarget) -> String {
    match target.mode {
        LoadMode::Append | LoadMode::ReplaceFile => quote(LOAD_ID),
        LoadMode::Upsert => quote_all(target.key.iter().map(String::as_str)),
    }
}

/// The name of the index that a mode relies on: by what it is over, since a name
/// made of names could be too long.
pub(crate) fn index_name(target: &LoadTarget) -> String {
    let over = format!("{} {}", quote(&target.table), index_columns(target));
    format!("millrace_{:016x}", fnv1a(&over))
}

async fn index_exists(
    transaction: &mut Transaction,
    target: &LoadTarget,
    name: &str,
) -> Result<bool, DatabaseError> {
    let mut values = vec![name.into()];
    let sql = match transaction.dialect() {
        Dialect::Postgres => {
            "SELECT 1 AS found FROM pg_catalog.pg_class WHERE relname = CAST($1 AS NAME) \
             AND relkind = 'i' AND pg_catalog.pg_table_is_visible(oid)"
        }
        Dialect::Sqlite => {
            "SELECT 1 AS found FROM sqlite_master WHERE type = 'index' AND name = $1"
        }
        Dialect::MySql => {
            values.push(target.table.as_str().into());
            "SELECT 1 AS found FROM information_schema.statistics \
             WHERE table_schema = DATABASE() AND table_name = $2 AND index_name = $1 LIMIT 1"
        }
    };
    Ok(transaction.fetch_optional(sql, &values).await?.is_some())
}

/// The 64-bit FNV-1a hash, which is the same in every release.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
