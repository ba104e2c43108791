//! What fits no column and is kept: `_rescued`.

use millrace_contract::{FileFormat, Ragged, SchemaMode};
use millrace_format::Plan;

use crate::support::{csv, ndjson, plan, run};

/// A plan whose last column keeps what fits no other.
fn rescuing(mut plan: Plan) -> Plan {
    plan.rescue = true;
    plan.columns.push(millrace_contract::ColumnDef::new(
        millrace_contract::RESCUED,
        millrace_contract::DataType::Json,
    ));
    plan
}

#[test]
fn columns_nobody_declared_are_kept_by_their_names() {
    let plan = rescuing(csv(&["id int64", "name string"]));
    let text = "zeta,id,\"a \"\"b\"\"\",name,\n1,2,\"x,\"\"y\"\"\",n,\n,3,,m,7\n\"\",4,,,\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(
        outcome.rows(),
        [
            r#"2|n|{"a \"b\"":"x,\"y\"","zeta":"1"}"#,
            r#"3|m|{"column_5":"7"}"#,
            r#"4|∅|{"zeta":""}"#,
        ]
    );
    assert_eq!(outcome.rejects.len(), 0);
}

#[test]
fn a_value_that_is_not_of_its_type_is_kept_and_the_column_is_null() {
    let plan = rescuing(csv(&["id int64 required", "day date", "total int64 from=Sum", "ok bool"]));
    let text =
        "id,day,Sum,ok,more\n1,soon,\"1,5\",maybe,m\n2,2024-01-01,5,yes,\nx,2024-01-01,5,yes,\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(
        outcome.rows(),
        [r#"1|∅|∅|∅|{"Sum":"1,5","day":"soon","more":"m","ok":"maybe"}"#, "2|2024-01-01|5|true|∅",]
    );
    // What is required still rejects the row.
    assert_eq!(outcome.messages(), ["column `id` at line 4: `x` is not an int64"]);
}

#[test]
fn long_texts_are_kept_whole() {
    let plan = rescuing(csv(&["n int64"]));
    let long = "x".repeat(5000);
    let outcome = run(format!("n\n{long}\n"), &plan).unwrap();
    assert_eq!(outcome.rows(), [format!(r#"∅|{{"n":"{long}"}}"#)]);
}

#[test]
fn rows_of_the_wrong_shape_are_rejects_as_ever() {
    let mut plan = rescuing(csv(&["a int64"]));
    let text = "a,b\n1,2,3\n1\n1,2\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(outcome.rows(), [r#"1|{"b":"2"}"#]);
    assert_eq!(outcome.rejects.len(), 2);
    plan.csv.ragged = Ragged::Fit;
    assert_eq!(run(text, &plan).unwrap().rows().len(), 3);
}

#[test]
fn members_nobody_declared_are_kept_as_they_are_written() {
    let plan = rescuing(ndjson(&["id int64", "name string"]));
    let text = "{\"id\":1,\"b\":{\"x\":[1, 2]},\"a\":\"caf\\u00e9\",\"n\":null,\"name\":\"n\"}\n\
                {\"id\":\"one\",\"t\":true}\n\
                {\"id\":2,\"name\":[1]}\n\
                {\"id\":3,\"later\":1,\n\
                {\"id\":4}\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(
        outcome.rows(),
        [
            r#"1|n|{"a":"café","b":"{\"x\":[1, 2]}"}"#,
            r#"∅|∅|{"id":"one","t":"true"}"#,
            r#"2|∅|{"name":"[1]"}"#,
            "4|∅|∅",
        ]
    );
    assert_eq!(outcome.rejects.len(), 1);
}

#[test]
fn flattened_members_are_kept_by_their_paths() {
    let mut plan = rescuing(ndjson(&["user.id int64"]));
    plan.json.flatten = true;
    let text = "{\"user\":{\"id\":1,\"name\":\"ann\",\"at\":{\"x\":2}},\"z\":3}\n";
    assert_eq!(
        run(text, &plan).unwrap().rows(),
        [r#"1|{"user.at.x":"2","user.name":"ann","z":"3"}"#]
    );
}

#[test]
fn places_of_fixed_width_keep_what_is_wrong_and_what_stands_behind() {
    let mut plan = plan(FileFormat::Fixed, &["id int64", "n int64"]);
    for (column, start) in plan.columns.iter_mut().zip([1, 3]) {
        (column.start, column.width) = (Some(start), Some(2));
    }
    let plan = rescuing(plan);
    let outcome = run("1 2 \n3 xx more\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|2|∅", r#"3|∅|{"n":"xx","text_behind_columns":"more"}"#]);
}

#[test]
fn a_files_own_column_of_that_name_is_one_nobody_declared() {
    let plan = rescuing(csv(&["id int64"]));
    let outcome = run("_rescued,id\nmine,1\n", &plan).unwrap();
    assert_eq!(outcome.rows(), [r#"1|{"_rescued":"mine"}"#]);
}

#[test]
fn the_header_of_an_inferred_schema_may_have_more_later() {
    let mut plan = rescuing(csv(&["id int64"]));
    plan.mode = SchemaMode::Infer;
    assert_eq!(run("id,id,new\n1,2,3\n", &plan).unwrap().rows(), [r#"1|{"id_2":"2","new":"3"}"#]);
}

#[test]
fn what_is_kept_does_not_depend_on_blocks_and_threads() {
    let mut plan = rescuing(csv(&["id int64", "n int64"]));
    let rows: String = (0..500)
        .map(|row| match row % 3 {
            0 => format!("{row},x{row},e{row}\n"),
            1 => format!("{row},{row},\n"),
            _ => format!("?{row},1,\"e\n{row}\"\n"),
        })
        .collect();
    let text = format!("id,n,extra\n{rows}");
    let whole = run(&text, &plan).unwrap().rows();
    assert_eq!(whole.len(), 500);
    assert_eq!(whole[3], r#"3|∅|{"extra":"e3","n":"x3"}"#);
    assert_eq!(whole[2], r#"∅|1|{"extra":"e\n2","id":"?2"}"#);
    plan.limits.block_bytes = 64;
    assert_eq!(run(&text, &plan).unwrap().rows(), whole);
}
