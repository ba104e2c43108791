//! What MySQL and MariaDB need beside a dialect: a session that reads SQL as the
//! other databases do, transactions that free their named locks, and `?` where
//! statements say `$1`.

use std::ops::DerefMut;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, MySql, MySqlConnection};

use crate::fault::Fault;
use crate::{DatabaseError, Session};

/// Seconds that locks of rows, of tables and by name are waited for.
const LOCK_WAIT_SECONDS: i64 = 30;

/// Statements are read as elsewhere (`"…"` is an identifier, `||` joins text, a
/// backslash is a backslash), values that do not fit are errors, and each
/// statement sees what was committed before it.
const SESSION: &str = "SET SESSION \
    sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,\
NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO,\
NO_ENGINE_SUBSTITUTION', \
    autocommit = 1, time_zone = '+00:00', innodb_lock_wait_timeout = 30, lock_wait_timeout = 30; \
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// A pool whose connections all have the settings of [`SESSION`].
pub(crate) fn pool(options: MySqlConnectOptions, max: u32, patience: Duration) -> MySqlPool {
    MySqlPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(patience)
        .after_connect(|connection, _| {
            Box::pin(async move { sqlx::raw_sql(SESSION).execute(connection).await.map(drop) })
        })
        .connect_lazy_with(options)
}

/// An open transaction.
///
/// Named locks belong to the connection and outlive the transaction, so that its
/// end frees them, too. One that is dropped without an end takes its connection
/// with it: the server then undoes the transaction and frees its locks, in this
/// order.
#[derive(Debug)]
pub(crate) struct MySqlTransaction {
    connection: PoolConnection<MySql>,
    ended: bool,
}

impl MySqlTransaction {
    pub(crate) async fn begin(pool: &MySqlPool) -> Result<Self, sqlx::Error> {
        let mut begun = Self { connection: pool.acquire().await?, ended: false };
        sqlx::raw_sql("START TRANSACTION").execute(begun.connection()).await?;
        Ok(begun)
    }

    pub(crate) fn connection(&mut self) -> &mut MySqlConnection {
        self.connection.deref_mut()
    }

    /// Ends it by `COMMIT` or `ROLLBACK`, then frees its locks, in one round trip.
    pub(crate) async fn end(mut self, how: &'static str) -> Result<(), sqlx::Error> {
        let sql = format!("{how}; DO RELEASE_ALL_LOCKS()");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(self.connection()).await?;
        self.ended = true;
        Ok(())
    }
}

impl Drop for MySqlTransaction {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

/// Takes a lock by name, to be freed by the end of the transaction.
///
/// Names are the server's, at most 64 characters long: the database's name and
/// the lock's, hashed as bytes, since their character sets may differ.
pub(crate) async fn lock(session: &mut Session<'_>, name: &str) -> Result<(), DatabaseError> {
    let sql = "SELECT GET_LOCK(CONCAT('millrace ', \
                   LEFT(SHA2(CONCAT_WS(X'1F', CAST(DATABASE() AS BINARY), CAST($1 AS BINARY)), \
                       256), 48)), $2) AS locked";
    let row = session.fetch_optional(sql, &[name.into(), LOCK_WAIT_SECONDS.into()]).await?;
    let locked = row.map_or(Ok(None), |row| row.get::<Option<i64>>("locked"))?;
    if locked == Some(1) {
        return Ok(());
    }
    let detail = format!("another worker held a lock for more than {LOCK_WAIT_SECONDS} s");
    Err(session.error(Fault::Conflict, &detail))
}

/// `$2 … $1 … $1` as `? … ? … ?`, with the indexes of the values in their order.
/// What is in quotes stays as it is.
pub(crate) fn positional(sql: &str) -> (String, Vec<usize>) {
    let mut text = String::with_capacity(sql.len());
    let mut order = Vec::new();
    let mut quote = None;
    let mut rest = sql.chars().peekable();
    while let Some(char) = rest.next() {
        match (char, quote) {
            ('\'' | '"', None) => quote = Some(char),
            (char, Some(open)) if char == open => quote = None,
            ('$', None) => {
                let mut number = 0_usize;
                while let Some(digit) = rest.peek().and_then(|digit| digit.to_digit(10)) {
                    number = number.saturating_mul(10).saturating_add(digit as usize);
                    rest.next();
                }
                order.push(number.saturating_sub(1));
                text.push('?');
                continue;
            }
            _ => {}
        }
        text.push(char);
    }
    (text, order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_take_their_values_in_the_order_of_the_statement() {
        let (sql, order) = positional("UPDATE t SET a = $2, b = $12 WHERE c = $1 OR d = $1");
        assert_eq!(sql, "UPDATE t SET a = ?, b = ? WHERE c = ? OR d = ?");
        assert_eq!(order, [1, 11, 0, 0]);
    }

    #[test]
    fn what_is_quoted_is_no_placeholder() {
        let (sql, order) = positional("SELECT '$1''$2' AS \"$3\"\"'$4\", $1");
        assert_eq!(sql, "SELECT '$1''$2' AS \"$3\"\"'$4\", ?");
        assert_eq!(order, [0]);
    }
}
