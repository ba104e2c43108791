//! Filters and rules that look beyond the row: what is skipped, what is
//! rejected, and that neither depends on threads or blocks.

use std::sync::Arc;

use crate::support::{MemorySink, csv, ndjson, run};
use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use millrace_contract::{ExtraColumns, OnFail, RejectCause, RejectLimit};
use millrace_format::{
    ErrorKind, FileCheck, FileRule, FormatError, KeyError, KeySet, Plan, References, RowFilter,
    RowRule, RuleError, transform,
};

/// Takes the rows whose text in a column is `x`.
pub(crate) struct IsX(pub(crate) [usize; 1]);

impl RowFilter for IsX {
    fn text(&self) -> &str {
        "kind = 'x'"
    }

    fn columns(&self) -> &[usize] {
        &self.0
    }

    fn select(&self, batch: &RecordBatch) -> Result<BooleanArray, RuleError> {
        let texts = batch.column(self.0[0]).as_string::<i32>();
        Ok(texts.iter().map(|text| text.map(|text| text == "x")).collect())
    }
}

/// Takes the rows whose number in a column is positive.
pub(crate) struct IsPositive(pub(crate) [usize; 1], pub(crate) OnFail);

impl IsPositive {
    fn verdicts(&self, batch: &RecordBatch) -> BooleanArray {
        let numbers = batch.column(self.0[0]).as_primitive::<Int64Type>();
        numbers.iter().map(|number| number.map(|number| number > 0)).collect()
    }
}

impl RowFilter for IsPositive {
    fn text(&self) -> &str {
        "n > 0"
    }

    fn columns(&self) -> &[usize] {
        &self.0
    }

    fn select(&self, batch: &RecordBatch) -> Result<BooleanArray, RuleError> {
        Ok(self.verdicts(batch))
    }
}

impl RowRule for IsPositive {
    fn text(&self) -> &str {
        "n > 0"
    }

    fn on_fail(&self) -> OnFail {
        self.1
    }

    fn check(&self, batch: &RecordBatch) -> Result<BooleanArray, RuleError> {
        Ok(self.verdicts(batch))
    }
}

/// A rule that no two rows are alike in these columns.
pub(crate) fn unique(text: &str, columns: &[usize], on_fail: OnFail) -> FileRule {
    let check = FileCheck::Unique { columns: columns.to_vec() };
    FileRule { text: text.into(), on_fail, check }
}

/// A rule about the number of rows.
pub(crate) fn row_count(least: u64, most: u64, on_fail: OnFail) -> FileRule {
    FileRule { text: "row_count".into(), on_fail, check: FileCheck::RowCount { least, most } }
}

/// The messages of the rejects and the rows, or the error.
fn told(input: &str, plan: &Plan) -> Result<(Vec<String>, Vec<String>), String> {
    let outcome = run(input, plan).map_err(|error| error.to_string())?;
    let messages = outcome.messages().into_iter().map(str::to_owned).collect();
    Ok((outcome.rows(), messages))
}

#[test]
fn a_filter_is_asked_before_required_types_and_rules() {
    let mut plan = csv(&["kind string required", "n int64 required", "note string"]);
    plan.filter = Some(Box::new(IsX([0])));
    plan.rules = vec![Box::new(IsPositive([1], OnFail::RejectRow))];
    let input = "kind,n,note\nx,1,a\ny,,b\ny,-1,c\ny,text,d\n,5,e\nx,,f\nx,-2,g\nx,text,h\ny\n";
    let outcome = run(input, &plan).unwrap();
    assert_eq!(outcome.rows(), ["x|1|a"]);
    assert_eq!(
        outcome.messages(),
        [
            "column `n` at line 7: a value is required",
            "line 8: `n > 0` does not hold",
            "column `n` at line 9: `text` is not an int64",
            "line 10: expected 3 fields, found 1",
        ]
    );
    let balance = &outcome.report.balance;
    assert_eq!((balance.read, balance.written, balance.rejected), (9, 1, 4));
    assert_eq!(balance.skipped.get("where"), Some(&4));
}

