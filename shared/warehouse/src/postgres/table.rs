//! PostgreSQL's types for columns, and which existing types hold them.

use millrace_contract::LoadTarget;
use millrace_ledger::{DatabaseError, Transaction};

use crate::column::Kind;
use crate::table::Existing;

/// The columns of a table; none if there is no such table.
///
/// `to_regclass` would be shorter, but it answers from a cache, which may not
/// have heard yet of a table that was created while this transaction waited for
/// its lock.
pub(crate) async fn describe(
    transaction: &mut Transaction,
    target: &LoadTarget,
) -> Result<Vec<Existing>, DatabaseError> {
    let sql = "SELECT CAST(a.attname AS TEXT) AS name, \
                   format_type(a.atttypid, a.atttypmod) AS type_name, \
                   CASE WHEN a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' \
                       THEN 1 ELSE 0 END AS demands_value \
               FROM pg_catalog.pg_attribute AS a \
               JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid \
               JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
               WHERE c.relname = CAST($1 AS NAME) AND c.relkind IN ('r', 'p', 'v', 'f') \
                   AND (n.nspname = CAST($2 AS NAME) \
                        OR CAST($2 AS NAME) IS NULL AND pg_catalog.pg_table_is_visible(c.oid)) \
                   AND a.attnum > 0 AND NOT a.attisdropped \
               ORDER BY a.attnum";
    let values = [target.table.as_str().into(), target.schema.as_deref().into()];
    let rows = transaction.fetch_all(sql, &values).await?;
    rows.iter()
        .map(|row| {
            Ok(Existing {
                name: row.get("name")?,
                type_name: row.get("type_name")?,
                demands_value: row.get::<i32>("demands_value")? == 1,
            })
        })
        .collect()
}

/// The type of a new column.
pub(crate) fn type_name(kind: Kind) -> String {
    match kind {
        Kind::Bool => "boolean",
        Kind::Int16 => "smallint",
        Kind::Int32 => "integer",
        Kind::Int64 => "bigint",
        Kind::UInt64 => "numeric(20,0)",
        Kind::Float32 => "real",
        Kind::Float64 => "double precision",
        Kind::Decimal { precision, scale } => return format!("numeric({precision},{scale})"),
        Kind::Date => "date",
        Kind::Timestamp { utc: false } => "timestamp without time zone",
        Kind::Timestamp { utc: true } => "timestamp with time zone",
        Kind::Text => "text",
        Kind::Json => "jsonb",
        Kind::Time => "time without time zone",
        Kind::Binary => "bytea",
    }
    .to_owned()
}

/// The kind to send so that a column of type `existing` takes every value of
/// `kind` unchanged; none if it can't.
pub(crate) fn fitting(kind: Kind, existing: &str) -> Option<Kind> {
    if existing == type_name(kind) {
        return Some(kind);
    }
    match (kind, existing) {
        (Kind::Int16, "integer") => Some(Kind::Int32),
        (Kind::Int16 | Kind::Int32, "bigint") => Some(Kind::Int64),
        (Kind::Float32, "double precision") => Some(Kind::Float64),
        (Kind::Json, "json" | "text") => Some(Kind::Text),
        (Kind::Text, _) if is_text(existing) => Some(Kind::Text),
        _ => as_numeric(kind)
            .filter(|(whole, scale, _)| holds(existing, *whole, *scale))
            .map(|n| n.2),
    }
}

fn is_text(existing: &str) -> bool {
    existing == "character varying" || existing.starts_with("character varying(")
}

/// Digits before and after the point, and the kind that is sent as `numeric`.
pub(super) fn as_numeric(kind: Kind) -> Option<(u8, u8, Kind)> {
    let whole = |digits: u8| (digits, 0, Kind::Decimal { precision: digits, scale: 0 });
    match kind {
        Kind::Int16 => Some(whole(5)),
        Kind::Int32 => Some(whole(10)),
        Kind::Int64 => Some(whole(19)),
        Kind::UInt64 => Some((20, 0, Kind::UInt64)),
        Kind::Decimal { precision, scale } => {
            let scale = scale.unsigned_abs();
            Some((precision.saturating_sub(scale), scale, kind))
        }
        Kind::Bool
        | Kind::Float32
        | Kind::Float64
        | Kind::Date
        | Kind::Timestamp { .. }
        | Kind::Text
        | Kind::Json
        | Kind::Time
        | Kind::Binary => None,
    }
}

/// Whether the type is a `numeric` with room for that many digits.
fn holds(existing: &str, whole: u8, scale: u8) -> bool {
    if existing == "numeric" {
        return true;
    }
    let Some(numbers) = existing.strip_prefix("numeric(").and_then(|rest| rest.strip_suffix(')'))
    else {
        return false;
    };
    let Some((precision, digits)) = numbers.split_once(',') else {
        return false;
    };
    match (precision.parse::<i32>(), digits.parse::<i32>()) {
        (Ok(precision), Ok(digits)) => {
            digits >= i32::from(scale) && precision - digits >= i32::from(whole)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_column_is_taken_and_a_narrower_one_refused() {
        let money = Kind::Decimal { precision: 12, scale: 2 };
        assert_eq!(fitting(Kind::Int32, "integer"), Some(Kind::Int32));
        assert_eq!(fitting(Kind::Int32, "bigint"), Some(Kind::Int64));
        assert_eq!(fitting(Kind::Int64, "integer"), None);
        assert_eq!(fitting(money, "numeric"), Some(money));
        assert_eq!(fitting(money, "numeric(14,3)"), Some(money));
        assert_eq!(fitting(money, "numeric(12,3)"), None);
        assert_eq!(fitting(money, "numeric(12,1)"), None);
        assert_eq!(
            fitting(Kind::Int16, "numeric(5,0)"),
            Some(Kind::Decimal { precision: 5, scale: 0 })
        );
        assert_eq!(fitting(Kind::Text, "character varying(20)"), Some(Kind::Text));
        assert_eq!(fitting(Kind::Text, "integer"), None);
        assert_eq!(fitting(Kind::Json, "json"), Some(Kind::Text));
        assert_eq!(fitting(Kind::Timestamp { utc: true }, "timestamp without time zone"), None);
        assert_eq!(fitting(Kind::Date, "date"), Some(Kind::Date));
    }
}
