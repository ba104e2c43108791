//! Rows made of rows: what stands between the decoders and the encoder.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use millrace_contract::SqlRows;
use millrace_format::{ErrorKind, FormatError, Plan, Reshape, ReshapeError, Reshaping};

use crate::support::{MemorySink, csv, run};

/// Makes `times` rows of each, with a column of its own, one batch at a time; the
/// last rows come when the file has ended.
struct Repeat {
    times: usize,
    fails: Option<fn() -> ReshapeError>,
}

struct Repeating {
    times: usize,
    fails: Option<fn() -> ReshapeError>,
    ready: VecDeque<RecordBatch>,
    kept: Vec<RecordBatch>,
    asked_for_more: bool,
}

fn schema() -> SchemaRef {
    let field = |name, kind| Field::new(name, kind, true);
    Arc::new(Schema::new(vec![field("id", DataType::Int64), field("half", DataType::Utf8)]))
}

impl Reshape for Repeat {
    fn text(&self) -> &str {
        "repeat\n  every row"
    }

    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn start(&self) -> Result<Box<dyn Reshaping>, ReshapeError> {
        Ok(Box::new(Repeating {
            times: self.times,
            fails: self.fails,
            ready: VecDeque::new(),
            kept: Vec::new(),
            asked_for_more: false,
        }))
    }
}

impl Reshaping for Repeating {
    fn next(&mut self) -> Result<Option<RecordBatch>, ReshapeError> {
        let next = self.ready.pop_front();
        self.asked_for_more = next.is_none();
        Ok(next)
    }

    fn push(&mut self, rows: RecordBatch) -> Result<(), ReshapeError> {
        assert!(self.asked_for_more, "rows came unasked");
        assert!(rows.num_rows() > 0);
        if let Some(fails) = self.fails {
            return Err(fails());
        }
        let ids = rows.column(0).as_primitive::<Int64Type>().clone();
        let halves: StringArray =
            ids.iter().map(|id| id.map(|id| if id % 2 == 0 { "even" } else { "odd" })).collect();
        let columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(halves)];
        let made = RecordBatch::try_new(schema(), columns).unwrap();
        self.ready.extend(std::iter::repeat_n(made.clone(), self.times));
        self.kept.push(made.slice(0, 1));
        Ok(())
    }

    fn end(&mut self) {
        self.ready.extend(self.kept.drain(..));
    }
}

fn plan_with(times: usize, fails: Option<fn() -> ReshapeError>) -> Plan {
    let mut plan = csv(&["id int64", "text string"]);
    plan.reshape = Some(Box::new(Repeat { times, fails }));
    plan.limits.block_bytes = 1 << 10;
    plan
}

fn file(rows: i64) -> String {
    let rows = (0..rows).map(|id| format!("{id},a text of some length\n"));
    format!("id,text\n{}x,bad\n", rows.collect::<String>())
}

#[test]
fn what_goes_in_and_what_comes_out_are_both_balanced() {
    let outcome = run(file(10_000), &plan_with(3, None)).unwrap();
    let balance = &outcome.report.balance;
    let blocks = balance.written - 30_000;
    assert!(blocks > 100, "{balance:?}");
    assert_eq!((balance.read, balance.rejected), (10_001, 1));
    assert_eq!(balance.sql, Some(SqlRows { taken: 10_000, made: balance.written }));
    assert_eq!(outcome.report.schema, schema());
    let sum: i64 = outcome
        .batches()
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
        .sum();
    assert!(sum >= 3 * 9_999 * 10_000 / 2);
}

#[test]
fn rows_may_vanish_altogether() {
    let mut plan = plan_with(0, None);
    plan.limits.block_bytes = 1 << 20;
    let outcome = run("id,text\n1,a\n", &plan).unwrap();
    assert_eq!(outcome.report.balance.sql, Some(SqlRows { taken: 1, made: 1 }));
    let outcome = run("id,text\n", &plan).unwrap();
    assert_eq!(outcome.report.balance.sql, Some(SqlRows::default()));
    assert!(outcome.files.is_empty());
}

#[test]
fn files_are_partitioned_by_what_comes_out_and_the_same_on_any_number_of_threads() {
    let written = |threads: usize| {
        let mut plan = plan_with(2, None);
        plan.parquet.partition_by = vec!["Half".into()];
        plan.threads = NonZeroUsize::new(threads).unwrap();
        run(file(3_000), &plan).unwrap()
    };
    let (one, three) = (written(1), written(3));
    assert_eq!(one.files, three.files);
    let values = one.report.outputs.iter().map(|output| output.partition[0].1.clone().unwrap());
    assert_eq!(values.collect::<Vec<_>>(), ["even", "odd"]);
    let mut plan = plan_with(2, None);
    plan.parquet.partition_by = vec!["text".into()];
    assert!(matches!(run(file(3), &plan), Err(FormatError::Plan { .. })));
}

#[test]
fn a_failure_names_what_was_to_be_made_and_whose_fault_it_is() {
    let failures: [(fn() -> ReshapeError, ErrorKind); 3] = [
        (|| ReshapeError::Refused("no".into()), ErrorKind::Contract),
        (|| ReshapeError::Source(io::Error::other("gone")), ErrorKind::Source),
        (|| ReshapeError::Disk(io::Error::other("full")), ErrorKind::Sink),
    ];
    for (fails, kind) in failures {
        let Err(error) = run(file(3_000), &plan_with(1, Some(fails))) else { panic!("no error") };
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().starts_with("`repeat every row` can't be carried out: "));
    }
    let mut sink = MemorySink::default();
    let plan = plan_with(1, Some(|| ReshapeError::Refused("no".into())));
    assert!(millrace_format::transform(file(9).as_bytes(), &plan, &mut sink).is_err());
    assert_eq!(sink.files(), Vec::<Vec<u8>>::new());
}

#[test]
fn the_balance_in_the_metadata_says_what_sql_did() {
    let outcome = run(file(5), &plan_with(1, None)).unwrap();
    let bytes = bytes::Bytes::copy_from_slice(&outcome.files[0]);
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes);
    let reader = reader.unwrap();
    let metadata = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let balance = metadata.iter().find(|entry| entry.key == "millrace.balance").unwrap();
    let said = balance.value.as_deref().unwrap();
    assert!(said.contains("\"sql\":{\"taken\":5,\"made\":6}"), "{said}");
}
