//! MySQL and MariaDB: rows as the server sends them, out of a transaction with a
//! consistent snapshot.

mod value;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_contract::DataType;
use millrace_ledger::{Database, DatabaseError, Detached, Session, Value};
use sqlx::mysql::{MySqlArguments, MySqlRow};
use sqlx::{
    Arguments, AssertSqlSafe, Column as _, Executor, MySqlConnection, Row as _, SqlSafeStr,
    Statement, TypeInfo,
};

use super::builder::Filling;
use super::columns::{Column, check_column, check_names, is_wanted, refined, schema, timestamp};
use super::select::{From, range};
use super::stream::{Cursor, Sender, first, hand_on, way};
use super::{Extract, ExtractError, Snapshot};
use crate::column::quote;

/// Begins a transaction that sees one moment. Whoever takes the rows may be slow,
/// which the server would take for gone after a minute.
///
/// MySQL bounds a statement by `max_execution_time` in milliseconds, MariaDB by
/// `max_statement_time` in seconds; each passes over the comment that the other
/// reads ("Comment Syntax", MariaDB Knowledge Base). Zero is no bound.
fn begin(most: Option<Duration>) -> String {
    let (milliseconds, seconds) =
        most.map_or((0, 0.0), |most| (most.as_millis(), most.as_secs_f64()));
    format!(
        "SET SESSION net_write_timeout = 3600\
         /*!50704 , SESSION max_execution_time = {milliseconds} */\
         /*M!100101 , SESSION max_statement_time = {seconds} */; \
         SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
         START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
    )
}

/// Rows that are looked at to find out what the server does not say.
const FIRST: usize = 1024;

/// Decimals of a column of which no value is known.
const FREE_SCALE: u8 = 10;

/// Digits of a decimal at most.
const MOST_DIGITS: u8 = 38;

/// Opens a snapshot and begins to read.
pub(super) async fn open(
    database: &Database,
    extract: &Extract<'_>,
) -> Result<Snapshot, ExtractError> {
    let mut connection = database.detached().await?;
    connection.session().run_script(&begin(extract.most)).await?;
    let taken_at = moment(&mut connection).await?;
    let described = describe(&mut connection, extract).await?;
    let upper = upper(&mut connection, extract, &described).await?;
    let from = From::new(extract.source, |_| "?".to_owned());
    let bound = || bound(extract, &described).to_owned();
    let conditions = range(extract, upper.as_deref(), bound, bound);
    let names: Vec<String> = described.iter().map(|known| quote(&known.name)).collect();
    let as_is = described.iter().all(|known| known.is_alone);
    let sql = from.rows(&names, &conditions, as_is);
    let mut values = in_order(extract);
    values.extend(extract.growing.and_then(|growing| growing.from).map(str::to_owned));
    values.extend(upper.clone());
    let (sender, rows) = way();
    let (tell, told) = tokio::sync::oneshot::channel();
    let reader = Reader { connection, sql, values, described, sender };
    tokio::spawn(reader.run(tell));
    let columns = told.await.map_err(|_| ended())??;
    Ok(Snapshot { taken_at, upper, schema: schema(&columns), parts: vec![rows] })
}

fn ended() -> ExtractError {
    ExtractError::Protocol("reading ended before it began".to_owned())
}

async fn moment(connection: &mut Detached) -> Result<DateTime<Utc>, DatabaseError> {
    let rows = connection.session().fetch_all("SELECT UTC_TIMESTAMP(6) AS now", &[]).await?;
    rows.first().map_or(Ok(Utc::now()), |row| row.get("now"))
}

/// The values of the query, one for each of its places.
fn in_order(extract: &Extract<'_>) -> Vec<String> {
    let mut values = Vec::new();
    From::new(extract.source, |position| {
        values.extend(extract.bound.get(position).cloned());
        String::new()
    });
    values
}

