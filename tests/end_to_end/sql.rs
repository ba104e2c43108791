//! SQL between a file and its table, and over the lake: what is made, what is
//! read beside it, and what is refused.

use aws_sdk_s3::primitives::ByteStream;
use serde_json::Value;

use crate::stack::Stack;
use crate::warehouse::sqlite;

const PIPELINE: &str = r#"
version = 1
name = "shop"

[datasets.customers]
match = "customers/{region}/*.csv"
format = "csv"
[datasets.customers.schema]
mode = "strict"
columns = [
  { name = "Id", type = "int64", required = true },
  { name = "name", type = "string" },
]
[datasets.customers.parquet]
partition_by = ["region"]

[datasets.orders]
match = "orders/{year}/*.csv"
format = "csv"
[datasets.orders.schema]
mode = "strict"
columns = [
  { name = "id", type = "int64", required = true },
  { name = "customer", type = "int64" },
  { name = "day", type = "date" },
  { name = "total", type = "decimal(10,2)" },
  { name = "token", type = "uuid" },
]
[[datasets.orders.expect]]
rule = "total >= 0"
[datasets.orders.transform]
sql = """
select o.id, o.token, c.name as customer, o.total * 2 as twice, cast(date_trunc('month', o.day) as date) as month,
       cast(o.year as int) as year
from input o left join Customers c on c.id = o.customer
where o.total < 1000
"""
[datasets.orders.parquet]
partition_by = ["month"]
[datasets.orders.load]
table = "orders"
mode = "replace_file"

[datasets.sums]
match = "sums/*.csv"
format = "csv"
[datasets.sums.schema]
mode = "strict"
columns = [
  { name = "key", type = "string" },
  { name = "n", type = "int64" },
]
[datasets.sums.transform]
sql = "select key, sum(n) as total, count(*) as rows from input group by key"
memory = "4MiB"
[datasets.sums.load]
table = "sums"

[stages.ingest]
visibility = "5s"
[stages.transform]
visibility = "5s"
[stages.load]
visibility = "5s"
"#;

async fn put(stack: &Stack, key: &str, body: String) {
    let request = stack.s3().await.put_object().bucket("shop-raw").key(key);
    request.body(ByteStream::from(body.into_bytes())).send().await.expect("stored");
}

fn all_loaded(runs: &[Value], count: usize) -> bool {
    runs.len() == count && runs.iter().all(|run| run["state"] == "loaded")
}

const TOKEN: &str = "6fa459ea-ee8a-3ca4-894e-db77e160355e";

#[tokio::test]
async fn sql_makes_rows_of_rows_and_of_other_datasets_and_they_are_loaded() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "customers/eu/a.csv", "Id,name\n1,Ana\n2,Old\n".into()).await;
    stack.wait_for_runs("the customers", |runs| all_loaded(runs, 1));
    put(&stack, "customers/eu/a.csv", "Id,name\n1,Ana\n2,Bo\n".into()).await;
    put(&stack, "customers/us/b.csv", "Id,name\n3,Cy\n".into()).await;
    stack.wait_for_runs("their new versions", |runs| all_loaded(runs, 3));
    let orders = format!(
        "id,customer,day,total,token\n1,2,2024-01-31,1.25,{TOKEN}\n2,3,2024-02-01,2.50,\n\
         3,9,2024-02-29,3,\n4,1,2024-02-29,-1,\n5,1,2024-02-29,5000,\n"
    );
    put(&stack, "orders/2024/a.csv", orders).await;
    let runs = stack.wait_for_runs("the orders", |runs| all_loaded(runs, 4));
    let rows = &runs[0]["rows"];
    let counts = ["read", "written", "rejected", "loaded"].map(|name| rows[name].as_u64().unwrap());
    assert_eq!(counts, [5, 3, 1, 3]);
    let bo = "SELECT count(*) FROM orders WHERE customer = 'Bo' AND id = 1 AND year = 2024 \
              AND token = '6fa459ea-ee8a-3ca4-894e-db77e160355e'";
    assert_eq!(sqlite(&stack, bo).await, 1);
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM orders WHERE customer IS NULL").await, 1);
    assert_eq!(sqlite(&stack, "SELECT cast(sum(twice) * 100 AS integer) FROM orders").await, 1350);
    let trace = stack.run(&["trace", "s3://shop-raw/orders/2024/a.csv"]);
    let said = String::from_utf8_lossy(&trace.stdout).into_owned();
    assert!(said.contains("4 taken by sql + 1 rejected + 0 skipped; 3 made and written"), "{said}");

    let listed = stack.s3().await.list_objects_v2().bucket("shop-lake").send().await.unwrap();
    let keys = listed.contents().iter().filter_map(|object| object.key());
    assert_eq!(keys.filter(|key| key.starts_with("orders/month=2024-0")).count(), 2);

    // The lake says the same, the newest version of each key alone.
    let said = stack.json(&["query", "select name, region from customers order by id"]);
    let row = |name: &str, region: &str| serde_json::json!({ "name": name, "region": region });
    assert_eq!(said, Value::from(vec![row("Ana", "eu"), row("Bo", "eu"), row("Cy", "us")]));
    let sql =
        "select month, count(*) as n, sum(twice) as twice from orders group by month order by 1";
    let said = stack.json(&["query", sql]);
    assert_eq!(said[1]["month"], "2024-02-01");
    assert_eq!((&said[1]["n"], &said[1]["twice"]), (&2.into(), &"11.00".into()));
}

