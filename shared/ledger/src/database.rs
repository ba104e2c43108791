//! A pool of connections to one database, whichever dialect it speaks.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::mysql::{MySqlConnectOptions, MySqlPool};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, MySql, Postgres, Sqlite};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::fault::Fault;
use crate::mysql::{self, MySqlTransaction};
use crate::url::{Durability, Location};
use crate::{CurrentUrl, DatabaseError, Detached, Dialect, Row, Session, Transaction, Value};

/// How long a connection may take, and how long one waits for a free one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one waits while the server, or this pool, has no connection left: other
/// workers' transactions end, and what waited was not tried yet.
const CROWDED_TIMEOUT: Duration = Duration::from_secs(60);

/// Between two attempts at a crowded server.
const CROWDED_PAUSE: Duration = Duration::from_millis(250);

/// A connection that nobody used for so long is closed, so that a worker without
/// work leaves the server's connections to others.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A database: cheap to clone, bounded in its connections.
#[derive(Debug, Clone)]
pub struct Database {
    pool: Pool,
    name: Arc<str>,
    max_connections: u32,
    source: Option<Arc<dyn CurrentUrl>>,
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
        Self::connect_for(url, max_connections, Durability::Machine).await
    }

    /// As [`Database::connect`], saying what commits have to survive where that is
    /// ours to say.
    ///
    /// # Errors
    /// As [`Database::connect`].
    pub async fn connect_for(
        url: &SecretString,
        max_connections: u32,
        durability: Durability,
    ) -> Result<Self, DatabaseError> {
        let location = Location::parse(url.expose_secret(), durability)?;
        let name: Arc<str> = location.name().into();
        let max_connections = max_connections.max(1);
        let pool = match location {
            Location::Postgres(options) => {
                while_crowded(|| probe_postgres(&options, &name, Probe::Reachable)).await?;
                Pool::Postgres(
                    PgPoolOptions::new()
                        .max_connections(max_connections)
                        .acquire_timeout(CONNECT_TIMEOUT)
                        .idle_timeout(IDLE_TIMEOUT)
                        .connect_lazy_with(*options),
                )
            }
            Location::MySql(options) => {
                while_crowded(|| probe_mysql(&options, &name, Probe::Reachable)).await?;
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
        Ok(Self { pool, name, max_connections, source: None })
    }

    /// Asks `source` for the URL again when the database refuses the login, so
    /// that a rotated password is found without a restart.
    #[must_use]
    pub fn renewed_by(mut self, source: Arc<dyn CurrentUrl>) -> Self {
        self.source = Some(source);
        self
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

    /// Connections that are open at most, at least one.
    pub fn max_connections(&self) -> u32 {
        self.max_connections
    }

    /// Asks the database for a sign of life, on a connection of its own, so
    /// that a pool in full use does not look like an outage. One that can only
    /// be read gives none. Where it refuses the login, the URL is read again, and
    /// new connections use what it says.
    ///
    /// # Errors
    /// [`DatabaseError`] with the reason why there is none.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        match (self.probe(Probe::Writable).await, &self.source) {
            (Err(refused), Some(source)) if refused.fault() == Fault::Login => {
                self.renew(source.as_ref()).await?;
                self.probe(Probe::Writable).await
            }
            (answer, _) => answer,
        }
    }

    /// Asks the database for a sign of life, which one that can only be read gives
    /// too. Where it refuses the login, the URL is read again.
    ///
    /// # Errors
    /// [`DatabaseError`] with the reason why there is none.
    pub async fn answers(&self) -> Result<(), DatabaseError> {
        match (self.probe(Probe::Reachable).await, &self.source) {
            (Err(refused), Some(source)) if refused.fault() == Fault::Login => {
                self.renew(source.as_ref()).await?;
                self.probe(Probe::Reachable).await
            }
            (answer, _) => answer,
        }
    }

    async fn renew(&self, source: &dyn CurrentUrl) -> Result<(), DatabaseError> {
        let url = source.url().await.map_err(|why| {
            let detail = format!("the login is refused, and its URL can't be read again: {why}");
            DatabaseError::new(Fault::Login, &self.name, detail)
        })?;
        // How durable commits are is not the server's to be told anew.
        let location = Location::parse(url.expose_secret(), Durability::Machine)?;
        match (&self.pool, location) {
            (Pool::Postgres(pool), Location::Postgres(options)) => {
                pool.set_connect_options(*options);
                Ok(())
            }
            (Pool::MySql(pool), Location::MySql(options)) => {
                pool.set_connect_options(*options);
                Ok(())
            }
            (Pool::Sqlite(..), Location::Sqlite(_)) => Ok(()),
            (Pool::Postgres(_), Location::MySql(_) | Location::Sqlite(_))
            | (Pool::MySql(_), Location::Postgres(_) | Location::Sqlite(_))
            | (Pool::Sqlite(..), Location::Postgres(_) | Location::MySql(_)) => {
                let detail = "the URL now names another kind of database; restart the worker";
                Err(DatabaseError::new(Fault::Url, &self.name, detail))
            }
        }
    }

    async fn probe(&self, probe: Probe) -> Result<(), DatabaseError> {
        match &self.pool {
            Pool::Postgres(pool) => {
                probe_postgres(&pool.connect_options(), &self.name, probe).await
            }
            Pool::Sqlite(pool, _) => probe_sqlite(&pool.connect_options(), &self.name).await,
            Pool::MySql(pool) => probe_mysql(&pool.connect_options(), &self.name, probe).await,
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
        while_crowded(|| self.try_begin()).await
    }

    async fn try_begin(&self) -> Result<Transaction, DatabaseError> {
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
        while_crowded(|| self.try_acquire()).await
    }

    /// A connection for a long read, with a transaction of the caller's own: it is
    /// one of the pool's, and closed when it is dropped, whatever state it is in.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn detached(&self) -> Result<Detached, DatabaseError> {
        Ok(Detached::new(self.acquire().await?, &self.name))
    }

    async fn try_acquire(&self) -> Result<Pooled, DatabaseError> {
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

/// Tries again as long as there is no connection left, within reason.
async fn while_crowded<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, DatabaseError>
where
    F: Future<Output = Result<T, DatabaseError>>,
{
    let deadline = Instant::now() + CROWDED_TIMEOUT;
    loop {
        match attempt().await {
            Err(error) if error.fault() == Fault::Crowded && Instant::now() < deadline => {
                tokio::time::sleep(CROWDED_PAUSE).await;
            }
            ended => return ended,
        }
    }
}

impl Pooled {
    pub(crate) fn session(&mut self, name: &Arc<str>) -> Session<'_> {
        match self {
            Self::Postgres(connection) => Session::Postgres(connection, name.clone()),
            Self::Sqlite(connection) => Session::Sqlite(connection, name.clone()),
            Self::MySql(connection) => Session::MySql(connection, name.clone()),
        }
    }
}

/// What a probe asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    /// That the server lets us in: enough for commands that only look.
    Reachable,
    /// That it can be written too, which a replica can't, nor a server that has
    /// not been promoted yet.
    Writable,
}

