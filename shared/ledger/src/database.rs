//! A pool of connections to one database, whichever dialect it speaks.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::mysql::MySqlPool;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection as _, MySql, Postgres, Sqlite};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::fault::Fault;
use crate::mysql::{self, MySqlTransaction};
use crate::url::Location;
use crate::{DatabaseError, Dialect, Row, Session, Transaction, Value};

/// How long a connection may take, and how long one waits for a free one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A database: cheap to clone, bounded in its connections.
#[derive(Debug, Clone)]
pub struct Database {
    pool: Pool,
    name: Arc<str>,
    max_connections: u32,
}

#[derive(Debug, Clone)]
enum Pool {
    Postgres(PgPool),
    /// SQLite has one writer per file. Writers of this process queue at the
    /// semaphore, in order, instead of polling the file's lock.
    Sqlite(SqlitePool, Arc<Semaphore>),
    MySql(MySqlPool),
}

pub(crate) enum Pooled {
    Postgres(PoolConnection<Postgres>),
    Sqlite(PoolConnection<Sqlite>),
    MySql(PoolConnection<MySql>),
}

impl Database {
    /// Connects to `postgres://…`, `mysql://…` or `sqlite://…`, with at most
    /// `max_connections` connections at a time.
    ///
    /// A SQLite file and its folder are created; the file is switched to
    /// write-ahead logging, so that readers never wait for a writer.
    ///
    /// # Errors
    /// [`DatabaseError`] if the URL is wrong or the database can't be reached.
    /// The password is in none of them.
    pub async fn connect(url: &SecretString, max_connections: u32) -> Result<Self, DatabaseError> {
        let location = Location::parse(url.expose_secret())?;
        let name: Arc<str> = location.name().into();
        let max_connections = max_connections.max(1);
        let pool = match location {
            Location::Postgres(options) => {
                probe(&*options, &name).await?;
                Pool::Postgres(
                    PgPoolOptions::new()
                        .max_connections(max_connections)
                        .acquire_timeout(CONNECT_TIMEOUT)
                        .connect_lazy_with(*options),
                )
            }
            Location::MySql(options) => {
                probe(&*options, &name).await?;
                Pool::MySql(mysql::pool(*options, max_connections, CONNECT_TIMEOUT))
            }
            Location::Sqlite(options) => {
                create_folder(&options, &name).await?;
                probe_sqlite(&options, &name).await?;
                let pool = SqlitePoolOptions::new()
                    .max_connections(max_connections)
                    .connect_lazy_with(*options);
                Pool::Sqlite(pool, Arc::new(Semaphore::new(1)))
            }
        };
        Ok(Self { pool, name, max_connections })
    }

    /// What is spoken here.
    pub fn dialect(&self) -> Dialect {
        match self.pool {
            Pool::Postgres(_) => Dialect::Postgres,
            Pool::Sqlite(..) => Dialect::Sqlite,
            Pool::MySql(_) => Dialect::MySql,
        }
    }

