//! Columns of SQLite that hold more. A value has its own type there and most
//! columns take any, but an affinity may turn a text into a number, `007` into
//! 7; and no statement changes the declared type of a column. So its values are
//! copied to a new one, which takes its place at the end of the table.

use millrace_ledger::Dialect;

use super::table::{Affinity, affinity, declared, fits, wanted};
use crate::column::{Column, Kind, quote};
use crate::table::Existing;
use crate::{LoadPlan, default, index};

/// The declared type for a column that has to take values of `kind` and keep
/// those it has. None if it takes them as it is, or if there is no such type.
pub(crate) fn wider(kind: Kind, existing: &str) -> Option<String> {
    if roomy(kind, existing).is_some() {
        return None;
    }
    let wider = match (affinity(existing), wanted(kind)) {
        (Affinity::Integer | Affinity::Real | Affinity::Numeric, Affinity::Text) => Affinity::Text,
        (Affinity::Integer, Affinity::Real) => Affinity::Real,
        (Affinity::Integer, Affinity::Numeric) => Affinity::Numeric,
        (Affinity::Integer | Affinity::Numeric, Affinity::None) => Affinity::None,
        _ => return None,
    };
    Some(declared(wider).to_owned())
}

/// The kind to send so that a column, which may have widened since the rows were
/// typed, takes every value of `kind` unchanged.
pub(crate) fn roomy(kind: Kind, existing: &str) -> Option<Kind> {
    if fits(kind, existing) {
        return Some(kind);
    }
    match (affinity(existing), kind) {
        // A number would become the text of 15 digits.
        (Affinity::Text, _) => Some(Kind::Text),
        (Affinity::Real, Kind::Int16 | Kind::Int32) => Some(Kind::Float64),
        _ => None,
    }
}

/// The column's values on their way.
const WIDER: &str = "_millrace_wider";

/// Puts a column of another type in the place of one.
pub(crate) fn statements(
    plan: &LoadPlan<'_>,
    column: &Column,
    existing: &Existing,
    wider: &str,
) -> Vec<String> {
    let target = plan.target;
    let (table, name, on_the_way) = (quote(&target.table), quote(&existing.name), quote(WIDER));
    // They may be over the column; they are made again where they are missing.
    let indexes = index::names(target).into_iter();
    let mut statements: Vec<String> =
        indexes.map(|name| format!("DROP INDEX IF EXISTS {}", quote(&name))).collect();
    let value = copied(&name, affinity(wider));
    let default = column.default.as_ref().map_or_else(String::new, |text| {
        format!(" DEFAULT {}", default::literal(Dialect::Sqlite, column.kind, text))
    });
    statements.extend([
        format!("ALTER TABLE {table} ADD COLUMN {on_the_way} {wider}{default}"),
        format!("UPDATE {table} SET {on_the_way} = {value}"),
        format!("ALTER TABLE {table} DROP COLUMN {name}"),
        format!("ALTER TABLE {table} RENAME COLUMN {on_the_way} TO {name}"),
    ]);
    statements
}

/// A value as the wider column keeps it, exactly.
fn copied(name: &str, wider: Affinity) -> String {
    match wider {
        // Fifteen digits are not enough for every real.
        Affinity::Text => format!(
            "CASE WHEN typeof({name}) = 'real' AND CAST(CAST({name} AS TEXT) AS REAL) <> {name} \
             THEN printf('%!.17g', {name}) ELSE CAST({name} AS TEXT) END"
        ),
        Affinity::Real => format!("CAST({name} AS REAL)"),
        Affinity::Integer | Affinity::Numeric | Affinity::None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_replaced_only_where_its_affinity_would_change_values() {
        let long = Kind::Decimal { precision: 21, scale: 2 };
        for (existing, kind, expected) in [
            ("INTEGER", Kind::Text, Some("TEXT")),
            ("REAL", Kind::Text, Some("TEXT")),
            ("INTEGER", Kind::Float64, Some("REAL")),
            ("INTEGER", long, Some("")),
            ("NUMERIC", long, Some("")),
            ("TEXT", Kind::Timestamp { utc: false }, None),
            ("TEXT", Kind::Int64, None),
            ("", Kind::Text, None),
            ("INTEGER", Kind::Int64, None),
        ] {
            assert_eq!(wider(kind, existing).as_deref(), expected, "{existing} {kind:?}");
        }
        assert_eq!(roomy(Kind::Float64, "TEXT"), Some(Kind::Text));
        assert_eq!(roomy(Kind::Int32, "REAL"), Some(Kind::Float64));
        assert_eq!(roomy(Kind::Text, "INTEGER"), None);
    }
}
