//! Parquet in: values taken over or cast exactly, rows rejected with their
//! values, files refused by name.
#![allow(clippy::print_stdout)]

use std::collections::HashSet;
use std::fs::{read, read_dir};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array,
    DictionaryArray, Float32Array, Float64Array, Int32Array, Int64Array, LargeBinaryArray,
    LargeListArray, ListArray, RecordBatch, StringArray, StructArray, TimestampMillisecondArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef, Int32Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use millrace_contract::{DataType, ExtraColumns, FileFormat, RejectLimit, SchemaMode};
use millrace_format::{ErrorKind, FormatError, Inferred, Plan, infer};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value;

use crate::support::{Outcome, column_of, dataset, plan, run};

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    written(columns, WriterProperties::builder().build())
}

fn written(columns: Vec<(&str, ArrayRef)>, properties: WriterProperties) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn strict(columns: &[&str]) -> Plan {
    plan(FileFormat::Parquet, columns)
}

fn inferred(bytes: &[u8]) -> Inferred {
    let mut dataset = dataset(FileFormat::Parquet, &[]);
    dataset.schema.mode = SchemaMode::Infer;
    infer(bytes, &dataset).unwrap()
}

fn infer_and_run(bytes: &[u8]) -> (Inferred, Outcome) {
    let inferred = inferred(bytes);
    let mut plan = strict(&[]);
    plan.mode = SchemaMode::Infer;
    plan.columns = inferred.columns.clone();
    let outcome = run(bytes, &plan).unwrap();
    (inferred, outcome)
}

fn texts<const N: usize>(texts: [&str; N]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

#[test]
fn columns_are_bound_by_name_and_typed_as_declared() {
    let bytes = parquet(vec![
        ("Note", texts(["a", "b"])),
        ("id", Arc::new(Int64Array::from(vec![1, 2]))),
        (
            "amount",
            Arc::new(Decimal128Array::from(vec![150, -5]).with_precision_and_scale(9, 2).unwrap()),
        ),
        ("day", texts(["2024-01-01", "2024-02-29"])),
    ]);
    let plan = strict(&["id int8", "day date", "amount decimal(12,4)", "text string from=note"]);
    let outcome = run(&bytes, &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|2024-01-01|1.5000|a", "2|2024-02-29|-0.0500|b"]);
    let error = run(&bytes, &strict(&["id int64"])).err().unwrap().to_string();
    assert!(error.contains("column `amount` (position 3) is not in the schema"), "{error}");
    let mut plan = strict(&["id int64"]);
    plan.extra = ExtraColumns::Ignore;
    assert_eq!(run(&bytes, &plan).unwrap().rows(), ["1", "2"]);
}

#[test]
fn what_does_not_fit_rejects_its_row_with_column_row_and_value() {
    let bytes = parquet(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 300, 3, 4])) as ArrayRef),
        ("rate", Arc::new(Float64Array::from(vec![1.5, 2.0, 0.25, 4.0]))),
        ("day", texts(["2024-01-01", "2024-01-02", "soon", "2024-01-04"])),
    ]);
    let outcome = run(&bytes, &strict(&["id uint8", "rate decimal(3,1)", "day date"])).unwrap();
    assert_eq!(outcome.rows(), ["1|1.5|2024-01-01", "4|4.0|2024-01-04"]);
    assert_eq!(
        outcome.messages(),
        [
            "column `id` at row 2: `300` is not a uint8",
            "column `rate` at row 3: `0.25` is not a decimal(3,1)"
        ]
    );
    let second = &outcome.rejects[0];
    assert_eq!((second.line, second.byte_offset), (2, 1));
    assert_eq!(second.column.as_deref(), Some("id"));
    assert_eq!(second.raw, r#"{"id":300,"rate":2.0,"day":"2024-01-02"}"#);
}

#[test]
fn nulls_are_kept_and_required_ones_reject() {
    let bytes = parquet(vec![
        ("id", Arc::new(Int32Array::from(vec![Some(1), None, Some(3)])) as ArrayRef),
        ("note", Arc::new(StringArray::from(vec![None, Some("x"), Some("n\0l")]))),
    ]);
    let outcome = run(&bytes, &strict(&["id int64 required", "note string"])).unwrap();
    assert_eq!(outcome.rows(), ["1|∅"]);
    assert_eq!(outcome.messages()[0], "column `id` at row 2: a value is required");
    assert_eq!(outcome.report.balance.read, 3);
    assert!(outcome.messages()[1].starts_with("column `note` at row 3"));
}

