//! How a file's rows meet those that are there.

use std::sync::Arc;

use arrow::array::{Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use millrace_contract::LoadMode;
use millrace_retry::{Classify, FailureClass};
use millrace_warehouse::{LoadError, Loaded};

use crate::support::{File, fresh, lineage, people, places};

#[tokio::test]
async fn a_new_version_replaces_exactly_the_rows_of_its_own_file() {
    for place in places().await {
        let swap = |rows: &[(i64, &str)]| {
            File::new("people", vec![people(rows)]).mode(LoadMode::ReplaceFile)
        };
        swap(&[(1, "a1"), (2, "a2"), (3, "a3")])
            .version("v1", "01")
            .load_into(&place.warehouse)
            .await
            .unwrap();
        swap(&[(9, "other")]).key("in/b.csv").load_into(&place.warehouse).await.unwrap();
        let second = swap(&[(1, "b1"), (4, "b4")]).version("v2", "02");
        let loaded = second.load_into(&place.warehouse).await.unwrap();
        assert_eq!(loaded, Loaded::Fresh { rows: 2, replaced: 3 });
        assert_eq!(place.column("people", "name").await, ["b1", "b4", "other"]);
        let third = swap(&[]).version("v3", "03");
        let third = File { batches: vec![people(&[])], ..third };
        let loaded = third.load_into(&place.warehouse).await.unwrap();
        assert_eq!(loaded, Loaded::Fresh { rows: 0, replaced: 2 });
        assert_eq!(place.column("people", "name").await, ["other"]);
    }
}

#[tokio::test]
async fn a_replacement_that_fails_leaves_the_rows_that_were_there() {
    for place in places().await {
        let swap = |rows: &[(i64, &str)]| {
            File::new("people", vec![people(rows)]).mode(LoadMode::ReplaceFile)
        };
        swap(&[(1, "kept")]).version("v1", "01").load_into(&place.warehouse).await.unwrap();
        let mut second = swap(&[(2, "lost")]).version("v2", "02");
        second.task.balance.written = 7;
        second.load_into(&place.warehouse).await.expect_err("unbalanced");
        assert_eq!(place.column("people", "name").await, ["kept"]);
    }
}

#[tokio::test]
async fn appended_versions_stay_beside_each_other() {
    for place in places().await {
        for (sequencer, name) in [("01", "one"), ("02", "two")] {
            let file = File::new("people", vec![people(&[(1, name)])]).version(name, sequencer);
            assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(1));
        }
        assert_eq!(place.column("people", "name").await, ["one", "two"]);
        let (carried, recorded) = lineage(&place, "people").await;
        assert_eq!((carried.len(), carried), (2, recorded));
    }
}

#[tokio::test]
async fn the_last_row_of_a_key_wins_within_and_across_files() {
    for place in places().await {
        let rows = [people(&[(1, "first"), (2, "two")]), people(&[(1, "second"), (1, "third")])];
        let first = File::new("people", rows.to_vec()).upsert(&["id"]);
        assert_eq!(first.load_into(&place.warehouse).await.unwrap(), fresh(4));
        assert_eq!(place.column("people", "name").await, ["third", "two"]);
        let second = File::new("people", vec![people(&[(2, "TWO"), (3, "three")])])
            .key("in/b.csv")
            .upsert(&["id"]);
        second.load_into(&place.warehouse).await.unwrap();
        assert_eq!(place.column("people", "name").await, ["TWO", "third", "three"]);
        let sql = "SELECT COUNT(DISTINCT _load_id) AS n FROM people WHERE id IN (2, 3)";
        let row = place.database.fetch_optional(sql, &[]).await.unwrap().unwrap();
        assert_eq!(row.count("n").unwrap(), 1);
    }
}

#[tokio::test]
async fn a_table_of_nothing_but_its_key_is_upserted_too() {
    for place in places().await {
        let file = File::new("pairs", vec![people(&[(1, "a"), (1, "b"), (1, "a")])]);
        file.upsert(&["id", "name"]).load_into(&place.warehouse).await.unwrap();
        assert_eq!(place.column("pairs", "name").await, ["a", "b"]);
    }
}

