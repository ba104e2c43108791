//! SQLite's types for columns, and which declared types hold them.
//!
//! SQLite gives each value its own type; a column only has an affinity. What is
//! declared here keeps every value exact: where a number may have more digits
//! than SQLite's own (64-bit integers, 15 digits of a real), the column has no
//! affinity, so that such a value can be kept as the text of its digits.

use millrace_ledger::{DatabaseError, Transaction};

use crate::column::Kind;
use crate::table::Existing;

/// Digits that a real keeps.
const REAL_DIGITS: u8 = 15;
/// Digits that a 64-bit integer keeps.
const INTEGER_DIGITS: u8 = 18;

/// The columns of a table; none if there is no such table.
pub(crate) async fn describe(
    transaction: &mut Transaction,
    table: &str,
) -> Result<Vec<Existing>, DatabaseError> {
    let sql = "SELECT name, type AS type_name, \
                   CASE WHEN \"notnull\" = 1 AND dflt_value IS NULL AND hidden = 0 \
                       THEN 1 ELSE 0 END AS demands_value \
               FROM pragma_table_xinfo($1)";
    let rows = transaction.fetch_all(sql, &[table.into()]).await?;
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

/// The declared type of a new column.
pub(crate) fn type_name(kind: Kind) -> &'static str {
    declared(wanted(kind))
}

/// A declared type that has an affinity.
pub(super) fn declared(affinity: Affinity) -> &'static str {
    match affinity {
        Affinity::Integer => "INTEGER",
        Affinity::Real => "REAL",
        Affinity::Numeric => "NUMERIC",
        Affinity::Text => "TEXT",
        Affinity::None => "",
    }
}

/// Whether a column declared as `declared` keeps every value of `kind` as it is.
pub(crate) fn fits(kind: Kind, declared: &str) -> bool {
    let declared = affinity(declared);
    if declared == wanted(kind) || declared == Affinity::None {
        return true;
    }
    match kind {
        // Affinities that leave these values alone.
        Kind::Bool | Kind::Int16 | Kind::Int32 | Kind::Int64 | Kind::Date | Kind::Time => {
            matches!(declared, Affinity::Integer | Affinity::Numeric)
        }
        Kind::Timestamp { .. } => declared == Affinity::Numeric,
        Kind::UInt64
        | Kind::Float32
        | Kind::Float64
        | Kind::Decimal { .. }
        | Kind::Text
        | Kind::Json
        | Kind::Binary => false,
    }
}

/// What a column would rather have its values be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    Integer,
    Real,
    Numeric,
    Text,
    None,
}

/// The affinity that leaves values of a kind alone.
pub(super) fn wanted(kind: Kind) -> Affinity {
    match kind {
        Kind::Bool | Kind::Int16 | Kind::Int32 | Kind::Int64 => Affinity::Integer,
        Kind::Float32 | Kind::Float64 => Affinity::Real,
        Kind::Decimal { precision, .. } if precision <= REAL_DIGITS => Affinity::Numeric,
        Kind::Decimal { precision, scale: 0 } if precision <= INTEGER_DIGITS => Affinity::Numeric,
        Kind::Decimal { .. } | Kind::UInt64 => Affinity::None,
        Kind::Date | Kind::Time | Kind::Timestamp { .. } | Kind::Text | Kind::Json => {
            Affinity::Text
        }
        Kind::Binary => Affinity::None,
    }
}

/// The affinity of a declared type. Source: "Determination Of Column Affinity" in "Datatypes In SQLite".
pub(super) fn affinity(declared: &str) -> Affinity {
    let declared = declared.to_ascii_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    if has(&["INT"]) {
        Affinity::Integer
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Affinity::Text
    } else if declared.is_empty() || has(&["BLOB"]) {
        Affinity::None
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_put_where_it_would_turn_into_a_number() {
        assert!(fits(Kind::Text, "VARCHAR(20)"));
        assert!(!fits(Kind::Text, "INTEGER"));
        assert!(!fits(Kind::Text, "DECIMAL(10,2)"));
        assert!(fits(Kind::Date, "DATE"));
        assert!(fits(Kind::Timestamp { utc: true }, "DATETIME"));
        assert!(fits(Kind::Int64, "BIGINT"));
        assert!(fits(Kind::Bool, "BOOLEAN"));
        assert!(!fits(Kind::Decimal { precision: 20, scale: 4 }, "NUMERIC"));
        assert!(fits(Kind::Decimal { precision: 15, scale: 4 }, "DECIMAL(15,4)"));
    }

    #[test]
    fn a_new_column_fits_what_it_was_made_for() {
        for kind in [
            Kind::Bool,
            Kind::Int16,
            Kind::Int64,
            Kind::UInt64,
            Kind::Float32,
            Kind::Decimal { precision: 12, scale: 2 },
            Kind::Decimal { precision: 38, scale: 10 },
            Kind::Date,
            Kind::Timestamp { utc: false },
            Kind::Text,
            Kind::Json,
        ] {
            assert!(fits(kind, type_name(kind)), "{kind:?}");
        }
    }
}
