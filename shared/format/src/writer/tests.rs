//! Files that are read back.

use std::collections::HashMap;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use millrace_contract::COLUMN_TYPE;

use super::*;

fn rows() -> RecordBatch {
    let json = HashMap::from([(COLUMN_TYPE.to_owned(), "json".to_owned())]);
    let decimal = Decimal128Array::from(vec![Some(-1_250), None]);
    let at = TimestampMicrosecondArray::from(vec![Some(1_767_225_600_500_000), None]);
    let columns: Vec<(Field, ArrayRef)> = vec![
        (Field::new("id", DataType::Int64, true), Arc::new(Int64Array::from(vec![1, 2]))),
        (
            Field::new("a \"b\", c", DataType::Utf8, true),
            Arc::new(StringArray::from(vec![Some("x,\"y\"\nz"), Some("")])),
        ),
        (
            Field::new("sum", DataType::Decimal128(12, 2), true),
            Arc::new(decimal.with_precision_and_scale(12, 2).expect("a decimal")),
        ),
        (
            Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
            Arc::new(at.with_timezone("UTC")),
        ),
        (Field::new("day", DataType::Date32, true), Arc::new(Date32Array::from(vec![-1, 0]))),
        (
            Field::new("about", DataType::Utf8, true).with_metadata(json),
            Arc::new(StringArray::from(vec![Some("{\"k\":\n1}"), None])),
        ),
        (
            Field::new("f", DataType::Float64, true),
            Arc::new(Float64Array::from(vec![Some(0.1), Some(f64::NAN)])),
        ),
        (
            Field::new("ok", DataType::Boolean, true),
            Arc::new(BooleanArray::from(vec![true, false])),
        ),
        (
            Field::new("raw", DataType::Binary, true),
            Arc::new(BinaryArray::from(vec![Some(&b"hi"[..]), None])),
        ),
    ];
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("a batch")
}

fn written(format: ExportFormat) -> Vec<u8> {
    let options = FileOptions { format, ..FileOptions::default() };
    let mut file = FileWriter::new(&options, &rows()).expect("a file");
    file.write(&rows()).expect("written");
    let mut bytes = file.take();
    assert!(file.size() >= bytes.len() as u64);
    bytes.extend(file.finish().expect("finished"));
    bytes
}

#[test]
fn csv_quotes_what_needs_it_and_tells_null_from_nothing() {
    let text = String::from_utf8(written(ExportFormat::Csv)).expect("text");
    assert_eq!(
        text,
        "id,\"a \"\"b\"\", c\",sum,at,day,about,f,ok,raw\n\
         1,\"x,\"\"y\"\"\nz\",-12.50,2026-01-01T00:00:00.500Z,1969-12-31,\"{\"\"k\"\":\n1}\",0.1,\
         true,aGk=\n\
         2,\"\",,,1970-01-01,,NaN,false,\n"
    );
}

#[test]
fn ndjson_has_a_valid_object_on_every_line() {
    let text = String::from_utf8(written(ExportFormat::Ndjson)).expect("text");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["a \"b\", c"], "x,\"y\"\nz");
    assert_eq!((&lines[0]["id"], &lines[0]["sum"]), (&1.into(), &"-12.50".into()));
    assert_eq!((&lines[0]["about"]["k"], &lines[0]["f"]), (&1.into(), &0.1.into()));
    assert_eq!((&lines[1]["f"], &lines[1]["ok"]), (&"NaN".into(), &false.into()));
    assert!(lines[1]["sum"].is_null() && lines[1]["raw"].is_null());
}

#[test]
fn parquet_reads_back_as_it_was() {
    let bytes = bytes::Bytes::from(written(ExportFormat::Parquet));
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("Parquet");
    let batches: Vec<_> = reader.build().expect("a reader").collect();
    let read = batches.into_iter().next().expect("a batch").expect("readable");
    assert_eq!(read.columns(), rows().columns());
    assert!(read.schema().field(5).metadata().get(COLUMN_TYPE).is_none());
}

#[test]
fn a_row_group_ends_by_its_bytes_and_its_rows() {
    let mut options = FileOptions::default();
    options.parquet.row_group_rows = 100;
    let ids = Int64Array::from_iter_values(0..250);
    let schema = Schema::new(vec![Field::new("id", DataType::Int64, true)]);
    let rows = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(ids)]).expect("a batch");
    let mut file = FileWriter::new(&options, &rows).expect("a file");
    file.write(&rows).expect("written");
    let bytes = bytes::Bytes::from(file.finish().expect("finished"));
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("Parquet");
    let groups: Vec<_> =
        reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(groups, [100, 100, 50]);
}