/// The place of a bound of the growing column. A text beside a number would have
/// the server compare both as floats.
fn bound(extract: &Extract<'_>, described: &[Known]) -> &'static str {
    let column = extract.growing.map(|growing| growing.column);
    let known = described.iter().find(|known| Some(known.name.as_str()) == column);
    match known.map(|known| known.natural) {
        Some(Natural::Type(DataType::Int16 | DataType::Int32 | DataType::Int64)) => {
            "CAST(? AS SIGNED)"
        }
        Some(Natural::Type(DataType::UInt64)) => "CAST(? AS UNSIGNED)",
        Some(Natural::Decimal | Natural::Type(DataType::Decimal { .. })) => {
            "CAST(? AS DECIMAL(65,30))"
        }
        Some(Natural::Type(_)) | None => "?",
    }
}

/// A column as the server describes it before there are rows.
#[derive(Debug, Clone)]
struct Known {
    name: String,
    natural: Natural,
    /// Whether no column was left out beside it.
    is_alone: bool,
}

/// The type that the server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Natural {
    Type(DataType),
    /// A decimal, whose scale is seen in its values.
    Decimal,
}

async fn describe(
    connection: &mut Detached,
    extract: &Extract<'_>,
) -> Result<Vec<Known>, ExtractError> {
    let from = From::new(extract.source, |_| "?".to_owned());
    let at = connection.name().to_owned();
    let scales = declared_decimals(connection, extract).await?;
    let Session::MySql(connection, _) = connection.session() else {
        return Err(ExtractError::Protocol("it is no MySQL".to_owned()));
    };
    let statement = connection.prepare(AssertSqlSafe(from.all).into_sql_str()).await;
    let statement = statement.map_err(|error| DatabaseError::of(&at, error))?;
    let all = statement.columns();
    let wanted: Vec<_> = all.iter().filter(|column| is_wanted(column.name())).collect();
    check_names(&wanted.iter().map(|column| column.name()).collect::<Vec<_>>())?;
    let is_alone = wanted.len() == all.len();
    let known = wanted.into_iter().map(|column| {
        let (name, info) = (column.name().to_owned(), column.type_info());
        // A text that compares by its bytes is flagged as binary, and is none.
        let is_text = <str as sqlx::Type<sqlx::MySql>>::compatible(info);
        let type_name = if is_text { "TEXT" } else { info.name() };
        let natural = match (natural(type_name), scales.get(&name)) {
            (Some(Natural::Decimal), Some(decimal)) => Some(Natural::Type(*decimal)),
            (natural, _) => natural,
        };
        let type_name = type_name.to_lowercase();
        match natural {
            Some(natural) => Ok(known_better(Known { name, natural, is_alone }, extract)),
            None => Err(ExtractError::Type { column: name, type_name }),
        }
    });
    known.collect()
}

/// Decimals of a table, which says their digits.
async fn declared_decimals(
    connection: &mut Detached,
    extract: &Extract<'_>,
) -> Result<BTreeMap<String, DataType>, ExtractError> {
    let millrace_contract::ExportSource::Table { schema, table } = extract.source else {
        return Ok(BTreeMap::new());
    };
    let sql = "SELECT column_name AS name, CAST(numeric_precision AS SIGNED) AS digits, \
                   CAST(numeric_scale AS SIGNED) AS decimals \
               FROM information_schema.columns \
               WHERE data_type = 'decimal' AND table_name = $1 \
                   AND table_schema = COALESCE($2, DATABASE())";
    let values: [Value; 2] = [table.as_str().into(), schema.as_deref().into()];
    let rows = connection.session().fetch_all(sql, &values).await?;
    let mut decimals = BTreeMap::new();
    for row in &rows {
        let (precision, scale) = (row.count("digits")?, row.count("decimals")?);
        if let (Ok(precision @ 1..=MOST_DIGITS), Ok(scale)) =
            (u8::try_from(precision), u8::try_from(scale))
        {
            decimals.insert(row.get("name")?, DataType::Decimal { precision, scale });
        }
    }
    Ok(decimals)
}

/// Types by the names that the driver has for them.
fn natural(type_name: &str) -> Option<Natural> {
    let data_type = match type_name {
        "BOOLEAN" => DataType::Bool,
        "TINYINT" | "SMALLINT" | "TINYINT UNSIGNED" | "YEAR" => DataType::Int16,
        "INT" | "MEDIUMINT" | "SMALLINT UNSIGNED" | "MEDIUMINT UNSIGNED" => DataType::Int32,
        "BIGINT" | "INT UNSIGNED" => DataType::Int64,
        "BIGINT UNSIGNED" => DataType::UInt64,
        "FLOAT" => DataType::Float32,
        "DOUBLE" => DataType::Float64,
        "DECIMAL" => return Some(Natural::Decimal),
        "DATE" => DataType::Date,
        "TIME" => DataType::Time,
        "DATETIME" => timestamp(false),
        "TIMESTAMP" => timestamp(true),
        "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "ENUM" | "SET"
        | "NULL" => DataType::String,
        "JSON" => DataType::Json,
        "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => {
            DataType::Binary
        }
        _ => return None,
    };
    Some(Natural::Type(data_type))
}

