//! Files that nobody in this project wrote, held against what pyarrow, polars
//! and duckdb make of them. They lie in the folder that `MILLRACE_REAL_DATA`
//! names; without it these tests say so and pass.
#![allow(clippy::print_stdout)]

use std::collections::HashSet;
use std::fs::{read, read_dir};
use std::path::{Path, PathBuf};

use crate::support::{Outcome, csv, infer_from, ndjson, plan, run};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Float64Type, Int64Type, UInt64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use millrace_contract::{ColumnDef, CsvOptions, DataType, ExtraColumns, FileFormat, SchemaMode};
use millrace_format::Inferred;
use serde_json::Value;

fn folder(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("MILLRACE_REAL_DATA") else {
        println!("skipped: MILLRACE_REAL_DATA is not set");
        return None;
    };
    Some(Path::new(&root).join(name))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// Infers the whole file and transforms it with what was inferred.
fn infer_and_run(bytes: &[u8], format: FileFormat, options: &CsvOptions) -> (Inferred, Outcome) {
    let inferred = infer_from(bytes, format, options, u64::MAX).unwrap();
    let mut plan = plan(format, &[]);
    plan.mode = SchemaMode::Infer;
    plan.csv = options.clone();
    plan.columns = inferred.columns.clone();
    plan.limits.block_bytes = 64 << 10;
    let outcome = run(bytes, &plan).unwrap();
    (inferred, outcome)
}

#[test]
fn csv_files_come_out_as_the_other_tools_read_them() {
    let Some(folder) = folder("csv") else { return };
    let mut seen = 0;
    for path in files(&folder) {
        let baseline = folder.join(format!("{}.baseline.json", name(&path)));
        if !baseline.exists() {
            continue;
        }
        let baseline: Value = serde_json::from_slice(&read(baseline).unwrap()).unwrap();
        let mut options = CsvOptions::default();
        if baseline["duckdb_reader"].as_str().unwrap().contains("'NA'") {
            options.null.push("NA".into());
        }
        let format = if name(&path).ends_with(".tsv") { FileFormat::Tsv } else { FileFormat::Csv };
        let (inferred, outcome) = infer_and_run(&read(&path).unwrap(), format, &options);
        assert_eq!(outcome.messages(), Vec::<&str>::new(), "{}", path.display());
        compare(&path, &baseline, &inferred.columns, &outcome);
        seen += 1;
    }
    assert!(seen >= 15, "only {seen} files in {}", folder.display());
}

#[test]
fn ndjson_files_come_out_as_the_other_tools_read_them() {
    let Some(folder) = folder("bad") else { return };
    for file in
        ["different_schemas", "example_n", "example_r", "example_rn", "inconsistent_schemas"]
    {
        let path = folder.join(format!("{file}.ndjson"));
        let baseline = folder.join(format!("{file}.ndjson.baseline.json"));
        let baseline: Value = serde_json::from_slice(&read(baseline).unwrap()).unwrap();
        let (inferred, outcome) =
            infer_and_run(&read(&path).unwrap(), FileFormat::Ndjson, &CsvOptions::default());
        compare(&path, &baseline, &inferred.columns, &outcome);
    }
}

fn compare(path: &Path, baseline: &Value, columns: &[ColumnDef], outcome: &Outcome) {
    let path = name(path);
    assert_eq!(Some(outcome.report.balance.written), baseline["rows"].as_u64(), "{path}");
    let expected = baseline["columns"].as_array().unwrap();
    assert_eq!(columns.len(), expected.len(), "{path}");
    let batches = outcome.batches();
    for (column, expected) in columns.iter().zip(expected) {
        let array = crate::support::column_of(&batches, &column.name);
        let what = format!("{path}: {}", column.name);
        if what == "github.csv: time" {
            // `2015/01/01 01:00:00` is not ISO 8601: text for us and for pyarrow.
            assert_eq!(column.data_type, DataType::String);
            continue;
        }
        assert_eq!(expected["name"], column.name, "{what}");
        if what == "penguins-raw.csv: Clutch Completion" {
            // `Yes` and `No` are words to us, pyarrow and polars until a
            // declared type says otherwise.
            assert_eq!(column.data_type, DataType::String);
            continue;
        }
        assert_eq!(expected["duckdb_type"], duckdb_type(column.data_type), "{what}");
        assert_eq!(expected["nulls"], array.null_count(), "{what}");
        assert_eq!(expected["distinct"], distinct(&array), "{what}");
        compare_sum(&what, expected, &array);
    }
}

fn duckdb_type(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Bool => "BOOLEAN",
        DataType::Int64 => "BIGINT",
        DataType::UInt64 => "HUGEINT",
        DataType::Float64 => "DOUBLE",
        DataType::Date => "DATE",
        DataType::Timestamp { utc: false, .. } => "TIMESTAMP",
        DataType::Timestamp { utc: true, .. } => "TIMESTAMP WITH TIME ZONE",
        DataType::Json => "JSON",
        _ => "VARCHAR",
    }
}