#[test]
fn every_kind_of_value_has_its_nearest_type() {
    let dictionary: DictionaryArray<Int32Type> = ["x", "y"].into_iter().collect();
    let list =
        ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None]);
    let nanos = TimestampNanosecondArray::from(vec![1_500, -1]);
    let bytes = parquet(vec![
        ("flag", Arc::new(BooleanArray::from(vec![true, false])) as ArrayRef),
        ("big", Arc::new(UInt64Array::from(vec![u64::MAX, 0]))),
        ("ratio", Arc::new(Float32Array::from(vec![1.1, f32::NAN]))),
        ("day", Arc::new(Date32Array::from(vec![0, -1]))),
        ("at", Arc::new(nanos)),
        ("seen", Arc::new(TimestampMillisecondArray::from(vec![1, 2]).with_timezone("+02:00"))),
        ("word", Arc::new(dictionary)),
        ("blob", Arc::new(BinaryArray::from_vec(vec![b"text", b"\xFF\x00"]))),
        ("tags", Arc::new(list)),
    ]);
    let (inferred, outcome) = infer_and_run(&bytes);
    let types: Vec<_> = inferred.columns.iter().map(|c| c.data_type.to_string()).collect();
    assert_eq!(
        types.join(" "),
        "bool uint64 float32 date timestamp timestamptz_ms string binary list<int32>"
    );
    assert_eq!(inferred.rows_sampled, 2);
    assert_eq!(
        outcome.rows(),
        [
            "true|18446744073709551615|1.1|1970-01-01|1970-01-01T00:00:00.000001|\
          1970-01-01T00:00:00.001Z|x|74657874|[1, ∅]",
            "false|0|NaN|1969-12-31|1969-12-31T23:59:59.999999|1970-01-01T00:00:00.002Z|y|ff00|∅"
        ]
    );
    // As text, bytes have to be text.
    let mut declared = strict(&["ratio float32", "blob string"]);
    declared.extra = ExtraColumns::Ignore;
    let outcome = run(&bytes, &declared).unwrap();
    let reject = outcome.messages()[0];
    assert_eq!(reject, "column `blob` at row 2: `0xff00` is not a string");
    assert!(outcome.rejects[0].raw.contains("\"ratio\":\"NaN\""), "{}", outcome.rejects[0].raw);
}

/// A list of structs, as writers of Parquet have them.
fn items() -> ArrayRef {
    let names = StringArray::from(vec!["a", "b", "c"]);
    let sizes = LargeBinaryArray::from_vec(vec![b"\x00\xFF", b"x", b""]);
    let members: Vec<(FieldRef, ArrayRef)> = vec![
        (Arc::new(Field::new("name", ArrowType::Utf8, false)), Arc::new(names)),
        (Arc::new(Field::new("size", ArrowType::LargeBinary, true)), Arc::new(sizes)),
    ];
    let structs = StructArray::from(members);
    let item = Arc::new(Field::new("element", structs.data_type().clone(), false));
    let offsets = OffsetBuffer::new(vec![0, 2, 2, 3].into());
    Arc::new(LargeListArray::new(
        item,
        OffsetBuffer::new(offsets.iter().map(|end: &i32| i64::from(*end)).collect()),
        Arc::new(structs),
        Some(vec![true, false, true].into()),
    ))
}

#[test]
fn lists_and_structs_are_taken_over_and_others_are_json() {
    let nanos = TimestampNanosecondArray::from(vec![1_500, 2, 3]);
    let moments: Vec<(FieldRef, ArrayRef)> =
        vec![(Arc::new(Field::new("at", nanos.data_type().clone(), true)), Arc::new(nanos))];
    let bytes = parquet(vec![
        ("items", items()),
        ("seen", Arc::new(StructArray::from(moments)) as ArrayRef),
    ]);
    let (inferred, outcome) = infer_and_run(&bytes);
    let types: Vec<_> = inferred.columns.iter().map(|c| c.data_type.to_string()).collect();
    // What is cut on the way is better kept as it was written.
    assert_eq!(types, ["list<struct<name: string, size: binary>>", "json"]);
    assert_eq!(
        outcome.rows(),
        [
            "[{name: a, size: 00ff}, {name: b, size: 78}]|{\"at\":\"1970-01-01T00:00:00.000001500\"}",
            "∅|{\"at\":\"1970-01-01T00:00:00.000000002\"}",
            "[{name: c, size: }]|{\"at\":\"1970-01-01T00:00:00.000000003\"}",
        ]
    );
}

