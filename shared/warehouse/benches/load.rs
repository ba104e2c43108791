//! Rows per second into SQLite and PostgreSQL, beside `psql \copy` of the same
//! rows into the same server.
//!
//! `cargo bench -p millrace-warehouse -- [ROWS]`; the server is the tests' own,
//! or the one that `MILLRACE_TEST_POSTGRES_URL` names.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use millrace_contract::{
    Captures, ContractVersion, FileId, LoadMode, LoadTarget, LoadTask, ObjectVersion, RowBalance,
    SchemaMode,
};
use millrace_ledger::Database;
use millrace_tests::TestDatabase;
use millrace_warehouse::{CommitGuard, LoadPlan, Loaded, Warehouse};

const BATCH_ROWS: i64 = 8192;

#[tokio::main]
async fn main() {
    let rows = std::env::args().find_map(|argument| argument.parse::<i64>().ok());
    let batches = rows.unwrap_or(1_000_000) / BATCH_ROWS;
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}", folder.path().join("bench.db").display());
    load("SQLite, append", &sqlite, "lineitem", LoadMode::Append, batches).await;
    let Some(server) = TestDatabase::create().await else { return };
    load("PostgreSQL, append", server.url(), "lineitem", LoadMode::Append, batches).await;
    load("PostgreSQL, upsert", server.url(), "merged", LoadMode::Upsert, batches).await;
    psql(server.url(), folder.path(), batches).await;
    load("PostgreSQL, append", server.url(), "lineitem2", LoadMode::Append, batches).await;
    // Four times the rows: memory must not follow.
    load("PostgreSQL, append", server.url(), "lineitem4", LoadMode::Append, 4 * batches).await;
    load("SQLite, append", &sqlite, "lineitem4", LoadMode::Append, 4 * batches).await;
}

async fn load(what: &str, url: &str, table: &str, mode: LoadMode, batches: i64) {
    let database = Database::connect(&url.to_owned().into(), 2).await.unwrap();
    let warehouse = Warehouse::open(&database).await.unwrap();
    let rows = u64::try_from(batches * BATCH_ROWS).unwrap();
    let task = task(table, rows);
    let key = match mode {
        LoadMode::Upsert => vec!["l_orderkey".to_owned(), "l_linenumber".to_owned()],
        LoadMode::Append | LoadMode::ReplaceFile | LoadMode::ReplaceTable | LoadMode::Merge => {
            Vec::new()
        }
    };
    let target = LoadTarget { table: table.into(), mode, key, ..LoadTarget::default() };
    let plan = LoadPlan {
        task: &task,
        target: &target,
        schema: batch(0).schema(),
        columns: &[],
        mode: SchemaMode::Strict,
        description: None,
    };
    let stream = stream::iter((0..batches).map(|number| Ok(batch(number))));
    let start = Instant::now();
    let loaded = warehouse.load(&plan, stream.boxed(), &Always).await.unwrap();
    assert_eq!(loaded, Loaded::Fresh { rows, replaced: 0 });
    report(what, rows, start);
}

async fn psql(url: &str, folder: &Path, batches: i64) {
    let csv = folder.join("lineitem.csv");
    let mut file = std::io::BufWriter::new(fs::File::create(&csv).unwrap());
    for number in 0..batches {
        file.write_all(csv_of(&batch(number)).as_bytes()).unwrap();
    }
    file.flush().unwrap();
    let database = Database::connect(&url.to_owned().into(), 1).await.unwrap();
    let create = "CREATE TABLE copied AS SELECT * FROM lineitem WITH NO DATA";
    database.execute(create, &[]).await.unwrap();
    database.execute("ALTER TABLE copied DROP COLUMN _load_id", &[]).await.unwrap();
    let start = Instant::now();
    let command = format!("\\copy copied FROM '{}' (FORMAT csv)", csv.display());
    let done = Command::new("psql").args([url, "-q", "-c", &command]).status();
    if done.is_ok_and(|status| status.success()) {
        report("psql \\copy of CSV", u64::try_from(batches * BATCH_ROWS).unwrap(), start);
    }
}