fn distinct(array: &ArrayRef) -> usize {
    let texts = ArrayFormatter::try_new(array, &FormatOptions::default()).unwrap();
    let valid = (0..array.len()).filter(|&row| array.is_valid(row));
    valid.map(|row| texts.value(row).to_string()).collect::<HashSet<_>>().len()
}

fn compare_sum(what: &str, expected: &Value, array: &ArrayRef) {
    let text = |key: &str| expected[key].as_str().map(str::to_owned);
    if let Some(strings) = array.as_string_opt::<i32>() {
        let bytes: usize = strings.iter().flatten().map(str::len).sum();
        if let Some(expected) = expected["bytes_utf8"].as_u64() {
            assert_eq!(bytes as u64, expected, "{what}");
        }
    } else if let Some(numbers) = array.as_primitive_opt::<Int64Type>() {
        let sum: i128 = numbers.iter().flatten().map(i128::from).sum();
        assert_eq!(Some(sum.to_string()), text("sum"), "{what}");
    } else if let Some(numbers) = array.as_primitive_opt::<UInt64Type>() {
        let sum: u128 = numbers.iter().flatten().map(u128::from).sum();
        assert_eq!(Some(sum.to_string()), text("sum"), "{what}");
    } else if let Some(numbers) = array.as_primitive_opt::<Float64Type>() {
        let sum: f64 = numbers.iter().flatten().sum();
        let expected: f64 = text("sum").unwrap().parse().unwrap();
        assert!((sum - expected).abs() <= 1e-9 * expected.abs(), "{what}: {sum} is not {expected}");
    }
}

#[test]
fn flights_come_out_with_their_known_figures() {
    let Some(folder) = folder("csv") else { return };
    let bytes = read(folder.join("nycflights13_flights.csv.gz")).unwrap();
    let options = CsvOptions { null: vec!["".into(), "NA".into()], ..CsvOptions::default() };
    let (inferred, outcome) = infer_and_run(&bytes, FileFormat::Csv, &options);
    assert!(inferred.notes.contains(&"dep_time: int64, 328521 values, 8255 null".to_owned()));
    assert_eq!(outcome.report.balance.written, 336_776);
    assert_eq!(outcome.report.source_bytes, bytes.len() as u64);
    assert_eq!(outcome.report.decompressed_bytes, 31_053_850);
    let truncated = run(&bytes[..bytes.len() / 2], &{
        let mut plan = plan(FileFormat::Csv, &[]);
        plan.csv = options;
        plan.columns = inferred.columns;
        plan
    });
    let error = truncated.err().unwrap().to_string();
    assert!(error.contains("the gzip stream ends early"), "{error}");
}

