//! JSON documents: arrays and objects on any number of lines, flattened or not.

use millrace_contract::{DuplicateKeys, FileFormat};

use crate::support::{Trickle, dataset, ndjson, plan, run, run_from};
use millrace_format::{Plan, infer};

fn json(columns: &[&str]) -> Plan {
    plan(FileFormat::Json, columns)
}

#[test]
fn the_elements_of_an_array_are_rows() {
    let text = "\u{FEFF}[\n  {\"id\": 1,\n   \"name\": \"a]\\\"}\"},\n  {\"id\": 2}, 3,\n  {\"id\":\n    x}\n]\n";
    let mut plan = json(&["id int64", "name string"]);
    for (block, sizes) in [(1 << 20, vec![1 << 20]), (7, vec![1, 5])] {
        plan.limits.block_bytes = block;
        let input = Trickle { bytes: text.as_bytes(), sizes, turn: 0 };
        let outcome = run_from(input, &plan).unwrap();
        assert_eq!(outcome.rows(), ["1|a]\"}", "2|∅"]);
        assert_eq!(
            outcome.messages(),
            [
                "line 4: expected a JSON object, found a number",
                "line 6: expected a value at column 5"
            ]
        );
        assert_eq!((outcome.rejects[0].line, outcome.rejects[1].line), (4, 5));
        assert_eq!(outcome.rejects[1].raw, "{\"id\":\n    x}");
    }
}

#[test]
fn single_objects_and_objects_in_a_row_are_rows() {
    let plan = json(&["id int64"]);
    assert_eq!(run("{\n\"id\": 1\n}", &plan).unwrap().rows(), ["1"]);
    assert_eq!(run("{\"id\":1}\n{\"id\":2} {\"id\":3}", &plan).unwrap().rows(), ["1", "2", "3"]);
    assert_eq!(run("[]", &plan).unwrap().report.balance.read, 0);
    // Where lines were expected, an array is recognised.
    let lines = ndjson(&["id int64"]);
    assert_eq!(run("[{\"id\":1},\n{\"id\":2}]", &lines).unwrap().rows(), ["1", "2"]);
    assert_eq!(run("[1]\n[2]\n", &lines).unwrap().rejects.len(), 2);
}

#[test]
fn a_document_that_is_wrong_is_refused_with_line_and_column() {
    let plan = json(&["id int64"]);
    for (text, said) in [
        ("", "unreadable at byte 0: the document is empty at line 1, column 1"),
        (
            "\n \"x\"",
            "unreadable at byte 2: the document is a string, which is no table at line 2, column 2",
        ),
        (
            "[{},\n{} {}]",
            "unreadable at byte 8: expected a comma or a closing bracket at line 2, column 4",
        ),
        ("[{}\n", "unreadable at byte 4: the array is never closed at line 2, column 1"),
        ("[{}]\n]", "unreadable at byte 5: text follows the document at line 2, column 1"),
    ] {
        assert_eq!(run(text, &plan).err().unwrap().to_string(), said, "{text}");
    }
    let deep = format!("[{{\"id\":{}1{}}}]", "[".repeat(600), "]".repeat(600));
    assert!(run(deep, &plan).unwrap().messages()[0].contains("values nest deeper than 512 levels"));
    assert!(run("[".repeat(100_000), &plan).is_err());
}

#[test]
fn a_document_longer_than_memory_is_read_row_by_row() {
    let mut plan = json(&["id int64", "t string"]);
    plan.limits.row_bytes = 2000;
    plan.limits.block_bytes = 1000;
    let row = |id| format!("{{\"id\":{id},\"t\":\"{}\"}}", "x".repeat(500));
    let text = format!("[{}]", (0..2000).map(row).collect::<Vec<_>>().join(",\n"));
    assert_eq!(run(&text, &plan).unwrap().report.balance.written, 2000);
    let long = format!("[{{\"id\":1}},\n{{\"t\":\"{}\"}}]", "x".repeat(5000));
    let error = run(long, &plan).err().unwrap().to_string();
    assert!(error.starts_with("the row at line 2 (byte 11) is longer"), "{error}");
}

#[test]
fn members_of_nested_objects_are_columns_where_they_are_flattened() {
    let text = "[{\"id\":1,\"user\":{\"name\":\"a\",\"at\":{\"city\":\"x\"}}},{\"user\":{},\"id\":2},\
                {\"id\":3,\"user\":{\"age\":1}}]";
    let mut plan =
        json(&["id int64", "name string from=user.name", "city string from=user.at.city"]);
    plan.json.flatten = true;
    let outcome = run(text, &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|a|x", "2|∅|∅"]);
    assert_eq!(outcome.messages(), ["line 1: no column is named `user.age`"]);
    let mut dataset = dataset(FileFormat::Json, &[]);
    dataset.json.flatten = true;
    let inferred = infer(text.as_bytes(), &dataset).unwrap();
    let names: Vec<_> = inferred.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "user.name", "user.at.city", "user.age"]);
}

#[test]
fn of_keys_that_stand_twice_the_dataset_says_which_counts() {
    let text = "{\"id\":1,\"id\":2}";
    let mut plan = json(&["id int64"]);
    for (rule, rows) in [
        (DuplicateKeys::Last, vec!["2"]),
        (DuplicateKeys::First, vec!["1"]),
        (DuplicateKeys::Reject, vec![]),
    ] {
        plan.json.duplicate_keys = rule;
        let outcome = run(text, &plan).unwrap();
        assert_eq!(outcome.rows(), rows);
        for reject in outcome.rejects {
            assert_eq!(
                (reject.rule.as_str(), reject.message.as_str()),
                ("duplicate_key", "line 1: the key `id` stands twice")
            );
        }
    }
}
