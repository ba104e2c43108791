//! Every type, to the table and back, exactly.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{DataType, Int32Type, TimeUnit};
use millrace_contract::ColumnDef;
use millrace_ledger::Dialect;
use millrace_retry::{Classify, FailureClass};

use crate::support::{File, Place, fresh, mysql, one_column, places, postgres, sqlite};

/// Loads a column and reads it back as text, in the order of the rows.
async fn round_trip(place: &Place, table: &str, array: ArrayRef) -> Vec<Option<String>> {
    let rows = array.len() as u64;
    let batch = one_column("v", array.data_type().clone(), array);
    let file = File::new(table, vec![batch]).key(table);
    assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(rows), "{table}");
    read(place, table).await
}

async fn read(place: &Place, table: &str) -> Vec<Option<String>> {
    let (text, order) = match place.database.dialect() {
        Dialect::Postgres => ("v::text", "ctid"),
        Dialect::Sqlite => ("CAST(v AS TEXT)", "rowid"),
        // Rows come in the order in which InnoDB got them.
        Dialect::MySql => ("CAST(v AS CHAR)", "NULL"),
    };
    place.texts(&format!("SELECT {text} AS text FROM {table} ORDER BY {order}")).await
}

async fn check(place: &Place, name: &str, array: impl Array + 'static, expected: &[&str]) {
    let found = round_trip(place, name, Arc::new(array)).await;
    let found: Vec<_> = found.iter().map(|text| text.as_deref().unwrap_or("null")).collect();
    assert_eq!(found, expected, "{name} in {}", place.database.dialect());
}

#[tokio::test]
async fn integers_are_kept_to_their_ends() {
    for place in places().await {
        check(&place, "i8", Int8Array::from(vec![i8::MIN, i8::MAX]), &["-128", "127"]).await;
        check(&place, "u8", UInt8Array::from(vec![0, u8::MAX]), &["0", "255"]).await;
        check(&place, "i16", Int16Array::from(vec![i16::MIN, i16::MAX]), &["-32768", "32767"])
            .await;
        check(&place, "u16", UInt16Array::from(vec![0, u16::MAX]), &["0", "65535"]).await;
        let ends = Int32Array::from(vec![i32::MIN, i32::MAX]);
        check(&place, "i32", ends, &["-2147483648", "2147483647"]).await;
        check(&place, "u32", UInt32Array::from(vec![0, u32::MAX]), &["0", "4294967295"]).await;
        let ends = Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]);
        check(&place, "i64", ends, &["-9223372036854775808", "null", "9223372036854775807"]).await;
        let ends = UInt64Array::from(vec![0, u64::MAX, 9_223_372_036_854_775_808]);
        check(&place, "u64", ends, &["0", "18446744073709551615", "9223372036854775808"]).await;
    }
}

#[tokio::test]
async fn decimals_keep_every_digit() {
    let largest = 10_i128.pow(38) - 1;
    for place in places().await {
        for (name, precision, scale, values, expected) in [
            (
                "d38_0",
                38,
                0,
                vec![largest, -largest, 0],
                vec!["9".repeat(38), format!("-{}", "9".repeat(38)), "0".into()],
            ),
            (
                "d38_38",
                38,
                38,
                vec![largest, -1],
                vec![format!("0.{}", "9".repeat(38)), format!("-0.{}1", "0".repeat(37))],
            ),
            (
                "d38_10",
                38,
                10,
                vec![largest],
                vec![format!("{}.{}", "9".repeat(28), "9".repeat(10))],
            ),
            (
                "d20_4",
                20,
                4,
                vec![12_345_678_901_234_567_890],
                vec!["1234567890123456.7890".into()],
            ),
        ] {
            let array = Decimal128Array::from(values).with_precision_and_scale(precision, scale);
            let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
            check(&place, name, array.unwrap(), &expected).await;
        }
    }
}

#[tokio::test]
async fn money_can_be_computed_with() {
    for place in places().await {
        let cents = Decimal128Array::from(vec![Some(10), Some(20), Some(-123_456_789_012), None]);
        let array = cents.with_precision_and_scale(12, 2).unwrap();
        round_trip(&place, "money", Arc::new(array)).await;
        let found = place.as_text(&format!(
            "CASE WHEN SUM(v) = -1234567889.82 AND MIN(v) < 0 \
             AND SUM(CASE WHEN v = 0.1 THEN 1 ELSE 0 END) = 1 THEN 'exact' ELSE {} END",
            place.as_text("SUM(v)")
        ));
        let sql = format!("SELECT {found} AS text FROM money");
        assert_eq!(place.texts(&sql).await, [Some("exact".to_owned())]);
    }
}