/// The greatest value of the growing column in the snapshot.
async fn upper(
    connection: &mut Detached,
    extract: &Extract<'_>,
    described: &[Known],
) -> Result<Option<String>, ExtractError> {
    let Some(growing) = &extract.growing else { return Ok(None) };
    let names: Vec<&str> = described.iter().map(|known| known.name.as_str()).collect();
    check_column(&names, growing.column, "incremental")?;
    if let Some(to) = growing.to {
        return Ok(Some(to.to_owned()));
    }
    let from = From::new(extract.source, |position| format!("${}", position + 1));
    let column = quote(growing.column);
    let sql = format!("SELECT CAST(MAX({column}) AS CHAR) AS upper FROM {}", from.relation);
    let bound: Vec<Value> = extract.bound.iter().map(|value| value.as_str().into()).collect();
    let rows = connection.session().fetch_all(&sql, &bound).await?;
    Ok(rows.first().map_or(Ok(None), |row| row.get("upper"))?)
}

/// The columns, once they are known, or why not.
type Tell = tokio::sync::oneshot::Sender<Result<Vec<Column>, ExtractError>>;

/// A connection that reads.
struct Reader {
    connection: Detached,
    sql: String,
    values: Vec<String>,
    described: Vec<Known>,
    sender: Sender,
}

impl Reader {
    async fn run(mut self, tell: Tell) {
        let at = self.connection.name().to_owned();
        let Session::MySql(connection, _) = self.connection.session() else { return };
        let (sender, described) = (&self.sender, &self.described);
        let mut rows = rows(connection, &self.sql, &self.values);
        let first = match first(&mut rows, FIRST, &at).await {
            Ok(first) => first,
            Err(error) => {
                // Whoever is gone does not want to know.
                let _ = tell.send(Err(error));
                return;
            }
        };
        let columns: Vec<Column> = described
            .iter()
            .enumerate()
            .map(|(index, known)| column(known, index, &first))
            .collect();
        if tell.send(Ok(columns.clone())).is_err() {
            return;
        }
        let filling = Filling::new(columns);
        hand_on((first, rows, &at), value::add_row, filling, sender).await;
    }
}

fn rows<'c>(
    connection: &'c mut MySqlConnection,
    sql: &str,
    values: &[String],
) -> Cursor<'c, MySqlRow> {
    let mut arguments = MySqlArguments::default();
    for value in values {
        // Text always encodes; should it ever not, the server misses a value.
        let _ = arguments.add(value.as_str());
    }
    let query = sqlx::query_with(AssertSqlSafe(sql.to_owned()), arguments);
    query.fetch(connection)
}

/// A column, with the decimals that its first value has.
fn column(known: &Known, index: usize, first: &[MySqlRow]) -> Column {
    let data_type = match known.natural {
        Natural::Type(data_type) => data_type,
        Natural::Decimal => {
            let texts = first
                .iter()
                .find_map(|row| row.try_get_unchecked::<Option<String>, _>(index).ok().flatten());
            let decimals = texts.map(|text| text.split_once('.').map_or(0, |(_, f)| f.len()));
            let scale = decimals.map_or(FREE_SCALE, |count| u8::try_from(count).unwrap_or(u8::MAX));
            DataType::Decimal { precision: MOST_DIGITS, scale: scale.min(MOST_DIGITS) }
        }
    };
    Column::new(&known.name, data_type)
}

/// The type of a column where the pipeline file says more than the server.
fn known_better(known: Known, extract: &Extract<'_>) -> Known {
    let natural = match known.natural {
        Natural::Type(data_type) => Natural::Type(refined(&known.name, data_type, extract.types)),
        Natural::Decimal => Natural::Decimal,
    };
    Known { natural, ..known }
}
