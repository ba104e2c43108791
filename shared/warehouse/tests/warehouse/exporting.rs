//! Rows out of every database: of every type, exactly, out of one snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::*;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType as ArrowType, Field, Int64Type, Schema};
use arrow::record_batch::RecordBatch;
use millrace_contract::{ColumnDef, DataType, ExportSource, QueryPiece, Split, TimeUnit as Unit};
use millrace_ledger::Dialect;
use millrace_retry::{Classify, FailureClass};
use millrace_warehouse::export::{Extract, ExtractError, Growing, Snapshot, column_type, open};

use crate::support::{File, Place, fresh, places, postgres, servers, sqlite};

fn table(name: &str) -> ExportSource {
    ExportSource::Table { schema: None, table: name.to_owned() }
}

/// `select … {name} …`
fn query(pieces: &[(&str, &str)]) -> ExportSource {
    let mut all = Vec::new();
    for (sql, parameter) in pieces {
        all.push(QueryPiece::Sql((*sql).to_owned()));
        if !parameter.is_empty() {
            all.push(QueryPiece::Parameter((*parameter).to_owned()));
        }
    }
    ExportSource::Query(all)
}

struct Wanted<'a> {
    source: ExportSource,
    bound: Vec<String>,
    growing: Option<Growing<'a>>,
    split: Option<Split>,
    types: BTreeMap<String, DataType>,
}

impl Wanted<'_> {
    fn of(source: ExportSource) -> Self {
        Self { source, bound: Vec::new(), growing: None, split: None, types: BTreeMap::new() }
    }

    async fn open(&self, place: &Place) -> Result<Snapshot, ExtractError> {
        let extract = Extract {
            source: &self.source,
            bound: &self.bound,
            growing: self.growing,
            split: self.split.as_ref(),
            types: &self.types,
            most: None,
        };
        open(&place.database, &extract).await
    }

    async fn rows(&self, place: &Place) -> Result<RecordBatch, ExtractError> {
        drain(self.open(place).await?).await
    }

    /// The numbers of the first column, sorted.
    async fn ids(&self, place: &Place) -> Vec<i64> {
        let rows = self.rows(place).await.unwrap();
        let ids = arrow::compute::cast(rows.column(0), &ArrowType::Int64).unwrap();
        let mut ids: Vec<i64> = ids.as_primitive::<Int64Type>().iter().flatten().collect();
        ids.sort_unstable();
        ids
    }
}

async fn drain(snapshot: Snapshot) -> Result<RecordBatch, ExtractError> {
    let mut batches = Vec::new();
    for mut part in snapshot.parts {
        while let Some(batch) = part.next().await? {
            batches.push(batch);
        }
    }
    Ok(concat_batches(&snapshot.schema, &batches).unwrap())
}