#[tokio::test]
async fn groups_beyond_the_memory_of_a_dataset_are_loaded_all_the_same() {
    let stack = Stack::start(PIPELINE);
    let mut body = String::from("key,n\n");
    for row in 0..300_000 {
        body.push_str(&format!("a key of some length that stands for {},{row}\n", row % 120_000));
    }
    put(&stack, "sums/a.csv", body).await;
    let runs = stack.wait_for_runs("the load", |runs| all_loaded(runs, 1));
    assert_eq!(
        (&runs[0]["rows"]["read"], &runs[0]["rows"]["loaded"]),
        (&300_000.into(), &120_000.into())
    );
    assert_eq!(sqlite(&stack, "SELECT sum(total) FROM sums").await, (0..300_000_i64).sum::<i64>());
    assert_eq!(sqlite(&stack, "SELECT sum(rows) FROM sums").await, 300_000);
}

#[test]
fn check_finds_sql_that_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("millrace.toml");
    for (right, wrong, says) in [
        ("c.name as customer", "c.nme as customer", "did you mean `name`?"),
        ("left join Customers", "left join Custmers", "did you mean `customers`?"),
        ("partition_by = [\"month\"]", "partition_by = [\"moth\"]", "`partition_by` names `moth`"),
        ("sum(n) as total", "now() as total", "does not give the same value every time"),
        ("select key, sum(n)", "drop table x; select key, sum(n)", "one query"),
        ("memory = \"4MiB\"", "memroy = \"4MiB\"", "memory"),
    ] {
        assert!(PIPELINE.contains(right), "{right}");
        std::fs::write(&file, PIPELINE.replace(right, wrong)).unwrap();
        let mut command = std::process::Command::new(crate::stack::millrace());
        let output = command.args(["check", "-o", "json"]).arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(said.to_string().contains(says), "{wrong}: {said:#}");
        assert_ne!(said["problems"][0]["line"], 1, "{said:#}");
    }
}

#[tokio::test]
async fn queries_print_for_people_and_programs_and_say_what_is_wrong() {
    let stack = Stack::start(PIPELINE);
    put(&stack, "customers/eu/a.csv", "Id,name\n1,Ana\n2,\n".into()).await;
    stack.wait_for_runs("the customers", |runs| all_loaded(runs, 1));
    let run = |arguments: &[&str]| {
        let output = stack.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, noted) = run(&["query", "select \"Id\", name from customers order by id"]);
    assert_eq!((code, said.as_str()), (Some(0), "Id  name\n 1  Ana\n 2\n"), "{noted}");
    assert_eq!(noted, "2 rows\n");
    let (_, said, _) = run(&["query", "select * from customers order by 1", "-o", "csv"]);
    assert_eq!(said, "Id,name,region\n1,Ana,eu\n2,,eu\n");
    let (_, _, noted) = run(&["query", "select * from customers", "--max-rows", "1"]);
    assert!(noted.contains("--max-rows"), "{noted}");
    let tables = stack.json(&["query", "show tables"]);
    assert_eq!(tables[0], serde_json::json!({ "table": "customers", "rows": 2, "columns": 3 }));
    let columns = stack.json(&["query", "describe Customers"]);
    assert_eq!(columns[0], serde_json::json!({ "column": "Id", "type": "int64" }));
    for (sql, exit, says) in [
        ("select * from custmers", 2, "did you mean `customers`?"),
        ("select nme from customers", 2, "did you mean `name`?"),
        ("delete from customers", 2, "one query"),
        ("selec", 2, "not a SQL query"),
        ("select * from orders", 1, "no file in the lake yet"),
        ("select 1 / (id - 1) as x from customers", 1, "ivide by zero"),
    ] {
        let (code, _, said) = run(&["query", sql]);
        assert_eq!(code, Some(exit), "{sql}: {said}");
        assert!(said.contains(says), "{sql}: {said}");
    }
}
