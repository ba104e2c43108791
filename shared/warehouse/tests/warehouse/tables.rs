//! Tables that were there before.

use std::sync::Arc;

use arrow::array::{DurationSecondArray, Float32Array, Int16Array};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use millrace_contract::LoadMode;
use millrace_ledger::Dialect;
use millrace_retry::{Classify, FailureClass};
use millrace_warehouse::LoadError;

use crate::support::{File, fresh, one_column, people, places};

#[tokio::test]
async fn every_difference_of_the_table_is_named_at_once() {
    for place in places().await {
        place
            .run("CREATE TABLE people (id TEXT, needed BIGINT NOT NULL, given BIGINT NOT NULL DEFAULT 1)")
            .await;
        let file = File::new("people", vec![people(&[(1, "ann")])]);
        let error = file.load_into(&place.warehouse).await.expect_err("another table");
        assert_eq!(error.class(), FailureClass::Contract);
        let LoadError::Table { table, differences } = &error else { panic!("{error}") };
        assert_eq!((table.as_str(), differences.len()), ("people", 4), "{error}");
        let text = error.to_string().to_lowercase();
        assert!(
            text.contains("column `id` is `text` in the table but the dataset has `"),
            "{text}"
        );
        let added = match place.database.dialect() {
            Dialect::Postgres | Dialect::Sqlite => "text",
            Dialect::MySql => "longtext",
        };
        let added = format!("alter table \"people\" add column \"name\" {added}");
        assert!(text.contains(&added), "{text}");
        assert!(text.contains("add column \"_load_id\" bigint"), "{text}");
        assert!(text.contains("the table demands column `needed`"), "{text}");
        assert!(!text.contains("given"), "{text}");
    }
}

#[tokio::test]
async fn a_table_with_wider_columns_and_more_of_them_is_taken() {
    for place in places().await {
        place
            .run(
                "CREATE TABLE measures (note VARCHAR(40) DEFAULT 'none', small BIGINT, \
                 \"real\" DOUBLE PRECISION, _load_id BIGINT)",
            )
            .await;
        let schema = Schema::new(vec![
            Field::new("real", DataType::Float32, true),
            Field::new("small", DataType::Int16, true),
        ]);
        let batch = RecordBatch::try_new(
            Arc::new(schema),
            vec![
                Arc::new(Float32Array::from(vec![Some(0.5), None])),
                Arc::new(Int16Array::from(vec![Some(-3), Some(4)])),
            ],
        )
        .unwrap();
        let file = File::new("measures", vec![batch]);
        assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(2));
        assert_eq!(place.column("measures", "small").await, ["-3", "4"]);
        assert_eq!(place.column("measures", "real").await, ["0.5"]);
        assert_eq!(place.column("measures", "note").await, ["none", "none"]);
    }
}

#[tokio::test]
async fn a_row_that_breaks_a_constraint_breaks_the_contract() {
    for place in places().await {
        place
            .run("CREATE TABLE people (id BIGINT CHECK (id < 3), name TEXT, _load_id BIGINT)")
            .await;
        let file = File::new("people", vec![people(&[(1, "ann"), (2, "bob"), (3, "eve")])]);
        let error = file.load_into(&place.warehouse).await.expect_err("the check fails");
        assert_eq!(error.class(), FailureClass::Contract, "{error}");
        assert!(error.to_string().contains("loading into `people`"), "{error}");
        assert_eq!(place.count("people").await, 0);
        assert_eq!(place.count("millrace_loads").await, 0);
    }
}

#[tokio::test]
async fn a_type_no_table_can_hold_is_refused_before_anything_is_done() {
    for place in places().await {
        let array = Arc::new(DurationSecondArray::from(vec![1]));
        let data_type = DataType::Duration(TimeUnit::Second);
        let file = File::new("spans", vec![one_column("data", data_type, array)]);
        let error = file.load_into(&place.warehouse).await.expect_err("a duration");
        assert!(error.to_string().contains("column `data` is Duration(s)"), "{error}");
        assert_eq!(place.count("millrace_loads").await, 0);
    }
}

#[tokio::test]
async fn a_required_column_is_not_null_in_the_table() {
    for place in places().await {
        File::new("people", vec![people(&[(1, "ann")])]).load_into(&place.warehouse).await.unwrap();
        let insert = "INSERT INTO people (name, _load_id) VALUES ('eve', 0)";
        let error = place.database.execute(insert, &[]).await.expect_err("no id");
        assert_eq!(error.class(), FailureClass::Contract, "{error}");
    }
}

#[tokio::test]
async fn replacing_files_and_upserts_have_the_index_they_need_once() {
    for place in places().await {
        for key in ["in/a.csv", "in/b.csv"] {
            let rows = vec![people(&[(1, key)])];
            let swap = File::new("swapped", rows.clone()).mode(LoadMode::ReplaceFile).key(key);
            swap.load_into(&place.warehouse).await.unwrap();
            File::new("merged", rows)
                .upsert(&["id"])
                .key(key)
                .load_into(&place.warehouse)
                .await
                .unwrap();
        }
        let sql = match place.database.dialect() {
            Dialect::Postgres => {
                "SELECT indexdef AS text FROM pg_indexes WHERE tablename IN ('merged', 'swapped') \
                 ORDER BY tablename"
            }
            Dialect::Sqlite => {
                "SELECT sql AS text FROM sqlite_master \
                 WHERE type = 'index' AND tbl_name IN ('merged', 'swapped') ORDER BY tbl_name"
            }
            Dialect::MySql => {
                "SELECT CONCAT(CASE non_unique WHEN 0 THEN 'UNIQUE ' ELSE '' END, column_name) \
                     AS text FROM information_schema.statistics WHERE table_schema = DATABASE() \
                 AND table_name IN ('merged', 'swapped') ORDER BY table_name"
            }
        };
        let indexes: Vec<_> = place.texts(sql).await.into_iter().flatten().collect();
        assert_eq!(indexes.len(), 2, "{indexes:?}");
        assert!(indexes[0].contains("UNIQUE"), "{indexes:?}");
        assert!(indexes[1].contains("_load_id"), "{indexes:?}");
    }
}
