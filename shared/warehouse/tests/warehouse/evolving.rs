//! Tables that move with their dataset.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use millrace_contract::LoadMode;
use millrace_ledger::Dialect;
use millrace_retry::{Classify, FailureClass};
use millrace_warehouse::LoadError;

use crate::support::{File, Place, fresh, people, places};

/// A batch of columns that may be null.
fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let field =
        |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(schema), arrays).expect("a batch")
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn file(key: &str, columns: Vec<(&str, ArrayRef)>) -> File {
    File::new("moving", vec![batch(columns)]).key(key).evolving()
}

/// A column of the table as text, in the order of another.
async fn values(place: &Place, column: &str, order: &str) -> Vec<Option<String>> {
    let text = place.as_text(&format!("\"{column}\""));
    let sql = format!("SELECT {text} AS text FROM moving ORDER BY {order}");
    place.texts(&sql).await
}

async fn types(place: &Place) -> Vec<String> {
    let sql = match place.database.dialect() {
        Dialect::Postgres => {
            "SELECT attname || ' ' || format_type(atttypid, atttypmod) AS text \
             FROM pg_attribute WHERE attrelid = CAST('moving' AS regclass) AND attnum > 0 \
             AND NOT attisdropped ORDER BY attname"
        }
        Dialect::Sqlite => {
            "SELECT name || ' ' || type AS text FROM pragma_table_info('moving') ORDER BY name"
        }
        Dialect::MySql => {
            "SELECT CONCAT(column_name, ' ', REGEXP_REPLACE(column_type, 'int\\([0-9]+\\)', 'int')) \
                 AS text FROM information_schema.columns \
             WHERE table_schema = DATABASE() AND table_name = 'moving' ORDER BY BINARY column_name"
        }
    };
    place.texts(sql).await.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_column_that_is_new_is_added_and_null_in_older_rows() {
    for place in places().await {
        let first = file("a", vec![("id", ints(&[1]))]);
        assert_eq!(first.load_into(&place.warehouse).await.unwrap(), fresh(1));
        let second = file("b", vec![("id", ints(&[2])), ("\"odd\" name; --", texts(&["x"]))]);
        assert_eq!(second.load_into(&place.warehouse).await.unwrap(), fresh(1));
        // A file from before that change, loaded late.
        let third = file("c", vec![("id", ints(&[3]))]);
        assert_eq!(third.load_into(&place.warehouse).await.unwrap(), fresh(1));
        let added = values(&place, "\"\"odd\"\" name; --", "id").await;
        assert_eq!(added, [None, Some("x".to_owned()), None]);
    }
}

#[tokio::test]
async fn types_widen_and_keep_every_value() {
    for place in places().await {
        let day = |day| Arc::new(Date32Array::from(vec![day])) as ArrayRef;
        let columns = vec![
            ("id", ints(&[1])),
            ("to_text", ints(&[9_007_199_254_740_993])),
            ("to_decimal", ints(&[9_007_199_254_740_993])),
            ("real_to_text", Arc::new(Float64Array::from(vec![0.1 + 0.2])) as ArrayRef),
            ("to_timestamp", day(19_723)),
            ("to_float", Arc::new(Int32Array::from(vec![7])) as ArrayRef),
        ];
        file("a", columns.clone()).load_into(&place.warehouse).await.unwrap();
        let decimal =
            Decimal128Array::from(vec![150_i128]).with_precision_and_scale(21, 2).unwrap();
        let at = TimestampMicrosecondArray::from(vec![1_704_067_200_000_000 + 3_600_000_000]);
        let wider = vec![
            ("id", ints(&[2])),
            ("to_text", texts(&["007"])),
            ("to_decimal", Arc::new(decimal) as ArrayRef),
            ("real_to_text", texts(&["n/a"])),
            ("to_timestamp", Arc::new(at) as ArrayRef),
            ("to_float", Arc::new(Float64Array::from(vec![1.5])) as ArrayRef),
        ];
        file("b", wider).load_into(&place.warehouse).await.unwrap();
        // Rows that were typed before, loaded after.
        let mut late = columns;
        late[0].1 = ints(&[3]);
        file("c", late).load_into(&place.warehouse).await.unwrap();
        let some = |texts: [&str; 3]| texts.map(|text| Some(text.to_owned())).to_vec();
        let long = "9007199254740993";
        assert_eq!(values(&place, "to_text", "id").await, some([long, "007", long]));
        let decimals = values(&place, "to_decimal", "id").await;
        let plain: Vec<_> = decimals
            .into_iter()
            .flatten()
            .map(|text| text.trim_end_matches('0').trim_end_matches('.').to_owned())
            .collect();
        assert_eq!(plain, [long, "1.5", long]);
        let reals = values(&place, "real_to_text", "id").await;
        let reals: Vec<_> = reals.iter().flatten().map(|text| text.parse::<f64>().ok()).collect();
        assert_eq!(reals, [Some(0.1 + 0.2), None, Some(0.1 + 0.2)]);
        let days = values(&place, "to_timestamp", "id").await;
        assert!(days.iter().flatten().all(|text| text.starts_with("2024-01-01")), "{days:?}");
        assert!(days[1].as_deref().unwrap().contains("01:00:00"), "{days:?}");
        let floats = values(&place, "to_float", "id").await;
        let floats: Vec<f64> = floats.iter().flatten().map(|text| text.parse().unwrap()).collect();
        assert_eq!(floats, [7.0, 1.5, 7.0]);
        let expected = match place.database.dialect() {
            Dialect::Postgres => vec![
                "_load_id bigint",
                "id bigint",
                "real_to_text text",
                "to_decimal numeric(21,2)",
                "to_float double precision",
                "to_text text",
                "to_timestamp timestamp without time zone",
            ],
            Dialect::Sqlite => vec![
                "_load_id BIGINT",
                "id INTEGER",
                "real_to_text TEXT",
                "to_decimal ",
                "to_float REAL",
                "to_text TEXT",
                "to_timestamp TEXT",
            ],
            Dialect::MySql => vec![
                "_load_id bigint",
                "id bigint",
                "real_to_text longtext",
                "to_decimal decimal(21,2)",
                "to_float double",
                "to_text longtext",
                "to_timestamp datetime(6)",
            ],
        };
        assert_eq!(types(&place).await, expected);
    }
}

#[tokio::test]
async fn the_key_of_an_upsert_may_widen() {
    for place in places().await {
        let rows = |key: ArrayRef, value| vec![("key", key), ("value", texts(&[value]))];
        let upsert = |object: &str, columns| {
            File::new("moving", vec![batch(columns)]).key(object).upsert(&["key"]).evolving()
        };
        upsert("a", rows(ints(&[1]), "old")).load_into(&place.warehouse).await.unwrap();
        upsert("b", rows(texts(&["x"]), "x")).load_into(&place.warehouse).await.unwrap();
        upsert("c", rows(ints(&[1]), "new")).load_into(&place.warehouse).await.unwrap();
        let all = values(&place, "value", "\"key\"").await;
        assert_eq!(all, [Some("new".to_owned()), Some("x".to_owned())]);
    }
}

#[tokio::test]
async fn loads_that_widen_a_table_at_once_all_arrive() {
    for place in places().await {
        file("first", vec![("id", ints(&[0])), ("v", ints(&[0]))])
            .load_into(&place.warehouse)
            .await
            .unwrap();
        let loading: Vec<_> = (1..=8_i64)
            .map(|worker| {
                let warehouse = place.warehouse.clone();
                let value = if worker % 2 == 0 { ints(&[worker]) } else { texts(&["00"]) };
                let name = format!("extra_{}", worker % 3);
                tokio::spawn(async move {
                    let extra = (name.as_str(), ints(&[worker]));
                    let columns = vec![("id", ints(&[worker])), ("v", value), extra];
                    file(&format!("file {worker}"), columns).load_into(&warehouse).await
                })
            })
            .collect();
        for load in loading {
            assert_eq!(load.await.unwrap().unwrap(), fresh(1));
        }
        let all: Vec<_> = values(&place, "v", "id").await.into_iter().flatten().collect();
        assert_eq!(all, ["0", "00", "2", "00", "4", "00", "6", "00", "8"]);
        let extra = values(&place, "extra_1", "id").await;
        assert_eq!(extra.iter().flatten().collect::<Vec<_>>(), ["1", "4", "7"]);
    }
}

#[tokio::test]
async fn a_table_that_does_not_evolve_names_every_difference() {
    for place in places().await {
        File::new("moving", vec![people(&[(1, "ann")])]).load_into(&place.warehouse).await.unwrap();
        let columns = vec![("id", texts(&["x"])), ("name", texts(&["y"])), ("new", ints(&[1]))];
        let file = File::new("moving", vec![batch(columns)]).key("b");
        let error = file.load_into(&place.warehouse).await.expect_err("another table");
        let LoadError::Table { differences, .. } = &error else { panic!("{error}") };
        assert_eq!(differences.len(), 2, "{error}");
        assert_eq!(place.count("moving").await, 1);
    }
}

#[tokio::test]
async fn what_no_type_holds_is_a_difference_and_changes_nothing() {
    for place in places().await {
        place.run("CREATE TABLE moving (v DATE, id BIGINT, _load_id BIGINT)").await;
        let floats = Arc::new(Float64Array::from(vec![1.5])) as ArrayRef;
        let file = file("a", vec![("v", floats), ("added", ints(&[1]))]);
        let error = file.load_into(&place.warehouse).await.expect_err("a date is no number");
        assert_eq!(error.class(), FailureClass::Contract);
        assert!(error.to_string().contains("column `v` is"), "{error}");
        let names = types(&place).await;
        assert!(names.iter().all(|name| !name.starts_with("added")), "{names:?}");
    }
}

#[tokio::test]
async fn files_replace_each_other_across_versions_of_their_columns() {
    for place in places().await {
        let mut first = file("a", vec![("id", ints(&[1]))]).mode(LoadMode::ReplaceFile);
        first.task.object.etag = "old".into();
        first.load_into(&place.warehouse).await.unwrap();
        let second =
            file("a", vec![("id", texts(&["x"])), ("new", ints(&[1]))]).mode(LoadMode::ReplaceFile);
        second.load_into(&place.warehouse).await.unwrap();
        assert_eq!(values(&place, "id", "id").await, [Some("x".to_owned())]);
    }
}