#[test]
fn a_row_whose_filter_column_is_not_of_its_type_is_rejected() {
    let mut plan = csv(&["n int64 required", "m int64"]);
    plan.filter = Some(Box::new(IsPositive([0], OnFail::Warn)));
    let outcome = run("n,m\n1,1\nbad,2\n,3\n0,bad\nbad,bad\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|1"]);
    assert_eq!(
        outcome.messages(),
        [
            "column `n` at line 3: `bad` is not an int64",
            "column `n` at line 6: `bad` is not an int64"
        ]
    );
    // Null and false are skipped alike.
    assert_eq!(outcome.report.balance.skipped.get("where"), Some(&2));
    // A fault in front of it does not hide the filter's own.
    let mut plan = csv(&["m int64", "n int64"]);
    plan.filter = Some(Box::new(IsPositive([1], OnFail::Warn)));
    let outcome = run("m,n\nbad,bad\nbad,0\nbad,1\n", &plan).unwrap();
    let lines: Vec<_> = outcome.rejects.iter().map(|reject| reject.line).collect();
    assert_eq!(lines, [2, 4]);
    assert_eq!(outcome.report.balance.skipped.get("where"), Some(&1));
}

#[test]
fn json_of_several_kinds_feeds_a_dataset_with_its_own() {
    let mut plan = ndjson(&["kind string required", "n int64 required"]);
    plan.extra = ExtraColumns::Ignore;
    plan.filter = Some(Box::new(IsX([0])));
    let input =
        "{\"kind\":\"x\",\"n\":1}\n{\"kind\":\"y\",\"m\":[1]}\n{\"m\":1}\n{\"kind\":\"x\"}\n{]\n";
    let outcome = run(input, &plan).unwrap();
    assert_eq!(outcome.rows(), ["x|1"]);
    let rules: Vec<_> = outcome.rejects.iter().map(|reject| reject.rule.as_str()).collect();
    assert_eq!(rules, ["required", "json"]);
    assert_eq!(outcome.report.balance.skipped.get("where"), Some(&2));
}

#[test]
fn a_share_of_rejects_is_one_of_the_rows_that_are_meant() {
    let mut plan = csv(&["kind string", "n int64 required"]);
    plan.filter = Some(Box::new(IsX([0])));
    plan.reject_limit = RejectLimit::Percent(50.0);
    let others = "y,1\n".repeat(100);
    let (input, more) = (format!("kind,n\nx,\nx,1\n{others}"), "x,\n");
    assert!(run(&input, &plan).is_ok());
    let error = run(input + more, &plan).err().unwrap();
    assert!(error.to_string().starts_with("2 of 3 rows were rejected"), "{error}");
}

#[test]
fn the_first_row_of_a_key_counts_and_later_ones_are_rejected() {
    let mut plan = csv(&["a int64", "b string"]);
    plan.file_rules = vec![unique("unique(a)", &[0], OnFail::RejectRow)];
    let outcome = run("a,b\n1,x\n2,y\n1,z\n,p\n,q\nbad,r\n1,s\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|x", "2|y", "∅|p", "∅|q"]);
    assert_eq!(
        outcome.messages(),
        [
            "line 4: `unique(a)` does not hold, line 2 has the same",
            "column `a` at line 7: `bad` is not an int64",
            "line 8: `unique(a)` does not hold, line 2 has the same",
        ]
    );
    let repeat = &outcome.rejects[0];
    assert_eq!((repeat.raw.as_str(), repeat.line, repeat.byte_offset), ("1,z", 4, 12));
    assert_eq!((repeat.cause, repeat.rule.as_str()), (RejectCause::Expectation, "unique(a)"));
    assert_eq!(outcome.report.reject_groups[0].count, 2);
}