#[test]
fn times_are_cut_to_the_unit_and_widened_exactly() {
    let bytes = parquet(vec![
        ("at", Arc::new(TimestampNanosecondArray::from(vec![1_999_999, -1])) as ArrayRef),
        ("ratio", Arc::new(Float32Array::from(vec![1.1, 2.5]))),
    ]);
    let outcome = run(&bytes, &strict(&["at timestamp_ms", "ratio float64"])).unwrap();
    let rows = ["1970-01-01T00:00:00.001|1.100000023841858", "1969-12-31T23:59:59.999|2.5"];
    assert_eq!(outcome.rows(), rows);
    let outcome = run(&bytes, &strict(&["at date", "ratio string"])).unwrap();
    assert_eq!(outcome.messages().len(), 2);
    let midnight = parquet(vec![("at", Arc::new(TimestampNanosecondArray::from(vec![0])))]);
    assert_eq!(run(&midnight, &strict(&["at date"])).unwrap().rows(), ["1970-01-01"]);
}

#[test]
fn compressed_pages_and_containers_read_the_same() {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..20_000));
    for codec in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4_RAW,
        Compression::ZSTD(Default::default()),
    ] {
        let properties = WriterProperties::builder()
            .set_compression(codec)
            .set_max_row_group_row_count(Some(7000))
            .build();
        let bytes = written(vec![("id", Arc::clone(&ids))], properties);
        let packed = zstd::encode_all(&bytes[..], 1).unwrap();
        for bytes in [bytes, packed] {
            let outcome = run(&bytes, &strict(&["id int64"])).unwrap();
            assert_eq!(outcome.report.balance.written, 20_000, "{codec:?}");
            let written = column_of(&outcome.batches(), "id");
            assert_eq!(&written, &ids, "{codec:?}");
        }
    }
}

#[test]
fn a_dictionary_of_long_texts_is_read_in_bounded_parts() {
    let long = "x".repeat(100_000);
    let rows: StringArray = (0..2000).map(|_| Some(long.as_str())).collect();
    let bytes = parquet(vec![("text", Arc::new(rows) as ArrayRef)]);
    assert!(bytes.len() < 400_000, "{}", bytes.len());
    let mut plan = strict(&["text string"]);
    plan.limits.block_bytes = 64 << 10;
    let outcome = run(&bytes, &plan).unwrap();
    assert_eq!(outcome.report.balance.written, 2000);
    plan.limits.row_bytes = 50_000;
    let error = run(&bytes, &plan).err().unwrap().to_string();
    assert!(error.contains("row 1 is longer than 50000 bytes"), "{error}");
}

#[test]
fn files_that_are_not_whole_are_refused() {
    let whole = parquet(vec![("id", Arc::new(Int64Array::from_iter_values(0..1000)) as ArrayRef)]);
    let plan = strict(&["id int64"]);
    for cut in [5, 100, whole.len() / 2, whole.len() - 1] {
        let error = run(&whole[..cut], &plan).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unreadable, "{cut}: {error}");
    }
    for at in (4..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xFF;
        if let Err(error) = run(&damaged, &plan) {
            let kind = error.kind();
            assert!(matches!(kind, ErrorKind::Unreadable | ErrorKind::Contract), "{at}: {error}");
        }
    }
    let error = run(b"id\n1\n", &plan).err().unwrap().to_string();
    assert!(error.contains("this is not Parquet: it begins with `id"), "{error}");
    let mut plan = plan;
    plan.limits.spool_bytes = 100;
    let error = run(&whole, &plan).err().unwrap().to_string();
    assert!(error.contains("larger than 100 bytes"), "{error}");
}

#[test]
fn no_rows_are_no_fault_and_too_many_rejects_are() {
    let none = parquet(vec![("id", Arc::new(Int64Array::from_iter_values(0..0)) as ArrayRef)]);
    let outcome = run(&none, &strict(&["id int64"])).unwrap();
    assert_eq!((outcome.report.balance.read, outcome.files.len()), (0, 0));
    let many = parquet(vec![("id", Arc::new(Int64Array::from_iter_values(0..1000)) as ArrayRef)]);
    let mut plan = strict(&["id int8"]);
    plan.reject_limit = RejectLimit::Rows(10);
    assert!(matches!(run(&many, &plan), Err(FormatError::TooManyRejects { .. })));
}

