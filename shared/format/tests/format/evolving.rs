//! Columns that move with the files, and what inference says of them.

use millrace_contract::{Captures, ColumnDef, DataType, Dataset, FileFormat, SchemaMode};
use millrace_format::{ErrorKind, Evolved, FormatError, Plan, survey};

use crate::archives::{How, archive};
use crate::support::{dataset, infer_from, run};

fn evolving(format: FileFormat, columns: &[&str]) -> Dataset {
    let mut dataset = dataset(format, columns);
    dataset.schema.mode = SchemaMode::Evolve;
    dataset
}

fn evolve(
    dataset: &Dataset,
    known: Option<&[ColumnDef]>,
    text: &str,
) -> Result<Evolved, FormatError> {
    survey(text.as_bytes(), dataset)?.evolve(known, &Captures::new())
}

fn types(columns: &[ColumnDef]) -> Vec<String> {
    columns.iter().map(|column| format!("{} {}", column.name, column.data_type)).collect()
}

fn rows(dataset: &Dataset, columns: &[ColumnDef], text: &str) -> Vec<String> {
    let mut plan = Plan::of(dataset);
    plan.columns = columns.to_vec();
    let outcome = run(text, &plan).unwrap();
    assert_eq!(outcome.messages(), Vec::<&str>::new());
    outcome.rows()
}

#[test]
fn three_files_that_drift_are_read_with_columns_that_grow() {
    let dataset = evolving(FileFormat::Csv, &[]);
    let files = [
        "id,total,day\n1,5,2024-01-01\n2,,2024-01-02\n",
        "Day,ID,Total,colour\n2024-01-03 10:00:00,3,7.25,red\n",
        "id,total,day,size\nA-4,9007199254740993,2024-01-04,\n",
    ];
    let first = evolve(&dataset, None, files[0]).unwrap();
    assert_eq!(types(&first.columns), ["id int64", "total int64", "day date"]);
    assert_eq!(first.changes, []);
    let second = evolve(&dataset, Some(&first.columns), files[1]).unwrap();
    assert_eq!(
        types(&second.columns),
        ["id int64", "total decimal(21,2)", "day timestamp", "colour string"]
    );
    let said: Vec<_> = second.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "`day` widened from date to timestamp (`2024-01-03 10:00:00` at line 2 has a time of day)",
            "`total` widened from int64 to decimal(21,2) (`7.25` at line 2 has a fraction)",
            "`colour` added as string (`red` at line 2 is text)",
        ]
    );
    let third = evolve(&dataset, Some(&second.columns), files[2]).unwrap();
    assert_eq!(
        types(&third.columns),
        ["id string", "total decimal(21,2)", "day timestamp", "colour string", "size string"]
    );
    // Every file is read with whatever columns came later, and nothing is lost.
    assert_eq!(rows(&dataset, &third.columns, files[0])[0], "1|5.00|2024-01-01T00:00:00|∅|∅");
    assert_eq!(rows(&dataset, &third.columns, files[1]), ["3|7.25|2024-01-03T10:00:00|red|∅"]);
    assert_eq!(
        rows(&dataset, &third.columns, files[2]),
        ["A-4|9007199254740993.00|2024-01-04T00:00:00|∅|∅"]
    );
    for file in files {
        let again = evolve(&dataset, Some(&third.columns), file).unwrap();
        assert_eq!((again.columns, again.changes), (third.columns.clone(), Vec::new()));
    }
}

#[test]
fn declared_columns_stay_what_they_are_said_to_be() {
    let dataset = evolving(
        FileFormat::Csv,
        &["n int16", "day date %d/%m/%Y", "key int16 required", "amount decimal(5,2)"],
    );
    let text = "n,day,key,amount\n40000,01/02/2024,70000,1234.567\nx,,1,y\n";
    let evolved = evolve(&dataset, None, text).unwrap();
    assert_eq!(
        types(&evolved.columns),
        ["n int32", "day date", "key int16", "amount decimal(7,3)"]
    );
    let mut plan = Plan::of(&dataset);
    plan.columns = evolved.columns;
    let outcome = run(text, &plan).unwrap();
    assert_eq!(
        outcome.messages(),
        [
            "column `key` at line 2: `70000` is not an int16",
            "column `n` at line 3: `x` is not an int32"
        ]
    );
}

