//! Limits, rules, partitions, and what is left behind when a file fails.

use std::io::{self, Read, Write};
use std::num::NonZeroUsize;

use crate::support::{MemorySink, csv, run};
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::Int64Type;
use millrace_contract::{OnFail, ParquetCompression};
use millrace_format::{
    ErrorKind, FormatError, Plan, RowRule, RuleError, Sink, SinkWriter, transform,
};
use parquet::file::reader::{FileReader, SerializedFileReader};

/// Holds where the first column is positive or null.
struct Positive(OnFail);

impl RowRule for Positive {
    fn text(&self) -> &str {
        "n > 0"
    }

    fn on_fail(&self) -> OnFail {
        self.0
    }

    fn check(&self, batch: &RecordBatch) -> Result<BooleanArray, RuleError> {
        let numbers = batch.column(0).as_primitive::<Int64Type>();
        if numbers.iter().flatten().any(|number| number == 13) {
            return Err(RuleError("thirteen can't be compared".into()));
        }
        Ok(numbers.iter().map(|number| number.map(|number| number > 0)).collect())
    }
}

fn ruled(on_fail: OnFail) -> Plan {
    let mut plan = csv(&["n int64", "s string"]);
    plan.rules = vec![Box::new(Positive(on_fail))];
    plan
}

const NUMBERS: &str = "n,s\n1,a\n-1,b\nx,c\n,d\n0,e\n2,f\n";

#[test]
fn a_rule_rejects_rows_and_null_holds() {
    let outcome = run(NUMBERS, &ruled(OnFail::RejectRow)).unwrap();
    assert_eq!(outcome.rows(), ["1|a", "∅|d", "2|f"]);
    assert_eq!(
        outcome.messages(),
        [
            "line 3: `n > 0` does not hold",
            "column `n` at line 4: `x` is not an int64",
            "line 6: `n > 0` does not hold"
        ]
    );
    assert_eq!(outcome.report.reject_groups[0].rule, "n > 0");
    assert_eq!(outcome.report.reject_groups[0].count, 2);
}

#[test]
fn a_rule_that_warns_keeps_the_rows_and_counts() {
    let outcome = run(NUMBERS, &ruled(OnFail::Warn)).unwrap();
    assert_eq!(outcome.report.balance.written, 5);
    assert_eq!(outcome.report.warnings[0].count, 2);
    assert_eq!(outcome.report.warnings[0].rule, "n > 0");
}

#[test]
fn a_rule_may_reject_the_file_and_names_the_line() {
    let mut sink = MemorySink::default();
    let error = transform(NUMBERS.as_bytes(), &ruled(OnFail::RejectFile), &mut sink).unwrap_err();
    assert!(error.is_contract());
    assert_eq!(error.to_string(), "the row at line 3 breaks `n > 0`, which rejects the whole file");
    assert_eq!(sink.finished_of_opened().0, 0);
}

#[test]
fn a_rule_that_fails_to_evaluate_is_named() {
    let error = run("n,s\n1,a\n13,b\n", &ruled(OnFail::RejectRow)).err().unwrap();
    assert!(error.is_contract());
    assert_eq!(
        error.to_string(),
        "rule `n > 0` can't be evaluated on the rows from line 2: thirteen can't be compared"
    );
}

