//! Databases that are not there, and what is said about them.

use std::net::TcpListener;

use millrace_ledger::{Database, DatabaseError, Dialect, Durability, Fault};
use millrace_retry::{Classify, FailureClass};

use crate::support::{connect, places};

async fn refused(url: &str) -> DatabaseError {
    Database::connect(&url.to_owned().into(), 1).await.expect_err(url)
}

#[tokio::test]
async fn a_server_that_is_down_is_an_outage_named_without_its_password() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = refused(&format!("postgres://ann:s3cret@127.0.0.1:{port}/finance")).await;
    assert_eq!(error.class(), FailureClass::Outage);
    let text = error.to_string();
    assert!(text.contains(&format!("`finance` at `127.0.0.1:{port}`")), "{text}");
    assert!(text.contains("is the server running"), "{text}");
    assert!(!format!("{text} {error:?}").contains("s3cret"), "{text}");
}

#[tokio::test]
async fn a_file_that_can_not_be_opened_is_an_outage() {
    let folder = tempfile::tempdir().unwrap();
    let error = refused(&format!("sqlite://{}", folder.path().display())).await;
    assert_eq!(error.fault(), Fault::Unreachable, "{error}");
    std::fs::write(folder.path().join("text.db"), "this is not a database, whatever it is called")
        .unwrap();
    let url = format!("sqlite://{}", folder.path().join("text.db").display());
    let error = refused(&url).await;
    assert_eq!(error.fault(), Fault::Damaged, "{error}");
    let url = format!("sqlite://{}", folder.path().join("text.db/below/a.db").display());
    let error = refused(&url).await;
    assert_eq!(error.class(), FailureClass::Outage, "{error}");
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_said_so() {
    for place in places().await {
        match place.database.dialect() {
            Dialect::Sqlite => assert!(place.database.name().starts_with("SQLite `")),
            Dialect::Postgres | Dialect::MySql => {
                let (server, _) = place.url.rsplit_once('/').unwrap();
                let error = refused(&format!("{server}/nowhere")).await;
                assert_eq!(error.fault(), Fault::Login, "{error}");
                assert!(error.to_string().contains("nowhere"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn many_processes_may_open_one_new_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("new.db").display());
    // Each has a pool of its own, as processes have.
    let opened = futures_all((0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { connect(&url).await })
    }))
    .await;
    for database in opened {
        database.ping().await.expect("a sign of life");
    }
}

#[tokio::test]
async fn a_writer_waits_for_the_writer_before_it() {
    for place in places().await {
        let schema = "CREATE TABLE n (n BIGINT)";
        place.database.execute(schema, &[]).await.unwrap();
        place.database.execute("INSERT INTO n VALUES (0)", &[]).await.unwrap();
        let other = connect(&place.url).await;
        let adding = (0..40).map(|turn| {
            let database = if turn % 2 == 0 { place.database.clone() } else { other.clone() };
            tokio::spawn(async move {
                let mut transaction = database.begin().await.unwrap();
                transaction.lock(&["n"]).await.unwrap();
                let row = transaction.fetch_optional("SELECT n FROM n", &[]).await.unwrap();
                let n: i64 = row.unwrap().get("n").unwrap();
                transaction.execute("UPDATE n SET n = $1", &[(n + 1).into()]).await.unwrap();
                transaction.commit().await.unwrap();
            })
        });
        futures_all(adding).await;
        let row = place.database.fetch_optional("SELECT n FROM n", &[]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>("n").unwrap(), 40);
    }
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing() {
    for place in places().await {
        place.database.execute("CREATE TABLE n (n BIGINT)", &[]).await.unwrap();
        let mut transaction = place.database.begin().await.unwrap();
        transaction.execute("INSERT INTO n VALUES (1)", &[]).await.unwrap();
        drop(transaction);
        let mut transaction = place.database.begin().await.unwrap();
        let rows = transaction.fetch_all("SELECT n FROM n", &[]).await.unwrap();
        assert!(rows.is_empty());
        transaction.rollback().await.unwrap();
    }
}

pub(crate) async fn futures_all<T: Send + 'static>(
    tasks: impl Iterator<Item = tokio::task::JoinHandle<T>>,
) -> Vec<T> {
    // Started all before the first is waited for.
    let tasks: Vec<_> = tasks.collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.expect("a task"));
    }
    results
}

#[tokio::test]
async fn a_commit_in_a_file_waits_for_the_disk_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("w.db").display());
    let asked = "SELECT synchronous AS n FROM pragma_synchronous";
    let full = connect(&url).await;
    let normal = Database::connect_for(&url.into(), 1, Durability::Process).await.unwrap();
    for (database, expected) in [(full, 2), (normal, 1)] {
        let row = database.fetch_optional(asked, &[]).await.unwrap().unwrap();
        assert_eq!(row.count("n").unwrap(), expected);
    }
}

#[tokio::test]
async fn workers_wait_for_a_connection_of_a_crowded_server() {
    for place in places().await.into_iter().filter(|p| p.database.dialect() == Dialect::Postgres) {
        // Superusers are never refused: the limit is a role's.
        let (server, name) = place.url.rsplit_once('/').unwrap();
        let (_, host) = server.rsplit_once('@').unwrap();
        let role = format!("few_{name}");
        for sql in [
            format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 3"),
            "CREATE TABLE entered (worker BIGINT)".to_owned(),
            "GRANT ALL ON entered TO PUBLIC".to_owned(),
        ] {
            place.database.execute(&sql, &[]).await.unwrap();
        }
        let url = format!("postgres://{role}@{host}/{name}");
        let workers = (0..12_i64).map(|worker| {
            let url = url.clone();
            tokio::spawn(async move {
                let database = Database::connect(&url.into(), 2).await?;
                let mut transaction = database.begin().await?;
                let sql = "INSERT INTO entered SELECT $1 FROM pg_sleep(0.05)";
                transaction.execute(sql, &[worker.into()]).await?;
                transaction.commit().await
            })
        });
        for ended in futures_all(workers).await {
            ended.expect("it was let in, in the end");
        }
        let count = "SELECT COUNT(*) AS n FROM entered";
        let rows = place.database.fetch_optional(count, &[]).await.unwrap().unwrap();
        assert_eq!(rows.count("n").unwrap(), 12);
        let drop = format!("DROP ROLE {role}");
        place.database.execute(&drop, &[]).await.unwrap();
    }
}
