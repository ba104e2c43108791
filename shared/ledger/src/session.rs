//! A connection of any dialect, and the rows it answers with.

use std::sync::Arc;

use sqlx::mysql::{MySqlArguments, MySqlRow};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    AssertSqlSafe, Decode, MySql, MySqlConnection, PgConnection, Postgres, Row as _, Sqlite,
    SqliteConnection, Type,
};

use crate::fault::Fault;
use crate::mysql::positional;
use crate::{DatabaseError, Dialect, Value};

/// A borrowed connection.
pub enum Session<'c> {
    /// To a PostgreSQL server.
    Postgres(&'c mut PgConnection, Arc<str>),
    /// To a SQLite file.
    Sqlite(&'c mut SqliteConnection, Arc<str>),
    /// To a MySQL or MariaDB server.
    MySql(&'c mut MySqlConnection, Arc<str>),
}

/// One row of an answer.
pub enum Row {
    /// From PostgreSQL.
    Postgres(PgRow, Arc<str>),
    /// From SQLite.
    Sqlite(SqliteRow, Arc<str>),
    /// From MySQL or MariaDB.
    MySql(MySqlRow, Arc<str>),
}

impl Session<'_> {
    /// What is spoken here.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(..) => Dialect::Postgres,
            Self::Sqlite(..) => Dialect::Sqlite,
            Self::MySql(..) => Dialect::MySql,
        }
    }

    /// An error of this database that no statement gave.
    pub(crate) fn error(&self, fault: Fault, detail: &str) -> DatabaseError {
        match self {
            Self::Postgres(_, at) | Self::Sqlite(_, at) | Self::MySql(_, at) => {
                DatabaseError::new(fault, at, detail)
            }
        }
    }

    /// Runs a prepared statement and says how many rows it changed.
    ///
    /// `sql` is composed from literals and quoted identifiers only; values are
    /// bound.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, DatabaseError> {
        match self {
            Self::Postgres(connection, at) => bind_postgres(sql, values)
                .execute(&mut **connection)
                .await
                .map(|done| done.rows_affected())
                .map_err(|error| DatabaseError::of(at, error)),
            Self::Sqlite(connection, at) => bind_sqlite(sql, values)
                .execute(&mut **connection)
                .await
                .map(|done| done.rows_affected())
                .map_err(|error| DatabaseError::of(at, error)),
            Self::MySql(connection, at) => bind_mysql(sql, values)
                .execute(&mut **connection)
                .await
                .map(|done| done.rows_affected())
                .map_err(|error| DatabaseError::of(at, error)),
        }
    }

    /// Runs a prepared statement and collects its rows.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn fetch_all(
        &mut self,
        sql: &str,
        values: &[Value],
    ) -> Result<Vec<Row>, DatabaseError> {
        match self {
            Self::Postgres(connection, at) => bind_postgres(sql, values)
                .fetch_all(&mut **connection)
                .await
                .map(|rows| rows.into_iter().map(|row| Row::Postgres(row, at.clone())).collect())
                .map_err(|error| DatabaseError::of(at, error)),
            Self::Sqlite(connection, at) => bind_sqlite(sql, values)
                .fetch_all(&mut **connection)
                .await
                .map(|rows| rows.into_iter().map(|row| Row::Sqlite(row, at.clone())).collect())
                .map_err(|error| DatabaseError::of(at, error)),
            Self::MySql(connection, at) => bind_mysql(sql, values)
                .fetch_all(&mut **connection)
                .await
                .map(|rows| rows.into_iter().map(|row| Row::MySql(row, at.clone())).collect())
                .map_err(|error| DatabaseError::of(at, error)),
        }
    }

    /// Runs a prepared statement that answers with one row at most.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn fetch_optional(
        &mut self,
        sql: &str,
        values: &[Value],
    ) -> Result<Option<Row>, DatabaseError> {
        Ok(self.fetch_all(sql, values).await?.into_iter().next())
    }

    /// Runs statements that bind nothing, separated by `;`.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn run_script(&mut self, sql: &str) -> Result<(), DatabaseError> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Self::Postgres(connection, at) => script
                .execute(&mut **connection)
                .await
                .map(drop)
                .map_err(|error| DatabaseError::of(at, error)),
            Self::Sqlite(connection, at) => script
                .execute(&mut **connection)
                .await
                .map(drop)
                .map_err(|error| DatabaseError::of(at, error)),
            Self::MySql(connection, at) => script
                .execute(&mut **connection)
                .await
                .map(drop)
                .map_err(|error| DatabaseError::of(at, error)),
        }
    }
}

impl Row {
    /// The value of a column.
    ///
    /// # Errors
    /// [`DatabaseError`] if there is no such column or it holds another type.
    pub fn get<'r, T>(&'r self, column: &str) -> Result<T, DatabaseError>
    where
        T: Decode<'r, Postgres> + Type<Postgres>,
        T: Decode<'r, Sqlite> + Type<Sqlite>,
        T: Decode<'r, MySql> + Type<MySql>,
    {
        match self {
            Self::Postgres(row, at) => {
                row.try_get(column).map_err(|error| DatabaseError::of(at, error))
            }
            Self::Sqlite(row, at) => {
                row.try_get(column).map_err(|error| DatabaseError::of(at, error))
            }
            Self::MySql(row, at) => {
                row.try_get(column).map_err(|error| DatabaseError::of(at, error))
            }
        }
    }

    /// A column of counts, which are kept as signed numbers.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn count(&self, column: &str) -> Result<u64, DatabaseError> {
        Ok(self.get::<i64>(column)?.unsigned_abs())
    }

    /// A column of counts that are not known for every row.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn optional_count(&self, column: &str) -> Result<Option<u64>, DatabaseError> {
        Ok(self.get::<Option<i64>>(column)?.map(i64::unsigned_abs))
    }
}

fn bind_postgres(sql: &str, values: &[Value]) -> Query<'static, Postgres, PgArguments> {
    values.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, value| match value {
        Value::Text(text) => query.bind(text.clone()),
        Value::Int(number) => query.bind(*number),
        Value::Time(time) => query.bind(*time),
    })
}

fn bind_sqlite(sql: &str, values: &[Value]) -> Query<'static, Sqlite, SqliteArguments> {
    values.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, value| match value {
        Value::Text(text) => query.bind(text.clone()),
        Value::Int(number) => query.bind(*number),
        Value::Time(time) => query.bind(*time),
    })
}

fn bind_mysql(sql: &str, values: &[Value]) -> Query<'static, MySql, MySqlArguments> {
    let (sql, order) = positional(sql);
    let values = order.into_iter().filter_map(|number| values.get(number));
    values.fold(sqlx::query(AssertSqlSafe(sql)), |query, value| match value {
        Value::Text(text) => query.bind(text.clone()),
        Value::Int(number) => query.bind(*number),
        Value::Time(time) => query.bind(*time),
    })
}
