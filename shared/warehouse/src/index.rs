//! Indexes: those that a mode relies on and those that the pipeline file asks
//! for, made with the table or when they are first wanted.

use millrace_contract::{LoadMode, LoadTarget};
use millrace_ledger::{DatabaseError, Dialect, Transaction};

use crate::LoadPlan;
use crate::column::{LOAD_ID, quote, quote_all, quote_table};

/// An index that is to be there.
struct Index {
    unique: bool,
    columns: Vec<String>,
}

/// Makes the indexes of a load that are missing.
///
/// # Errors
/// [`DatabaseError`], classified: rows that are there may not be unique.
pub(crate) async fn ready(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
) -> Result<(), DatabaseError> {
    let target = plan.target;
    for index in wanted(target) {
        let name = name(target, &index.columns);
        if exists(transaction, target, &name).await? {
            continue;
        }
        transaction.lock(&["table", &target.full_name()]).await?;
        if exists(transaction, target, &name).await? {
            continue;
        }
        let unique = if index.unique { "UNIQUE " } else { "" };
        let (table, columns) = (quote_table(target), list(&index.columns));
        let sql = format!("CREATE {unique}INDEX {} ON {table} ({columns})", quote(&name));
        transaction.execute(&sql, &[]).await?;
    }
    Ok(())
}

/// Whether [`ready`] has nothing to do.
///
/// # Errors
/// [`DatabaseError`], classified.
pub(crate) async fn are_there(
    transaction: &mut Transaction,
    target: &LoadTarget,
) -> Result<bool, DatabaseError> {
    for name in names(target) {
        if !exists(transaction, target, &name).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The names of all indexes that [`ready`] makes for a target.
pub(crate) fn names(target: &LoadTarget) -> Vec<String> {
    wanted(target).iter().map(|index| name(target, &index.columns)).collect()
}

fn wanted(target: &LoadTarget) -> Vec<Index> {
    let plain = |columns: &Vec<String>| Index { unique: false, columns: columns.clone() };
    let of_mode = match target.mode {
        LoadMode::Append | LoadMode::ReplaceTable | LoadMode::Merge => None,
        LoadMode::ReplaceFile => Some(plain(&vec![LOAD_ID.to_owned()])),
        // A primary key over the same columns is as good.
        LoadMode::Upsert if same_columns(&target.key, &target.primary_key) => None,
        LoadMode::Upsert => Some(Index { unique: true, columns: target.key.clone() }),
    };
    let asked = target.indexes.iter().filter(|columns| match &of_mode {
        Some(index) => index.columns != **columns,
        None => true,
    });
    let asked: Vec<Index> = asked.map(plain).collect();
    of_mode.into_iter().chain(asked).collect()
}

/// Whether two keys are over the same columns, in whatever order.
pub(crate) fn same_columns(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|name| other.contains(name))
}

/// An index is named by what it is over, since a name made of names could be too
/// long.
fn name(target: &LoadTarget, columns: &[String]) -> String {
    format!("millrace_{:016x}", fnv1a(&format!("{} {}", quote_table(target), list(columns))))
}

fn list(columns: &[String]) -> String {
    quote_all(columns.iter().map(String::as_str))
}

async fn exists(
    transaction: &mut Transaction,
    target: &LoadTarget,
    name: &str,
) -> Result<bool, DatabaseError> {
    let mut values = vec![name.into(), target.schema.as_deref().into()];
    let sql = match transaction.dialect() {
        Dialect::Postgres => {
            "SELECT 1 AS found FROM pg_catalog.pg_class AS c \
             JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE c.relname = CAST($1 AS NAME) AND c.relkind IN ('i', 'I') \
                 AND (n.nspname = CAST($2 AS NAME) \
                      OR CAST($2 AS NAME) IS NULL AND pg_catalog.pg_table_is_visible(c.oid))"
        }
        Dialect::Sqlite => {
            "SELECT 1 AS found FROM sqlite_master \
             WHERE type = 'index' AND name = $1 AND $2 IS NULL"
        }
        Dialect::MySql => {
            values.push(target.table.as_str().into());
            "SELECT 1 AS found FROM information_schema.statistics \
             WHERE table_schema = DATABASE() AND table_name = $3 AND index_name = $1 \
                 AND $2 IS NULL LIMIT 1"
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
