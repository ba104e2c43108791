//! A file's columns as the warehouse sees them: a dozen kinds, each with the one
//! Arrow type it is read through.

use arrow::datatypes::{DataType as ArrowType, Field, TimeUnit};
use millrace_contract::{ColumnDef, DataType, LoadMode, LoadTarget};
use millrace_ledger::Dialect;

use crate::{LoadError, LoadPlan, names};

/// Names every row's load: a reference to `millrace_loads.load_id`.
pub(crate) const LOAD_ID: &str = "_load_id";

/// A column to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    /// Its type as the dataset has it, where it is a column of the dataset.
    pub(crate) data_type: Option<DataType>,
    /// What the table has where a row does not say, written plainly.
    pub(crate) default: Option<String>,
    /// Its comment.
    pub(crate) description: Option<String>,
    /// Columns of the longest key or index that it is a part of: together they
    /// must fit an index.
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
pub(crate) fn columns(plan: &LoadPlan<'_>, dialect: Dialect) -> Result<Vec<Column>, LoadError> {
    let mut differences = names::check(plan, dialect);
    let mut columns = Vec::with_capacity(plan.schema.fields().len());
    for field in plan.schema.fields() {
        match kind(plan, field) {
            Some(kind) => columns.push(Column {
                name: field.name().clone(),
                kind,
                nullable: field.is_nullable(),
                data_type: declared(plan, field).map(|column| column.data_type),
                default: declared(plan, field).and_then(|column| column.default.clone()),
                description: declared(plan, field).and_then(|column| column.description.clone()),
                key_of: key_of(plan.target, field.name()),
            }),
            None => differences.push(format!(
                "column `{}` is {}, which can't be loaded; cast it to a type of the pipeline file",
                field.name(),
                field.data_type()
            )),
        }
    }
    differences.extend(order(plan, dialect, &columns));
    if differences.is_empty() {
        return Ok(columns);
    }
    Err(LoadError::Table { table: plan.target.full_name(), differences })
}

/// Why the column that orders rows can't do so.
fn order(plan: &LoadPlan<'_>, dialect: Dialect, columns: &[Column]) -> Option<String> {
    let name = plan.target.order_by.as_ref()?;
    let column = columns.iter().find(|column| column.name == *name)?;
    let is_text_of_digits = match (dialect, column.kind) {
        // Kept as text where they do not fit a number, and texts are no numbers.
        (Dialect::Sqlite, Kind::UInt64) => true,
        (Dialect::Sqlite, Kind::Decimal { precision, scale }) => {
            precision > if scale == 0 { 18 } else { 15 }
        }
        (Dialect::Postgres | Dialect::Sqlite | Dialect::MySql, _) => false,
    };
    is_text_of_digits.then(|| {
        format!("`order_by` column `{name}` has more digits than {dialect} compares as numbers")
    })
}

/// Columns of the longest key or index that a column is a part of.
fn key_of(target: &LoadTarget, name: &str) -> Option<usize> {
    let key = match target.mode {
        LoadMode::Upsert => Some(&target.key),
        LoadMode::Append | LoadMode::ReplaceFile | LoadMode::ReplaceTable | LoadMode::Merge => None,
    };
    let over = key.into_iter().chain([&target.primary_key]).chain(&target.indexes);
    over.filter(|columns| columns.iter().any(|column| column == name)).map(Vec::len).max()
}

fn declared<'a>(plan: &LoadPlan<'a>, field: &Field) -> Option<&'a ColumnDef> {
    plan.columns.iter().find(|column| column.name == *field.name())
}

fn kind(plan: &LoadPlan<'_>, field: &Field) -> Option<Kind> {
    let declared = declared(plan, field).map(|column| column.data_type);
    match (Kind::of(field.data_type()), declared) {
        (Some(Kind::Text), Some(DataType::Json)) => Some(Kind::Json),
        (kind, _) => kind,
    }
}

/// An identifier, quoted so that nothing in it is taken for SQL.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A table with its schema, where it has one, each quoted.
pub(crate) fn quote_table(target: &LoadTarget) -> String {
    match &target.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(&target.table)),
        None => quote(&target.table),
    }
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
