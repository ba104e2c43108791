//! Looking into a stack's warehouse.

use std::time::{Duration, Instant};

use sqlx::{Connection, MySqlConnection, PgConnection, SqliteConnection};

use crate::stack::Stack;

/// One number out of the stack's SQLite warehouse, whose file is there as soon as the
/// first worker that loads has come: that may be a while after the stack is up.
pub(crate) async fn sqlite(stack: &Stack, sql: &str) -> i64 {
    number(open(stack, "warehouse.db", "SELECT 1").await, sql).await
}

/// One number out of the stack's SQLite ledger.
pub(crate) async fn ledger(stack: &Stack, sql: &str) -> i64 {
    number(open_ledger(stack).await, sql).await
}

async fn number(mut file: SqliteConnection, sql: &str) -> i64 {
    let number = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut file).await;
    // Dropped, it would close later, and lock the file for that.
    file.close().await.expect("closed");
    number.expect(sql)
}

/// Opens the stack's SQLite ledger, which the first worker makes in one transaction.
pub(crate) async fn open_ledger(stack: &Stack) -> SqliteConnection {
    let made = "SELECT 1 FROM sqlite_master WHERE name = 'millrace_files'";
    open(stack, "warehouse.ledger.db", made).await
}

/// Opens a file of the stack's once `ready` has a row.
async fn open(stack: &Stack, file: &str, ready: &'static str) -> SqliteConnection {
    let url = format!("sqlite://{}", stack.data().join(file).display());
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Ok(mut connection) = SqliteConnection::connect(&url).await
            && let Ok(Some(_)) = sqlx::query(ready).fetch_optional(&mut connection).await
        {
            return connection;
        }
        assert!(Instant::now() < deadline, "no {file}: {}", stack.log_text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// One number out of a PostgreSQL warehouse.
pub(crate) async fn postgres(url: &str, sql: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.expect("the warehouse");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect(sql)
}

/// One number out of a MySQL warehouse.
pub(crate) async fn mysql(url: &str, sql: &str) -> i64 {
    let mut connection = MySqlConnection::connect(url).await.expect("the warehouse");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect(sql)
}
