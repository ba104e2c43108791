//! Newline-delimited JSON: members by key, exact numbers, lines that are wrong.

use crate::support::{ndjson, run};
use millrace_contract::RejectCause;

#[test]
fn members_are_bound_by_key_in_any_order() {
    let plan = ndjson(&["id int64", "name string", "price decimal(20,4)", "ok bool", "doc json"]);
    let outcome = run(
        r#"{"id":1,"name":"a","price":1.5,"ok":true,"doc":{"x":[1, 2]}}
{"doc" : "text", "ok":false, "price":"1234567890123456.1234","name":"b\n\u00e9\"", "id":2 }

{"id":3}
{"id":null,"name":null,"na\u006de":"escaped key","doc":null}
{"id":9007199254740993,"name":5,"price":1e2,"ok":"yes","doc":1.0}
{"id":1,"id":42}
{}
"#,
        &plan,
    )
    .unwrap();
    insta::assert_snapshot!(outcome.rows().join("\n"), @r#"
    1|a|1.5000|true|{"x":[1, 2]}
    2|b
    é"|1234567890123456.1234|false|"text"
    3|∅|∅|∅|∅
    ∅|escaped key|∅|∅|∅
    9007199254740993|5|100.0000|true|1.0
    42|∅|∅|∅|∅
    ∅|∅|∅|∅|∅
    "#);
    insta::assert_snapshot!(outcome.messages().join("\n"), @"");
    assert_eq!(outcome.report.balance.skipped["blank_line"], 1);
}

#[test]
fn lines_and_values_that_are_wrong_are_rejected_with_their_place() {
    let plan = ndjson(&["id int64 required", "name string", "when timestamptz"]);
    let outcome = run(
        b"{\"id\":1.0}\n{\"id\":\"x\"}\n{\"name\":\"no id\"}\n{\"id\":1,\"name\":{\"a\":1}}\n{\"id\":1,\"name\":[]}\n\
          {\"id\":true}\n{\"id\":1,\"nmae\":\"typo\"}\n{\"id\":1,}\n{\"id\":1} {\"id\":2}\n[1]\n42\n{\"id\":1\n\
          {\"id\":1,\"name\":\"caf\xE9\"}\n{\"id\":1,\"name\":\"\\ud83d\"}\n{\"id\":1,\"name\":\"\\u0000\"}\n\
          {\"id\":99999999999999999999}\n{\"id\":7,\"when\":\"2024-01-01T00:00:00+01:00\"}\n{\"id\":1,\"when\":\"yesterday\"}\nnull\n",
        &plan,
    )
    .unwrap();
    assert_eq!(outcome.rows(), ["7|∅|2023-12-31T23:00:00Z"]);
    insta::assert_snapshot!(outcome.messages().join("\n"), @r#"
    column `id` at line 1: `1.0` is not an int64
    column `id` at line 2: `"x"` is not an int64
    column `id` at line 3: a value is required
    column `name` at line 4: `{"a":1}` is not a string
    column `name` at line 5: `[]` is not a string
    column `id` at line 6: `true` is not an int64
    line 7: no column is named `nmae`
    line 8: expected a key in double quotes at column 9
    line 9: text follows the value at column 10
    line 10: expected a JSON object, found an array
    line 11: expected a JSON object, found a number
    line 12: expected a comma or a closing brace at column 8
    line 13: byte 20 of the row, `0xE9`, is not UTF-8
    column `name` at line 14: `"\ud83d"` is not a string
    column `name` at line 15: `"\u0000"` is not a string
    column `id` at line 16: `99999999999999999999` is not an int64
    column `when` at line 18: `"yesterday"` is not a timestamptz (ISO 8601); give the column a `format`
    line 19: expected a JSON object, found null
    "#);
    let unknown = &outcome.rejects[6];
    assert_eq!(unknown.cause, RejectCause::Malformed);
    assert_eq!((unknown.rule.as_str(), unknown.column.as_deref()), ("unknown_field", Some("nmae")));
}

#[test]
fn lines_end_in_any_of_the_three_ways() {
    let plan = ndjson(&["id int64", "name string"]);
    for line_end in ["\n", "\r\n", "\r"] {
        let lines = ["{\"id\":1,\"name\":\"a\"}", "", "{\"id\":2}", "{\"id\":x}"];
        let outcome = run(lines.join(line_end), &plan).unwrap();
        assert_eq!(outcome.rows(), ["1|a", "2|∅"], "{line_end:?}");
        assert_eq!(outcome.messages(), ["line 4: expected a value at column 7"], "{line_end:?}");
    }
}

#[test]
fn a_capture_stands_for_a_member_that_is_missing() {
    let mut plan = ndjson(&["id int64", "year int64"]);
    plan.captures.insert("year".into(), "2024".into());
    plan.captures.insert("region".into(), "eu".into());
    let outcome =
        run("{\"id\":1}\n{\"id\":2,\"year\":2020}\n{\"id\":3,\"year\":null}\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|2024|eu", "2|2020|eu", "3|2024|eu"]);
}

#[test]
fn an_empty_file_has_no_rows_and_no_outputs() {
    let outcome = run("", &ndjson(&["id int64"])).unwrap();
    assert_eq!(outcome.report.balance.read, 0);
    assert!(outcome.files.is_empty());
}

#[test]
fn a_source_name_is_the_key() {
    let plan = ndjson(&["id int64 from=Id", "name string"]);
    let outcome = run("{\"Id\":1,\"name\":\"x\"}\n{\"id\":2}\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|x"]);
    assert_eq!(outcome.messages(), ["line 2: no column is named `id`"]);
}
