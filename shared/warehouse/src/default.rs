//! Default values as the database's own literals, in the form in which the
//! column's values are kept there.

use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};
use millrace_ledger::Dialect;

use crate::column::Kind;

/// Digits up to which SQLite keeps a number as it is.
const EXACT_DIGITS: usize = 15;

/// The literal of a default value that the pipeline file has checked.
pub(crate) fn literal(dialect: Dialect, kind: Kind, text: &str) -> String {
    match dialect {
        // A quoted literal takes the type of its column.
        Dialect::Postgres => quoted(text),
        Dialect::Sqlite => sqlite(kind, text),
        // A long text has one only as an expression.
        Dialect::MySql => format!("({})", mysql(kind, text)),
    }
}

/// As in SQLite, but for instants, which have no zone there, and digits, of which
/// none is too many.
fn mysql(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Timestamp { utc: true } => sqlite(kind, text).replace("Z'", "'"),
        Kind::UInt64 | Kind::Decimal { .. } => number(text),
        Kind::Bool
        | Kind::Int16
        | Kind::Int32
        | Kind::Int64
        | Kind::Float32
        | Kind::Float64
        | Kind::Date
        | Kind::Time
        | Kind::Timestamp { utc: false }
        | Kind::Text
        | Kind::Json
        | Kind::Binary => sqlite(kind, text),
    }
}

fn sqlite(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Bool => if text == "true" { "1" } else { "0" }.to_owned(),
        Kind::Int16 | Kind::Int32 | Kind::Int64 | Kind::Float32 | Kind::Float64 => number(text),
        Kind::UInt64 | Kind::Decimal { .. } => {
            let digits = text.chars().filter(char::is_ascii_digit).count();
            if digits <= EXACT_DIGITS { number(text) } else { quoted(text) }
        }
        Kind::Time => match text.parse::<NaiveTime>() {
            Ok(time) => quoted(&time.format("%H:%M:%S%.6f").to_string()),
            Err(_) => quoted(text),
        },
        Kind::Timestamp { utc: true } => match DateTime::parse_from_rfc3339(text) {
            Ok(time) => quoted(&format!("{}Z", time.with_timezone(&Utc).format(TIMESTAMP))),
            Err(_) => quoted(text),
        },
        Kind::Timestamp { utc: false } => match timestamp(text) {
            Some(time) => quoted(&time.format(TIMESTAMP).to_string()),
            None => quoted(text),
        },
        Kind::Date | Kind::Text | Kind::Json | Kind::Binary => quoted(text),
    }
}

const TIMESTAMP: &str = "%Y-%m-%d %H:%M:%S%.6f";

fn timestamp(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(&text.replacen('T', " ", 1), "%Y-%m-%d %H:%M:%S%.f").ok()
}

/// What reads as a number is one; nothing else gets in without quotes.
fn number(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => text.to_owned(),
        Ok(_) | Err(_) => quoted(text),
    }
}

/// A text as a literal.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_has_the_form_of_the_columns_values() {
        let timestamp = |utc| Kind::Timestamp { utc };
        for (kind, text, expected) in [
            (Kind::Bool, "true", "1"),
            (Kind::Int64, "-5", "-5"),
            (Kind::Int64, "1); DROP TABLE t; --", "'1); DROP TABLE t; --'"),
            (
                Kind::Decimal { precision: 38, scale: 0 },
                "12345678901234567890",
                "'12345678901234567890'",
            ),
            (Kind::Time, "07:30:00", "'07:30:00.000000'"),
            (timestamp(true), "2024-01-01T00:00:00+02:00", "'2023-12-31 22:00:00.000000Z'"),
            (timestamp(false), "2024-01-01T00:00:00.5", "'2024-01-01 00:00:00.500000'"),
            (Kind::Text, "it's", "'it''s'"),
        ] {
            assert_eq!(literal(Dialect::Sqlite, kind, text), expected, "{kind:?}");
        }
        assert_eq!(literal(Dialect::Postgres, Kind::Int64, "5"), "'5'");
        let instant = literal(Dialect::MySql, timestamp(true), "2024-01-01T00:00:00+02:00");
        assert_eq!(instant, "('2023-12-31 22:00:00.000000')");
        assert_eq!(literal(Dialect::MySql, Kind::Text, "it's"), "('it''s')");
    }
}
