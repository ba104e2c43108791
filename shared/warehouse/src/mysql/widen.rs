//! Types of MySQL that hold more: what a column becomes that has to take values
//! it has no room for, and what is sent to one that has room to spare.

use millrace_ledger::{DatabaseError, Transaction};

use super::table::{as_decimal, decimal_digits, fitting, type_name, type_of};
use crate::LoadPlan;
use crate::column::{Column, Kind, quote};
use crate::table::Existing;

/// Digits of a `DECIMAL`, and how many of them may be behind the point.
const MAX_DIGITS: u16 = 65;
const MAX_SCALE: u8 = 30;

/// The type that holds what a column of type `existing` holds and every value of
/// `column`. None if it takes them as it is, or if there is no such type.
pub(crate) fn wider(column: &Column, existing: &str) -> Option<String> {
    let kind = column.kind;
    if roomy(kind, existing).is_some() {
        return None;
    }
    let held = kind_of(existing)?;
    if let (Some(wanted), Some(had)) = (as_decimal(kind), as_decimal(held)) {
        // What takes every value the column has is wide enough already.
        return match fitting(held, &type_of(kind)) {
            Some(_) => Some(type_of(kind)),
            None => common(wanted.0.max(had.0), wanted.1.max(had.1)),
        };
    }
    match (held, kind) {
        // MySQL writes six digits of a `FLOAT`, and booleans as numbers.
        (Kind::Json | Kind::Binary | Kind::Float32 | Kind::Bool, Kind::Text) => None,
        (_, Kind::Json | Kind::Binary) => None,
        (_, Kind::Text) => Some(type_name(column)),
        // Those that the wider column takes with nothing lost.
        _ => roomy(held, &type_of(kind)).map(|_| type_of(kind)),
    }
}

fn common(whole: u8, scale: u8) -> Option<String> {
    let precision = u16::from(whole) + u16::from(scale);
    (precision <= MAX_DIGITS && scale <= MAX_SCALE).then(|| format!("decimal({precision},{scale})"))
}

/// The kind to send so that a column of type `existing`, which may have widened
/// since the rows were typed, takes every value of `kind` unchanged.
pub(crate) fn roomy(kind: Kind, existing: &str) -> Option<Kind> {
    fitting(kind, existing).or(match (kind, existing) {
        (Kind::Int16 | Kind::Int32, "double") => Some(Kind::Float64),
        (Kind::Date, "datetime(6)") => Some(Kind::Timestamp { utc: false }),
        (Kind::Binary | Kind::Bool | Kind::Float32, _) => None,
        (_, "longtext") => Some(Kind::Text),
        // What a key's column has become.
        (_, existing) if existing.starts_with("varchar(") => Some(Kind::Text),
        _ => None,
    })
}

/// The kind that a type of ours was made for.
fn kind_of(existing: &str) -> Option<Kind> {
    let plain = [
        Kind::Bool,
        Kind::Int16,
        Kind::Int32,
        Kind::Int64,
        Kind::UInt64,
        Kind::Float32,
        Kind::Float64,
        Kind::Date,
        Kind::Time,
        Kind::Timestamp { utc: false },
        Kind::Text,
        Kind::Json,
        Kind::Binary,
    ];
    let named = plain.into_iter().find(|kind| type_of(*kind) == existing);
    named.or_else(|| {
        let (precision, scale) = decimal_digits(existing)?;
        Some(Kind::Decimal { precision, scale: i8::try_from(scale).ok()? })
    })
}

/// The statement that widens a column; none if the column has more than a type
/// and `NOT NULL`, which it would lose.
pub(crate) async fn statement(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    found: &Existing,
    wider: &str,
) -> Result<Option<String>, DatabaseError> {
    let sql = "SELECT 1 AS found FROM information_schema.columns \
               WHERE table_schema = DATABASE() AND table_name = $1 AND column_name = $2 \
                   AND COALESCE(column_default, 'NULL') = 'NULL' AND extra = '' \
                   AND column_comment = ''";
    let values = [plan.target.table.as_str().into(), found.name.as_str().into()];
    if transaction.fetch_optional(sql, &values).await?.is_none() {
        return Ok(None);
    }
    let not_null = if found.demands_value { " NOT NULL" } else { "" };
    let (table, column) = (quote(&plan.target.table), quote(&found.name));
    Ok(Some(format!("ALTER TABLE {table} MODIFY COLUMN {column} {wider}{not_null}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_becomes_what_holds_old_and_new_values() {
        let decimal = |precision, scale| Kind::Decimal { precision, scale };
        for (existing, kind, expected) in [
            ("smallint", Kind::Int64, Some("bigint")),
            ("bigint", Kind::UInt64, Some("decimal(20,0)")),
            ("bigint", decimal(21, 2), Some("decimal(21,2)")),
            ("int", decimal(6, 2), Some("decimal(12,2)")),
            ("decimal(9,1)", decimal(7, 4), Some("decimal(12,4)")),
            ("int", Kind::Float64, Some("double")),
            ("bigint", Kind::Float64, None),
            ("float", Kind::Float64, Some("double")),
            ("float", Kind::Text, None),
            ("date", Kind::Timestamp { utc: false }, Some("datetime(6)")),
            ("datetime(6)", Kind::Text, Some("longtext")),
            ("longtext", Kind::Int64, None),
            ("bigint", Kind::Int16, None),
            ("decimal(38,0)", decimal(38, 31), None),
            ("geometry", Kind::Text, None),
        ] {
            let column = Column {
                name: "c".to_owned(),
                kind,
                nullable: true,
                data_type: None,
                default: None,
                description: None,
                key_of: None,
            };
            assert_eq!(wider(&column, existing).as_deref(), expected, "{existing} {kind:?}");
        }
    }
}
