//! Types of PostgreSQL that hold more: what a column becomes that has to take
//! values it has no room for, and what is sent to one that has room to spare.

use super::table::{as_numeric, fitting, type_name};
use crate::column::Kind;

/// The type that holds what a column of type `existing` holds and every value of
/// `kind`. None if the column takes them as it is, or if there is no such type.
pub(crate) fn wider(kind: Kind, existing: &str) -> Option<String> {
    if roomy(kind, existing).is_some() {
        return None;
    }
    let held = kind_of(existing)?;
    if let (Some((whole, scale, _)), Some((more, behind, _))) = (as_numeric(kind), as_numeric(held))
    {
        // What takes every value the column has is wide enough already.
        return Some(match fitting(held, &type_name(kind)) {
            Some(_) => type_name(kind),
            None => {
                let (whole, scale) = (whole.max(more), scale.max(behind));
                format!("numeric({},{scale})", u16::from(whole) + u16::from(scale))
            }
        });
    }
    match (held, kind) {
        (Kind::Json | Kind::Binary, _) | (_, Kind::Json | Kind::Binary) => None,
        (_, Kind::Text) => Some(type_name(Kind::Text)),
        // Those that the wider column takes with nothing lost.
        _ => roomy(held, &type_name(kind)).map(|_| type_name(kind)),
    }
}

/// The kind to send so that a column of type `existing`, which may have widened
/// since the rows were typed, takes every value of `kind` unchanged.
pub(crate) fn roomy(kind: Kind, existing: &str) -> Option<Kind> {
    fitting(kind, existing).or(match (kind, existing) {
        (Kind::Int16 | Kind::Int32, "double precision") => Some(Kind::Float64),
        (Kind::Date, "timestamp without time zone") => Some(Kind::Timestamp { utc: false }),
        (Kind::Binary, _) => None,
        (_, "text") => Some(Kind::Text),
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
        Kind::Float32,
        Kind::Float64,
        Kind::Date,
        Kind::Time,
        Kind::Binary,
        Kind::Timestamp { utc: false },
        Kind::Timestamp { utc: true },
        Kind::Text,
        Kind::Json,
    ];
    let named = plain.into_iter().find(|kind| type_name(*kind) == existing);
    named.or_else(|| {
        let numbers = existing.strip_prefix("numeric(")?.strip_suffix(')')?;
        let (precision, scale) = numbers.split_once(',')?;
        let (precision, scale) = (precision.parse().ok()?, scale.parse::<i8>().ok()?);
        (scale >= 0).then_some(Kind::Decimal { precision, scale })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_becomes_what_holds_old_and_new_values() {
        let decimal = |precision, scale| Kind::Decimal { precision, scale };
        for (existing, kind, expected) in [
            ("smallint", Kind::Int64, Some("bigint")),
            ("bigint", Kind::UInt64, Some("numeric(20,0)")),
            ("bigint", decimal(21, 2), Some("numeric(21,2)")),
            ("integer", decimal(6, 2), Some("numeric(12,2)")),
            ("numeric(5,2)", decimal(7, 4), Some("numeric(7,4)")),
            ("numeric(9,1)", decimal(7, 4), Some("numeric(12,4)")),
            ("integer", Kind::Float64, Some("double precision")),
            ("bigint", Kind::Float64, None),
            ("real", Kind::Float64, Some("double precision")),
            ("date", Kind::Timestamp { utc: false }, Some("timestamp without time zone")),
            ("date", Kind::Timestamp { utc: true }, None),
            ("boolean", Kind::Text, Some("text")),
            ("timestamp with time zone", Kind::Text, Some("text")),
            ("jsonb", Kind::Text, None),
            ("text", Kind::Int64, None),
            ("bigint", Kind::Int16, None),
            ("numeric", decimal(38, 10), None),
            ("inet", Kind::Text, None),
        ] {
            assert_eq!(wider(kind, existing).as_deref(), expected, "{existing} {kind:?}");
        }
    }

    #[test]
    fn rows_typed_earlier_are_sent_as_what_the_table_has() {
        assert_eq!(roomy(Kind::Int64, "text"), Some(Kind::Text));
        assert_eq!(
            roomy(Kind::Date, "timestamp without time zone"),
            Some(Kind::Timestamp { utc: false })
        );
        assert_eq!(roomy(Kind::Int32, "double precision"), Some(Kind::Float64));
        assert_eq!(roomy(Kind::Int64, "double precision"), None);
        assert_eq!(roomy(Kind::Text, "bigint"), None);
    }
}
