//! Looking into a stack's warehouse.

use sqlx::{Connection, MySqlConnection, PgConnection, SqliteConnection};

use crate::stack::Stack;

/// One number out of the stack's SQLite warehouse.
pub(crate) async fn sqlite(stack: &Stack, sql: &str) -> i64 {
    let url = format!("sqlite://{}", stack.data().join("warehouse.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("the warehouse");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect(sql)
}

/// One number out of the stack's SQLite ledger.
pub(crate) async fn ledger(stack: &Stack, sql: &str) -> i64 {
    let url = format!("sqlite://{}", stack.data().join("warehouse.ledger.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("the ledger");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect(sql)
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
