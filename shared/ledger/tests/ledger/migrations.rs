//! Migrations run once, whoever comes first.

use millrace_ledger::{Dialect, Ledger, loads};

use crate::support::{connect, places};

#[tokio::test]
async fn workers_that_start_together_migrate_once() {
    for place in places().await {
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let url = place.url.clone();
                tokio::spawn(async move {
                    let database = connect(&url).await;
                    Ledger::open(&database).await.expect("a ledger");
                    loads::open(&database).await.expect("commit records");
                })
            })
            .collect();
        for open in opening {
            open.await.unwrap();
        }
        let sql = "SELECT migration_set, version FROM millrace_migrations ORDER BY migration_set, version";
        let rows = place.database.fetch_all(sql, &[]).await.unwrap();
        let applied: Vec<(String, i64)> = rows
            .iter()
            .map(|row| (row.get("migration_set").unwrap(), row.get("version").unwrap()))
            .collect();
        let journey = (1..=13).map(|version| ("journey", version));
        let expected: Vec<_> = journey.chain([("loads", 1), ("loads", 2)]).collect();
        let applied: Vec<_> = applied.iter().map(|(set, version)| (&**set, *version)).collect();
        assert_eq!(applied, expected);
    }
}

#[tokio::test]
async fn an_up_to_date_ledger_opens_while_a_load_holds_the_write_lock() {
    for place in places().await {
        place.ledger().await;
        let mut loading = place.database.begin().await.unwrap();
        loading.execute("CREATE TABLE busy (n BIGINT)", &[]).await.unwrap();
        place.ledger().await;
        loading.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn an_older_worker_runs_on_a_newer_database() {
    for place in places().await {
        place.ledger().await;
        let newer = "INSERT INTO millrace_migrations (migration_set, version, name, applied_at) \
                     SELECT migration_set, 999, 'future', applied_at FROM millrace_migrations \
                     WHERE version = 1";
        assert_eq!(place.database.execute(newer, &[]).await.unwrap(), 1);
        place.ledger().await;
    }
}

#[tokio::test]
async fn a_step_that_was_cut_short_is_done_again() {
    for place in places().await {
        if place.database.dialect() != Dialect::MySql {
            // A step and its record are one transaction there.
            continue;
        }
        place.ledger().await;
        let unrecorded = "DELETE FROM millrace_migrations WHERE migration_set = 'journey'";
        assert!(place.database.execute(unrecorded, &[]).await.unwrap() > 0);
        let half = "ALTER TABLE millrace_files DROP COLUMN column_version";
        place.database.execute(half, &[]).await.unwrap();
        place.ledger().await;
        let sql = "SELECT COUNT(column_version) AS n FROM millrace_files";
        assert_eq!(place.database.fetch_all(sql, &[]).await.unwrap().len(), 1);
    }
}
