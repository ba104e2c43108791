//! The catalog end to end: Athena's lists name the objects that live, and no others.

use serde_json::Value;

use crate::exports::keys;
use crate::outputs::Documentation;
use crate::stack::Stack;
use crate::telling::put;

const PIPELINE: &str = r#"
version = 1
name = "shop"

[datasets.orders]
match = "orders/*.csv"
description = "It's what was ordered"

[datasets.orders.schema]
columns = [
  { name = "id", type = "int64" },
  { name = "total", type = "decimal(12,2)", description = "With tax" },
  { name = "day", type = "date" },
]

[datasets.orders.parquet]
partition_by = ["day"]

[datasets.none]
match = "none/*.csv"

[exports.users]
table = "users"
to = "exports/users/"
format = "csv"
"#;

fn loaded(count: usize) -> impl Fn(&[Value]) -> bool {
    move |runs| {
        let over = |run: &&Value| run["state"] == "loaded" || run["state"] == "superseded";
        runs.iter().filter(over).count() == count && runs[0]["state"] == "loaded"
    }
}

async fn list_of(stack: &Stack, partition: &str) -> Vec<String> {
    let key = format!("_symlinks/orders/{partition}manifest");
    let got = stack.s3().await.get_object().bucket("shop-lake").key(&key).send().await;
    let body = got.expect(&key).body.collect().await.expect("a body").to_vec();
    String::from_utf8(body).expect("text").lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn lists_name_the_newest_version_of_each_file_and_are_emptied_with_it() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "orders/a.csv", "id,total,day\n1,1.50,2026-01-01\n2,2.00,2026-01-02\n").await;
    stack.wait_for_runs("the first version", loaded(1));
    let written = stack.json(&["catalog", "manifests"]);
    let documentation = Documentation::read();
    documentation.assert_describes("catalog manifests", &written);
    assert_eq!((&written[0]["lists"], &written[0]["rows"]), (&2.into(), &2.into()), "{written}");
    let before = list_of(&stack, "day=2026-01-01/").await;
    assert_eq!(before.len(), 1, "{before:?}");
    put(&stack, "orders/a.csv", "id,total,day\n1,9.00,2026-01-01\n").await;
    stack.wait_for_runs("the second version", loaded(2));
    assert_eq!(keys(&stack, "shop-lake", "orders/").await.len(), 3, "all of both versions");
    stack.json(&["catalog", "manifests", "orders"]);
    let after = list_of(&stack, "day=2026-01-01/").await;
    assert_eq!(after.len(), 1);
    assert_ne!(before, after, "the object of the newer version");
    let key = after[0].strip_prefix("s3://shop-lake/").expect("of the lake");
    assert_eq!(keys(&stack, "shop-lake", key).await, [""], "it is there");
    assert!(list_of(&stack, "day=2026-01-02/").await.is_empty(), "nothing lives there");
    let listed = stack.json(&["catalog", "list"]);
    documentation.assert_describes("catalog list", &listed);
    assert_eq!((&listed[0]["rows"], &listed[0]["objects"]), (&1.into(), &1.into()), "{listed}");
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "the other has no file: {listed}");
}

#[tokio::test]
async fn the_statements_that_make_the_tables_are_printed() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "orders/a.csv", "id,total,day\n1,1.50,2026-01-01\n").await;
    stack.wait_for_runs("the file", loaded(1));
    let print = |arguments: &[&str]| {
        let output = stack.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    insta::assert_snapshot!("catalog_ddl", print(&["catalog", "ddl"]));
    let projected = print(&["catalog", "ddl", "orders", "--projection", "2026-01-01,NOW"]);
    assert!(projected.contains("'projection.day.range' = '2026-01-01,NOW'"), "{projected}");
    assert!(!projected.contains("ALTER TABLE"), "{projected}");
    let set = print(&["catalog", "quicksight", "orders"]);
    let set: Value = serde_json::from_str(&set).expect("JSON");
    let table = &set[0]["PhysicalTableMap"]["table"]["RelationalTable"];
    assert_eq!((&table["Schema"], &table["Name"]), (&"shop".into(), &"orders".into()));
    let manifest: Value =
        serde_json::from_str(&print(&["catalog", "quicksight", "users"])).expect("JSON");
    assert_eq!(manifest["globalUploadSettings"]["format"], "CSV", "{manifest}");
    let wrong = stack.run(&["catalog", "ddl", "order"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("did you mean `orders`?"));
}
