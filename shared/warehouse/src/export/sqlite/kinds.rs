//! What SQLite's columns hold: by their declared types, or by their first values.

use millrace_contract::DataType;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, TypeInfo, ValueRef};

use super::super::columns::timestamp;

/// What is known of a column before there are rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    /// Its type.
    Type(DataType),
    /// That it holds timestamps, in UTC or not.
    Timestamp,
    /// Nothing.
    Nothing,
}

/// What a declared type says. Its affinity decides where it is no type that the
/// pipeline file has ("Determination Of Column Affinity" in "Datatypes In
/// SQLite").
pub(super) fn declared(type_name: &str) -> Declared {
    let upper = type_name.trim().to_ascii_uppercase();
    let (name, arguments) = upper.split_once('(').unwrap_or((&upper, ""));
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let data_type = match name.trim() {
        "BOOLEAN" | "BOOL" => DataType::Bool,
        "DATE" => DataType::Date,
        "TIME" => DataType::Time,
        "DATETIME" | "TIMESTAMP" => return Declared::Timestamp,
        "TIMESTAMPTZ" => timestamp(true),
        "UUID" => DataType::Uuid,
        "JSON" | "JSONB" => DataType::Json,
        "DECIMAL" | "NUMERIC" => match decimal(arguments) {
            Some(decimal) => decimal,
            None => return Declared::Nothing,
        },
        _ if has(&["INT"]) => DataType::Int64,
        _ if has(&["CHAR", "CLOB", "TEXT"]) => DataType::String,
        _ if has(&["BLOB"]) => DataType::Binary,
        _ if has(&["REAL", "FLOA", "DOUB"]) => DataType::Float64,
        _ => return Declared::Nothing,
    };
    Declared::Type(data_type)
}

fn decimal(arguments: &str) -> Option<DataType> {
    let inside = arguments.strip_suffix(')')?;
    let (precision, scale) = inside.split_once(',').unwrap_or((inside, "0"));
    let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    let fits = (1..=38).contains(&precision) && scale <= precision;
    fits.then_some(DataType::Decimal { precision, scale })
}

/// The type of a column, now that its first rows are there.
pub(super) fn settled(known: Declared, index: usize, first: &[SqliteRow]) -> DataType {
    match known {
        Declared::Type(data_type) => data_type,
        Declared::Timestamp => timestamp(is_utc(index, first)),
        Declared::Nothing => of_values(index, first),
    }
}

/// Whether the first timestamp is written with a `Z`.
fn is_utc(index: usize, first: &[SqliteRow]) -> bool {
    let texts = first.iter().filter_map(|row| row.try_get_unchecked::<Option<&str>, _>(index).ok());
    texts.flatten().next().is_some_and(|text| text.ends_with(['Z', 'z']))
}

fn of_values(index: usize, first: &[SqliteRow]) -> DataType {
    let mut found = None;
    for row in first {
        let Ok(value) = row.try_get_raw(index) else { continue };
        if value.is_null() {
            continue;
        }
        let next = match value.type_info().name() {
            "INTEGER" => DataType::Int64,
            "REAL" => DataType::Float64,
            "BLOB" => DataType::Binary,
            _ => DataType::String,
        };
        found = Some(match (found, next) {
            (Some(DataType::Float64), DataType::Int64) => DataType::Float64,
            (Some(DataType::Int64) | None, next) => next,
            (Some(known), _) => known,
        });
    }
    found.unwrap_or(DataType::String)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_say_what_a_column_holds() {
        for (type_name, expected) in [
            ("INTEGER", Declared::Type(DataType::Int64)),
            ("VARCHAR(20)", Declared::Type(DataType::String)),
            ("decimal(12, 2)", Declared::Type(DataType::Decimal { precision: 12, scale: 2 })),
            ("NUMERIC", Declared::Nothing),
            ("", Declared::Nothing),
            ("DATETIME", Declared::Timestamp),
            ("DATE", Declared::Type(DataType::Date)),
            ("DOUBLE PRECISION", Declared::Type(DataType::Float64)),
            ("BOOLEAN", Declared::Type(DataType::Bool)),
        ] {
            assert_eq!(declared(type_name), expected, "{type_name}");
        }
    }
}
