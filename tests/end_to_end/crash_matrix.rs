//! Workers killed at every point between a message's receive and its delete, on
//! each database, alone and in a crowd, with events that come twice and out of
//! order: every row is there once.
//!
//! The test run kills at every point of every stage in one go. `tests/crash-matrix`
//! does it point by point.

use std::time::Duration;

use millrace_tests::{MySqlDatabase, TestDatabase};

use crate::books::{Books, DISORDER, PIPELINE, Published};
use crate::fleet::Fleet;
use crate::stack::{Stack, wait_for};

/// Every point that a good file passes.
const POINTS: &[&str] = &[
    "ingest.received",
    "ingest.after_record",
    "ingest.before_send",
    "ingest.after_send",
    "ingest.before_delete",
    "ingest.after_delete",
    "transform.received",
    "transform.before_record",
    "transform.after_record",
    "transform.before_send",
    "transform.after_send",
    "transform.before_delete",
    "transform.after_delete",
    "load.received",
    "load.began",
    "load.after_rows",
    "load.before_commit",
    "load.after_commit",
    "load.after_record",
    "load.before_delete",
    "load.after_delete",
];

/// Publishes, kills at each of the points, and compares.
async fn survive(books: &Books, workers: usize, points: &[&str]) {
    let stack = Stack::start_with_all(PIPELINE, DISORDER, &books.environment());
    let fired = stack.folder().join("fired");
    std::fs::create_dir(&fired).expect("a folder");
    let s3 = stack.s3().await;
    let mut published = Published::default();
    for round in 0..6 {
        published.sale(&s3).await;
        published.sale(&s3).await;
        published.version(&s3, round % 3).await;
    }
    published.bad(&s3).await;
    let armed: Vec<String> = points.iter().map(|point| format!("{point}=kill")).collect();
    let fleet = Fleet::start(
        &stack,
        workers,
        &[
            ("MILLRACE_FAILPOINTS", &armed.join(";")),
            ("MILLRACE_FAILPOINTS_DIR", fired.to_str().expect("text")),
        ],
    );
    let missing = || points.iter().filter(|point| !fired.join(point).exists()).count();
    wait_for("every point to kill", Duration::from_secs(90), || (missing() == 0).then_some(()));
    stack.wait_until_drained();
    // Two points that are reached at the same moment are one death.
    assert!(fleet.deaths() > points.len() / 2, "{} deaths", fleet.deaths());
    fleet.stop();
    published.assert_exact(books, &stack).await;
    books.assert_unlocked(&stack).await;
}

#[tokio::test]
async fn a_worker_killed_at_any_point_loads_every_row_once_into_sqlite() {
    survive(&Books::Sqlite, 1, POINTS).await;
}

#[tokio::test]
async fn one_of_four_workers_killed_at_any_point_loads_every_row_once_into_postgres() {
    let Some(database) = TestDatabase::create().await else { return };
    survive(&Books::Postgres(database.url().to_owned()), 4, POINTS).await;
}

#[tokio::test]
async fn one_of_four_workers_killed_at_any_point_loads_every_row_once_into_mysql() {
    let Some(database) = MySqlDatabase::create().await else { return };
    survive(&Books::MySql(database.url().to_owned()), 4, POINTS).await;
}

#[tokio::test]
async fn killed_at_each_point_by_itself() {
    if std::env::var_os("MILLRACE_CRASH_MATRIX").is_none() {
        eprintln!("skipped: set MILLRACE_CRASH_MATRIX, or run `tests/crash-matrix`");
        return;
    }
    for workers in [1, 4] {
        for point in POINTS {
            eprintln!("{point}, {workers} worker(s), SQLite");
            survive(&Books::Sqlite, workers, &[point]).await;
            if let Some(database) = TestDatabase::create().await {
                eprintln!("{point}, {workers} worker(s), PostgreSQL");
                let books = Books::Postgres(database.url().to_owned());
                survive(&books, workers, &[point]).await;
            }
            if let Some(database) = MySqlDatabase::create().await {
                eprintln!("{point}, {workers} worker(s), MySQL");
                let books = Books::MySql(database.url().to_owned());
                survive(&books, workers, &[point]).await;
            }
        }
    }
}
