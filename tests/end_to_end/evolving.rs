//! Files that drift: columns are added and widened, and nothing is lost on the
//! way to the table.

use aws_sdk_s3::primitives::ByteStream;
use serde_json::Value;

use crate::stack::Stack;
use crate::warehouse::sqlite;

const PIPELINE: &str = r#"
version = 1
name = "shop"

[datasets.orders]
match = "orders/*.csv"
[datasets.orders.schema]
mode = "evolve"
rescue = true
sample_bytes = "1KiB"
columns = [{ name = "id", type = "int64", required = true }]
[datasets.orders.load]
table = "orders"

[stages.ingest]
visibility = "5s"
[stages.transform]
visibility = "5s"
concurrency = 4
[stages.load]
visibility = "5s"
"#;

async fn put(stack: &Stack, key: &str, body: String) {
    let request = stack.s3().await.put_object().bucket("shop-raw").key(key);
    request.body(ByteStream::from(body.into_bytes())).send().await.expect("stored");
}

fn all_loaded(runs: &[Value], files: usize) -> bool {
    runs.len() == files && runs.iter().all(|run| run["state"] == "loaded")
}

fn changes(run: &Value) -> Vec<String> {
    let changes = run["column_changes"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().unwrap_or("new").to_owned();
    changes
        .map(|change| {
            format!("{} {} {}", text(&change["column"]), text(&change["from"]), text(&change["to"]))
        })
        .collect()
}

#[tokio::test]
async fn three_drifting_files_end_in_one_table() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "orders/1.csv", "id,total,code\n1,5,12\n2,9007199254740993,13\n".into()).await;
    stack.wait_for_runs("the first file", |runs| all_loaded(runs, 1));
    // A fraction, a code with zeros in front, a new column; and far behind the
    // sample a value that is of no kind the column takes.
    let filler = "3,1,1,red\n".repeat(200);
    let second = format!("ID,Total,code,Colour\n3,7.25,007,red\n{filler}4,much,1,blue\n");
    put(&stack, "orders/2.csv", second).await;
    let runs = stack.wait_for_runs("the second file", |runs| all_loaded(runs, 2));
    assert_eq!(
        changes(&runs[0]),
        ["total int64 decimal(21,2)", "code int64 string", "Colour new string"]
    );
    assert_eq!((&runs[0]["column_version"], &runs[1]["column_version"]), (&2.into(), &1.into()));
    put(&stack, "orders/3.csv", "id,code\n5,x\n,y\n".into()).await;
    let runs = stack.wait_for_runs("the third file", |runs| all_loaded(runs, 3));
    assert_eq!(changes(&runs[0]), Vec::<String>::new());
    assert_eq!(runs[0]["column_version"], 2);
    assert_eq!(runs[0]["rows"]["rejected"], 1);

    let count = async |condition: &str| {
        sqlite(&stack, &format!("SELECT count(*) FROM orders WHERE {condition}")).await
    };
    assert_eq!(count("1 = 1").await, 205);
    assert_eq!(count("code = '007' AND total = 7.25 AND \"Colour\" = 'red'").await, 1);
    assert_eq!(count("code = '12' AND total = 5 AND \"Colour\" IS NULL").await, 1);
    assert_eq!(count("CAST(total AS TEXT) = '9007199254740993'").await, 1);
    assert_eq!(count("id = 4 AND total IS NULL").await, 1);
    assert_eq!(count("json_extract(_rescued, '$.Total') = 'much'").await, 0);
    assert_eq!(count("json_extract(_rescued, '$.total') = 'much'").await, 1);
    assert_eq!(count("_rescued IS NOT NULL").await, 1);

    let shown = stack.run(&["runs"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("column `total` widened from int64 to decimal(21,2)"), "{shown}");
    let traced = stack.run(&["trace", "orders/2.csv"]);
    let traced = String::from_utf8_lossy(&traced.stdout).into_owned();
    assert!(
        traced.contains("version 2") && traced.contains("`Colour` added as string"),
        "{traced}"
    );
}

#[tokio::test]
async fn files_that_drift_at_once_are_all_loaded() {
    let stack = Stack::start(PIPELINE);
    for file in 0..12 {
        let value = ["7", "1.5", "abc", "2024-01-01"][file % 4];
        let body = format!("id,v,extra_{}\n{file},{value},{file}\n", file % 3);
        put(&stack, &format!("orders/{file}.csv"), body).await;
    }
    let runs = stack.wait_for_runs("all files", |runs| all_loaded(runs, 12));
    let versions = runs.iter().filter_map(|run| run["column_version"].as_u64()).max();
    assert!(versions >= Some(3), "{runs:#?}");
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM orders").await, 12);
    assert_eq!(
        sqlite(&stack, "SELECT sum(extra_0) + sum(extra_1) + sum(extra_2) FROM orders").await,
        66
    );
    // A 7 that came while the column was a decimal is the text 7.0 when it widened.
    for values in ["'7', '7.0'", "'1.5'", "'abc'", "'2024-01-01'"] {
        let sql = format!("SELECT count(*) FROM orders WHERE CAST(v AS TEXT) IN ({values})");
        assert_eq!(sqlite(&stack, &sql).await, 3, "{values}");
    }
}