#[test]
fn more_rejects_than_the_limit_fail_the_file_with_the_reasons() {
    let text = format!("n,s\n{}", "1,a\nx,b\n1\n".repeat(10));
    let mut plan = csv(&["n int64", "s string"]);
    for (limit, passes) in [("20", true), ("19", false), ("67%", true), ("66%", false)] {
        plan.reject_limit = limit.parse().unwrap();
        let mut sink = MemorySink::default();
        let outcome = transform(text.as_bytes(), &plan, &mut sink);
        assert_eq!(outcome.is_ok(), passes, "{limit}");
        assert_eq!(sink.rejects().len(), 20, "{limit}");
        let Err(error) = outcome else { continue };
        assert!(error.is_contract());
        assert!(sink.files().is_empty(), "{limit}");
        let FormatError::TooManyRejects { rejected, groups, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!((*rejected, groups.len(), groups[0].count), (20, 2, 10));
    }
    plan.reject_limit = "66%".parse().unwrap();
    let error = run(&text, &plan).err().unwrap();
    insta::assert_snapshot!(error, @"20 of 30 rows were rejected, more than the limit of 66%; most often (10): line 4: expected 2 fields, found 1");
}

#[test]
fn a_row_limit_stops_reading_early() {
    struct Endless(u64);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += buffer.len() as u64;
            assert!(self.0 < 1 << 30, "it should have stopped");
            buffer.iter_mut().zip(b"x,y\n".iter().cycle()).for_each(|(byte, x)| *byte = *x);
            Ok(buffer.len() / 4 * 4)
        }
    }
    let mut plan = csv(&["n int64", "s string"]);
    plan.csv.header = false;
    plan.limits.block_bytes = 4096;
    plan.reject_limit = "5".parse().unwrap();
    let error = run_endless(Endless(0), &plan);
    assert!(matches!(error, FormatError::TooManyRejects { .. }), "{error}");
}

fn run_endless(source: impl Read + Send, plan: &Plan) -> FormatError {
    transform(source, plan, &mut MemorySink::default()).unwrap_err()
}

