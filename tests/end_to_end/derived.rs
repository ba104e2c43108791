//! Derived datasets end to end: the lake example, from a database by way of its
//! exports to a table per day and user; and datasets that are made of datasets.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::exports::{keys, run};
use crate::stack::{Stack, wait_for};
use crate::telling::put;

const LAKE: &str = include_str!("../../examples/lake/millrace.toml");

/// The tables of the batch demo: 2 users and 7 transactions.
const TABLES: [&str; 4] = [
    "CREATE TABLE users (userid INTEGER NOT NULL, registration_date TEXT)",
    "INSERT INTO users VALUES (1, '2026-01-31'), (2, '2026-01-30')",
    "CREATE TABLE transactions (transaction_id INTEGER NOT NULL, user_id INTEGER NOT NULL, \
     total_cost DECIMAL(12,2) NOT NULL, dt TEXT NOT NULL)",
    "INSERT INTO transactions VALUES (1,1,10.99,'2026-01-31'), (2,2,4.99,'2026-01-31'), \
     (3,2,4.99,'2026-01-28'), (4,1,4.99,'2026-01-28'), (5,1,5.99,'2026-01-29'), \
     (6,1,15.99,'2026-01-30'), (7,1,55.99,'2026-01-27')",
];

async fn in_source(file: &Path, statements: &[&str]) {
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let mut connection = SqliteConnection::connect(&url).await.expect("the source");
    for sql in statements {
        sqlx::query(AssertSqlSafe(*sql)).execute(&mut connection).await.expect(sql);
    }
}

/// Runs of a derived dataset that came to their end, the newest first.
pub(crate) fn ended(stack: &Stack, dataset: &str) -> Vec<Value> {
    let runs = stack.json(&["derived", "--dataset", dataset]);
    let runs = runs.as_array().expect("a list").iter();
    runs.filter(|run| run["state"] != "running").cloned().collect()
}

/// Waits until `count` runs have ended and nothing is under way.
pub(crate) fn wait_for_runs(stack: &Stack, dataset: &str, count: usize) -> Vec<Value> {
    wait_for(&format!("{count} runs of {dataset}"), Duration::from_secs(90), || {
        (ended(stack, dataset).len() >= count).then_some(())
    });
    stack.wait_until_drained();
    ended(stack, dataset)
}

fn rows(stack: &Stack, sql: &str) -> Vec<Value> {
    stack.json(&["query", sql]).as_array().expect("a list").clone()
}