#[test]
fn csv_spectrum_reads_as_its_json_says() {
    let Some(folder) = folder("csv-spectrum") else { return };
    for path in files(&folder.join("csvs")) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if stem == "location_coordinates" {
            // Its CSV and its JSON hold different values.
            continue;
        }
        let expected = read(folder.join("json").join(format!("{stem}.json"))).unwrap();
        let expected: Vec<serde_json::Map<String, Value>> =
            serde_json::from_slice(&expected).unwrap();
        let bytes = read(&path).unwrap();
        if stem.ends_with("_crlf") && !bytes.contains(&b'\r') {
            // A copy whose line ends were lost on the way here.
            continue;
        }
        let inferred =
            infer_from(&bytes[..], FileFormat::Csv, &CsvOptions::default(), 1000).unwrap();
        let columns: Vec<_> =
            inferred.columns.iter().map(|column| format!("{} string", column.name)).collect();
        let mut plan = csv(&columns.iter().map(String::as_str).collect::<Vec<_>>());
        plan.csv.null.clear();
        let outcome = run(&bytes, &plan).unwrap();
        let rows: Vec<_> = expected
            .iter()
            .map(|row| {
                let cells =
                    inferred.columns.iter().map(|column| row[&column.name].as_str().unwrap());
                cells.collect::<Vec<_>>().join("|")
            })
            .collect();
        assert_eq!(outcome.rows(), rows, "{stem}");
    }
}

#[test]
fn csv_test_data_is_read_or_refused_as_it_says() {
    let Some(folder) = folder("csv-test-data") else { return };
    for path in files(&folder.join("csv")) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let bytes = read(&path).unwrap();
        let with_header = stem.contains("header");
        let names = ["foo string", "bar string", "baz string"];
        let width = if stem.contains("one-") || stem == "all-empty" { 1 } else { 3 };
        let mut plan = csv(&names[..width]);
        plan.csv.header = with_header;
        plan.csv.null.clear();
        let outcome = run(&bytes, &plan);
        if stem.starts_with("bad-") {
            let is_refused = outcome.map_or(true, |outcome| !outcome.rejects.is_empty());
            assert!(is_refused, "{stem}");
            continue;
        }
        let expected = read(folder.join("json").join(format!("{stem}.json"))).unwrap();
        let expected: Vec<Value> = serde_json::from_slice(&expected).unwrap();
        let text = |cell: &Value| cell.as_str().unwrap().to_owned();
        let row = |row: &Value| match row {
            Value::Array(cells) => cells.iter().map(text).collect::<Vec<_>>().join("|"),
            row => ["foo", "bar", "baz"].map(|name| text(&row[name])).join("|"),
        };
        let outcome = outcome.unwrap();
        assert_eq!(outcome.rows(), expected.iter().map(row).collect::<Vec<_>>(), "{stem}");
        assert!(outcome.rejects.is_empty(), "{stem}");
    }
}

#[test]
fn json_test_suite_is_taken_and_refused_as_it_says() {
    let Some(folder) = folder("JSONTestSuite") else { return };
    for path in files(&folder.join("test_parsing")) {
        let bytes = read(&path).unwrap();
        // A value of a member on one line: what it is about is the value.
        let value: Vec<u8> = bytes
            .iter()
            .map(|&byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte })
            .collect();
        let line = [b"{\"v\":", &value[..], b"}\n"].concat();
        let taken =
            run(&line, &ndjson(&["v json"])).is_ok_and(|outcome| outcome.rejects.is_empty());
        match name(&path).as_bytes()[0] {
            b'y' => assert!(taken, "{} is JSON", name(&path)),
            b'n' => assert!(!taken || closes_early(&value), "{} is not JSON", name(&path)),
            _ => {}
        }
    }
}

