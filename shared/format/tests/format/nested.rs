//! Lists, structs and bytes: kept as they are nested, refused with the path to
//! what is wrong.

use crate::support::{Outcome, csv, dataset, ndjson, run};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType as ArrowType, Int64Type};
use millrace_contract::{
    ColumnDef, DataType, DuplicateKeys, ExtraColumns, FileFormat, Formats, Schema, StructField,
};
use millrace_format::{Plan, infer};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A value of a column of integers, booleans, texts and what is nested of them.
fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        ArrowType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        ArrowType::Boolean => json!(array.as_boolean().value(row)),
        ArrowType::Utf8 => json!(array.as_string::<i32>().value(row)),
        ArrowType::List(_) => {
            let list = array.as_list::<i32>().value(row);
            (0..list.len()).map(|index| value(&list, index)).collect()
        }
        ArrowType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let members = fields.iter().zip(columns);
            let members = members.map(|(field, column)| (field.name().clone(), value(column, row)));
            Value::Object(Map::from_iter(members))
        }
        other => panic!("{other}"),
    }
}

/// A plan for objects with columns of these types.
fn objects(types: &[(&str, &str)]) -> Plan {
    let column = |(name, data_type): &(&str, &str)| {
        ColumnDef::new(*name, data_type.parse().expect(data_type))
    };
    Plan { columns: types.iter().map(column).collect(), ..ndjson(&[]) }
}

/// The only column of what was written.
fn values(outcome: &Outcome) -> Vec<Value> {
    let batches = outcome.batches();
    let rows = batches.iter().flat_map(|batch| {
        (0..batch.num_rows()).map(|row| value(batch.column(0), row)).collect::<Vec<_>>()
    });
    rows.collect()
}

#[test]
fn lists_and_structs_are_kept_with_nulls_at_every_level() {
    let plan =
        objects(&[("v", "list<struct<id: int64, tags: list<string>, of: struct<ok: bool>>>")]);
    let outcome = run(
        r#"{"v":[{"id":1,"tags":["a",null,"é\""],"of":{"ok":true}},{"tags":[]}]}
{"v":[]}
{"v":null}
{}
{"v":[null,{"of":null},{"of":{}}]}
"#,
        &plan,
    )
    .unwrap();
    assert_eq!(outcome.messages(), [""; 0]);
    assert_eq!(
        values(&outcome),
        [
            json!([
                {"id": 1, "tags": ["a", null, "é\""], "of": {"ok": true}},
                {"id": null, "tags": [], "of": null},
            ]),
            json!([]),
            json!(null),
            json!(null),
            json!([
                null,
                {"id": null, "tags": null, "of": null},
                {"id": null, "tags": null, "of": {"ok": null}},
            ]),
        ]
    );
}

#[test]
fn what_is_wrong_inside_is_named_by_its_path() {
    let plan = objects(&[
        ("id", "int64"),
        ("items", "list<struct<sku: string, price: decimal(6,2), on: date>>"),
    ]);
    let outcome = run(
        r#"{"id":1,"items":[{"price":"1.5"},{"price":9.999}]}
{"id":2,"items":[{"sku":"a","on":"2024-02-30"}]}
{"id":3,"items":{"sku":"a"}}
{"id":4,"items":[[]]}
{"id":5,"items":[{"sku":"a","colour":"red"}]}
{"id":6,"items":7}
{"id":7,"items":"[{\"price\":1}]"}
{"id":8,"items":"[{\"price\":1}"}
{"id":9,"items":"\"[]\""}
{"id":10,"items":[{"price":12.50}]}
"#,
        &plan,
    )
    .unwrap();
    insta::assert_snapshot!(outcome.messages().join("\n"));
    assert_eq!(outcome.report.balance.written, 2);
    let group = &outcome.report.reject_groups[0];
    assert_eq!(group.column.as_deref(), Some("items"));
}