#[tokio::test]
async fn floats_and_booleans_are_kept() {
    for place in places().await {
        let mut floats = vec![0.1, -1.5e300];
        let mut texts = vec!["0.1", "-1.5e+300"];
        match place.database.dialect() {
            Dialect::Postgres | Dialect::Sqlite => {
                floats.push(f64::NAN);
                texts.push("NaN");
            }
            Dialect::MySql => texts[1] = "-1.5e300",
        }
        check(&place, "f64", Float64Array::from(floats), &texts).await;
        check(&place, "f32", Float32Array::from(vec![Some(0.5), None]), &["0.5", "null"]).await;
        let expected = match place.database.dialect() {
            Dialect::Postgres => ["true", "false", "null"],
            Dialect::Sqlite | Dialect::MySql => ["1", "0", "null"],
        };
        check(&place, "b", BooleanArray::from(vec![Some(true), Some(false), None]), &expected)
            .await;
    }
}

#[tokio::test]
async fn days_and_times_before_and_after_1970_are_kept() {
    let dates = || Date32Array::from(vec![-719_528, -1, 0, 10_957, 2_932_896]);
    let micros = || {
        TimestampMicrosecondArray::from(vec![Some(-1), None, Some(0), Some(1_700_000_000_123_456)])
    };
    if let Some(place) = postgres().await {
        let expected = ["0001-01-01 BC", "1969-12-31", "1970-01-01", "2000-01-01", "9999-12-31"];
        check(&place, "d", dates(), &expected).await;
        let wall = [
            "1969-12-31 23:59:59.999999",
            "null",
            "1970-01-01 00:00:00",
            "2023-11-14 22:13:20.123456",
        ];
        check(&place, "ts", micros(), &wall).await;
        let millis = TimestampMillisecondArray::from(vec![-1]);
        check(&place, "ms", millis, &["1969-12-31 23:59:59.999"]).await;
        place.run("CREATE TABLE tz (v TIMESTAMPTZ, _load_id BIGINT)").await;
        round_trip(&place, "tz", Arc::new(micros().with_timezone("UTC"))).await;
        let sql = "SELECT CAST(v AT TIME ZONE 'UTC' AS TEXT) AS text FROM tz ORDER BY ctid";
        let found = place.texts(sql).await;
        assert_eq!(found[0].as_deref(), Some("1969-12-31 23:59:59.999999"));
        assert_eq!(found[3].as_deref(), Some("2023-11-14 22:13:20.123456"));
    }
    let expected = ["0000-01-01", "1969-12-31", "1970-01-01", "2000-01-01", "9999-12-31"];
    let wall = [
        "1969-12-31 23:59:59.999999",
        "null",
        "1970-01-01 00:00:00.000000",
        "2023-11-14 22:13:20.123456",
    ];
    if let Some(place) = mysql().await {
        check(&place, "d", dates(), &expected).await;
        check(&place, "ts", micros(), &wall).await;
        // Instants are in UTC, whatever the server's zone is.
        check(&place, "tz", micros().with_timezone("UTC"), &wall).await;
        place.run("CREATE TABLE stamps (v TIMESTAMP(6) NULL, _load_id BIGINT)").await;
        let instants = TimestampMicrosecondArray::from(vec![1_700_000_000_123_456]);
        check(&place, "stamps", instants.with_timezone("UTC"), &wall[3..]).await;
    }
    let place = sqlite().await;
    check(&place, "d", dates(), &expected).await;
    check(&place, "ts", micros(), &wall).await;
    let instant = TimestampMillisecondArray::from(vec![-1]).with_timezone("UTC");
    check(&place, "tz", instant, &["1969-12-31 23:59:59.999000Z"]).await;
}

#[tokio::test]
async fn times_bytes_and_what_is_nested_are_kept() {
    for place in places().await {
        let (bytes, list) = match place.database.dialect() {
            Dialect::Postgres => ("\\x6869", "[1, null]"),
            Dialect::Sqlite | Dialect::MySql => ("hi", "[1,null]"),
        };
        let times = Time64MicrosecondArray::from(vec![Some(86_399_999_999), None]);
        check(&place, "times", times, &["23:59:59.999999", "null"]).await;
        let blobs = BinaryArray::from(vec![Some(b"hi".as_slice()), None]);
        check(&place, "blobs", blobs, &[bytes, "null"]).await;
        let lists =
            ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
        check(&place, "lists", lists, &[list, "null"]).await;
    }
}

#[tokio::test]
async fn text_is_kept_and_empty_is_not_null() {
    let texts = ["", "naïve 数量 🦀", "\\N", "NULL", "a\tb\nc\"d'e", "007", " 1.50 "];
    for place in places().await {
        let mut values: Vec<Option<&str>> = texts.iter().map(|text| Some(*text)).collect();
        values.push(None);
        let mut expected = texts.to_vec();
        expected.push("null");
        check(&place, "utf8", StringArray::from(values.clone()), &expected).await;
        check(&place, "large", LargeStringArray::from(values.clone()), &expected).await;
        check(&place, "view", StringViewArray::from(values.clone()), &expected).await;
        let dictionary: DictionaryArray<Int32Type> = values.into_iter().collect();
        check(&place, "dictionary", dictionary, &expected).await;
    }
}

