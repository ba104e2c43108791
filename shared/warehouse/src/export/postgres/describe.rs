//! The columns of a query or a table, and the types of its parameters, as the
//! server infers them.

use millrace_contract::DataType;
use millrace_ledger::{DatabaseError, Detached, Session};
use sqlx::{AssertSqlSafe, Column as _, Either, Executor, SqlSafeStr, Statement};

use super::super::columns::{Column, check_names, is_wanted, refined, timestamp};
use super::super::select::From;
use super::super::{Extract, ExtractError};
use crate::column::quote;

/// Digits behind the point of a `numeric` that says nothing of them, and in all.
const FREE_SCALE: u8 = 18;
const MOST_DIGITS: u8 = 38;

/// How a column's values are written on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Bool,
    Int2,
    Int4,
    Int8,
    /// An unsigned number of 32 bits.
    Oid,
    Float4,
    Float8,
    Numeric,
    Date,
    Time,
    Timestamp,
    Text,
    /// Text behind a byte that is the version.
    Jsonb,
    Uuid,
    Bytes,
}

/// A column of the answer.
#[derive(Debug, Clone)]
struct DescribedColumn {
    column: Column,
    wire: Wire,
    /// Its type as SQL writes it.
    type_name: String,
    /// What is selected.
    expression: String,
}

/// What the server says of the rows.
#[derive(Debug, Clone)]
pub(super) struct Described {
    columns: Vec<DescribedColumn>,
    /// The types of the parameters.
    parameters: Vec<String>,
    /// Whether every column is selected as it is.
    pub(super) is_as_it_is: bool,
}

impl Described {
    pub(super) fn columns(&self) -> Vec<Column> {
        self.columns.iter().map(|described| described.column.clone()).collect()
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|described| described.column.name.as_str()).collect()
    }

    pub(super) fn wires(&self) -> Vec<Wire> {
        self.columns.iter().map(|described| described.wire).collect()
    }

    pub(super) fn expressions(&self) -> Vec<String> {
        self.columns.iter().map(|described| described.expression.clone()).collect()
    }

    /// A column's type as SQL writes it.
    pub(super) fn type_name(&self, column: &str) -> &str {
        let found = self.columns.iter().find(|described| described.column.name == column);
        found.map_or("text", |described| described.type_name.as_str())
    }

    /// A column's type, if it is among them.
    pub(super) fn data_type(&self, column: &str) -> Option<DataType> {
        let found = self.columns.iter().find(|described| described.column.name == column);
        found.map(|described| described.column.data_type)
    }

    /// The SQL that stands for a parameter.
    pub(super) fn setting(&self, position: usize) -> String {
        let type_name = self.parameters.get(position).map_or("text", String::as_str);
        cast(&name_of(position), type_name)
    }
}

/// The setting that holds a parameter.
pub(super) fn name_of(position: usize) -> String {
    format!("millrace.p{}", position + 1)
}

/// The SQL that gives a setting as a type.
pub(super) fn cast(setting: &str, type_name: &str) -> String {
    format!("CAST(current_setting('{setting}') AS {type_name})")
}

/// Has the server prepare the statement and says what came of it.
pub(super) async fn describe(
    connection: &mut Detached,
    extract: &Extract<'_>,
) -> Result<Described, ExtractError> {
    let from = From::new(extract.source, |position| format!("${}", position + 1));
    let prepared = prepare(connection, &from.all).await?;
    let mut parameters = Vec::new();
    for oid in &prepared.parameters {
        parameters.push(facts(connection, *oid).await?.name);
    }
    if parameters.len() != extract.bound.len() {
        let problem = format!(
            "the query has {} places for values, but {} are known; write them as `:name`",
            parameters.len(),
            extract.bound.len()
        );
        return Err(ExtractError::Columns(problem));
    }
    let wanted: Vec<_> =
        prepared.columns.into_iter().filter(|column| is_wanted(&column.name)).collect();
    check_names(&wanted.iter().map(|column| column.name.as_str()).collect::<Vec<_>>())?;
    let is_complete = wanted.len() == prepared.count;
    let mut columns = Vec::with_capacity(wanted.len());
    for prepared in wanted {
        columns.push(column(connection, extract, prepared).await?);
    }
    let plain = |described: &DescribedColumn| described.expression == quote(&described.column.name);
    let is_as_it_is = is_complete && columns.iter().all(plain);
    Ok(Described { columns, parameters, is_as_it_is })
}

/// A column as the driver knows it.
struct PreparedColumn {
    name: String,
    oid: u32,
    /// Table and number, where it is a table's own.
    origin: Option<(u32, i16)>,
}

struct Prepared {
    columns: Vec<PreparedColumn>,
    count: usize,
    /// Types by their OIDs.
    parameters: Vec<u32>,
}

