//! SQLite: rows as its cursor gives them, out of a read transaction, which writers
//! do not wait for.
//!
//! A column has the type it is declared with, or the one the pipeline file says,
//! or else that of its first values. A value of another kind is an error.

mod kinds;
mod value;

use std::time::{Duration, Instant};

use chrono::Utc;
use millrace_contract::ExportSource;
use millrace_ledger::{Database, DatabaseError, Detached, Session, Value};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    Arguments, AssertSqlSafe, Column as _, Executor, SqlSafeStr, SqliteConnection, Statement,
    TypeInfo,
};

use self::kinds::{Declared, declared, settled};
use super::builder::Filling;
use super::columns::{Column, check_column, check_names, is_wanted, schema};
use super::select::{From, range};
use super::stream::{Cursor, Sender, first, hand_on, way};
use super::{Extract, ExtractError, Snapshot};
use crate::column::quote;

/// Rows that are looked at to find out the types that nothing says.
const FIRST: usize = 1024;

/// Opens a snapshot and begins to read.
pub(super) async fn open(
    database: &Database,
    extract: &Extract<'_>,
) -> Result<Snapshot, ExtractError> {
    let mut connection = database.detached().await?;
    if let Some(most) = extract.most {
        limit_time(&mut connection, most).await?;
    }
    // The first statement that reads takes the snapshot.
    connection.session().run_script("BEGIN").await?;
    connection.session().fetch_all("SELECT count(*) AS n FROM sqlite_master", &[]).await?;
    let taken_at = Utc::now();
    let described = describe(&mut connection, extract).await?;
    let upper = upper(&mut connection, extract, &described).await?;
    let (upper, kind) = upper.map_or((None, ""), |(upper, kind)| (Some(upper), kind));
    let place = |position: usize| format!("?{}", position + 1);
    let from = From::new(extract.source, place);
    let bounds = extract.bound.len();
    let bound = |position| match kind {
        "" => place(position),
        kind => format!("CAST({} AS {kind})", place(position)),
    };
    let conditions = range(extract, upper.as_deref(), || bound(bounds), || bound(bounds + 1));
    let names: Vec<String> = described.columns.iter().map(|(name, _)| quote(name)).collect();
    let sql = from.rows(&names, &conditions, described.is_complete);
    let mut values: Vec<Option<String>> = extract.bound.iter().cloned().map(Some).collect();
    if let Some(growing) = &extract.growing {
        values.push(growing.from.map(str::to_owned));
        values.push(upper.clone());
    }
    let (sender, rows) = way();
    let (tell, told) = tokio::sync::oneshot::channel();
    let reader = Reader { connection, sql, values, columns: described.columns, sender };
    tokio::spawn(reader.run(tell));
    let ended = |_| ExtractError::Protocol("reading ended before it began".to_owned());
    let columns = told.await.map_err(ended)??;
    Ok(Snapshot { taken_at, upper, schema: schema(&columns), parts: vec![rows] })
}

/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 10_000;

/// Has statements ended that take longer, even those that never come to a row.
async fn limit_time(connection: &mut Detached, most: Duration) -> Result<(), ExtractError> {
    let at = connection.name().to_owned();
    let Session::Sqlite(connection, _) = connection.session() else {
        return Err(ExtractError::Protocol("it is no SQLite".to_owned()));
    };
    let deadline = Instant::now() + most;
    let mut handle =
        connection.lock_handle().await.map_err(|error| DatabaseError::of(&at, error))?;
    handle.set_progress_handler(STEPS, move || Instant::now() < deadline);
    Ok(())
}

/// What is known of the columns before there are rows.
struct Described {
    columns: Vec<(String, Declared)>,
    is_complete: bool,
}

