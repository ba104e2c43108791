//! PostgreSQL: binary `COPY` out of a read-only transaction, whose snapshot other
//! connections can share.
//!
//! `COPY` takes no values beside its statement, so they are settings of the
//! transaction, set by bound values, and the statement asks for the settings. A
//! value is never a part of the SQL.

mod decode;
mod describe;
mod parts;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use millrace_ledger::{Database, DatabaseError, Detached, Session};
use sqlx::PgConnection;

use self::decode::Decoder;
use self::describe::{Described, describe};
use super::builder::Filling;
use super::columns::{check_column, schema};
use super::select::{From, range};
use super::stream::{Sender, Unwanted, way};
use super::{Extract, ExtractError, Snapshot};
use crate::column::quote;

/// A transaction that sees one moment, changes nothing, and is not cut off for
/// taking long.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
    SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
    SET LOCAL lock_timeout = '30s'";

/// Settings that hold the bounds of the growing column.
const FROM: &str = "millrace.from";
const TO: &str = "millrace.to";

/// Opens a snapshot and begins to read.
pub(super) async fn open(
    database: &Database,
    extract: &Extract<'_>,
) -> Result<Snapshot, ExtractError> {
    let mut connection = database.detached().await?;
    connection.session().run_script(BEGIN).await?;
    if let Some(most) = extract.most {
        let bounded = format!("SET LOCAL statement_timeout = {}", most.as_millis().max(1));
        connection.session().run_script(&bounded).await?;
    }
    let taken_at = moment(&mut connection).await?;
    let described = describe(&mut connection, extract).await?;
    let from = From::new(extract.source, |position| described.setting(position));
    set_values(&mut connection, &values(extract)).await?;
    let upper = upper(&mut connection, extract, &described, &from).await?;
    let mut all = values(extract);
    all.extend(upper.clone().map(|upper| (TO.to_owned(), upper)));
    let conditions = conditions(extract, &described, upper.as_deref());
    let connections = match extract.split {
        Some(split) => {
            set_values(&mut connection, &all).await?;
            parts::open(database, connection, split, &from, &described, &conditions).await?
        }
        None => vec![(connection, None)],
    };
    let mut parts = Vec::with_capacity(connections.len());
    for (mut connection, part) in connections {
        set_values(&mut connection, &all).await?;
        let conditions: Vec<String> = conditions.iter().cloned().chain(part).collect();
        let rows = from.rows(&described.expressions(), &conditions, described.is_as_it_is);
        let (sender, rows_of_part) = way();
        let reader = Reader { connection, described: described.clone(), rows };
        tokio::spawn(reader.run(sender));
        parts.push(rows_of_part);
    }
    Ok(Snapshot { taken_at, upper, schema: schema(&described.columns()), parts })
}

async fn moment(connection: &mut Detached) -> Result<DateTime<Utc>, DatabaseError> {
    // The first statement of the transaction takes the snapshot.
    let rows = connection.session().fetch_all("SELECT clock_timestamp() AS now", &[]).await?;
    rows.first().map_or(Ok(Utc::now()), |row| row.get("now"))
}

/// The parameters by their settings, and where the growing column begins.
fn values(extract: &Extract<'_>) -> Vec<(String, String)> {
    let bound = extract.bound.iter().enumerate();
    let mut values: Vec<_> =
        bound.map(|(position, value)| (describe::name_of(position), value.clone())).collect();
    let from = extract.growing.and_then(|growing| growing.from);
    values.extend(from.map(|from| (FROM.to_owned(), from.to_owned())));
    values
}

async fn set_values(
    connection: &mut Detached,
    values: &[(String, String)],
) -> Result<(), DatabaseError> {
    for (name, value) in values {
        let sql = "SELECT set_config($1, $2, true)";
        let bound = [name.as_str().into(), value.as_str().into()];
        connection.session().fetch_all(sql, &bound).await?;
    }
    Ok(())
}

/// The greatest value of the growing column in the snapshot.
async fn upper(
    connection: &mut Detached,
    extract: &Extract<'_>,
    described: &Described,
    from: &From,
) -> Result<Option<String>, ExtractError> {
    let Some(growing) = &extract.growing else { return Ok(None) };
    check_column(&described.names(), growing.column, "incremental")?;
    if let Some(to) = growing.to {
        return Ok(Some(to.to_owned()));
    }
    let column = quote(growing.column);
    let sql = format!("SELECT CAST(max({column}) AS text) AS upper FROM {}", from.relation);
    let rows = connection.session().fetch_all(&sql, &[]).await?;
    Ok(rows.first().map_or(Ok(None), |row| row.get("upper"))?)
}

fn conditions(extract: &Extract<'_>, described: &Described, upper: Option<&str>) -> Vec<String> {
    let type_name = |column: &str| described.type_name(column);
    let bound = |setting: &str| {
        let column = extract.growing.map(|growing| growing.column).unwrap_or_default();
        describe::cast(setting, type_name(column))
    };
    range(extract, upper, || bound(FROM), || bound(TO))
}

/// A connection that reads a part.
struct Reader {
    connection: Detached,
    described: Described,
    rows: String,
}

impl Reader {
    async fn run(mut self, sender: Sender) {
        let at = self.connection.name().to_owned();
        let Session::Postgres(connection, _) = self.connection.session() else { return };
        if let Err(error) = copy(connection, &at, &self.described, &self.rows, &sender).await {
            sender.fail(error).await;
        }
    }
}

async fn copy(
    connection: &mut PgConnection,
    at: &str,
    described: &Described,
    rows: &str,
    sender: &Sender,
) -> Result<(), ExtractError> {
    let failed = |error| ExtractError::Database(DatabaseError::of(at, error));
    let statement = format!("COPY ({rows}\n) TO STDOUT (FORMAT binary)");
    let mut stream = connection.copy_out_raw(&statement).await.map_err(failed)?;
    let mut decoder = Decoder::new(described.wires());
    let mut filling = Filling::new(described.columns());
    while let Some(bytes) = stream.next().await {
        decoder.push(&bytes.map_err(failed)?);
        while let Some(length) = decoder.row(&mut filling)? {
            if filling.row_added(length)
                && let Err(Unwanted) = sender.send(&mut filling).await
            {
                return Ok(());
            }
        }
    }
    decoder.end()?;
    // Whoever does not want the last rows does not want to know.
    let _ = sender.send(&mut filling).await;
    Ok(())
}