/// Rows of every type that every database keeps as it is.
fn every_type() -> (RecordBatch, Vec<ColumnDef>) {
    let timestamp = |utc| DataType::Timestamp { unit: Unit::Micro, utc };
    let at = vec![Some(1_767_225_600_123_456), None, Some(-1)];
    let money = Decimal128Array::from(vec![Some(1_250), None, Some(-5)]);
    let long = Decimal128Array::from(vec![Some(10_i128.pow(38) - 1), None, Some(-1)]);
    let texts = StringArray::from(vec![Some("a \"b\"\n"), None, Some("")]);
    let json = StringArray::from(vec![Some("{\"a\": [1, null]}"), None, Some("\"x\"")]);
    let uuid = StringArray::from(vec![Some("00112233-4455-6677-8899-aabbccddeeff"), None, None]);
    let columns: Vec<(&str, DataType, ArrayRef)> = vec![
        ("id", DataType::Int64, Arc::new(Int64Array::from(vec![1, 2, i64::MAX]))),
        ("small", DataType::Int16, Arc::new(Int16Array::from(vec![Some(-32_768), None, Some(7)]))),
        ("whole", DataType::Int32, Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(7)]))),
        ("ok", DataType::Bool, Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("f", DataType::Float64, Arc::new(Float64Array::from(vec![Some(0.1), None, Some(-1e300)]))),
        (
            "money",
            DataType::Decimal { precision: 12, scale: 2 },
            Arc::new(money.with_precision_and_scale(12, 2).unwrap()),
        ),
        (
            "long",
            DataType::Decimal { precision: 38, scale: 10 },
            Arc::new(long.with_precision_and_scale(38, 10).unwrap()),
        ),
        ("day", DataType::Date, Arc::new(Date32Array::from(vec![Some(20_454), None, Some(-1)]))),
        (
            "clock",
            DataType::Time,
            Arc::new(Time64MicrosecondArray::from(vec![Some(86_399_999_999), None, Some(0)])),
        ),
        ("wall", timestamp(false), Arc::new(TimestampMicrosecondArray::from(at.clone()))),
        (
            "moment",
            timestamp(true),
            Arc::new(TimestampMicrosecondArray::from(at).with_timezone("UTC")),
        ),
        ("words", DataType::String, Arc::new(texts)),
        ("about", DataType::Json, Arc::new(json)),
        ("token", DataType::Uuid, Arc::new(uuid)),
        (
            "raw",
            DataType::Binary,
            Arc::new(BinaryArray::from(vec![Some(&b"\0\xff"[..]), None, Some(b"")])),
        ),
    ];
    let fields =
        columns.iter().map(|(name, _, array)| Field::new(*name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let definitions = columns.iter().map(|(name, kind, _)| ColumnDef::new(*name, *kind)).collect();
    let arrays = columns.into_iter().map(|(.., array)| array).collect();
    (RecordBatch::try_new(schema, arrays).unwrap(), definitions)
}

#[tokio::test]
async fn what_was_loaded_comes_back_exactly() {
    let (batch, columns) = every_type();
    for place in places().await {
        let mut file = File::new("everything", vec![batch.clone()]);
        file.columns = columns.clone();
        assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(3));
        let mut wanted = Wanted::of(table("everything"));
        wanted.types = columns.iter().map(|c| (c.name.clone(), c.data_type)).collect();
        let snapshot = wanted.open(&place).await.unwrap();
        let types: Vec<String> =
            snapshot.schema.fields().iter().map(|field| column_type(field)).collect();
        let declared: Vec<String> = columns.iter().map(|c| c.data_type.to_string()).collect();
        let dialect = place.database.dialect();
        assert_eq!(types, declared, "{dialect}");
        let read = drain(snapshot).await.unwrap();
        for (index, column) in columns.iter().enumerate() {
            assert_eq!(read.column(index), batch.column(index), "`{}` of {dialect}", column.name);
        }
        assert_eq!(read.num_columns(), columns.len(), "`_load_id` stays behind");
    }
}

async fn numbers(place: &Place, name: &str, count: i64) {
    let text = match place.database.dialect() {
        Dialect::Postgres | Dialect::Sqlite => "TEXT",
        Dialect::MySql => "VARCHAR(20)",
    };
    place.run(&format!("CREATE TABLE {name} (id BIGINT, name {text})")).await;
    for chunk in (1..=count).collect::<Vec<_>>().chunks(500) {
        let rows: Vec<String> = chunk.iter().map(|id| format!("({id}, 'n{id}')")).collect();
        place.run(&format!("INSERT INTO {name} VALUES {}", rows.join(", "))).await;
    }
}

#[tokio::test]
async fn many_rows_come_in_batches_and_each_once() {
    for place in places().await {
        numbers(&place, "numbers", 20_000).await;
        let mut snapshot = Wanted::of(table("numbers")).open(&place).await.unwrap();
        let (mut batches, mut seen) = (0, BTreeSet::new());
        while let Some(batch) = snapshot.parts[0].next().await.unwrap() {
            batches += 1;
            assert!(batch.num_rows() <= 8192);
            seen.extend(batch.column(0).as_primitive::<Int64Type>().values().iter().copied());
        }
        assert!(batches >= 3, "{batches}");
        assert_eq!(seen, (1..=20_000).collect());
    }
}

#[tokio::test]
async fn a_value_is_bound_and_never_sql() {
    for place in places().await {
        numbers(&place, "numbers", 3).await;
        let source = || {
            query(&[("select id from numbers where name = ", "n"), (" or name = ", "m"), ("", "")])
        };
        for (value, expected) in
            [("n2", vec![2]), ("x' OR '1'='1", vec![]), ("'; DROP TABLE numbers; --", vec![])]
        {
            let mut wanted = Wanted::of(source());
            wanted.bound = vec![value.to_owned(), "n3".to_owned()];
            let expected: Vec<i64> = expected.into_iter().chain([3]).collect();
            assert_eq!(wanted.ids(&place).await, expected, "{value}");
        }
        // The server finds out the type of a value by where it stands.
        let mut typed = Wanted::of(query(&[("select id from numbers where id >= ", "least")]));
        typed.bound = vec!["2".to_owned()];
        assert_eq!(typed.ids(&place).await, [2, 3], "{}", place.database.dialect());
    }
}