async fn describe(
    connection: &mut Detached,
    extract: &Extract<'_>,
) -> Result<Described, ExtractError> {
    let of_table = declared_in_table(connection, extract).await?;
    let from = From::new(extract.source, |position| format!("?{}", position + 1));
    let at = connection.name().to_owned();
    let Session::Sqlite(connection, _) = connection.session() else {
        return Err(ExtractError::Protocol("it is no SQLite".to_owned()));
    };
    let statement = connection.prepare(AssertSqlSafe(from.all).into_sql_str()).await;
    let statement = statement.map_err(|error| DatabaseError::of(&at, error))?;
    let all = statement.columns();
    let wanted: Vec<_> = all.iter().filter(|column| is_wanted(column.name())).collect();
    check_names(&wanted.iter().map(|column| column.name()).collect::<Vec<_>>())?;
    let columns = wanted.iter().map(|column| {
        let name = column.name();
        let said = extract.types.get(name).map(|known| Declared::Type(*known));
        let in_table = of_table.iter().find(|(other, _)| other == name).map(|(_, known)| *known);
        let in_answer = || declared(column.type_info().name());
        (name.to_owned(), said.or(in_table).unwrap_or_else(in_answer))
    });
    Ok(Described { columns: columns.collect(), is_complete: wanted.len() == all.len() })
}

/// The columns of a table, which says more than an answer does.
async fn declared_in_table(
    connection: &mut Detached,
    extract: &Extract<'_>,
) -> Result<Vec<(String, Declared)>, ExtractError> {
    let ExportSource::Table { table, .. } = extract.source else { return Ok(Vec::new()) };
    let sql = "SELECT name, type AS type_name FROM pragma_table_xinfo($1)";
    let rows = connection.session().fetch_all(sql, &[table.as_str().into()]).await?;
    let column = |row: &millrace_ledger::Row| {
        Ok((row.get("name")?, declared(&row.get::<String>("type_name")?)))
    };
    rows.iter().map(column).collect()
}

/// The greatest value of the growing column in the snapshot, or that of the
/// attempt before, and the type that a text has to be cast to beside such values:
/// to SQLite every text is greater than any number.
async fn upper(
    connection: &mut Detached,
    extract: &Extract<'_>,
    described: &Described,
) -> Result<Option<(String, &'static str)>, ExtractError> {
    let Some(growing) = &extract.growing else { return Ok(None) };
    let names: Vec<&str> = described.columns.iter().map(|(name, _)| name.as_str()).collect();
    check_column(&names, growing.column, "incremental")?;
    let from = From::new(extract.source, |position| format!("${}", position + 1));
    let column = quote(growing.column);
    let sql = format!(
        "SELECT CAST(max({column}) AS TEXT) AS upper, typeof(max({column})) AS kind FROM {}",
        from.relation
    );
    let bound: Vec<Value> = extract.bound.iter().map(|value| value.as_str().into()).collect();
    let rows = connection.session().fetch_all(&sql, &bound).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let kind = match row.get::<String>("kind")?.as_str() {
        "integer" => "INTEGER",
        "real" => "REAL",
        _ => "",
    };
    let upper =
        growing.to.map(str::to_owned).map_or_else(|| row.get("upper"), |to| Ok(Some(to)))?;
    Ok(upper.map(|upper| (upper, kind)))
}

/// The columns, once they are known, or why not.
type Tell = tokio::sync::oneshot::Sender<Result<Vec<Column>, ExtractError>>;

/// A connection that reads.
struct Reader {
    connection: Detached,
    sql: String,
    values: Vec<Option<String>>,
    columns: Vec<(String, Declared)>,
    sender: Sender,
}

impl Reader {
    async fn run(mut self, tell: Tell) {
        let at = self.connection.name().to_owned();
        let Session::Sqlite(connection, _) = self.connection.session() else { return };
        let mut rows = rows(connection, &self.sql, &self.values);
        let first = match first(&mut rows, FIRST, &at).await {
            Ok(first) => first,
            Err(error) => {
                // Whoever is gone does not want to know.
                let _ = tell.send(Err(error));
                return;
            }
        };
        let columns: Vec<Column> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, (name, known))| Column::new(name, settled(*known, index, &first)))
            .collect();
        if tell.send(Ok(columns.clone())).is_err() {
            return;
        }
        let filling = Filling::new(columns);
        hand_on((first, rows, &at), value::add_row, filling, &self.sender).await;
    }
}

fn rows<'c>(
    connection: &'c mut SqliteConnection,
    sql: &str,
    values: &[Option<String>],
) -> Cursor<'c, SqliteRow> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        // Text always encodes; should it ever not, the value is null.
        let _ = arguments.add(value.clone());
    }
    sqlx::query_with(AssertSqlSafe(sql.to_owned()), arguments).fetch(connection)
}
