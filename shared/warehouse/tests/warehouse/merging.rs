//! Rows that are put in by SQL of the pipeline file.

use millrace_contract::LoadMode;
use millrace_ledger::Dialect;
use millrace_retry::{Classify, FailureClass};
use millrace_warehouse::{LoadError, Loaded};

use crate::support::{File, fresh, people, places, servers};

fn merged(rows: &[(i64, &str)], sql: &[&str]) -> File {
    let mut file = File::new("people", vec![people(rows)]).mode(LoadMode::Merge);
    file.target.sql = sql.iter().map(|sql| (*sql).to_owned()).collect();
    file
}

const ALL: &str = "INSERT INTO {table} SELECT * FROM {input}";

#[tokio::test]
async fn statements_take_the_rows_of_the_file_and_are_done_once() {
    for place in places().await {
        let first = merged(&[(1, "a"), (2, "b")], &[ALL]);
        assert_eq!(first.load_into(&place.warehouse).await.unwrap(), fresh(2));
        let again = first.load_into(&place.warehouse).await.unwrap();
        assert!(matches!(again, Loaded::Already { rows: 2, .. }), "{again:?}");
        let statements = [
            "DELETE FROM {table} WHERE id IN (SELECT id FROM {input} WHERE name = 'gone')",
            "INSERT INTO {table} (id, name, _load_id) \
             SELECT id, upper(name), _load_id FROM {input} WHERE name <> 'gone'",
        ];
        let second = merged(&[(1, "gone"), (3, "c; d")], &statements).key("in/b.csv");
        assert_eq!(second.load_into(&place.warehouse).await.unwrap(), fresh(2));
        assert_eq!(place.column("people", "name").await, ["C; D", "b"]);
        let sql = "SELECT mode AS text FROM millrace_loads WHERE load_id = 2";
        assert_eq!(place.texts(sql).await, [Some("merge".to_owned())]);
    }
}

#[tokio::test]
async fn a_table_of_another_shape_is_for_the_statements_to_fill() {
    for place in places().await {
        place.run("CREATE TABLE people (person VARCHAR(9) PRIMARY KEY, seen BIGINT)").await;
        let sql = match place.database.dialect() {
            Dialect::Postgres | Dialect::Sqlite => {
                "INSERT INTO {table} AS t (person, seen) \
                 SELECT name, COUNT(*) FROM {input} WHERE 1 = 1 GROUP BY name \
                 ON CONFLICT (person) DO UPDATE SET seen = t.seen + excluded.seen"
            }
            Dialect::MySql => {
                "INSERT INTO {table} (person, seen) \
                 SELECT name, COUNT(*) FROM {input} GROUP BY name \
                 ON DUPLICATE KEY UPDATE seen = {table}.seen + VALUES(seen)"
            }
        };
        let rows = [(1, "a"), (2, "a"), (3, "b")];
        merged(&rows, &[sql]).load_into(&place.warehouse).await.unwrap();
        merged(&rows[..2], &[sql]).key("in/b.csv").load_into(&place.warehouse).await.unwrap();
        assert_eq!(place.column("people", "person").await, ["a", "b"]);
        assert_eq!(place.column("people", "seen").await, ["1", "4"]);
    }
}

#[tokio::test]
async fn a_statement_that_fails_is_named_and_nothing_of_the_load_stays() {
    for place in places().await {
        let statements = [ALL, "INSERT INTO nowhere\n  SELECT *   FROM {input}"];
        let file = merged(&[(1, "a")], &statements);
        let error = file.load_into(&place.warehouse).await.expect_err("no such table");
        assert!(matches!(error, LoadError::Statement { number: 2, .. }), "{error}");
        assert_eq!(error.class(), FailureClass::Contract);
        let text = error.to_string();
        let named = "statement 2 of `load.sql` (INSERT INTO nowhere SELECT * FROM {input}): ";
        assert!(text.contains(named), "{text}");
        assert_eq!(place.count("millrace_loads").await, 0);
        // The connection is as it was.
        let file = merged(&[(1, "a")], &[ALL]);
        assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(1));
        assert_eq!(place.count("people").await, 1);
    }
}

#[tokio::test]
async fn rows_that_do_not_add_up_are_not_merged() {
    for place in places().await {
        let mut file = merged(&[(1, "a")], &[ALL]);
        file.task.balance.written = 2;
        let error = file.load_into(&place.warehouse).await.expect_err("unbalanced");
        assert!(matches!(error, LoadError::Unbalanced { sent: 1, written: 2 }), "{error}");
        assert_eq!(place.count("millrace_loads").await, 0);
    }
}

#[tokio::test]
async fn two_statements_in_one_do_not_reach_a_server() {
    for place in servers().await {
        let file = merged(&[(1, "a")], &["INSERT INTO {table} SELECT * FROM {input}; COMMIT"]);
        let error = file.load_into(&place.warehouse).await.expect_err("two statements");
        let said = error.to_string();
        assert!(said.contains("multiple commands") || said.contains("syntax"), "{said}");
        assert_eq!(place.count("millrace_loads").await, 0);
    }
}