#[test]
fn rows_go_to_their_partitions_and_the_columns_leave_the_file() {
    let mut plan = csv(&["year int64", "city string", "n int64"]);
    plan.parquet.partition_by = vec!["Year".into(), "city".into()];
    plan.captures.insert("batch".into(), "b1".into());
    let text = "year,city,n\n2024,Oslo,1\n2023,,2\n2024,Oslo,3\n,Oslo,4\n2023,\"\",5\n2023,,6\n";
    let outcome = run(text, &plan).unwrap();
    let partitions: Vec<_> = outcome
        .report
        .outputs
        .iter()
        .map(|output| (millrace_format::partition_path(&output.partition), output.rows))
        .collect();
    insta::assert_debug_snapshot!(partitions, @r#"
    [
        (
            "year=2024/city=Oslo",
            2,
        ),
        (
            "year=2023/city=__HIVE_DEFAULT_PARTITION__",
            2,
        ),
        (
            "year=__HIVE_DEFAULT_PARTITION__/city=Oslo",
            1,
        ),
        (
            "year=2023/city=",
            1,
        ),
    ]
    "#);
    assert_eq!(outcome.rows(), ["1|b1", "3|b1", "2|b1", "6|b1", "4|b1", "5|b1"]);
    let names: Vec<_> = outcome.report.schema.fields().iter().map(|field| field.name()).collect();
    assert_eq!(names, ["n", "batch"]);
}

#[test]
fn too_many_partitions_are_refused() {
    let mut plan = csv(&["id int64", "n int64"]);
    plan.parquet.partition_by = vec!["id".into()];
    plan.limits.partitions = 10;
    let text =
        |rows: u64| (0..rows).fold("id,n\n".to_owned(), |text, id| text + &format!("{id},1\n"));
    assert_eq!(run(text(10), &plan).unwrap().files.len(), 10);
    let error = run(text(11), &plan).err().unwrap();
    assert!(error.is_contract());
    insta::assert_snapshot!(error, @"`partition_by` [id] spreads this file over more than 10 partitions; partition by a coarser column");
}

#[test]
fn the_files_say_where_they_come_from_and_what_became_of_every_row() {
    let mut plan =
        csv(&["n int64", "when timestamptz", "local timestamp_ms", "price decimal(9,2)"]);
    plan.metadata = vec![("millrace.source".into(), "s3://raw/a.csv".into())];
    plan.parquet.compression = ParquetCompression::Snappy;
    plan.parquet.row_group_rows = 2;
    let text = "n,when,local,price\n1,2024-01-01T00:00:00Z,2024-01-01,1\n2,,,\n3,,,\nx,,,\n";
    let outcome = run(text, &plan).unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(outcome.files[0].clone())).unwrap();
    let metadata = reader.metadata();
    let groups: Vec<_> = metadata.row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(groups, [2, 1]);
    let file = metadata.file_metadata();
    assert!(file.created_by().unwrap().starts_with("millrace version "));
    let value = |key: &str| {
        let pairs = file.key_value_metadata().unwrap();
        pairs.iter().find(|pair| pair.key == key).unwrap().value.clone().unwrap()
    };
    assert_eq!(value("millrace.source"), "s3://raw/a.csv");
    assert_eq!(value("millrace.balance"), "{\"read\":4,\"written\":3,\"rejected\":1}");
    let types: Vec<_> = file
        .schema_descr()
        .columns()
        .iter()
        .map(|column| {
            format!(
                "{} {:?} {:?}",
                column.name(),
                column.physical_type(),
                column.logical_type_ref()
            )
        })
        .collect();
    insta::assert_debug_snapshot!(types, @r#"
    [
        "n INT64 None",
        "when INT64 Some(Timestamp(TimestampType { is_adjusted_to_u_t_c: true, unit: MICROS }))",
        "local INT64 Some(Timestamp(TimestampType { is_adjusted_to_u_t_c: false, unit: MILLIS }))",
        "price INT32 Some(Decimal(DecimalType { scale: 2, precision: 9 }))",
    ]
    "#);
}

#[test]
fn the_same_file_gives_the_same_bytes_on_any_number_of_threads() {
    let rows: String = (0..30_000).map(|n| format!("{n},{},{}\n", n % 7, n * 31 % 1000)).collect();
    let mut plan = csv(&["n int64", "part int64", "s string"]);
    plan.limits.block_bytes = 10_000;
    plan.parquet.row_group_rows = 5000;
    plan.limits.row_group_bytes = 100_000;
    for partition_by in [vec![], vec!["part".to_owned()]] {
        plan.parquet.partition_by = partition_by;
        let mut results = [1, 2, 3, 8].map(|threads| {
            plan.threads = NonZeroUsize::new(threads).unwrap();
            let outcome = run(format!("n,part,s\n{rows}"), &plan).unwrap();
            assert_eq!(outcome.report.balance.written, 30_000);
            (outcome.files, outcome.report.outputs)
        });
        let first = results[0].clone();
        assert!(results.iter_mut().all(|result| *result == first));
    }
}

#[test]
fn a_sink_that_fails_is_told_apart_from_the_file() {
    struct Full(bool);
    impl Write for Full {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            if self.0 { Ok(buffer.len()) } else { Err(io::ErrorKind::StorageFull.into()) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl SinkWriter for Full {
        fn finish(self: Box<Self>) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
    struct FullSink(bool);
    impl Sink for FullSink {
        fn output(
            &mut self,
            _: &[(String, Option<String>)],
            _: u32,
        ) -> io::Result<Box<dyn SinkWriter>> {
            Ok(Box::new(Full(self.0)))
        }
        fn rejects(&mut self) -> io::Result<Box<dyn SinkWriter>> {
            Ok(Box::new(Full(self.0)))
        }
    }
    let plan = csv(&["n int64", "s string"]);
    for text in ["n,s\n1,a\n", "n,s\nx,a\n"] {
        for late in [false, true] {
            let error = transform(text.as_bytes(), &plan, &mut FullSink(late)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Sink, "{error}");
        }
    }
}

#[test]
fn a_source_that_breaks_off_leaves_nothing_finished() {
    struct Breaks(u32);
    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 1000 {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            b"1,2\n".as_slice().read(buffer)
        }
    }
    let mut plan = csv(&["n int64", "s string"]);
    plan.csv.header = false;
    plan.limits.block_bytes = 64;
    for threads in [1, 4] {
        plan.threads = NonZeroUsize::new(threads).unwrap();
        let mut sink = MemorySink::default();
        let error = transform(Breaks(0), &plan, &mut sink).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Source);
        assert_eq!(sink.finished_of_opened().0, 0);
        assert!(sink.finished_of_opened().1 > 0);
    }
}

#[test]
fn columns_without_nulls_are_required_in_parquet() {
    let outcome = run("n,s\n1,a\n,b\n", &csv(&["n int64 required", "s string"])).unwrap();
    assert!(!outcome.report.schema.field(0).is_nullable());
    assert_eq!(outcome.batches()[0].column(0).null_count(), 0);
    assert_eq!(outcome.messages(), ["column `n` at line 3: a value is required"]);
}
