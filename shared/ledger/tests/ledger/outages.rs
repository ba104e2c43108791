//! What PostgreSQL says when it can't, each time made to say it: with the class
//! that decides what becomes of the message. No disk is filled for `53100`; its
//! meaning is tested beside the table of codes.

use std::time::{Duration, Instant};

use millrace_ledger::{Database, DatabaseError, Fault, Transaction};
use millrace_retry::{Classify, FailureClass};
use millrace_tests::{TestDatabase, TestServer};

use crate::support::connect;

struct Here {
    database: Database,
    server: TestDatabase,
}

async fn here() -> Option<Here> {
    let server = TestDatabase::create().await?;
    let database = connect(server.url()).await;
    database.execute("CREATE TABLE n (id INT PRIMARY KEY, n INT)", &[]).await.unwrap();
    database.execute("INSERT INTO n VALUES (1, 0), (2, 0)", &[]).await.unwrap();
    Some(Here { database, server })
}

impl Here {
    async fn run(&self, sql: &str) {
        let mut transaction = self.database.begin().await.unwrap();
        transaction.session().run_script(sql).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn begin(&self) -> Transaction {
        self.database.begin().await.unwrap()
    }
}

async fn add(transaction: &mut Transaction, id: i64) -> Result<u64, DatabaseError> {
    transaction.execute("UPDATE n SET n = n + 1 WHERE id = $1", &[id.into()]).await
}

fn says(error: &DatabaseError, fault: Fault, class: FailureClass, code: &str) {
    assert_eq!((error.fault(), error.class()), (fault, class), "{error}");
    assert!(error.to_string().contains(code), "{error}");
}

#[tokio::test]
async fn a_database_that_can_only_be_read_is_an_outage() {
    let Some(here) = here().await else { return };
    let name = here.server.url().rsplit('/').next().unwrap().to_owned();
    here.run(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    // What a replica answers after a failover, to new connections and old.
    let database = connect(here.server.url()).await;
    let error = database.execute("UPDATE n SET n = 1", &[]).await.unwrap_err();
    says(&error, Fault::ReadOnly, FailureClass::Outage, "25006");
    let error = database.ping().await.expect_err("a worker must go on waiting");
    assert_eq!(error.fault(), Fault::ReadOnly, "{error}");
}

#[tokio::test]
async fn too_many_connections_are_throttling() {
    let Some(here) = here().await else { return };
    let role = format!("one_{}", std::process::id());
    here.run(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 1")).await;
    let url = here.server.url().replacen("millrace@", &format!("{role}@"), 1);
    let only = connect(&url).await;
    let held = only.begin().await.unwrap();
    let error = only.ping().await.unwrap_err();
    says(&error, Fault::Crowded, FailureClass::Throttled, "53300");
    held.rollback().await.unwrap();
}

#[tokio::test]
async fn a_deadlock_is_transient_for_one_and_nothing_for_the_other() {
    let Some(here) = here().await else { return };
    let (mut one, mut other) = (here.begin().await, here.begin().await);
    add(&mut one, 1).await.unwrap();
    add(&mut other, 2).await.unwrap();
    let (first, second) = tokio::join!(add(&mut one, 2), add(&mut other, 1));
    let error = first.and(second).unwrap_err();
    says(&error, Fault::Conflict, FailureClass::Transient, "40P01");
}

#[tokio::test]
async fn a_serialization_failure_is_transient() {
    let Some(here) = here().await else { return };
    let (mut one, mut other) = (here.begin().await, here.begin().await);
    for transaction in [&mut one, &mut other] {
        let strict = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE";
        transaction.session().run_script(strict).await.unwrap();
        transaction.fetch_all("SELECT n FROM n", &[]).await.unwrap();
    }
    add(&mut one, 1).await.unwrap();
    one.commit().await.unwrap();
    let error = add(&mut other, 1).await.unwrap_err();
    says(&error, Fault::Conflict, FailureClass::Transient, "40001");
}

#[tokio::test]
async fn time_outs_of_statements_and_locks_are_transient() {
    let Some(here) = here().await else { return };
    let mut holder = here.begin().await;
    add(&mut holder, 1).await.unwrap();
    for (setting, code) in [("lock_timeout", "55P03"), ("statement_timeout", "57014")] {
        let mut waiting = here.begin().await;
        let limit = format!("SET LOCAL {setting} = '20ms'");
        waiting.session().run_script(&limit).await.unwrap();
        let error = add(&mut waiting, 1).await.unwrap_err();
        says(&error, Fault::Conflict, FailureClass::Transient, code);
    }
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_an_outage() {
    let Some(here) = here().await else { return };
    let mut ended = here.begin().await;
    let pid = ended.fetch_optional("SELECT pg_backend_pid()::bigint AS pid", &[]).await.unwrap();
    let pid: i64 = pid.unwrap().get("pid").unwrap();
    let end = "SELECT pg_terminate_backend($1::int)::int AS ended";
    here.database.fetch_all(end, &[pid.into()]).await.unwrap();
    let error = add(&mut ended, 1).await.unwrap_err();
    // The server says so before it closes; where the close is seen first, the
    // connection was cut and the message is tried again.
    assert!(matches!(error.fault(), Fault::Unreachable | Fault::Interrupted), "{error}");
    here.database.ping().await.expect("only the connection is gone");
}

#[tokio::test]
async fn a_server_that_restarts_is_an_outage_until_it_answers_again() {
    let Some(mut server) = TestServer::start().await else { return };
    let database = connect(server.url()).await;
    for signal in ["INT", "KILL"] {
        server.signal(signal);
        let (started, mut down) = (Instant::now(), 0);
        loop {
            match database.ping().await {
                Ok(()) if down > 0 => break,
                Ok(()) => {}
                Err(error) => {
                    assert_eq!(error.class(), FailureClass::Outage, "{error}");
                    down += 1;
                }
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{signal}: down {down} times");
        }
        database.fetch_all("SELECT 1 AS one", &[]).await.expect("the pool recovers by itself");
    }
}