#[test]
fn keys_of_several_columns_do_not_run_together_and_nulls_never_collide() {
    let mut plan = csv(&["a string", "b string"]);
    plan.file_rules = vec![unique("unique(a, b)", &[0, 1], OnFail::RejectRow)];
    let (rows, messages) = told("a,b\nab,c\na,bc\n,x\n,x\nab,c\n", &plan).unwrap();
    assert_eq!(rows, ["ab|c", "a|bc", "∅|x", "∅|x"]);
    assert_eq!(messages, ["line 6: `unique(a, b)` does not hold, line 2 has the same"]);
}

#[test]
fn a_rejected_row_takes_no_key() {
    let mut plan = csv(&["n int64", "a string", "b string"]);
    plan.rules = vec![Box::new(IsPositive([0], OnFail::RejectRow))];
    plan.file_rules = vec![
        unique("unique(a)", &[1], OnFail::RejectRow),
        unique("unique(b)", &[2], OnFail::RejectRow),
    ];
    // Line 2 breaks the row rule; line 4 repeats `b`, so that its `a` is free for 5.
    let (rows, _) = told("n,a,b\n0,k,l\n1,k,l\n1,m,l\n1,m,n\n", &plan).unwrap();
    assert_eq!(rows, ["1|k|l", "1|m|n"]);
}