#[tokio::test]
async fn json_is_json_where_the_database_knows_it() {
    for place in places().await {
        let array = Arc::new(StringArray::from(vec![Some(r#"{"a": [1, 2]}"#), None, Some("3")]));
        let mut file = File::new("docs", vec![one_column("v", DataType::Utf8, array)]);
        file.columns = vec![ColumnDef::new("v", millrace_contract::DataType::Json)];
        assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(3));
        let sql = match place.database.dialect() {
            Dialect::Postgres => "SELECT v -> 'a' ->> 1 AS text FROM docs ORDER BY ctid",
            Dialect::Sqlite => {
                "SELECT CAST(json_extract(v, '$.a[1]') AS TEXT) AS text FROM docs ORDER BY rowid"
            }
            Dialect::MySql => "SELECT CAST(json_extract(v, '$.a[1]') AS CHAR) AS text FROM docs",
        };
        assert_eq!(place.texts(sql).await, [Some("2".to_owned()), None, None]);
    }
}

#[tokio::test]
async fn what_a_database_can_not_hold_breaks_the_contract_and_says_where() {
    if let Some(place) = postgres().await {
        let array = Arc::new(StringArray::from(vec!["fine", "nul\0"]));
        let file = File::new("texts", vec![one_column("note", DataType::Utf8, array)]);
        let error = file.load_into(&place.warehouse).await.expect_err("a NUL");
        assert_eq!(error.class(), FailureClass::Contract, "{error}");
        assert!(error.to_string().contains("line 2, column note"), "{error}");
        place.run("CREATE TABLE short (v VARCHAR(3), _load_id BIGINT)").await;
        let array = Arc::new(StringArray::from(vec!["abc", "abcd"]));
        let file = File::new("short", vec![one_column("v", DataType::Utf8, array)]);
        let error = file.load_into(&place.warehouse).await.expect_err("too long");
        assert_eq!(error.class(), FailureClass::Contract, "{error}");
        let array = Arc::new(TimestampMicrosecondArray::from(vec![i64::MIN]));
        let unit = DataType::Timestamp(TimeUnit::Microsecond, None);
        let file = File::new("times", vec![one_column("at", unit, array)]);
        let error = file.load_into(&place.warehouse).await.expect_err("too early");
        assert!(error.to_string().contains("column `at`"), "{error}");
    }
    if let Some(place) = mysql().await {
        check(&place, "nul", StringArray::from(vec!["a\0b"]), &["a\0b"]).await;
        for (name, value) in [("nan", f64::NAN), ("infinite", f64::INFINITY)] {
            let array = Arc::new(Float64Array::from(vec![value]));
            let file = File::new(name, vec![one_column("real", DataType::Float64, array)]);
            let error = file.load_into(&place.warehouse).await.expect_err(name);
            assert_eq!(error.class(), FailureClass::Contract, "{error}");
            assert!(error.to_string().contains("column `real`: MySQL has no number"), "{error}");
        }
        place.run("CREATE TABLE short (v VARCHAR(3), _load_id BIGINT)").await;
        let array = Arc::new(StringArray::from(vec!["abc", "abcd"]));
        let file = File::new("short", vec![one_column("v", DataType::Utf8, array)]);
        let error = file.load_into(&place.warehouse).await.expect_err("too long");
        assert_eq!(error.class(), FailureClass::Contract, "{error}");
        assert!(error.to_string().contains("column 'v' at row 2"), "{error}");
    }
    let place = sqlite().await;
    check(&place, "nul", StringArray::from(vec!["a\0b"]), &["a\0b"]).await;
    let array = Arc::new(Date32Array::from(vec![0, i32::MAX]));
    let file = File::new("days", vec![one_column("day", DataType::Date32, array)]);
    let error = file.load_into(&place.warehouse).await.expect_err("too late");
    assert_eq!(error.class(), FailureClass::Contract, "{error}");
    assert!(error.to_string().contains("column `day`"), "{error}");
}

#[tokio::test]
async fn a_timestamp_finer_than_a_database_keeps_is_refused_not_rounded() {
    for place in places().await {
        let array = Arc::new(TimestampNanosecondArray::from(vec![1]));
        let unit = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let file = File::new("times", vec![one_column("at", unit, array)]);
        let error = file.load_into(&place.warehouse).await.expect_err("nanoseconds");
        assert_eq!(error.class(), FailureClass::Contract, "{error}");
        assert!(error.to_string().contains("column `at`"), "{error}");
    }
}
