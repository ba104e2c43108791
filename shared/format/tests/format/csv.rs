//! CSV as people write it: dialects, types, nulls, and what becomes of rows that
//! are wrong.

use crate::support::{csv, plan, run};
use millrace_contract::{CsvOptions, Encoding, FileFormat, RejectCause, SchemaMode};
use millrace_format::{ErrorKind, FormatError, Limits};

#[test]
fn every_type_is_read_from_its_text() {
    let mut plan = csv(&[
        "flag bool",
        "tiny int8",
        "small int16",
        "medium int32",
        "large int64",
        "huge uint64",
        "single float32",
        "double float64",
        "price decimal(12,2)",
        "day date",
        "local timestamp",
        "instant timestamptz_ms",
        "text string",
        "document json",
    ]);
    plan.csv.delimiter = ';';
    let header =
        "flag;tiny;small;medium;large;huge;single;double;price;day;local;instant;text;document";
    let outcome = run(
        format!(
            "{header}\n\
             yes;-128;-32768;2147483647;-9223372036854775808;18446744073709551615;1.5;0.1;12.5;\
             2024-02-29;2024-02-29 12:00:01.5;2024-02-29T12:00:00+02:00;naïve;\" {{\"\"a\"\": [1, 2]}} \"\n\
             F; 7 ;0;0;0;0;-inf;1e300;-0.01;0001-01-01;2024-02-29;2024-02-29T12:00:00;\"\";null\n\
             ;;;;;;;;;;;;;\n"
        ),
        &plan,
    )
    .unwrap();
    insta::assert_snapshot!(outcome.rows().join("\n"), @r#"
    true|-128|-32768|2147483647|-9223372036854775808|18446744073709551615|1.5|0.1|12.50|2024-02-29|2024-02-29T12:00:01.500|2024-02-29T10:00:00Z|naïve|{"a": [1, 2]}
    false|7|0|0|0|0|-inf|1e300|-0.01|0001-01-01|2024-02-29T00:00:00|2024-02-29T12:00:00Z||null
    ∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅
    "#);
    insta::assert_snapshot!(outcome.messages().join("\n"), @"");
}

#[test]
fn a_value_that_is_not_of_its_type_rejects_its_row_with_the_place_and_the_value() {
    let plan = csv(&[
        "id int8 required",
        "amount decimal(12,2)",
        "day date",
        "when timestamp",
        "paid date %d/%m/%Y",
    ]);
    let outcome = run(
        "id,amount,day,when,paid\n\
         1,\"12,50\",2024-01-01,2024-01-01,01/01/2024\n\
         2,1.005,2024-01-01,2024-01-01,01/01/2024\n\
         3,1,01/01/2024,2024-01-01,01/01/2024\n\
         4,1,2024-01-01,2024-01-01T10:00:00Z,01/01/2024\n\
         5,1,2024-01-01,2024-01-01,2024-01-01\n\
         128,1,2024-01-01,2024-01-01,01/01/2024\n\
         ,x,2024-01-01,2024-01-01,01/01/2024\n\
         1.0,1,2024-01-01,2024-01-01,01/01/2024\n\
         9,1,2024-01-01,2024-01-01,01/01/2024\n",
        &plan,
    )
    .unwrap();
    assert_eq!(outcome.rows(), ["9|1.00|2024-01-01|2024-01-01T00:00:00|2024-01-01"]);
    insta::assert_snapshot!(outcome.messages().join("\n"), @r#"
    column `amount` at line 2: `12,50` is not a decimal(12,2)
    column `amount` at line 3: `1.005` is not a decimal(12,2)
    column `day` at line 4: `01/01/2024` is not a date (YYYY-MM-DD); give the column a `format`
    column `when` at line 5: `2024-01-01T10:00:00Z` is not a timestamp; it has a time zone, which timestamptz keeps
    column `paid` at line 6: `2024-01-01` is not a date written as `%d/%m/%Y`
    column `id` at line 7: `128` is not an int8
    column `id` at line 8: a value is required
    column `id` at line 9: `1.0` is not an int8
    "#);
    let first = &outcome.rejects[0];
    assert_eq!((first.line, first.byte_offset), (2, 24));
    assert_eq!((first.cause, first.rule.as_str()), (RejectCause::Type, "decimal(12,2)"));
    assert_eq!(first.column.as_deref(), Some("amount"));
    assert_eq!(first.raw, "1,\"12,50\",2024-01-01,2024-01-01,01/01/2024");
}

#[test]
fn rows_that_can_not_be_read_are_rejected_one_by_one() {
    let plan = csv(&["a int64", "b string"]);
    let text = b"a,b\n1,x\n\n2\n3,x,y\n4,a\"b\n5,\"a\"b\n6,caf\xE9\n7,\"two\nlines\"\n8,nul\0\n9,\"open\n10,x\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|x", "7|two\nlines"]);
    insta::assert_snapshot!(outcome.messages().join("\n"), @r#"
    line 4: expected 2 fields, found 1
    line 5: expected 2 fields, found 3
    line 6: a quote stands in an unquoted field; quote the field and double it
    line 7: text follows a closing quote; a quote within quotes is doubled
    line 8: byte 6 of the row, `0xE9`, is not UTF-8
    line 11: byte 6 of the row is U+0000, which tables can't hold
    line 12: a quote is opened and never closed
    line 13: the quote opened 1 lines above is never closed
    "#);
    assert_eq!(outcome.report.balance.skipped["blank_line"], 1);
    assert_eq!(outcome.report.balance.read, 11);
    let last = outcome.rejects.last().unwrap();
    assert_eq!((last.rule.as_str(), last.raw.as_str()), ("unclosed_quote", "10,x"));
    assert_eq!(outcome.rejects[4].raw, "6,caf\u{FFFD}");
}

#[test]
fn null_texts_count_only_unquoted() {
    let mut plan = csv(&["n int64", "s string", "d float64"]);
    plan.csv.null = vec!["".into(), "NA".into(), "-1".into()];
    let outcome = run(
        "n,s,d\nNA,NA,NA\n,,\n\"\",\"\",\"\"\n-1,-1,\"-1\"\n\"2\",\"NA\",3\n\"NA\",x,1\n",
        &plan,
    )
    .unwrap();
    assert_eq!(outcome.rows(), ["∅|∅|∅", "∅|∅|∅", "∅||∅", "∅|∅|-1.0", "2|NA|3.0"]);
    insta::assert_snapshot!(outcome.messages().join("\n"), @"column `n` at line 7: `NA` is not an int64");
}

#[test]
fn all_line_ends_and_a_byte_order_mark_read_the_same() {
    let plan = csv(&["a int64", "b string"]);
    let unix = "a,b\n1,x\n2,\"y\n\"\n3,z\n";
    for text in [
        unix.to_owned(),
        unix.trim_end().to_owned(),
        format!("\u{FEFF}{unix}"),
        unix.replace('\n', "\r\n").replace("y\r\n", "y\n"),
        unix.replace('\n', "\r").replace("y\r", "y\n"),
        unix.replace('\n', "\r").replace("y\r", "y\n").trim_end().to_owned(),
    ] {
        let outcome = run(&text, &plan).unwrap();
        assert_eq!(outcome.rows(), ["1|x", "2|y\n", "3|z"], "{text:?}");
    }
}

#[test]
fn line_numbers_count_the_lines_that_an_editor_shows() {
    let plan = csv(&["a int64", "b string"]);
    for line_end in ["\n", "\r\n", "\r"] {
        let text = ["a,b", "1,\"x", "y\"", "", "z,1", "2,x"].join(line_end);
        let outcome = run(&text, &plan).unwrap();
        assert_eq!(outcome.rejects[0].line, 5, "{line_end:?}");
        assert_eq!(outcome.rejects[0].byte_offset as usize, text.find("z,1").unwrap());
    }
}

#[test]
fn latin_1_is_decoded_and_offsets_stay_those_of_the_source() {
    let mut plan = csv(&["prénom string", "n int64"]);
    plan.csv.encoding = Encoding::Latin1;
    let outcome = run(b"pr\xE9nom,n\n\"Z\xF6\"\"\xE9\",1\n\xE9,x\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["Zö\"é|1"]);
    assert_eq!(outcome.rejects[0].byte_offset, 19);
    assert_eq!(outcome.rejects[0].raw, "é,x");
}