#[test]
fn members_of_an_archive_are_one_table_and_named_in_rejects() {
    let ids = |ids: Vec<i64>| parquet(vec![("id", Arc::new(Int64Array::from(ids)) as ArrayRef)]);
    let members = [("a.parquet", ids(vec![1, 300])), ("b.parquet", ids(vec![2]))];
    let archive = crate::workbooks::zip_of(&members);
    let mut plan = strict(&["id uint8"]);
    plan.captures.insert("year".into(), "2024".into());
    plan.parquet.partition_by = vec!["year".into()];
    let outcome = run(&archive, &plan).unwrap();
    assert_eq!(outcome.rows(), ["1", "2"]);
    assert_eq!(outcome.rejects[0].member.as_deref(), Some("a.parquet"));
    let year = ("year".to_owned(), Some("2024".to_owned()));
    assert_eq!(outcome.report.outputs[0].partition, [year]);
    let damaged = crate::workbooks::zip_of(&[members[0].clone(), ("c.csv", b"id\n1\n".to_vec())]);
    let error = run(&damaged, &plan).err().unwrap().to_string();
    assert!(error.starts_with("in `c.csv`: "), "{error}");
}

fn folder() -> Option<PathBuf> {
    let Some(root) = std::env::var_os("MILLRACE_REAL_DATA") else {
        println!("skipped: MILLRACE_REAL_DATA is not set");
        return None;
    };
    Some(Path::new(&root).join("parquet"))
}

#[test]
fn real_files_come_out_as_the_other_tools_read_them() {
    let Some(folder) = folder() else { return };
    let mut seen = 0;
    for entry in read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        if !file.ends_with(".parquet") {
            continue;
        }
        let bytes = read(&path).unwrap();
        if file.starts_with("bad_") {
            let mut set = dataset(FileFormat::Parquet, &[]);
            set.schema.mode = SchemaMode::Infer;
            let refused = infer(&bytes[..], &set).and_then(|inferred| {
                let mut plan = strict(&[]);
                plan.mode = SchemaMode::Infer;
                plan.columns = inferred.columns;
                run(&bytes, &plan)
            });
            let error = refused.err().unwrap_or_else(|| panic!("{file} was read"));
            assert_eq!(error.kind(), ErrorKind::Unreadable, "{file}: {error}");
            continue;
        }
        let baseline = folder.join(format!("{file}.baseline.json"));
        let baseline: Value = serde_json::from_slice(&read(baseline).unwrap()).unwrap();
        let (inferred, outcome) = infer_and_run(&bytes);
        assert_eq!(outcome.messages(), Vec::<&str>::new(), "{file}");
        compare(file, &baseline, &inferred, &outcome);
        seen += 1;
    }
    assert!(seen >= 14, "only {seen}");
}

fn compare(file: &str, baseline: &Value, inferred: &Inferred, outcome: &Outcome) {
    assert_eq!(Some(outcome.report.balance.read), baseline["rows"].as_u64(), "{file}");
    let expected = baseline["columns"].as_array().unwrap();
    assert_eq!(inferred.columns.len(), expected.len(), "{file}");
    let batches = outcome.batches();
    for (column, expected) in inferred.columns.iter().zip(expected) {
        let what = format!("{file}: {}", column.name);
        let array = column_of(&batches, &column.name);
        assert_eq!(expected["name"], column.name, "{what}");
        assert_eq!(expected["nulls"], array.null_count(), "{what}");
        if column.data_type != DataType::Json {
            assert_eq!(expected["distinct"], distinct(&array), "{what}");
        }
        if let Some(sum) = expected["sum"].as_str() {
            let numbers = cast(&array, &ArrowType::Float64).unwrap();
            let got: f64 =
                numbers.as_primitive::<arrow::datatypes::Float64Type>().iter().flatten().sum();
            let sum: f64 = sum.parse().unwrap();
            let is_same = got == sum || (got.is_nan() && sum.is_nan());
            assert!(is_same || (got - sum).abs() <= 1e-9 * sum.abs(), "{what}: {got} is not {sum}");
        }
    }
}

fn distinct(array: &ArrayRef) -> usize {
    let texts = ArrayFormatter::try_new(array, &FormatOptions::default()).unwrap();
    let text = |row| texts.value(row).try_to_string().unwrap_or_else(|_| format!("{row}"));
    (0..array.len()).filter(|&row| array.is_valid(row)).map(text).collect::<HashSet<_>>().len()
}