/// The table of the warehouse, day by day.
async fn loaded(stack: &Stack) -> Vec<(String, i64, String)> {
    let url = format!("sqlite://{}", stack.data().join("warehouse.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("the warehouse");
    let sql = "SELECT CAST(dt AS TEXT), user_id, CAST(total_cost_usd AS TEXT) \
               FROM user_transactions ORDER BY 1, 2";
    sqlx::query_as(sql).fetch_all(&mut connection).await.expect("a table")
}

#[tokio::test]
async fn the_lake_example_derives_what_each_user_spent_on_each_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("shop.db");
    in_source(&source, &TABLES).await;
    let url = format!("sqlite://{}", source.display());
    let stack = Stack::start_with(LAKE, &[("SOURCE_URL", &url)]);
    for export in ["users", "transactions"] {
        let done = run(&stack, export, "2026-01-31T01:00:00Z", &[]);
        assert_eq!(done["state"], "done", "{done}");
    }
    let first = wait_for_runs(&stack, "user_transactions", 1);
    assert_eq!((&first[0]["state"], &first[0]["rows"]), (&"done".into(), &7.into()), "{first:?}");
    let asked = "select dt, user_id, total_cost_usd, registration_date from user_transactions \
                 order by dt, user_id";
    let row = |dt: &str, user: u32, spent: &str, registered: &str| json!({ "dt": dt, "user_id": user, "total_cost_usd": spent, "registration_date": registered });
    let expected = [
        row("2026-01-27", 1, "55.99", "2026-01-31"),
        row("2026-01-28", 1, "4.99", "2026-01-31"),
        row("2026-01-28", 2, "4.99", "2026-01-30"),
        row("2026-01-29", 1, "5.99", "2026-01-31"),
        row("2026-01-30", 1, "15.99", "2026-01-31"),
        row("2026-01-31", 1, "10.99", "2026-01-31"),
        row("2026-01-31", 2, "4.99", "2026-01-30"),
    ];
    assert_eq!(rows(&stack, asked), expected);
    let table = loaded(&stack).await;
    assert_eq!(table.len(), 7, "{table:?}");
    assert_eq!(table[0], ("2026-01-27".to_owned(), 1, "55.99".to_owned()));
    let folders = keys(&stack, "lake-curated", "user_transactions/").await;
    assert_eq!(folders.len(), 5, "{folders:?}");
    assert!(folders[0].starts_with("dt=2026-01-27/"), "{folders:?}");
    let partitions = stack.json(&["query", "show partitions user_transactions"]);
    assert_eq!(partitions.as_array().map(Vec::len), Some(5), "{partitions}");
    assert_eq!(partitions[1]["partition"], "dt=2026-01-28", "{partitions}");
    let wrong = stack.run(&["query", "describe user_transaction"]);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(said.contains("did you mean `user_transactions`?"), "{said}");

    // The same rows, exported again: other objects, and nothing else.
    let files = |stack: &Stack| {
        let runs = stack.json(&["runs", "--dataset", "user_transactions"]);
        runs.as_array().expect("a list").clone()
    };
    assert_eq!(files(&stack).len(), 5);
    let done = run(&stack, "transactions", "2026-02-01T01:00:00Z", &[]);
    assert_eq!(done["state"], "done", "{done}");
    let count = first.len();
    let second = wait_for_runs(&stack, "user_transactions", count + 1);
    assert_eq!((&second[0]["written"], &second[0]["rows"]), (&0.into(), &7.into()), "{second:?}");
    assert_eq!(files(&stack).len(), 5, "no day is loaded again");
    assert_eq!(loaded(&stack).await, table);

    // One transaction is another: its day is, too.
    let change = "UPDATE transactions SET total_cost = 6.49 WHERE transaction_id = 5";
    in_source(&source, &[change]).await;
    let done = run(&stack, "transactions", "2026-02-02T01:00:00Z", &[]);
    assert_eq!(done["state"], "done", "{done}");
    let third = wait_for_runs(&stack, "user_transactions", second.len() + 1);
    assert_eq!(third[0]["written"], 1, "{third:?}");
    let newest = files(&stack)[0].clone();
    assert_eq!(newest["key"], "derive://user_transactions/dt=2026-01-29", "{newest}");
    let trace = stack.json(&["trace", newest["key"].as_str().expect("a key")]);
    let versions = trace["versions"].as_array().expect("versions");
    let stages = |version: &Value| {
        let hops = version["hops"].as_array().expect("hops").iter();
        hops.map(|hop| hop["stage"].as_str().expect("a stage").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(versions.len(), 2, "{trace}");
    assert_eq!(stages(&versions[1]), ["derive", "load"], "{trace}");
    let changed = loaded(&stack).await;
    assert_eq!(changed[3], ("2026-01-29".to_owned(), 1, "6.49".to_owned()));
    let rest = |table: &[(String, i64, String)]| [&table[..3], &table[4..]].concat();
    assert_eq!(rest(&changed), rest(&table));

    // A day that is gone takes its rows along.
    in_source(&source, &["DELETE FROM transactions WHERE transaction_id = 7"]).await;
    run(&stack, "transactions", "2026-02-03T01:00:00Z", &[]);
    wait_for_runs(&stack, "user_transactions", third.len() + 1);
    assert_eq!(loaded(&stack).await, changed[1..]);
    assert_eq!(rows(&stack, asked).len(), 6);
}

const DAILY: &str = r#"
version = 1
name = "shop"

[datasets.sales]
match = "sales/{dt}/*.csv"
parquet = { partition_by = ["dt"] }
[datasets.sales.schema]
mode = "strict"
columns = [
  { name = "shop", type = "int64", required = true },
  { name = "amount", type = "int64", required = true },
]

[datasets.shops]
match = "shops.csv"
[datasets.shops.schema]
mode = "strict"
columns = [
  { name = "id", type = "int64", required = true },
  { name = "city", type = "string", required = true },
]
[datasets.shops.load]
table = "shops"
mode = "replace_file"

[derived.cities]
sql = """
select s.dt, c.city, sum(s.amount) as total
from sales as s join shops as c on c.id = s.shop
group by s.dt, c.city
"""
partition_by = ["dt"]
refresh = "partition"
debounce = "0s"
load = { table = "cities" }
"#;

/// Runs of `cities`: what was read, what there is, and what was written.
fn counted(runs: &[Value]) -> [u64; 4] {
    let count = |name: &str| runs[0][name].as_u64().unwrap_or_else(|| panic!("{name}: {runs:?}"));
    [count("rows_read"), count("rows"), count("parts"), count("written")]
}

#[tokio::test]
async fn a_file_of_a_day_has_that_day_derived_and_nothing_else_read() {
    let stack = Stack::start(DAILY);
    put(&stack, "shops.csv", "id,city\n1,Rome\n2,Oslo\n").await;
    put(&stack, "sales/2026-01-30/a.csv", "shop,amount\n1,10\n2,20\n").await;
    put(&stack, "sales/2026-01-31/a.csv", "shop,amount\n1,5\n").await;
    stack.wait_until_drained();
    let count = ended(&stack, "cities").len();
    assert!(count > 0, "it was derived");
    let asked = "select dt, city, total from cities order by dt, city";
    let row = |dt: &str, city: &str, total: u32| json!({ "dt": dt, "city": city, "total": total });
    let first = [
        row("2026-01-30", "Oslo", 20),
        row("2026-01-30", "Rome", 10),
        row("2026-01-31", "Rome", 5),
    ];
    assert_eq!(rows(&stack, asked), first);

    // A second file of a day: it, the other of its day, and the two shops.
    put(&stack, "sales/2026-01-31/b.csv", "shop,amount\n1,1\n2,3\n").await;
    let runs = wait_for_runs(&stack, "cities", count + 1);
    assert_eq!(counted(&runs), [1 + 2 + 2, 4, 2, 1], "{runs:?}");
    let second = [
        first[0].clone(),
        first[1].clone(),
        row("2026-01-31", "Oslo", 3),
        row("2026-01-31", "Rome", 6),
    ];
    assert_eq!(rows(&stack, asked), second);

    // A day that was not there yet.
    put(&stack, "sales/2026-02-01/a.csv", "shop,amount\n2,7\n").await;
    let runs = wait_for_runs(&stack, "cities", count + 2);
    assert_eq!(counted(&runs), [1 + 2, 5, 3, 1], "{runs:?}");

    // Shops are joined with every day: all of them are derived, and are what they were
    // but for one.
    put(&stack, "shops.csv", "id,city\n1,Roma\n2,Oslo\n").await;
    let runs = wait_for_runs(&stack, "cities", count + 3);
    assert_eq!(counted(&runs), [6 + 2, 5, 3, 2], "{runs:?}");
    put(&stack, "shops.csv", "id,city\n1,Roma\n2,Oslo\n3,Bern\n").await;
    let runs = wait_for_runs(&stack, "cities", count + 4);
    assert_eq!(counted(&runs), [6 + 3, 5, 3, 0], "{runs:?}");

    // Nothing of it is forgotten by a run whose rows were all the same.
    put(&stack, "sales/2026-02-01/a.csv", "shop,amount\n2,8\n").await;
    let runs = wait_for_runs(&stack, "cities", count + 5);
    assert_eq!(counted(&runs), [1 + 3, 5, 3, 1], "{runs:?}");
    let third = [
        second[0].clone(),
        row("2026-01-30", "Roma", 10),
        second[2].clone(),
        row("2026-01-31", "Roma", 6),
        row("2026-02-01", "Oslo", 8),
    ];
    assert_eq!(rows(&stack, asked), third);
    let url = format!("sqlite://{}", stack.data().join("warehouse.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("the warehouse");
    let loaded: (i64, i64) = sqlx::query_as("SELECT COUNT(*), SUM(total) FROM cities")
        .fetch_one(&mut connection)
        .await
        .expect("a table");
    assert_eq!(loaded, (5, 20 + 10 + 3 + 6 + 8));
}

const CHAIN: &str = r#"
version = 1
name = "shop"

[datasets.sales]
match = "sales/*.csv"
[datasets.sales.schema]
mode = "strict"
columns = [
  { name = "shop", type = "string", required = true },
  { name = "amount", type = "int64", required = true },
]

# Behind what it is made of, though it stands before it.
[derived.best]
sql = "select shop, total from totals where total = (select max(total) from totals)"
debounce = "1s"
load = { table = "best", mode = "replace_table" }

[derived.totals]
sql = "select shop, sum(amount * 4) as total from sales group by shop"
debounce = "1s"

[stages.derive]
workers = 2
max_workers = 2
"#;

#[tokio::test]
async fn datasets_are_made_of_derived_ones_and_a_flood_of_files_is_gathered() {
    let stack = Stack::start(CHAIN);
    for file in 0..30 {
        let body = format!("shop,amount\na,{file}\nb,1\n");
        put(&stack, &format!("sales/{file:02}.csv"), &body).await;
    }
    wait_for("all sales", Duration::from_secs(90), || {
        let best = ended(&stack, "best");
        let done = !best.is_empty() && stack.is_drained();
        (done && rows(&stack, "select total from best") == [json!({ "total": 1740 })]).then_some(())
    });
    let asked = "select shop, total from totals order by shop";
    assert_eq!(
        rows(&stack, asked),
        [json!({ "shop": "a", "total": 1740 }), json!({ "shop": "b", "total": 120 })]
    );
    let runs = ended(&stack, "totals");
    assert!(runs.len() <= 10, "30 files, {} runs", runs.len());
    assert!(runs.iter().all(|run| run["state"] == "done"), "{runs:?}");
    // What fails is said, and mended by what comes after it.
    put(&stack, "sales/30.csv", "shop,amount\na,9223372036854775807\n").await;
    wait_for("the overflow", Duration::from_secs(60), || {
        ended(&stack, "totals").iter().any(|run| run["state"] == "failed").then_some(())
    });
    let letters = wait_for("the dead letter", Duration::from_secs(30), || {
        let letters = stack.json(&["dlq", "list", "--stage", "derive"]);
        (!letters.as_array().expect("a list").is_empty()).then_some(letters)
    });
    assert_eq!(letters[0]["class"], "contract", "{letters}");
    put(&stack, "sales/30.csv", "shop,amount\nb,1000\n").await;
    wait_for("the next best", Duration::from_secs(60), || {
        (rows(&stack, "select shop from best") == [json!({ "shop": "b" })]).then_some(())
    });
}