#[tokio::test]
async fn a_key_without_a_value_breaks_the_contract() {
    for place in places().await {
        let schema = people(&[]).schema();
        let ids: Vec<i64> = (0..5).collect();
        let names = StringArray::from(vec![Some("a"), Some("b"), Some("c"), None, Some("e")]);
        let columns: Vec<arrow::array::ArrayRef> =
            vec![Arc::new(Int64Array::from(ids)), Arc::new(names)];
        let batch = RecordBatch::try_new(schema, columns).unwrap();
        let file = File::new("people", vec![people(&[(7, "x")]), batch]).upsert(&["name"]);
        let error = file.load_into(&place.warehouse).await.expect_err("a null key");
        assert_eq!(error.class(), FailureClass::Contract);
        let text = error.to_string();
        assert!(text.contains("column `name`: row 5 "), "{text}");
        assert!(text.contains("`required`"), "{text}");
    }
}

#[tokio::test]
async fn duplicates_that_are_there_already_stand_in_an_upserts_way() {
    for place in places().await {
        File::new("people", vec![people(&[(1, "a"), (1, "b")])])
            .load_into(&place.warehouse)
            .await
            .unwrap();
        let file = File::new("people", vec![people(&[(2, "c")])]).key("in/b.csv").upsert(&["id"]);
        let error = file.load_into(&place.warehouse).await.expect_err("duplicates");
        assert!(matches!(error, LoadError::Database { .. }), "{error}");
        assert_eq!(error.class(), FailureClass::Contract, "{error}");
        assert!(error.to_string().contains("loading into `people`"), "{error}");
        assert_eq!(place.count("people").await, 2);
    }
}

#[tokio::test]
async fn loads_that_upsert_the_same_keys_at_once_do_not_deadlock() {
    for place in places().await {
        let loads = (0..6).map(|worker| {
            let warehouse = place.warehouse.clone();
            tokio::spawn(async move {
                let name = format!("of {worker}");
                let mut rows: Vec<(i64, &str)> = (0..200).map(|id| (id, name.as_str())).collect();
                if worker % 2 == 0 {
                    rows.reverse();
                }
                let file = File::new("people", vec![people(&rows)]).upsert(&["id"]);
                file.key(&format!("in/{worker}.csv")).load_into(&warehouse).await
            })
        });
        for ended in futures::future::join_all(loads).await {
            assert_eq!(ended.unwrap().unwrap(), fresh(200));
        }
        assert_eq!(place.count("people").await, 200);
        let sql = "SELECT COUNT(DISTINCT name) AS n FROM people";
        let row = place.database.fetch_optional(sql, &[]).await.unwrap().unwrap();
        assert_eq!(row.count("n").unwrap(), 1);
    }
}

#[tokio::test]
async fn loads_that_all_want_the_first_index_wait_for_it() {
    for place in places().await {
        let first = File::new("people", vec![people(&[(1, "appended")])]);
        first.load_into(&place.warehouse).await.unwrap();
        let loads = (0..6).map(|worker| {
            let warehouse = place.warehouse.clone();
            tokio::spawn(async move {
                let file = File::new("people", vec![people(&[(2, "swapped")])]);
                let file = file.mode(LoadMode::ReplaceFile).key(&format!("in/{worker}.csv"));
                file.load_into(&warehouse).await
            })
        });
        for ended in futures::future::join_all(loads).await {
            assert_eq!(ended.unwrap().unwrap(), fresh(1));
        }
        assert_eq!(place.count("people").await, 7);
    }
}

#[tokio::test]
async fn another_unique_index_never_takes_a_row_for_that_of_a_key() {
    for place in places().await {
        let schema = "CREATE TABLE people (id BIGINT, name VARCHAR(40) UNIQUE, _load_id BIGINT)";
        place.run(schema).await;
        let file = File::new("people", vec![people(&[(1, "ann"), (2, "ann")])]).upsert(&["id"]);
        let error = file.load_into(&place.warehouse).await.expect_err("one name, two rows");
        assert_eq!(error.class(), FailureClass::Contract, "{error}");
        assert_eq!(place.count("people").await, 0);
    }
}

#[tokio::test]
async fn the_texts_of_a_key_compare_by_bytes() {
    for place in places().await {
        // The last two differ in how the accent is written.
        let names = ["a", "A", "a ", "\u{e9}", "e\u{301}"];
        let rows: Vec<(i64, &str)> = names.iter().map(|name| (1, *name)).collect();
        let file = File::new("people", vec![people(&rows)]).upsert(&["name"]);
        assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(5));
        assert_eq!(place.count("people").await, 5);
        let again = File::new("people", vec![people(&[(2, "a ")])]).upsert(&["name"]).key("in/b");
        again.load_into(&place.warehouse).await.unwrap();
        assert_eq!(place.column("people", "id").await, ["1", "1", "1", "1", "2"]);
    }
}
