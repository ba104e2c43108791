//! MySQL's types for columns, which existing types hold them, and tables made
//! ready before the load: MySQL commits with every change of a table, so that
//! none may be made among the rows.

use std::collections::{BTreeMap, BTreeSet};

use millrace_ledger::{Database, DatabaseError, Transaction};

use crate::column::{Column, Kind};
use crate::table::{self, Existing};
use crate::{LoadError, LoadPlan};

/// Characters for the texts of a key: an index takes 3072 bytes, of which a
/// character may need four. What is left over is for columns that are no texts.
const KEY_CHARACTERS: usize = 752;

/// Creates or changes the table as the plan needs it, in a transaction of its
/// own, under the table's lock. Others that do so are waited for.
pub(crate) async fn make_ready(
    database: &Database,
    plan: &LoadPlan<'_>,
    columns: &[Column],
) -> Result<(), LoadError> {
    let failed = |source| plan.failed(source);
    let mut transaction = database.begin().await.map_err(failed)?;
    match table::prepare(&mut transaction, plan, columns.to_vec()).await {
        Ok(_) => transaction.commit().await.map_err(failed),
        Err(error) => {
            // The connection is broken if this fails, too; the first error says why.
            let _undone = transaction.rollback().await;
            Err(error)
        }
    }
}

/// The columns of a table; none if there is no such table.
pub(crate) async fn describe(
    transaction: &mut Transaction,
    table: &str,
) -> Result<Vec<Existing>, DatabaseError> {
    // The views of `information_schema` take letter case for the same.
    let sql = "SELECT CAST(column_name AS CHAR) AS name, \
                   CAST(column_type AS CHAR) AS type_name, \
                   CASE WHEN is_nullable = 'NO' AND column_default IS NULL \
                           AND extra NOT LIKE '%auto_increment%' AND extra NOT LIKE '%GENERATED%' \
                       THEN 1 ELSE 0 END AS demands_value \
               FROM information_schema.columns \
               WHERE table_schema = DATABASE() AND table_name = $1 \
                   AND (@@lower_case_table_names > 0 OR BINARY table_name = BINARY $1) \
               ORDER BY ordinal_position";
    let rows = transaction.fetch_all(sql, &[table.into()]).await?;
    rows.iter()
        .map(|row| {
            let type_name: String = row.get("type_name")?;
            Ok(Existing {
                name: row.get("name")?,
                type_name: plain(&type_name),
                demands_value: row.get::<i32>("demands_value")? == 1,
            })
        })
        .collect()
}

/// Unique indexes beside that of the key, each as a difference of the table: a row
/// that meets another one there would take its place in silence. Those with a
/// column that counts up by itself meet nothing.
pub(crate) async fn stray_unique_indexes(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
) -> Result<Vec<String>, DatabaseError> {
    let sql = "SELECT CAST(s.index_name AS CHAR) AS index_name, \
                   CAST(s.column_name AS CHAR) AS column_name, \
                   CASE WHEN c.extra LIKE '%auto_increment%' THEN 1 ELSE 0 END AS counts_up \
               FROM information_schema.statistics AS s JOIN information_schema.columns AS c \
                   ON c.table_schema = s.table_schema AND c.table_name = s.table_name \
                   AND c.column_name = s.column_name \
               WHERE s.table_schema = DATABASE() AND s.table_name = $1 AND s.non_unique = 0 \
               ORDER BY s.index_name, s.seq_in_index";
    let rows = transaction.fetch_all(sql, &[plan.target.table.as_str().into()]).await?;
    let mut indexes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut harmless = BTreeSet::new();
    for row in &rows {
        let (index, column): (String, String) = (row.get("index_name")?, row.get("column_name")?);
        let is_loaded = plan.schema.index_of(&column).is_ok();
        if row.get::<i32>("counts_up")? == 1 && !is_loaded {
            harmless.insert(index.clone());
        }
        indexes.entry(index).or_default().push(column.to_lowercase());
    }
    let key: BTreeSet<String> = plan.target.key.iter().map(|name| name.to_lowercase()).collect();
    let strays = indexes.into_iter().filter(|(name, columns)| {
        !harmless.contains(name) && columns.iter().cloned().collect::<BTreeSet<_>>() != key
    });
    Ok(strays
        .map(|(name, columns)| {
            format!(
                "unique index `{name}` over ({}) is not over the key, and MySQL would replace \
                 rows that meet there; drop it or make it the key",
                columns.join(", ")
            )
        })
        .collect())
}

/// The type without the display width of an integer, which MariaDB writes and
/// MySQL has given up, but for `tinyint(1)`, the boolean.
fn plain(type_name: &str) -> String {
    let text = type_name.to_ascii_lowercase();
    let Some((name, rest)) = text.split_once('(') else { return text };
    let Some((width, rest)) = rest.split_once(')') else { return text };
    match (name, width) {
        ("tinyint", "1") => text,
        ("tinyint" | "smallint" | "mediumint" | "int" | "bigint", _) => format!("{name}{rest}"),
        _ => text,
    }
}

/// The type of a new column.
pub(crate) fn type_name(column: &Column) -> String {
    match (column.kind, column.key_of) {
        (Kind::Text | Kind::Json, Some(parts)) => format!("varchar({})", KEY_CHARACTERS / parts),
        (Kind::Binary, Some(parts)) => format!("varbinary({})", KEY_CHARACTERS / parts),
        (kind, _) => type_of(kind),
    }
}

