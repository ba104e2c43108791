//! Rejected rows gone through again: they and no others come out, and with the
//! rows of the first time they are what the whole file gives.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use millrace_contract::{FileFormat, OnFail, RejectLimit};
use millrace_format::{ErrorKind, FormatError, Plan, RowSelection};
use parquet::arrow::ArrowWriter;

use crate::archives::{How, archive};
use crate::rules::IsPositive;
use crate::support::{Outcome, plan, run};

fn all_rejects(mut plan: Plan) -> Plan {
    plan.reject_limit = RejectLimit::Percent(100.0);
    plan
}

fn selection(outcome: &Outcome) -> RowSelection {
    let mut rows = RowSelection::default();
    for reject in &outcome.rejects {
        rows.add(reject).unwrap();
    }
    rows
}

/// Goes through `input` as `before` and then through its rejects as `after`, in
/// small blocks, with one thread and with several; answers what the second time
/// came to.
fn again(input: &[u8], before: impl Fn() -> Plan, after: impl Fn() -> Plan) -> Outcome {
    let mut outcomes = [1, 3].map(|threads| {
        let shaped = |plan: Plan| {
            let mut plan = all_rejects(plan);
            plan.limits.block_bytes = 64;
            plan.threads = NonZeroUsize::new(threads).unwrap();
            plan
        };
        let first = run(input, &shaped(before())).unwrap();
        let mut replay = shaped(after());
        replay.only = Some(selection(&first));
        let second = run(input, &replay).unwrap();
        let whole = run(input, &shaped(after())).unwrap();
        let mut rows = [first.rows(), second.rows()].concat();
        let mut expected = whole.rows();
        rows.sort();
        expected.sort();
        assert_eq!(rows, expected);
        assert_eq!(second.rejects, whole.rejects);
        let left_alone = second.report.balance.skipped["not_replayed"];
        assert_eq!(left_alone + first.report.balance.rejected, first.report.balance.read);
        second
    });
    let [one, _several] = &mut outcomes;
    Outcome {
        report: one.report.clone(),
        files: std::mem::take(&mut one.files),
        rejects: std::mem::take(&mut one.rejects),
    }
}

#[test]
fn rows_of_a_text_are_found_where_they_stood() {
    let mut text = String::from("id,n,note\n");
    for id in 0..300 {
        let n = if id % 7 == 0 { "many" } else { "1" };
        let note = if id % 11 == 0 { "\"two\nlines é\"" } else { "x" };
        text += &format!("{id},{n},{note}\n");
        if id % 50 == 0 {
            text += "short\n";
        }
    }
    let columns = |n: &'static str| move || plan(FileFormat::Csv, &["id int64", n, "note string"]);
    let second = again(text.as_bytes(), columns("n int64"), columns("n string"));
    assert_eq!(second.report.balance.written, 43);
    assert_eq!(second.report.balance.rejected, 6);
    assert!(second.rejects.iter().all(|reject| reject.raw == "short"));
}

#[test]
fn rows_of_json_are_found_where_they_stood() {
    let mut text = String::new();
    for id in 0..200 {
        text += &match id % 9 {
            0 => format!("{{\"id\": {id}, \"n\": \"é many\"}}\n"),
            1 => format!("{{\"id\": {id}, \n"),
            _ => format!("{{\"id\": {id}, \"n\": 1}}\n"),
        };
    }
    let columns = |n: &'static str| move || plan(FileFormat::Ndjson, &["id int64", n]);
    let second = again(text.as_bytes(), columns("n int64"), columns("n string"));
    assert_eq!((second.report.balance.written, second.report.balance.rejected), (23, 23));
}

#[test]
fn rows_of_parquet_are_found_by_their_number() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5000));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let columns = |n: &'static str| move || plan(FileFormat::Parquet, &[n]);
    let second = again(&bytes, columns("n int8"), columns("n int16"));
    assert_eq!(second.report.balance.written, 5000 - 128);
}

#[test]
fn rows_of_an_archive_are_found_in_their_member() {
    let file = archive(&[
        ("a.csv", "n\n1\nx\n3\n", How::Deflated),
        ("b.csv", "n\n1\n2\ny\n", How::Stored),
    ]);
    let columns = |n: &'static str| move || plan(FileFormat::Csv, &[n]);
    assert_eq!(again(&file, columns("n int64"), columns("n string")).rows(), ["x", "y"]);
}

#[test]
fn rules_are_asked_of_the_selected_rows_alone() {
    let text = "n\n1\n-5\n2\n-6\n0\n";
    let ruled = |on_fail| {
        move || {
            let mut plan = plan(FileFormat::Csv, &["n int64"]);
            plan.rules.push(Box::new(IsPositive([0], on_fail)));
            plan
        }
    };
    let second = again(text.as_bytes(), ruled(OnFail::RejectRow), ruled(OnFail::Warn));
    assert_eq!(second.rows(), ["-5", "-6", "0"]);
    assert_eq!(second.report.warnings[0].count, 3);
}

#[test]
fn rejects_count_against_all_rows_of_the_file() {
    let text: String =
        (0..100).map(|n| if n < 2 { "x\n".into() } else { format!("{n}\n") }).collect();
    let mut limited = plan(FileFormat::Csv, &["n int64"]);
    limited.csv.header = false;
    limited.reject_limit = RejectLimit::Percent(5.0);
    let first = run(&text, &limited).unwrap();
    limited.only = Some(selection(&first));
    let second = run(&text, &limited).unwrap();
    assert_eq!(second.report.balance.rejected, 2);
}

#[test]
fn a_row_that_is_not_where_it_was_refuses_the_file() {
    let text = "n,m\n1,\"a\nb\"\n2,c\nx,d\n";
    let first = run(text, &all_rejects(plan(FileFormat::Csv, &["n int64", "m string"]))).unwrap();
    let mut replay = all_rejects(plan(FileFormat::Csv, &["n string", "m string"]));
    replay.only = Some(selection(&first));
    let error = run(text.replace("x,d", " x,d").replacen("1,", "11,", 1), &replay).err().unwrap();
    assert!(matches!(error, FormatError::Selection { wanted: 1, found: 0 }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Contract);
}
