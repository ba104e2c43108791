//! A transaction of any dialect. Dropped without a commit, it is undone.

use std::sync::Arc;

use sqlx::{Postgres, Sqlite};
use tokio::sync::OwnedSemaphorePermit;

use crate::mysql::{self, MySqlTransaction};
use crate::together::by_halves;
use crate::{DatabaseError, Dialect, Row, Session, Value};

/// Locks that are taken by one statement.
const MOST_LOCKS: usize = 64;

/// An open transaction that may write.
#[derive(Debug)]
pub struct Transaction {
    inner: Inner,
    name: Arc<str>,
}

#[derive(Debug)]
enum Inner {
    Postgres(sqlx::Transaction<'static, Postgres>),
    /// Declared in this order so that the file's lock goes before the turn.
    Sqlite(sqlx::Transaction<'static, Sqlite>, Option<OwnedSemaphorePermit>),
    MySql(MySqlTransaction),
}

impl Transaction {
    pub(crate) fn postgres(inner: sqlx::Transaction<'static, Postgres>, name: Arc<str>) -> Self {
        Self { inner: Inner::Postgres(inner), name }
    }

    pub(crate) fn sqlite(
        inner: sqlx::Transaction<'static, Sqlite>,
        name: Arc<str>,
        turn: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { inner: Inner::Sqlite(inner, turn), name }
    }

    pub(crate) fn mysql(inner: MySqlTransaction, name: Arc<str>) -> Self {
        Self { inner: Inner::MySql(inner), name }
    }

    /// What is spoken here.
    pub fn dialect(&self) -> Dialect {
        match self.inner {
            Inner::Postgres(_) => Dialect::Postgres,
            Inner::Sqlite(..) => Dialect::Sqlite,
            Inner::MySql(_) => Dialect::MySql,
        }
    }

    /// The database, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The connection underneath.
    pub fn session(&mut self) -> Session<'_> {
        match &mut self.inner {
            Inner::Postgres(inner) => Session::Postgres(inner, self.name.clone()),
            Inner::Sqlite(inner, _) => Session::Sqlite(inner, self.name.clone()),
            Inner::MySql(inner) => Session::MySql(inner.connection(), self.name.clone()),
        }
    }

    /// As [`Session::execute`].
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, DatabaseError> {
        self.session().execute(sql, values).await
    }

    /// As [`Session::fetch_all`].
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn fetch_all(
        &mut self,
        sql: &str,
        values: &[Value],
    ) -> Result<Vec<Row>, DatabaseError> {
        self.session().fetch_all(sql, values).await
    }

    /// As [`Session::fetch_optional`].
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn fetch_optional(
        &mut self,
        sql: &str,
        values: &[Value],
    ) -> Result<Option<Row>, DatabaseError> {
        self.session().fetch_optional(sql, values).await
    }

    /// Waits until no other transaction holds the lock named by `parts`, and
    /// holds it until this one ends.
    ///
    /// SQLite needs none: a writing transaction is alone anyway. In PostgreSQL
    /// it is an advisory lock on a 64-bit hash; two names that share a hash
    /// wait for each other and nothing worse. In MySQL it is a named lock.
    ///
    /// # Errors
    /// [`DatabaseError`], classified; a lock time-out is transient.
    pub async fn lock(&mut self, parts: &[&str]) -> Result<(), DatabaseError> {
        // U+001F, the unit separator: it keeps ("a", "bc") from ("ab", "c").
        self.lock_all([parts.join("\u{1f}")].into_iter()).await
    }

    /// Holds the locks of several names, each as [`Transaction::lock`] has it with
    /// its parts joined by U+001F. They are taken in the order given.
    ///
    /// # Errors
    /// As [`Transaction::lock`].
    pub async fn lock_all(
        &mut self,
        names: impl Iterator<Item = String>,
    ) -> Result<(), DatabaseError> {
        match self.dialect() {
            Dialect::Sqlite => Ok(()),
            Dialect::MySql => {
                for name in names {
                    mysql::lock(&mut self.session(), &name).await?;
                }
                Ok(())
            }
            Dialect::Postgres => {
                let names: Vec<Value> = names.map(Value::from).collect();
                for names in by_halves(&names, MOST_LOCKS) {
                    let sql = format!(
                        "SELECT 1 AS locked FROM (SELECT pg_advisory_xact_lock( \
                             hashtextextended(CAST(n.name AS TEXT), 0)) \
                         FROM unnest(ARRAY[{}]) AS n (name)) AS l",
                        numbered(names.len())
                    );
                    self.fetch_all(&sql, names).await?;
                }
                Ok(())
            }
        }
    }

    /// Makes it all durable at once.
    ///
    /// # Errors
    /// [`DatabaseError`]. If the answer got lost, the transaction may or may
    /// not have been committed; only its commit record tells.
    pub async fn commit(self) -> Result<(), DatabaseError> {
        let done = match self.inner {
            Inner::Postgres(inner) => inner.commit().await,
            Inner::Sqlite(inner, _turn) => inner.commit().await,
            Inner::MySql(inner) => inner.end("COMMIT").await,
        };
        done.map_err(|error| DatabaseError::of(&self.name, error))
    }

    /// Undoes it all.
    ///
    /// # Errors
    /// [`DatabaseError`] if the connection broke, which undoes it too.
    pub async fn rollback(self) -> Result<(), DatabaseError> {
        let done = match self.inner {
            Inner::Postgres(inner) => inner.rollback().await,
            Inner::Sqlite(inner, _turn) => inner.rollback().await,
            Inner::MySql(inner) => inner.end("ROLLBACK").await,
        };
        done.map_err(|error| DatabaseError::of(&self.name, error))
    }
}

/// `$1, $2`.
fn numbered(count: usize) -> String {
    (1..=count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}