#[test]
fn a_repetition_can_warn_or_refuse_the_file() {
    let mut plan = csv(&["a int64"]);
    plan.file_rules = vec![unique("unique(a)", &[0], OnFail::Warn)];
    let outcome = run("a\n1\n1\n1\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["1", "1", "1"]);
    let warning = &outcome.report.warnings[0];
    assert_eq!((warning.rule.as_str(), warning.count), ("unique(a)", 2));
    plan.file_rules[0].on_fail = OnFail::RejectFile;
    let error = run("a\n1\n2\n1\n", &plan).err().unwrap();
    assert!(matches!(error, FormatError::FileRejected { line: 4, .. }), "{error}");
}

#[test]
fn repetitions_count_towards_the_limit_on_rejects() {
    let mut plan = csv(&["a int64"]);
    plan.file_rules = vec![unique("unique(a)", &[0], OnFail::RejectRow)];
    plan.reject_limit = RejectLimit::Rows(1);
    assert!(run("a\n1\n1\n2\n", &plan).is_ok());
    let error = run("a\n1\n1\n1\n", &plan).err().unwrap();
    assert!(matches!(error, FormatError::TooManyRejects { rejected: 2, .. }), "{error}");
}

#[test]
fn the_number_of_rows_that_pass_is_held_to_its_bounds() {
    let mut plan = csv(&["a int64"]);
    plan.file_rules =
        vec![unique("unique(a)", &[0], OnFail::RejectRow), row_count(2, 3, OnFail::RejectFile)];
    assert!(run("a\n1\n2\n2\n", &plan).is_ok());
    let mut sink = MemorySink::default();
    let error = transform(&b"a\n1\n1\n"[..], &plan, &mut sink).err().unwrap();
    assert_eq!(
        error.to_string(),
        "1 rows passed, which breaks `row_count` and rejects the whole file"
    );
    assert_eq!(error.kind(), ErrorKind::Contract);
    assert_eq!(sink.rejects().len(), 1, "the rejects say why rows are missing");
    assert!(run("a\n1\n2\n3\n4\n", &plan).is_err());
    assert!(run("a\n", &plan).is_err());
    plan.file_rules[1].on_fail = OnFail::Warn;
    let outcome = run("a\n", &plan).unwrap();
    assert_eq!(outcome.report.warnings[0].count, 1);
}

#[test]
fn the_newest_value_must_not_be_too_old_for_its_file() {
    let from = 1_704_196_800_000_000; // 2024-01-02T12:00:00Z
    let at_most = 36 * 3_600_000_000;
    for (data_type, newest, too_old) in [
        ("date", "2024-01-01", "2023-12-31"),
        ("timestamp", "2024-01-01T00:00:00", "2023-12-31T23:59:59"),
        ("timestamptz", "2024-01-01T01:00:00+01:00", "2024-01-01T00:59:59+01:00"),
    ] {
        let mut plan = csv(&["id int64", &format!("t {data_type}")]);
        plan.file_rules = vec![FileRule {
            text: "max_age(t) <= interval '36 hours'".into(),
            on_fail: OnFail::RejectFile,
            check: FileCheck::MaxAge { column: 1, at_most, from },
        }];
        let file = |newest: &str| format!("id,t\n1,2001-01-01T00:00:00Z\n2,{newest}\n3,\n");
        let file = |newest: &str| match data_type {
            "timestamptz" => file(newest),
            "timestamp" => file(newest).replace("00Z", "00"),
            _ => file(newest).replace("T00:00:00Z", ""),
        };
        assert!(run(file(newest), &plan).is_ok(), "{data_type}");
        let error = run(file(too_old), &plan).err().unwrap();
        assert!(error.to_string().starts_with("the newest value is 2023-12-31"), "{error}");
        assert!(run("id,t\n1,\n", &plan).is_ok(), "no value is no old value");
    }
}

fn references(keys: &[&str], on_fail: OnFail) -> Box<dyn RowRule> {
    let mut set = KeySet::new(DataType::Utf8, 100).unwrap();
    set.add(&(Arc::new(StringArray::from(keys.to_vec())) as ArrayRef)).unwrap();
    Box::new(References { text: "references(a, d.k)".into(), on_fail, column: 0, keys: set })
}

#[test]
fn a_reference_must_be_among_the_keys_and_null_holds() {
    let mut plan = csv(&["a string", "n int64"]);
    plan.rules = vec![references(&["x", "y"], OnFail::RejectRow)];
    let (rows, messages) = told("a,n\nx,1\nz,2\n,3\ny,4\nX,5\n", &plan).unwrap();
    assert_eq!(rows, ["x|1", "∅|3", "y|4"]);
    assert_eq!(
        messages,
        [
            "line 3: `references(a, d.k)` does not hold",
            "line 6: `references(a, d.k)` does not hold"
        ]
    );
    plan.rules = vec![references(&["x"], OnFail::Warn)];
    assert_eq!(run("a,n\nx,1\nz,2\n", &plan).unwrap().report.warnings[0].count, 1);
}

#[test]
fn keys_are_held_to_one_type_and_to_memory() {
    let mut set = KeySet::new(DataType::Int64, 2).unwrap();
    let numbers = |numbers: Vec<Option<i64>>| Arc::new(Int64Array::from(numbers)) as ArrayRef;
    assert_eq!(set.add(&numbers(vec![Some(1), None, Some(1), Some(2)])), Ok(()));
    assert_eq!(set.add(&numbers(vec![Some(3)])), Err(KeyError::TooMany(2)));
    let texts = Arc::new(StringArray::from(vec!["1"])) as ArrayRef;
    assert!(matches!(set.add(&texts), Err(KeyError::Type { .. })));
    let mut plan = csv(&["a int64"]);
    plan.rules = vec![references(&["1"], OnFail::RejectRow)];
    assert!(matches!(run("a\n1\n", &plan), Err(FormatError::Rule { .. })));
}

#[test]
fn rows_that_are_not_meant_may_have_other_keys() {
    let mut plan = ndjson(&["kind string", "n int64"]);
    plan.filter = Some(Box::new(IsX([0])));
    plan.reject_limit = RejectLimit::Percent(100.0);
    let text = "{\"kind\": \"x\", \"n\": 1}\n{\"kind\": \"y\", \"m\": {\"a\": [1]}, \"n\": \"z\"}\n\
                {\"m\": 1, \"kind\": \"x\", \"n\": 2}\n{\"m\": 1, \"kind\": \"y\", \"n\": \n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(outcome.rows(), ["x|1"]);
    assert_eq!(outcome.report.balance.skipped["where"], 1);
    assert_eq!(outcome.messages()[0], "line 3: no column is named `m`");
    assert_eq!(outcome.rejects.len(), 2);
    plan.json.flatten = true;
    let flat = run(text, &plan).unwrap();
    assert_eq!((flat.rows(), flat.rejects.len()), (outcome.rows(), 2));
}