/// As documents: what is JSON but no table is refused for that reason alone, and
/// what is not JSON with line and column.
#[test]
fn json_test_suite_is_taken_and_refused_as_documents() {
    let Some(folder) = folder("JSONTestSuite") else { return };
    let mut counts = [0; 3];
    for path in files(&folder.join("test_parsing")) {
        let file = name(&path);
        let mut plan = plan(FileFormat::Json, &["v json"]);
        plan.extra = ExtraColumns::Ignore;
        let said: Vec<String> = match run(read(&path).unwrap(), &plan) {
            Ok(outcome) => outcome.messages().into_iter().map(str::to_owned).collect(),
            Err(error) => vec![error.to_string()],
        };
        let is_no_table = |said: &String| {
            said.contains("expected a JSON object, found") || said.contains("which is no table")
        };
        let has_place = |said: &String| {
            said.contains("line ") && (said.contains("column ") || said.contains("byte "))
        };
        match file.as_bytes()[0] {
            b'y' => {
                counts[0] += 1;
                assert!(said.iter().all(is_no_table), "{file}: {said:?}");
            }
            b'n' => {
                counts[1] += 1;
                let refused = said.iter().any(|said| !is_no_table(said) && has_place(said));
                let is_binary = said.iter().any(|said| said.contains("does not belong in a text"));
                assert!(refused || is_binary, "{file}: {said:?}");
            }
            _ => counts[2] += 1,
        }
    }
    assert_eq!(counts, [95, 188, 35]);
}

#[test]
fn json_documents_come_out_as_the_other_tools_read_them() {
    let Some(folder) = folder("ndjson") else { return };
    for file in ["cars.json", "movies.json", "github_events.json"] {
        let path = folder.join(file);
        let baseline = read(folder.join(format!("{file}.baseline.json"))).unwrap();
        let baseline: Value = serde_json::from_slice(&baseline).unwrap();
        let (inferred, outcome) =
            infer_and_run(&read(&path).unwrap(), FileFormat::Json, &CsvOptions::default());
        assert_eq!(Some(outcome.report.balance.written), baseline["rows"].as_u64(), "{file}");
        let batches = outcome.batches();
        for expected in baseline["columns"].as_array().unwrap() {
            let what = format!("{file}: {}", expected["name"]);
            let name = expected["name"].as_str().unwrap();
            let column = inferred.columns.iter().find(|column| column.name == name);
            let array = crate::support::column_of(&batches, &column.expect(&what).name);
            assert_eq!(expected["nulls"], array.null_count(), "{what}");
            if expected["duckdb_type"] == duckdb_type(column.unwrap().data_type) {
                compare_sum(&what, expected, &array);
            }
        }
    }
}

/// A text that closes the object around it itself.
fn closes_early(value: &[u8]) -> bool {
    let line = [b"{\"v\":", value, b"}"].concat();
    serde_json::from_slice::<Value>(&line).is_ok()
}

#[test]
fn nothing_makes_it_panic() {
    for name in ["bad", "ndjson", "JSONTestSuite/test_parsing", "parquet", "csv", "events"] {
        let Some(folder) = folder(name) else { return };
        for path in files(&folder) {
            let bytes = read(&path).unwrap();
            for format in [
                FileFormat::Csv,
                FileFormat::Tsv,
                FileFormat::Ndjson,
                FileFormat::Json,
                FileFormat::Parquet,
                FileFormat::Xlsx,
            ] {
                let Ok(inferred) = infer_from(&bytes[..], format, &CsvOptions::default(), 1 << 20)
                else {
                    continue;
                };
                let mut plan = plan(format, &[]);
                plan.mode = SchemaMode::Infer;
                plan.columns = inferred.columns;
                if let Ok(outcome) = run(&bytes, &plan) {
                    assert_eq!(outcome.report.balance.check(), Ok(()), "{}", path.display());
                }
            }
        }
    }
}

#[test]
fn parquet_and_archives_are_refused_by_name() {
    let Some(folder) = folder("parquet") else { return };
    for path in files(&folder) {
        let bytes = read(&path).unwrap();
        let error = run(&bytes, &csv(&["a string"])).err();
        assert!(error.is_some(), "{}", path.display());
    }
}