#[test]
fn other_dialects_are_read() {
    let mut plan = plan(FileFormat::Tsv, &["a string", "b string"]);
    let outcome = run("a\tb\n1,5\t\"x\ty\"\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["1,5|x\ty"]);
    plan.csv = CsvOptions { delimiter: '|', quote: Some('\''), ..CsvOptions::default() };
    let outcome = run("a|b\n'it''s'|\"\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["it's|\""]);
}

#[test]
fn without_a_header_columns_are_taken_by_position() {
    let mut plan = csv(&["a int64", "year int64", "b string"]);
    plan.csv.header = false;
    plan.captures.insert("year".into(), "2024".into());
    let outcome = run("1,x\n2,y\n3\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|2024|x", "2|2024|y"]);
    assert_eq!(outcome.messages(), ["line 3: expected 2 fields, found 1"]);
}

#[test]
fn captures_become_columns_and_must_be_of_their_type() {
    let mut plan = csv(&["id int64", "year int16"]);
    plan.captures.insert("year".into(), "2024".into());
    plan.captures.insert("region".into(), "eu".into());
    assert_eq!(run("id\n1\n", &plan).unwrap().rows(), ["1|2024|eu"]);
    plan.captures.insert("year".into(), "latest".into());
    let error = run("id\n1\n", &plan).err().unwrap();
    assert!(error.is_contract());
    insta::assert_snapshot!(error, @"column `year`: the path part `latest` is not an int16");
}

#[test]
fn a_file_without_its_header_or_with_another_breaks_the_contract() {
    let plan = csv(&["foo int64", "bar int64"]);
    for text in ["", "\n\n", "qux,quux\n1,2\n", "foo\n1\n", "foo,bar,baz\n1,2,3\n"] {
        let error = run(text, &plan).err().unwrap();
        assert!(error.is_contract(), "{text:?}: {error}");
    }
    let header_only = run("foo,bar\n", &plan).unwrap();
    assert!(header_only.files.is_empty() && header_only.report.outputs.is_empty());
}

#[test]
fn a_row_beyond_the_limit_stops_the_file_with_its_line() {
    let mut plan = csv(&["a int64", "b string"]);
    plan.limits = Limits { row_bytes: 1000, block_bytes: 100, ..Limits::default() };
    let long = format!("a,b\n1,x\n2,\"{}\n", "y\n".repeat(2000));
    for text in [long, format!("a,b\n1,x\n2,{}\n", "y".repeat(1001))] {
        let error = run(&text, &plan).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unreadable);
        assert_eq!(
            error.to_string(),
            "the row at line 3 (byte 8) is longer than 1000 bytes; is a quote left open?"
        );
    }
    let fits = format!("a,b\n1,x\n2,{}\n", "y".repeat(998));
    assert_eq!(run(&fits, &plan).unwrap().report.balance.written, 2);
}

#[test]
fn columns_missing_from_a_file_are_null_where_the_schema_was_inferred() {
    let mut plan = csv(&["a int64", "b string", "c date"]);
    plan.mode = SchemaMode::Infer;
    assert_eq!(run("B,A\nx,1\n", &plan).unwrap().rows(), ["1|x|∅"]);
}

#[test]
fn a_wrong_plan_is_refused_before_anything_is_read() {
    let mut wrong = csv(&["a date %Q"]);
    assert!(matches!(run("a\n", &wrong), Err(FormatError::Plan { .. })));
    wrong = csv(&["a int64", "A int64"]);
    assert!(matches!(run("a\n", &wrong), Err(FormatError::Plan { .. })));
    wrong = csv(&["a int64"]);
    wrong.csv.delimiter = '→';
    assert!(matches!(run("a\n", &wrong), Err(FormatError::Plan { .. })));
    wrong = csv(&["a int64"]);
    wrong.parquet.partition_by = vec!["a".into()];
    assert!(matches!(run("a\n", &wrong), Err(FormatError::Plan { .. })));
    wrong.parquet.partition_by = vec!["nowhere".into()];
    assert!(matches!(run("a\n", &wrong), Err(FormatError::Plan { .. })));
}