/// The type that holds a kind, where no index has to.
pub(super) fn type_of(kind: Kind) -> String {
    match kind {
        Kind::Bool => "tinyint(1)",
        Kind::Int16 => "smallint",
        Kind::Int32 => "int",
        Kind::Int64 => "bigint",
        Kind::UInt64 => "bigint unsigned",
        Kind::Float32 => "float",
        Kind::Float64 => "double",
        Kind::Decimal { precision, scale } => return format!("decimal({precision},{scale})"),
        Kind::Date => "date",
        Kind::Time => "time(6)",
        Kind::Timestamp { .. } => "datetime(6)",
        Kind::Text => "longtext",
        Kind::Json => "json",
        Kind::Binary => "longblob",
    }
    .to_owned()
}

/// The kind to send so that a column of type `existing` takes every value of
/// `kind` unchanged, or refuses it; none if it can't.
pub(crate) fn fitting(kind: Kind, existing: &str) -> Option<Kind> {
    if existing == type_of(kind) {
        return Some(kind);
    }
    let (name, _) = existing.split_once('(').unwrap_or((existing, ""));
    match (kind, name) {
        (Kind::Int16, "mediumint" | "int") => Some(Kind::Int32),
        (Kind::Int16 | Kind::Int32, "bigint") if !existing.contains("unsigned") => {
            Some(Kind::Int64)
        }
        (Kind::Bool, "tinyint" | "smallint" | "int" | "bigint") => Some(Kind::Bool),
        (Kind::Float32, "double") => Some(Kind::Float64),
        // Its years are fewer, which the server says.
        (Kind::Timestamp { utc: true }, "timestamp") if existing == "timestamp(6)" => Some(kind),
        (Kind::Json, _) if is_text(name) => Some(Kind::Text),
        (Kind::Text, _) if is_text(name) => Some(Kind::Text),
        (Kind::Binary, "blob" | "mediumblob" | "varbinary") => Some(Kind::Binary),
        _ => as_decimal(kind)
            .filter(|(whole, scale, _)| holds(existing, *whole, *scale))
            .map(|(.., kind)| kind),
    }
}

/// `CHAR` is not among them: it cuts spaces off the end.
fn is_text(name: &str) -> bool {
    matches!(name, "varchar" | "tinytext" | "text" | "mediumtext" | "longtext")
}

/// Digits before and after the point, and the kind that is sent for them.
pub(super) fn as_decimal(kind: Kind) -> Option<(u8, u8, Kind)> {
    match kind {
        Kind::Int16 => Some((5, 0, kind)),
        Kind::Int32 => Some((10, 0, kind)),
        Kind::Int64 => Some((19, 0, kind)),
        Kind::UInt64 => Some((20, 0, kind)),
        Kind::Decimal { precision, scale } => {
            let scale = scale.unsigned_abs();
            Some((precision.saturating_sub(scale), scale, kind))
        }
        Kind::Bool
        | Kind::Float32
        | Kind::Float64
        | Kind::Date
        | Kind::Time
        | Kind::Timestamp { .. }
        | Kind::Text
        | Kind::Json
        | Kind::Binary => None,
    }
}

/// Whether the type is a signed `decimal` with room for that many digits.
fn holds(existing: &str, whole: u8, scale: u8) -> bool {
    decimal_digits(existing).is_some_and(|(precision, digits)| {
        digits >= scale && precision.saturating_sub(digits) >= whole
    })
}

/// Precision and scale of a signed `decimal`.
pub(super) fn decimal_digits(existing: &str) -> Option<(u8, u8)> {
    let numbers = existing.strip_prefix("decimal(")?.strip_suffix(')')?;
    let (precision, scale) = numbers.split_once(',')?;
    Some((precision.parse().ok()?, scale.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_column_is_taken_and_a_narrower_one_refused() {
        let money = Kind::Decimal { precision: 12, scale: 2 };
        assert_eq!(fitting(Kind::Int32, &plain("int(11)")), Some(Kind::Int32));
        assert_eq!(fitting(Kind::Int32, "bigint"), Some(Kind::Int64));
        assert_eq!(fitting(Kind::Int32, &plain("bigint(20) unsigned")), None);
        assert_eq!(fitting(Kind::Int64, "int"), None);
        assert_eq!(fitting(money, "decimal(14,3)"), Some(money));
        assert_eq!(fitting(money, "decimal(12,3)"), None);
        assert_eq!(fitting(money, "decimal(14,2) unsigned"), None);
        assert_eq!(fitting(Kind::UInt64, "bigint unsigned"), Some(Kind::UInt64));
        assert_eq!(fitting(Kind::UInt64, "decimal(20,0)"), Some(Kind::UInt64));
        assert_eq!(fitting(Kind::Text, "varchar(20)"), Some(Kind::Text));
        assert_eq!(fitting(Kind::Text, "char(20)"), None);
        assert_eq!(fitting(Kind::Json, "longtext"), Some(Kind::Text));
        assert_eq!(fitting(Kind::Timestamp { utc: false }, "datetime"), None);
        assert_eq!(fitting(Kind::Timestamp { utc: false }, "timestamp(6)"), None);
        assert_eq!(fitting(Kind::Bool, "tinyint(1)"), Some(Kind::Bool));
    }

    #[test]
    fn the_texts_of_a_key_fit_an_index_together() {
        let column = |kind, key_of| Column {
            name: "k".to_owned(),
            kind,
            nullable: false,
            data_type: None,
            default: None,
            description: None,
            key_of,
        };
        assert_eq!(type_name(&column(Kind::Text, None)), "longtext");
        assert_eq!(type_name(&column(Kind::Text, Some(1))), "varchar(752)");
        assert_eq!(type_name(&column(Kind::Text, Some(3))), "varchar(250)");
        assert_eq!(type_name(&column(Kind::Int64, Some(3))), "bigint");
    }
}
