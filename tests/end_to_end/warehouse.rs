//! Looking into a stack's warehouse.

use std::time::{Duration, Instant};

use sqlx::{Connection, MySqlConnection, PgConnection, SqliteConnection};

use crate::stack::Stack;

/// One number out of the stack's SQLite warehouse.
pub(crate) async fn sqlite(stack: &Stack, sql: &str) -> i64 {
    let url = format!("sqlite://{}", stack.data().join("warehouse.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("the warehouse");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect(sql)
}

/// One number out of the stack's SQLite ledger, which is there as soon as the
/// first worker has come: that may be a while after the stack is up.
pub(crate) async fn ledger(stack: &Stack, sql: &str) -> i64 {
    let mut ledger = open_ledger(stack).await;
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut ledger).await.expect(sql)
}

/// Waits until the first worker has made the stack's SQLite ledger and opens it.
pub(crate) async fn open_ledger(stack: &Stack) -> SqliteConnection {
    let url = format!("sqlite://{}", stack.data().join("warehouse.ledger.db").display());
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        // Its tables come in one transaction.
        let made = "SELECT 1 FROM sqlite_master WHERE name = 'millrace_files'";
        if let Ok(mut ledger) = SqliteConnection::connect(&url).await
            && sqlx::query(made).fetch_optional(&mut ledger).await.is_ok_and(|row| row.is_some())
        {
            return ledger;
        }
        assert!(Instant::now() < deadline, "no ledger: {}", stack.log_text());
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
