//! Names that are words of SQL, not ASCII, or try to be SQL.

use std::sync::Arc;

use arrow::array::Int64Array;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use millrace_contract::LoadMode;
use millrace_ledger::Dialect;
use millrace_retry::{Classify, FailureClass};
use millrace_warehouse::LoadError;

use crate::support::{File, fresh, people, places};

fn batch(columns: &[&str]) -> RecordBatch {
    let fields: Vec<_> =
        columns.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect();
    let arrays = columns.iter().map(|_| Arc::new(Int64Array::from(vec![1])) as _).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

#[tokio::test]
async fn no_name_is_taken_for_sql() {
    let mut names = [
        "select",
        "group by",
        "Größe",
        "数量",
        "x\"; DROP TABLE millrace_loads; --",
        "a'b",
        "$1",
        "%s {} \\",
        "with space ",
    ];
    for place in places().await {
        if place.database.dialect() == Dialect::MySql {
            // It has no names that end in a space, and says so.
            let file = File::new("spaces", vec![batch(&names)]);
            let error = file.load_into(&place.warehouse).await.expect_err("a space");
            assert_eq!(error.class(), FailureClass::Contract, "{error}");
            assert!(error.to_string().contains("'with space '"), "{error}");
            names[8] = "with space";
        }
        for (number, table) in ["order", "weird\"); DROP TABLE millrace_loads; --", "Übersicht.v1"]
            .into_iter()
            .enumerate()
        {
            for mode in [LoadMode::Append, LoadMode::ReplaceFile, LoadMode::Upsert] {
                let file = File::new(table, vec![batch(&names)]).key(&format!("{number}"));
                let file = match mode {
                    LoadMode::Upsert => file.upsert(&names[..3]).contract("upsert"),
                    LoadMode::Append
                    | LoadMode::ReplaceFile
                    | LoadMode::ReplaceTable
                    | LoadMode::Merge => {
                        file.mode(mode).contract(if mode == LoadMode::Append { "a" } else { "r" })
                    }
                };
                let loaded = file.load_into(&place.warehouse).await;
                assert!(loaded.is_ok(), "{table}: {loaded:?}");
            }
            assert_eq!(place.count(&format!("\"{}\"", table.replace('"', "\"\""))).await, 1);
        }
        assert_eq!(place.count("millrace_loads").await, 9);
    }
}

#[tokio::test]
async fn names_that_can_not_be_are_listed_all_at_once() {
    let long = "ü".repeat(32);
    for place in places().await {
        let columns = [long.as_str(), "", "_load_id", "twice", "Twice", "nul\0"];
        let mut file = File::new("millrace_files", vec![batch(&columns)]).upsert(&["nowhere"]);
        let error = file.load_into(&place.warehouse).await.expect_err("impossible names");
        assert_eq!(error.class(), FailureClass::Contract);
        let LoadError::Table { differences, .. } = &error else { panic!("{error}") };
        for part in [
            "`millrace_files`: names with `millrace_` are reserved",
            "the name has 64 bytes, at most 63",
            "a column without a name",
            "`_load_id`: the name is reserved",
            "`Twice` is there twice",
            "can't hold U+0000",
            "key column `nowhere` is not a column",
        ] {
            assert!(differences.iter().any(|text| text.contains(part)), "{part}: {error}");
        }
        file = File::new("people", vec![people(&[])]).upsert(&[]);
        let error = file.load_into(&place.warehouse).await.expect_err("no key");
        assert!(error.to_string().contains("needs key columns"), "{error}");
    }
}

#[tokio::test]
async fn sixty_three_bytes_are_a_name() {
    let name = "a".repeat(63);
    for place in places().await {
        let file = File::new(&name, vec![batch(&[&name])]).mode(LoadMode::ReplaceFile);
        assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(1));
        let other = "a".repeat(62) + "b";
        let file = File::new(&other, vec![batch(&[&name])]).upsert(&[&name]);
        assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(1));
    }
}