#[test]
fn members_that_the_type_does_not_have_may_be_left_out() {
    let mut plan = objects(&[("v", "struct<a: int64>")]);
    plan.extra = ExtraColumns::Ignore;
    let outcome = run(r#"{"v":{"b":[1,{"c":2}],"a":1,"a":2},"w":0}"#, &plan).unwrap();
    assert_eq!(values(&outcome), [json!({"a": 2})]);
    plan.json.duplicate_keys = DuplicateKeys::First;
    let outcome = run(r#"{"v":{"a":1,"a":2}}"#, &plan).unwrap();
    assert_eq!(values(&outcome), [json!({"a": 1})]);
    plan.json.duplicate_keys = DuplicateKeys::Reject;
    let outcome = run(r#"{"v":{"a":1,"a":2}}"#, &plan).unwrap();
    assert_eq!(outcome.messages(), ["column `v` at line 1: `v.a`: the key stands twice"]);
}

#[test]
fn a_field_of_csv_may_hold_json() {
    let mut plan = csv(&["id int64", "tags list<int64>"]);
    plan.columns.remove(0);
    plan.extra = ExtraColumns::Ignore;
    let text = "id,tags\n1,\"[1, 2]\"\n2,\n3,[]\n4,\"[\"\"x\"\"]\"\n5,[1\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(values(&outcome), [json!([1, 2]), json!(null), json!([])]);
    insta::assert_snapshot!(outcome.messages().join("\n"));
}

#[test]
fn bytes_are_written_as_base64() {
    let plan = csv(&["b binary"]);
    let outcome = run("b\nAAEC\n/+8=\n/+8\n\n!\n", &plan).unwrap();
    let batches = outcome.batches();
    let bytes: Vec<_> = batches[0].column(0).as_binary::<i32>().iter().flatten().collect();
    assert_eq!(bytes, [&[0, 1, 2][..], &[0xFF, 0xEF], &[0xFF, 0xEF]]);
    assert_eq!(outcome.messages(), ["column `b` at line 6: `!` is not a binary"]);
}

/// A type and rows of it.
fn typed_rows() -> impl Strategy<Value = (DataType, Vec<Value>)> {
    data_type().prop_flat_map(|data_type| {
        (Just(data_type), proptest::collection::vec(value_of(data_type), 1..20))
    })
}

fn data_type() -> impl Strategy<Value = DataType> {
    let scalar = prop_oneof![Just(DataType::Int64), Just(DataType::Bool), Just(DataType::String)];
    let nested = scalar.prop_recursive(3, 12, 4, |inner| {
        let fields = proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![inner.prop_map(DataType::list), fields.prop_map(structure)]
    });
    nested.prop_map(DataType::list)
}

fn structure(types: Vec<DataType>) -> DataType {
    let field = |(index, data_type)| StructField { name: format!("f {index}\""), data_type };
    DataType::structure(types.into_iter().enumerate().map(field).collect())
}

fn value_of(data_type: DataType) -> BoxedStrategy<Value> {
    let value = match data_type {
        DataType::Int64 => any::<i64>().prop_map(Value::from).boxed(),
        DataType::Bool => any::<bool>().prop_map(Value::from).boxed(),
        DataType::List(element) => {
            proptest::collection::vec(value_of(*element), 0..4).prop_map(Value::from).boxed()
        }
        DataType::Struct(fields) => {
            let names: Vec<_> = fields.iter().map(|field| field.name.clone()).collect();
            let members: Vec<_> = fields.iter().map(|field| value_of(field.data_type)).collect();
            let object = move |values: Vec<Value>| {
                Value::Object(Map::from_iter(names.iter().cloned().zip(values)))
            };
            members.prop_map(object).boxed()
        }
        _ => "[^\u{0}]{0,8}".prop_map(Value::from).boxed(),
    };
    prop_oneof![1 => Just(Value::Null), 6 => value].boxed()
}

proptest! {
    #[test]
    fn any_nested_rows_read_back((data_type, rows) in typed_rows(), as_text in any::<bool>()) {
        let plan = objects(&[("v", &data_type.to_string())]);
        let line = |row: &Value| match (as_text, row.is_null()) {
            (true, false) => json!({ "v": row.to_string() }).to_string() + "\n",
            _ => json!({ "v": row }).to_string() + "\n",
        };
        let text: String = rows.iter().map(line).collect();
        let outcome = run(&text, &plan).unwrap();
        prop_assert_eq!(outcome.messages(), Vec::<String>::new());
        prop_assert_eq!(values(&outcome), rows);
    }
}

#[test]
fn lists_and_objects_are_inferred_with_the_types_within() {
    let types = |text: &str| -> Vec<String> {
        let mut dataset = dataset(FileFormat::Ndjson, &[]);
        dataset.schema = Schema { sample_bytes: 1 << 20, ..Schema::default() };
        let inferred = infer(text.as_bytes(), &dataset).unwrap();
        inferred.columns.iter().map(|column| column.data_type.to_string()).collect()
    };
    let rows = r#"{"a":[1,2],"b":{"x":1,"y":null},"c":[],"d":{},"e":[1],"f":[{"k":"2024-01-01"}]}
{"a":[3.5,null],"b":{"z":{"w":true},"x":2},"c":null,"d":{},"e":{"x":1},"f":[{"k":"2024-01-02","l":[[1]]}]}
"#;
    assert_eq!(
        types(rows),
        [
            "list<float64>",
            "struct<x: int64, y: json, z: struct<w: bool>>",
            "json",
            "json",
            "json",
            "list<struct<k: date, l: list<list<int64>>>>",
        ]
    );
}

#[test]
fn dates_inside_of_lists_have_the_columns_format() {
    let mut plan = ndjson(&["days list<date>"]);
    plan.columns[0].format = Formats(vec!["%d/%m/%Y".into()]);
    let outcome = run("{\"days\": [\"31/01/2024\", null]}\n{\"days\": [\"2024-01-31\"]}\n", &plan);
    let outcome = outcome.unwrap();
    assert_eq!(outcome.rows(), ["[2024-01-31, ∅]"]);
    assert!(outcome.messages()[0].contains("days[0]"), "{:?}", outcome.messages());
}