async fn probe_postgres(
    options: &PgConnectOptions,
    name: &str,
    probe: Probe,
) -> Result<(), DatabaseError> {
    let mut connection = in_time(name, options.connect()).await?;
    if probe == Probe::Writable {
        let asked = sqlx::query_scalar::<_, String>("SHOW transaction_read_only");
        let answer = in_time(name, asked.fetch_one(&mut connection)).await?;
        writable(name, answer == "off")?;
    }
    connection.close().await.map_err(|error| connecting(name, error))
}

async fn probe_mysql(
    options: &MySqlConnectOptions,
    name: &str,
    probe: Probe,
) -> Result<(), DatabaseError> {
    let mut connection = in_time(name, options.connect()).await?;
    if probe == Probe::Writable {
        let asked = sqlx::query_scalar::<_, bool>("SELECT @@GLOBAL.read_only");
        let read_only = in_time(name, asked.fetch_one(&mut connection)).await?;
        writable(name, !read_only)?;
    }
    connection.close().await.map_err(|error| connecting(name, error))
}

/// Asks a server something, within reason.
async fn in_time<T>(
    name: &str,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, DatabaseError> {
    let answer = timeout(CONNECT_TIMEOUT, asked).await.map_err(|_| no_answer(name))?;
    answer.map_err(|error| connecting(name, error))
}

fn writable(name: &str, is_writable: bool) -> Result<(), DatabaseError> {
    match is_writable {
        true => Ok(()),
        false => Err(DatabaseError::new(Fault::ReadOnly, name, "it can only be read now")),
    }
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
