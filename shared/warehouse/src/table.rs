//! The target table: created where it is missing, compared where it is there,
//! with every difference named at once.

use millrace_contract::{LoadMode, LoadTarget, SchemaMode};
use millrace_ledger::{DatabaseError, Dialect, Transaction};

use crate::column::{Column, Kind, LOAD_ID, quote, quote_all, quote_table};
use crate::evolve::{evolve, needs_evolving, wider};
use crate::{
    LoadError, LoadPlan, comments, default, index, mysql, postgres, primary_key, schema, sqlite,
};

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
    let (target, dialect) = (plan.target, transaction.dialect());
    let failed = |source| plan.failed(source);
    let mut existing = describe(transaction, target).await.map_err(failed)?;
    if existing.is_empty() {
        // Whoever else creates it now is waited for, and then it is there.
        transaction.lock(&["table", &target.full_name()]).await.map_err(failed)?;
        existing = describe(transaction, target).await.map_err(failed)?;
    }
    if existing.is_empty() {
        schema::ready(transaction, plan).await?;
        let sql = create(dialect, plan, &columns);
        transaction.execute(&sql, &[]).await.map_err(failed)?;
        index::ready(transaction, plan).await.map_err(failed)?;
        comments::ready(transaction, plan, &columns).await.map_err(failed)?;
        return Ok(columns);
    }
    if target.mode == LoadMode::Merge {
        // Which of its columns are filled is for the statements to say.
        index::ready(transaction, plan).await.map_err(failed)?;
        return Ok(columns);
    }
    if plan.mode == SchemaMode::Evolve && can_evolve(transaction.dialect(), &columns, &existing) {
        evolve(transaction, plan, &columns, &existing).await.map_err(failed)?;
        primary_key::add(transaction, plan).await.map_err(failed)?;
        comments::ready(transaction, plan, &columns).await.map_err(failed)?;
        existing = describe(transaction, target).await.map_err(failed)?;
    }
    let key = primary_key::difference(transaction, plan).await.map_err(failed)?;
    let ready = fit(dialect, plan, columns.clone(), &existing, key)?;
    index::ready(transaction, plan).await.map_err(failed)?;
    // Whoever widens the table from here on waits for the rows. Somebody may
    // have done so a moment ago.
    hold(transaction, target).await.map_err(failed)?;
    let held = describe(transaction, target).await.map_err(failed)?;
    if held == existing { Ok(ready) } else { fit(dialect, plan, columns, &held, None) }
}

/// The columns as the table's types want them, if it is there as the plan needs
/// it: for transactions that may not change a table.
pub(crate) async fn look(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    columns: &[Column],
) -> Result<Option<Vec<Column>>, LoadError> {
    let (target, dialect) = (plan.target, transaction.dialect());
    let failed = |source| plan.failed(source);
    if describe(transaction, target).await.map_err(failed)?.is_empty() {
        return Ok(None);
    }
    hold(transaction, target).await.map_err(failed)?;
    let existing = describe(transaction, target).await.map_err(failed)?;
    if target.mode == LoadMode::Merge {
        // Which of its columns are filled is for the statements to say.
        let ready = index::are_there(transaction, target).await.map_err(failed)?;
        return Ok(ready.then(|| columns.to_vec()));
    }
    let moves = plan.mode == SchemaMode::Evolve && needs_evolving(dialect, columns, &existing);
    if moves || !index::are_there(transaction, target).await.map_err(failed)? {
        return Ok(None);
    }
    let key = primary_key::difference(transaction, plan).await.map_err(failed)?;
    let ready = fit(dialect, plan, columns.to_vec(), &existing, key)?;
    let differences = match (dialect, target.mode) {
        (Dialect::MySql, LoadMode::Upsert) => {
            mysql::table::stray_unique_indexes(transaction, plan).await.map_err(failed)?
        }
        (Dialect::MySql | Dialect::Postgres | Dialect::Sqlite, _) => Vec::new(),
    };
    match differences.is_empty() {
        true => Ok(Some(ready)),
        false => Err(LoadError::Table { table: target.full_name(), differences }),
    }
}

