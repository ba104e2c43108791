//! A file's columns as the warehouse sees them: a dozen kinds, each with the one
//! Arrow type it is read through.

use std::collections::HashSet;

use arrow::datatypes::{DataType as ArrowType, Field, TimeUnit};
use millrace_contract::{DataType, LoadMode, LoadTarget};

use crate::{LoadError, LoadPlan};

/// Names every row's load: a reference to `millrace_loads.load_id`.
pub(crate) const LOAD_ID: &str = "_load_id";

/// PostgreSQL's limit, held everywhere so that a table can move.
const MAX_NAME_BYTES: usize = 63;

/// A column to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    /// Its type as the dataset has it, where it is a column of the dataset.
    pub(crate) data_type: Option<DataType>,
    /// Columns of the upsert's key, where it is one of them: together they must
    /// fit an index.
    pub(crate) key_of: Option<usize>,
}

/// What a column holds, as far as databases tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int16,
    Int32,
    Int64,
    UInt64,
    Float32,
    Float64,
    Decimal {
        precision: u8,
        scale: i8,
    },
    Date,
    /// A time of day.
    Time,
    Timestamp {
        utc: bool,
    },
    Text,
    Json,
    Binary,
}

impl Kind {
    /// The kind that holds every value of an Arrow type, if there is one.
    fn of(arrow: &ArrowType) -> Option<Self> {
        Some(match arrow {
            ArrowType::Boolean => Self::Bool,
            ArrowType::Int8 | ArrowType::UInt8 | ArrowType::Int16 => Self::Int16,
            ArrowType::UInt16 | ArrowType::Int32 => Self::Int32,
            ArrowType::UInt32 | ArrowType::Int64 => Self::Int64,
            ArrowType::UInt64 => Self::UInt64,
            ArrowType::Float32 => Self::Float32,
            ArrowType::Float64 => Self::Float64,
            &ArrowType::Decimal128(precision, scale) if scale >= 0 => {
                Self::Decimal { precision, scale }
            }
            ArrowType::Date32 => Self::Date,
            ArrowType::Time64(TimeUnit::Microsecond) => Self::Time,
            ArrowType::Binary => Self::Binary,
            ArrowType::List(_) | ArrowType::Struct(_) => Self::Json,
            ArrowType::Timestamp(
                TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond,
                zone,
            ) => Self::Timestamp { utc: zone.is_some() },
            ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => Self::Text,
            ArrowType::Dictionary(_, values) => return Self::of(values),
            _ => return None,
        })
    }

    /// The Arrow type that values are read through.
    pub(crate) fn arrow_type(self) -> ArrowType {
        match self {
            Self::Bool => ArrowType::Boolean,
            Self::Int16 => ArrowType::Int16,
            Self::Int32 => ArrowType::Int32,
            Self::Int64 => ArrowType::Int64,
            Self::UInt64 => ArrowType::UInt64,
            Self::Float32 => ArrowType::Float32,
            Self::Float64 => ArrowType::Float64,
            Self::Decimal { precision, scale } => ArrowType::Decimal128(precision, scale),
            Self::Date => ArrowType::Date32,
            Self::Time => ArrowType::Time64(TimeUnit::Microsecond),
            Self::Binary => ArrowType::Binary,
            Self::Timestamp { utc } => {
                ArrowType::Timestamp(TimeUnit::Microsecond, utc.then(|| "UTC".into()))
            }
            Self::Text | Self::Json => ArrowType::Utf8,
        }
    }
}

/// The columns of a plan.
///
/// # Errors
/// [`LoadError::Table`] with every name and type that can't be loaded.
pub(crate) fn columns(plan: &LoadPlan<'_>) -> Result<Vec<Column>, LoadError> {
    let mut differences = check_names(plan);
    let mut columns = Vec::with_capacity(plan.schema.fields().len());
    for field in plan.schema.fields() {
        match kind(plan, field) {
            Some(kind) => columns.push(Column {
                name: field.name().clone(),
                kind,
                nullable: field.is_nullable(),
                data_type: declared(plan, field),
                key_of: key_of(plan.target, field.name()),
            }),
            None => differences.push(format!(
                "column `{}` is {}, which can't be loaded; cast it to a type of the pipeline file",
                field.name(),
                field.data_type()
            )),
        }
    }
    if differences.is_empty() {
        return Ok(columns);
    }
    Err(LoadError::Table { table: plan.target.table.clone(), differences })
}

fn key_of(target: &LoadTarget, name: &str) -> Option<usize> {
    let is_part = target.mode == LoadMode::Upsert && target.key.iter().any(|key| key == name);
    is_part.then_some(target.key.len())
}

fn declared(plan: &LoadPlan<'_>, field: &Field) -> Option<DataType> {
    let column = plan.columns.iter().find(|column| column.name == *field.name());
    column.map(|column| column.data_type)
}

fn kind(plan: &LoadPlan<'_>, field: &Field) -> Option<Kind> {
    match (Kind::of(field.data_type()), declared(plan, field)) {
        (Some(Kind::Text), Some(DataType::Json)) => Some(Kind::Json),
        (kind, _) => kind,
    }
}

fn check_names(plan: &LoadPlan<'_>) -> Vec<String> {
    let target = plan.target;
    let mut problems: Vec<String> = check_name("table", &target.table).into_iter().collect();
    if target.table.to_ascii_lowercase().starts_with("millrace_") {
        problems.push(format!("table `{}`: names with `millrace_` are reserved", target.table));
    }
    let mut seen = HashSet::new();
    for field in plan.schema.fields() {
        let name = field.name();
        problems.extend(check_name("column", name));
        if name.eq_ignore_ascii_case(LOAD_ID) {
            problems.push(format!("column `{name}`: the name is reserved"));
        }
        if !seen.insert(name.to_ascii_lowercase()) {
            problems.push(format!("column `{name}` is there twice"));
        }
    }
    if target.mode == LoadMode::Upsert && target.key.is_empty() {
        problems.push("mode `upsert` needs key columns: `key = [\"id\"]`".to_owned());
    }
    for key in &target.key {
        if plan.schema.index_of(key).is_err() {
            problems.push(format!("key column `{key}` is not a column of the dataset"));
        }
    }
    problems
}

fn check_name(what: &str, name: &str) -> Option<String> {
    if name.is_empty() {
        return Some(format!("a {what} without a name"));
    }
    if name.contains('\0') {
        return Some(format!("{what} `{}`: a name can't hold U+0000", name.escape_default()));
    }
    (name.len() > MAX_NAME_BYTES).then(|| {
        format!("{what} `{name}`: the name has {} bytes, at most {MAX_NAME_BYTES}", name.len())
    })
}

/// An identifier, quoted so that nothing in it is taken for SQL.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Identifiers, quoted and separated by commas.
pub(crate) fn quote_all<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quote).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_tries_to_be_sql_stays_a_name() {
        assert_eq!(quote("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
        assert_eq!(quote_all(["select", "naïve"]), "\"select\", \"naïve\"");
    }
}