#[tokio::test]
async fn a_growing_column_gives_what_is_new() {
    for place in places().await {
        numbers(&place, "numbers", 5).await;
        place.run("INSERT INTO numbers VALUES (NULL, 'nobody')").await;
        let grown = |from, to| {
            let mut wanted = Wanted::of(table("numbers"));
            wanted.growing = Some(Growing { column: "id", from, to });
            wanted
        };
        let first = grown(None, None).open(&place).await.unwrap();
        assert_eq!(first.upper.as_deref(), Some("5"), "{}", place.database.dialect());
        drain(first).await.unwrap();
        assert_eq!(grown(None, None).ids(&place).await, [1, 2, 3, 4, 5]);
        assert_eq!(grown(Some("3"), None).ids(&place).await, [4, 5]);
        assert_eq!(grown(Some("3"), Some("4")).ids(&place).await, [4]);
        assert_eq!(grown(Some("5"), None).ids(&place).await, [0_i64; 0]);
        let mut computed = Wanted::of(query(&[("select id + 0 as id from numbers", "")]));
        computed.growing = Some(Growing { column: "id", from: Some("3"), to: Some("4") });
        assert_eq!(computed.ids(&place).await, [4], "{}", place.database.dialect());
        let mut absent = Wanted::of(table("numbers"));
        absent.growing = Some(Growing { column: "nothing", from: None, to: None });
        let error = absent.rows(&place).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::Contract);
        assert!(error.to_string().contains("which the rows do not have"), "{error}");
    }
}

#[tokio::test]
async fn an_empty_table_has_columns_and_no_rows() {
    for place in places().await {
        numbers(&place, "numbers", 0).await;
        let mut wanted = Wanted::of(table("numbers"));
        wanted.growing = Some(Growing { column: "id", from: None, to: None });
        let snapshot = wanted.open(&place).await.unwrap();
        assert_eq!((snapshot.upper.clone(), snapshot.schema.fields().len()), (None, 2));
        assert_eq!(drain(snapshot).await.unwrap().num_rows(), 0);
    }
}

#[tokio::test]
async fn rows_that_come_later_are_not_in_the_snapshot() {
    for place in places().await {
        numbers(&place, "numbers", 20_000).await;
        let snapshot = Wanted::of(table("numbers")).open(&place).await.unwrap();
        place.run("INSERT INTO numbers VALUES (20001, 'late')").await;
        place.run("DELETE FROM numbers WHERE id = 20000").await;
        assert_eq!(drain(snapshot).await.unwrap().num_rows(), 20_000);
    }
}

#[tokio::test]
async fn parts_see_one_snapshot_and_share_every_row() {
    let Some(place) = postgres().await else { return };
    numbers(&place, "numbers", 1_000).await;
    place.run("INSERT INTO numbers VALUES (NULL, 'nobody')").await;
    let mut wanted = Wanted::of(table("numbers"));
    wanted.split = Some(Split { column: "id".into(), parts: 4 });
    let snapshot = wanted.open(&place).await.unwrap();
    assert_eq!(snapshot.parts.len(), 4);
    place.run("INSERT INTO numbers VALUES (500, 'late')").await;
    let read = drain(snapshot).await.unwrap();
    assert_eq!(read.num_rows(), 1_001);
    let ids: BTreeSet<_> = read.column(0).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(ids.len(), 1_001, "each once, and the one without a key");
    wanted.split = Some(Split { column: "name".into(), parts: 2 });
    let error = wanted.rows(&place).await.unwrap_err();
    assert!(error.to_string().contains("ranges are made of whole numbers"), "{error}");
}

#[tokio::test]
async fn a_split_is_refused_where_connections_share_no_snapshot() {
    let place = sqlite().await;
    numbers(&place, "numbers", 1).await;
    let mut wanted = Wanted::of(table("numbers"));
    wanted.split = Some(Split { column: "id".into(), parts: 2 });
    let error = wanted.rows(&place).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Contract);
    assert!(error.to_string().contains("SQLite can't show one snapshot"), "{error}");
}