/// Keeps the types of the table's columns as they are until the transaction
/// ends. SQLite needs nothing: whoever writes is alone.
async fn hold(transaction: &mut Transaction, target: &LoadTarget) -> Result<(), DatabaseError> {
    match transaction.dialect() {
        Dialect::Postgres => {
            // Any read of the table keeps ALTER TABLE out.
            let sql = format!("SELECT 1 AS held FROM {} LIMIT 0", quote_table(target));
            transaction.fetch_optional(&sql, &[]).await.map(drop)
        }
        Dialect::MySql => {
            // As for writing, since a reader that begins to write later has to
            // queue behind an ALTER TABLE that waits for it to be gone.
            let sql = format!("SELECT 1 AS held FROM {} LIMIT 0 FOR UPDATE", quote_table(target));
            transaction.fetch_optional(&sql, &[]).await.map(drop)
        }
        Dialect::Sqlite => Ok(()),
    }
}

/// The columns of a table; none if there is no such table.
pub(crate) async fn describe(
    transaction: &mut Transaction,
    target: &LoadTarget,
) -> Result<Vec<Existing>, DatabaseError> {
    match transaction.dialect() {
        Dialect::Postgres => postgres::table::describe(transaction, target).await,
        Dialect::Sqlite => sqlite::table::describe(transaction, &target.table).await,
        Dialect::MySql => mysql::table::describe(transaction, &target.table).await,
    }
}

fn create(dialect: Dialect, plan: &LoadPlan<'_>, columns: &[Column]) -> String {
    let key = &plan.target.primary_key;
    let mut parts: Vec<String> = columns
        .iter()
        .map(|column| {
            let is_key = key.contains(&column.name);
            let not_null = if column.nullable && !is_key { "" } else { " NOT NULL" };
            format!("{}{not_null}", definition(dialect, column))
        })
        .collect();
    parts.push(format!("{} BIGINT NOT NULL", quote(LOAD_ID)));
    if !key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", quote_all(key.iter().map(String::as_str))));
    }
    let (table, options) = (quote_table(plan.target), dialect.table_options());
    let comment = match (dialect, plan.description) {
        (Dialect::MySql, Some(text)) => format!(" COMMENT = {}", default::quoted(text)),
        (Dialect::MySql, None) | (Dialect::Postgres | Dialect::Sqlite, _) => String::new(),
    };
    format!("CREATE TABLE {table} ({}){options}{comment}", parts.join(", "))
}

/// Name, type and default of a new column.
pub(crate) fn definition(dialect: Dialect, column: &Column) -> String {
    let mut definition = format!("{} {}", quote(&column.name), type_name(dialect, column));
    if let Some(text) = &column.default {
        definition.push_str(" DEFAULT ");
        definition.push_str(&default::literal(dialect, column.kind, text));
    }
    if let (Dialect::MySql, Some(text)) = (dialect, &column.description) {
        definition.push_str(" COMMENT ");
        definition.push_str(&default::quoted(text));
    }
    definition
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
    key: Option<String>,
) -> Result<Vec<Column>, LoadError> {
    let table = &quote_table(plan.target);
    let mut differences = Vec::from_iter(key);
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
    Err(LoadError::Table { table: plan.target.full_name(), differences })
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
        default: None,
        description: None,
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
pub(crate) fn same_name(dialect: Dialect, one: &str, other: &str) -> bool {
    match dialect {
        Dialect::Postgres => one == other,
        Dialect::Sqlite | Dialect::MySql => one.eq_ignore_ascii_case(other),
    }
}

fn missing(table: &str, column: &str, type_name: &str) -> String {
    format!(
        "column `{column}` is not in the table; add it: \
         ALTER TABLE {table} ADD COLUMN {} {type_name}",
        quote(column)
    )
}