fn report(what: &str, rows: u64, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown");
    println!(
        "{what:<20} {rows:>9} rows {seconds:>7.2} s {:>8.0} rows/s, peak memory so far {}",
        rows as f64 / seconds,
        peak.trim()
    );
}

/// Rows like TPC-H's lineitem, the same every time.
fn batch(number: i64) -> RecordBatch {
    let first = number * BATCH_ROWS;
    let each = |step: i64, modulo: i64| {
        (first..first + BATCH_ROWS).map(move |row| (row * step + 7) % modulo)
    };
    let money = |step, modulo| -> ArrayRef {
        let values = Decimal128Array::from_iter_values(each(step, modulo).map(i128::from));
        Arc::new(values.with_precision_and_scale(15, 2).unwrap())
    };
    let days = |step| -> ArrayRef {
        Arc::new(Date32Array::from_iter_values(each(step, 2500).map(|day| 8000 + day as i32)))
    };
    let words = |step: i64, words: &'static [&'static str]| -> ArrayRef {
        let picked = each(step, words.len() as i64).map(|word| words[word as usize]);
        Arc::new(StringArray::from_iter_values(picked))
    };
    let comments = each(1, i64::MAX).map(|row| format!("carefully final deposits no. {row} sleep"));
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "l_orderkey",
            Arc::new(Int64Array::from_iter_values(each(1, i64::MAX).map(|row| row / 4))),
        ),
        ("l_partkey", Arc::new(Int64Array::from_iter_values(each(7919, 200_000)))),
        ("l_suppkey", Arc::new(Int64Array::from_iter_values(each(104_729, 10_000)))),
        (
            "l_linenumber",
            Arc::new(Int32Array::from_iter_values(each(1, 4).map(|line| line as i32))),
        ),
        ("l_quantity", money(100, 5000)),
        ("l_extendedprice", money(15_485_863, 10_000_000)),
        ("l_discount", money(1, 11)),
        ("l_tax", money(3, 9)),
        ("l_returnflag", words(5, &["A", "N", "R"])),
        ("l_linestatus", words(3, &["F", "O"])),
        ("l_shipdate", days(13)),
        ("l_commitdate", days(17)),
        ("l_receiptdate", days(19)),
        (
            "l_shipinstruct",
            words(1, &["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"]),
        ),
        ("l_shipmode", words(1, &["AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"])),
        ("l_comment", Arc::new(StringArray::from_iter_values(comments))),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    assert!(fields.iter().all(|field| *field.data_type() != DataType::Null));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn csv_of(batch: &RecordBatch) -> String {
    let options = FormatOptions::default();
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
        .collect();
    let mut text = String::new();
    for row in 0..batch.num_rows() {
        for (index, column) in columns.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(text, "{separator}{}", column.value(row)).unwrap();
        }
        text.push('\n');
    }
    text
}

fn task(key: &str, rows: u64) -> LoadTask {
    let object = ObjectVersion {
        bucket: "raw".into(),
        key: key.into(),
        version_id: None,
        etag: "e".into(),
        sequencer: None,
        size: None,
    };
    let contract = ContractVersion::from_text("c");
    LoadTask {
        file_id: FileId::of("lineitem", &object, &contract),
        dataset: "lineitem".into(),
        contract,
        object,
        captures: Captures::new(),
        published_at: None,
        lake: "lake".into(),
        outputs: Vec::new(),
        columns: None,
        balance: RowBalance { read: rows, written: rows, ..RowBalance::default() },
        rejects_key: None,
        column_version: None,
        replay: None,
        trace_id: "t".into(),
    }
}

struct Always;

#[async_trait]
impl CommitGuard for Always {
    async fn allowed(&self) -> bool {
        true
    }
}