async fn prepare(connection: &mut Detached, sql: &str) -> Result<Prepared, ExtractError> {
    let at = connection.name().to_owned();
    let Session::Postgres(connection, _) = connection.session() else {
        return Err(ExtractError::Protocol("it is no PostgreSQL".to_owned()));
    };
    let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
    let statement = connection.prepare(sql).await;
    let statement = statement.map_err(|error| DatabaseError::of(&at, error))?;
    let columns = statement.columns().iter().map(|column| PreparedColumn {
        name: column.name().to_owned(),
        oid: column.type_info().oid().map_or(0, |oid| oid.0),
        origin: column
            .relation_id()
            .zip(column.relation_attribute_no())
            .map(|(relation, number)| (relation.0, number)),
    });
    let columns: Vec<_> = columns.collect();
    let parameters = match statement.parameters() {
        Some(Either::Left(types)) => {
            types.iter().map(|known| known.oid().map_or(0, |oid| oid.0)).collect()
        }
        Some(Either::Right(_)) | None => Vec::new(),
    };
    Ok(Prepared { count: columns.len(), columns, parameters })
}

async fn column(
    connection: &mut Detached,
    extract: &Extract<'_>,
    prepared: PreparedColumn,
) -> Result<DescribedColumn, ExtractError> {
    let name = prepared.name.as_str();
    let facts = facts(connection, prepared.oid).await?;
    let plain = quote(name);
    let described = |wire, data_type, expression| {
        let data_type = refined(name, data_type, extract.types);
        let column = Column::new(name, data_type);
        DescribedColumn { column, wire, type_name: facts.name.clone(), expression }
    };
    // An array's binary form depends on its elements'; as JSON it is text.
    if facts.is_array {
        let expression = format!("to_json({plain}) AS {plain}");
        return Ok(described(Wire::Text, DataType::Json, expression));
    }
    if prepared.oid == NUMERIC {
        let data_type = numeric(connection, &prepared).await?;
        return Ok(described(Wire::Numeric, data_type, plain));
    }
    let known = wire(prepared.oid).or(facts.is_enum.then_some((Wire::Text, DataType::String)));
    let (wire, data_type) = known.ok_or_else(|| ExtractError::Type {
        column: name.to_owned(),
        type_name: facts.name.clone(),
    })?;
    Ok(described(wire, data_type, plain))
}

const NUMERIC: u32 = 1700;

/// Types by their OIDs, which are the same on every server (`pg_type.dat`).
fn wire(oid: u32) -> Option<(Wire, DataType)> {
    Some(match oid {
        16 => (Wire::Bool, DataType::Bool),
        17 => (Wire::Bytes, DataType::Binary),
        20 => (Wire::Int8, DataType::Int64),
        21 => (Wire::Int2, DataType::Int16),
        23 => (Wire::Int4, DataType::Int32),
        26 => (Wire::Oid, DataType::Int64),
        // char, name, text, unknown, bpchar, varchar
        18 | 19 | 25 | 705 | 1042 | 1043 => (Wire::Text, DataType::String),
        114 => (Wire::Text, DataType::Json),
        142 => (Wire::Text, DataType::String),
        700 => (Wire::Float4, DataType::Float32),
        701 => (Wire::Float8, DataType::Float64),
        1082 => (Wire::Date, DataType::Date),
        1083 => (Wire::Time, DataType::Time),
        1114 => (Wire::Timestamp, timestamp(false)),
        1184 => (Wire::Timestamp, timestamp(true)),
        2950 => (Wire::Uuid, DataType::Uuid),
        3802 => (Wire::Jsonb, DataType::Json),
        _ => return None,
    })
}

/// What the catalog says of a type.
struct TypeFacts {
    name: String,
    is_array: bool,
    is_enum: bool,
}

async fn facts(connection: &mut Detached, oid: u32) -> Result<TypeFacts, ExtractError> {
    let sql = "SELECT format_type(t.oid, NULL) AS name, CAST(t.typcategory AS text) AS category \
               FROM pg_catalog.pg_type AS t WHERE t.oid = CAST($1 AS oid)";
    let rows = connection.session().fetch_all(sql, &[i64::from(oid).into()]).await?;
    let Some(row) = rows.first() else {
        return Err(ExtractError::Protocol(format!("there is no type {oid}")));
    };
    let category: String = row.get("category")?;
    let (is_array, is_enum) = (category == "A", category == "E");
    Ok(TypeFacts { name: row.get("name")?, is_array, is_enum })
}

/// Precision and scale of a table's column; of an expression there is no telling,
/// so it has room for both.
async fn numeric(
    connection: &mut Detached,
    column: &PreparedColumn,
) -> Result<DataType, ExtractError> {
    let free = DataType::Decimal { precision: MOST_DIGITS, scale: FREE_SCALE };
    let Some((relation, number)) = column.origin else { return Ok(free) };
    let sql = "SELECT format_type(atttypid, atttypmod) AS name FROM pg_catalog.pg_attribute \
               WHERE attrelid = CAST($1 AS oid) AND attnum = $2";
    let values = [i64::from(relation).into(), i64::from(number).into()];
    let rows = connection.session().fetch_all(sql, &values).await?;
    let name: Option<String> = rows.first().map(|row| row.get("name")).transpose()?;
    let Some(inside) = name.as_deref().and_then(|name| name.strip_prefix("numeric(")) else {
        return Ok(free);
    };
    let (precision, scale) = inside.trim_end_matches(')').split_once(',').unwrap_or((inside, "0"));
    match (precision.parse(), scale.parse()) {
        (Ok(precision @ 1..=MOST_DIGITS), Ok(scale)) if scale <= precision => {
            Ok(DataType::Decimal { precision, scale })
        }
        _ => Ok(free),
    }
}