#[test]
fn a_file_without_a_required_column_changes_nothing() {
    let dataset = evolving(FileFormat::Csv, &["id int64 required", "note string"]);
    let error = evolve(&dataset, None, "name\nx\n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Contract);
    assert!(error.to_string().contains("column `id` is missing"), "{error}");
    let captures = Captures::from([("id".to_owned(), "1".to_owned())]);
    let survey = survey(&b"name\nx\n"[..], &dataset).unwrap();
    let evolved = survey.evolve(None, &captures).unwrap();
    assert_eq!(types(&evolved.columns), ["name string", "id int64", "note string"]);
}

#[test]
fn keys_of_objects_become_columns_with_names_of_their_own() {
    let dataset = evolving(FileFormat::Ndjson, &[]);
    let first = evolve(&dataset, None, "{\"id\":1,\"tags\":[1]}\n").unwrap();
    let text =
        "{\"id\":2,\"ID\":\"two\",\"at\":\"2024-01-01T00:00:00Z\"}\n{\"id\":\"3\",\"n\":1e400}\n";
    let second = evolve(&dataset, Some(&first.columns), text).unwrap();
    assert_eq!(second.columns[..2], first.columns[..]);
    assert_eq!(types(&second.columns[2..]), ["ID_2 string", "at timestamptz", "n string"]);
    assert_eq!(second.columns[2].from.as_deref(), Some("ID"));
    let rows = rows(&dataset, &second.columns, text);
    assert_eq!(rows, ["2|∅|two|2024-01-01T00:00:00Z|∅", "3|∅|∅|∅|1e400"]);
}

#[test]
fn whoever_is_first_the_same_types_come_out() {
    let dataset = evolving(FileFormat::Csv, &[]);
    let base = evolve(&dataset, None, "a,b\n1,2024-01-01\n").unwrap().columns;
    let files = ["a,b\n1.5,2024-01-01\n", "a,b\n2,2024-01-01 10:00\n", "a,b\n3.25,2024-01-01\n"];
    let mut orders = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut columns = base.clone();
        for index in order {
            columns = evolve(&dataset, Some(&columns), files[index]).unwrap().columns;
        }
        orders.push(types(&columns));
    }
    assert_eq!(orders[0], ["a decimal(21,2)", "b timestamp"]);
    assert!(orders.iter().all(|order| *order == orders[0]), "{orders:?}");
}

fn notes(format: FileFormat, text: &str) -> Vec<String> {
    infer_from(text.as_bytes(), format, &Default::default(), 1 << 20).unwrap().notes
}

#[test]
fn inference_says_which_value_made_a_type_what_it_is() {
    let text = "id,code,total,big,day,when,flag,mixed,none\n\
                1,12,1,9223372036854775808,01/02/2024,2024-01-01,true,true,\n\
                2,007,2.5,99999999999999999999999999999999999999,31/12/2023,\"2024-01-01\n10:00\",false,3,\n\
                ,,,,,,,,\n";
    assert_eq!(
        notes(FileFormat::Csv, text),
        [
            "id: int64, 2 values, 1 null",
            "code: string, 2 values, 1 null; int64 until `007` at line 3, which has a leading zero",
            "total: float64, 2 values, 1 null; int64 until `2.5` at line 3, which has a fraction",
            "big: decimal(38,0), 2 values, 1 null; uint64 until \
             `99999999999999999999999999999999999999` at line 3, which is beyond int64 and uint64",
            "day: string, 2 values, 1 null; `01/02/2024` at line 2 is text; looks like %d/%m/%Y; declare it",
            "when: string, 2 values, 1 null; date until `2024-01-01\\n10:00` at line 3, which is text",
            "flag: bool, 2 values, 1 null",
            "mixed: string, 2 values, 1 null; bool until `3` at line 4, which is a whole number",
            "none: string, 0 values, 3 null",
        ]
    );
    assert_eq!(
        notes(FileFormat::Ndjson, "{\"a\":1,\"b\":{}}\n\n{\"a\":\"x\",\"b\":2}\n"),
        [
            "a: string, 2 values, 0 null; int64 until `x` at line 3, which is text",
            "b: json, 2 values, 0 null; the value at line 1 is an object or a list",
        ]
    );
}

#[test]
fn every_member_of_an_archive_is_looked_at() {
    let dataset = evolving(FileFormat::Csv, &[]);
    let zip = archive(&[
        ("a.csv", "id,v\n1,1\n", How::Deflated),
        ("b.csv", "V,new\n2.5,x\n", How::Stored),
    ]);
    let survey = survey(zip.as_slice(), &dataset).unwrap();
    let evolved = survey.evolve(None, &Captures::new()).unwrap();
    assert_eq!(types(&evolved.columns), ["id int64", "v float64", "new string"]);
    let mut plan = Plan::of(&dataset);
    plan.columns = evolved.columns;
    assert_eq!(run(zip, &plan).unwrap().rows(), ["1|1.0|∅", "∅|2.5|x"]);
}

#[test]
fn integers_keep_their_digits() {
    for (value, data_type) in [
        ("18446744073709551615", DataType::UInt64),
        ("18446744073709551616", DataType::Decimal { precision: 38, scale: 0 }),
        ("-9223372036854775809", DataType::Decimal { precision: 38, scale: 0 }),
        ("999999999999999999999999999999999999999", DataType::String),
    ] {
        let text = format!("n\n{value}\n");
        let inferred =
            infer_from(text.as_bytes(), FileFormat::Csv, &Default::default(), 1 << 20).unwrap();
        assert_eq!(inferred.columns[0].data_type, data_type);
        let mut dataset = dataset(FileFormat::Csv, &[]);
        dataset.schema.mode = SchemaMode::Infer;
        assert_eq!(rows(&dataset, &inferred.columns, &text), [value]);
    }
}