#[tokio::test]
async fn wrong_sql_is_told_in_the_databases_words() {
    for place in places().await {
        let wrong = Wanted::of(query(&[("select * from no_such_table", "")]));
        let error = wrong.rows(&place).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::Contract, "{error}");
        assert!(error.to_string().contains("no_such_table"), "{error}");
        let twice = Wanted::of(query(&[("select 1 as a, 2 as a", "")]));
        let error = twice.rows(&place).await.unwrap_err();
        assert!(error.to_string().contains("two columns are named `a`"), "{error}");
    }
    for place in servers().await {
        let change = Wanted::of(query(&[("select * from numbers for update", "")]));
        numbers(&place, "numbers", 1).await;
        let error = change.rows(&place).await;
        assert!(error.is_err() || place.database.dialect() == Dialect::MySql, "nothing is locked");
    }
}

#[tokio::test]
async fn postgres_arrays_are_json_and_what_has_no_type_is_named() {
    let Some(place) = postgres().await else { return };
    place.run("CREATE TYPE mood AS ENUM ('good', 'bad')").await;
    let sql = "select array[1.50, null]::numeric[] as list, 'good'::mood as mood, \
               '{\"b\": 1}'::jsonb as about, 1.5::numeric as free, 'x'::char(3) as fixed";
    let wanted = Wanted::of(query(&[(sql, "")]));
    let snapshot = wanted.open(&place).await.unwrap();
    let types: Vec<String> = snapshot.schema.fields().iter().map(|f| column_type(f)).collect();
    assert_eq!(types, ["json", "string", "json", "decimal(38,18)", "string"]);
    let read = drain(snapshot).await.unwrap();
    let text = |index: usize| read.column(index).as_string::<i32>().value(0).to_owned();
    assert_eq!(
        (text(0), text(1), text(2)),
        ("[1.50,null]".into(), "good".into(), "{\"b\": 1}".into())
    );
    assert_eq!(text(4), "x  ");
    for (sql, says) in [
        ("select interval '1 day' as gap", "column `gap` is of type `interval`"),
        ("select 'infinity'::date as day", "column `day`: `infinity` is no time"),
        ("select 'NaN'::numeric as n", "column `n`: `NaN`"),
        ("select 0.00000000000000000001 as n", "more than 18 decimals"),
    ] {
        let error = Wanted::of(query(&[(sql, "")])).rows(&place).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::Contract);
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn sums_of_money_keep_their_digits() {
    for place in servers().await {
        place.run("CREATE TABLE sales (user_id INT, total DECIMAL(12,2))").await;
        place.run("INSERT INTO sales VALUES (1, 10.99), (1, 4.99), (2, 55.99)").await;
        let sql =
            "select user_id, sum(total) as total from sales group by user_id order by user_id";
        let read = Wanted::of(query(&[(sql, "")])).rows(&place).await.unwrap();
        let totals = read.column(1).as_primitive::<arrow::datatypes::Decimal128Type>();
        assert_eq!(totals.value_as_string(0).trim_end_matches('0'), "15.98");
        assert_eq!(totals.value_as_string(1).trim_end_matches('0'), "55.99");
    }
}

#[tokio::test]
async fn sqlite_says_what_a_column_holds_by_its_values() {
    let place = sqlite().await;
    place.run("CREATE TABLE t (a, b NUMERIC, c DECIMAL(12,2), d DATETIME, e BOOLEAN)").await;
    place.run("INSERT INTO t VALUES ('x', 1, 0.1, '2026-01-31 10:00:00Z', 1)").await;
    place.run("INSERT INTO t VALUES (NULL, 2.5, 12, NULL, 0)").await;
    let snapshot = Wanted::of(table("t")).open(&place).await.unwrap();
    let types: Vec<String> = snapshot.schema.fields().iter().map(|f| column_type(f)).collect();
    assert_eq!(types, ["string", "float64", "decimal(12,2)", "timestamptz", "bool"]);
    let read = drain(snapshot).await.unwrap();
    let money = read.column(2).as_primitive::<arrow::datatypes::Decimal128Type>();
    assert_eq!((money.value(0), money.value(1)), (10, 1_200));
    place.run("INSERT INTO t VALUES (7, 1, 1, NULL, 1)").await;
    let error = Wanted::of(table("t")).rows(&place).await.unwrap_err();
    assert!(
        error.to_string().contains("column `a`: it is string, but a value is an integer"),
        "{error}"
    );
    assert_eq!(error.class(), FailureClass::Contract);
}

#[tokio::test]
async fn a_reader_that_nobody_listens_to_gives_its_connection_back() {
    for place in places().await {
        numbers(&place, "numbers", 20_000).await;
        for _ in 0..12 {
            let snapshot = Wanted::of(table("numbers")).open(&place).await.unwrap();
            drop(snapshot);
        }
        assert_eq!(place.count("numbers").await, 20_000, "connections are left");
    }
}