    /// The database by host and name, or by file: for messages, without
    /// secrets.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks the database for a sign of life, on a connection of its own, so
    /// that a pool in full use does not look like an outage.
    ///
    /// # Errors
    /// [`DatabaseError`] with the reason why there is none.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        match &self.pool {
            Pool::Postgres(pool) => probe(&*pool.connect_options(), &self.name).await,
            Pool::Sqlite(pool, _) => probe_sqlite(&pool.connect_options(), &self.name).await,
            Pool::MySql(pool) => probe(&*pool.connect_options(), &self.name).await,
        }
    }

    /// Begins a transaction that may write.
    ///
    /// In SQLite it takes the file's write lock at once (`BEGIN IMMEDIATE`), so
    /// that it can't fail half-way for another writer.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn begin(&self) -> Result<Transaction, DatabaseError> {
        match &self.pool {
            Pool::Postgres(pool) => match pool.begin().await {
                Ok(inner) => Ok(Transaction::postgres(inner, self.name.clone())),
                Err(error) => Err(self.not_acquired(error).await),
            },
            Pool::MySql(pool) => match MySqlTransaction::begin(pool).await {
                Ok(inner) => Ok(Transaction::mysql(inner, self.name.clone())),
                Err(error) => Err(self.not_acquired(error).await),
            },
            Pool::Sqlite(pool, writer) => {
                // The semaphore is never closed.
                let turn = writer.clone().acquire_owned().await.ok();
                match pool.begin_with("BEGIN IMMEDIATE").await {
                    Ok(inner) => Ok(Transaction::sqlite(inner, self.name.clone(), turn)),
                    Err(error) => Err(self.not_acquired(error).await),
                }
            }
        }
    }

    /// Reads rows, outside any transaction.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn fetch_all(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        self.acquire().await?.session(&self.name).fetch_all(sql, values).await
    }

    /// Reads one row at most, outside any transaction.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn fetch_optional(
        &self,
        sql: &str,
        values: &[Value],
    ) -> Result<Option<Row>, DatabaseError> {
        self.acquire().await?.session(&self.name).fetch_optional(sql, values).await
    }

    /// Runs one statement that writes, as a transaction of its own.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn execute(&self, sql: &str, values: &[Value]) -> Result<u64, DatabaseError> {
        let _turn = match &self.pool {
            Pool::Postgres(_) | Pool::MySql(_) => None,
            Pool::Sqlite(_, writer) => writer.acquire().await.ok(),
        };
        self.acquire().await?.session(&self.name).execute(sql, values).await
    }

    async fn acquire(&self) -> Result<Pooled, DatabaseError> {
        let acquired = match &self.pool {
            Pool::Postgres(pool) => pool.acquire().await.map(Pooled::Postgres),
            Pool::Sqlite(pool, _) => pool.acquire().await.map(Pooled::Sqlite),
            Pool::MySql(pool) => pool.acquire().await.map(Pooled::MySql),
        };
        match acquired {
            Ok(connection) => Ok(connection),
            Err(error) => Err(self.not_acquired(error).await),
        }
    }

    /// A pool that timed out hides why; a fresh connection tells.
    async fn not_acquired(&self, error: sqlx::Error) -> DatabaseError {
        if !matches!(error, sqlx::Error::PoolTimedOut) {
            return connecting(&self.name, error);
        }
        match self.ping().await {
            Err(reason) => reason,
            Ok(()) => DatabaseError::new(
                Fault::Crowded,
                &self.name,
                format!("all {} connections of the pool are in use", self.max_connections),
            ),
        }
    }
}

impl Pooled {
    fn session(&mut self, name: &Arc<str>) -> Session<'_> {
        match self {
            Self::Postgres(connection) => Session::Postgres(connection, name.clone()),
            Self::Sqlite(connection) => Session::Sqlite(connection, name.clone()),
            Self::MySql(connection) => Session::MySql(connection, name.clone()),
        }
    }
}

/// Connects to a server and leaves it again.
async fn probe<O>(options: &O, name: &str) -> Result<(), DatabaseError>
where
    O: ConnectOptions<Connection: Sized>,
{
    let connection = timeout(CONNECT_TIMEOUT, options.connect())
        .await
        .map_err(|_| no_answer(name))?
        .map_err(|error| connecting(name, error))?;
    connection.close().await.map_err(|error| connecting(name, error))
}

/// Opening switches the file to write-ahead logging, which SQLite refuses at
/// once while another process does the same: that passes, so it is tried again.
async fn probe_sqlite(options: &SqliteConnectOptions, name: &str) -> Result<(), DatabaseError> {
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    loop {
        match options.connect().await {
            Ok(connection) => {
                return connection.close().await.map_err(|error| connecting(name, error));
            }
            Err(error) if Fault::of(&error) == Fault::Conflict && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(connecting(name, error)),
        }
    }
}

async fn create_folder(options: &SqliteConnectOptions, name: &str) -> Result<(), DatabaseError> {
    let Some(folder) = options.get_filename().parent().filter(|f| !f.as_os_str().is_empty()) else {
        return Ok(());
    };
    tokio::fs::create_dir_all(folder).await.map_err(|error| {
        let detail = format!("can't create the folder `{}`: {error}", folder.display());
        DatabaseError::new(Fault::Unreachable, name, detail)
    })
}

fn connecting(name: &str, error: sqlx::Error) -> DatabaseError {
    let detail = crate::fault::describe(&error);
    DatabaseError::new(Fault::of_connecting(&error), name, detail)
}

fn no_answer(name: &str) -> DatabaseError {
    let detail = format!("no answer within {} s", CONNECT_TIMEOUT.as_secs());
    DatabaseError::new(Fault::Unreachable, name, detail)
}
