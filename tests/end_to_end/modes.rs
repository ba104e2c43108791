//! How rows meet those that are there, through the whole journey: tables that
//! hold one file, upserts in order, SQL of the pipeline file, views and defaults.

use aws_sdk_s3::primitives::ByteStream;
use millrace_tests::{MySqlDatabase, TestDatabase};

use crate::stack::Stack;
use crate::warehouse::{mysql, postgres, sqlite};

const DATASETS: &str = r#"
[datasets.prices]
match = "prices/*.csv"
description = "What things cost now"
[datasets.prices.schema]
mode = "strict"
columns = [
  { name = "sku", type = "string", required = true },
  { name = "cents", type = "int64" },
  { name = "currency", type = "string", default = "EUR", description = "ISO 4217" },
]
[datasets.prices.load]
table = "prices"
mode = "replace_table"
primary_key = ["sku"]
indexes = [["currency", "cents"]]

[datasets.stock]
match = "stock/*.csv"
[datasets.stock.schema]
mode = "strict"
columns = [
  { name = "sku", type = "string", required = true },
  { name = "pieces", type = "int64" },
  { name = "counted", type = "timestamptz" },
]
[datasets.stock.load]
table = "stock"
mode = "upsert"
key = ["sku"]
order_by = "counted"

[datasets.sales]
match = "sales/*.csv"
[datasets.sales.schema]
mode = "strict"
columns = [
  { name = "sku", type = "string", required = true },
  { name = "sold", type = "int64", required = true },
]
[datasets.sales.load]
table = "sales"
mode = "merge"
primary_key = ["sku"]
sql = """
INSERT INTO {table} (sku, sold, _load_id)
SELECT sku, SUM(sold), MAX(_load_id) FROM {input} WHERE sold <> 0 GROUP BY sku
ON CONFLICT (sku) DO UPDATE SET sold = sales.sold + excluded.sold, _load_id = excluded._load_id
"""

[views.worth]
sql = "select stock.sku, pieces * cents as cents from stock join prices on prices.sku = stock.sku"

[views.total]
sql = "select sum(cents) as cents from worth"
depends_on = ["worth"]

[stages.ingest]
visibility = "5s"
[stages.transform]
visibility = "5s"
[stages.load]
visibility = "5s"
"#;

async fn put(stack: &Stack, key: &str, body: &str) {
    let request = stack.s3().await.put_object().bucket("shop-raw").key(key);
    let body = ByteStream::from(body.as_bytes().to_vec());
    request.body(body).send().await.expect("stored");
}

/// Publishes files of every mode one after the other, and asks the warehouse.
async fn check(stack: &Stack, ask: impl AsyncFn(&str) -> i64) {
    let files = [
        ("prices/monday.csv", "sku,cents,currency\na,5,USD\nb,7,USD\nold,1,USD\n"),
        ("prices/tuesday.csv", "sku,cents\na,6\nb,8\n"),
        (
            "stock/one.csv",
            "sku,pieces,counted\na,1,2024-01-02T00:00:00Z\na,9,2024-01-01T00:00:00Z\nb,2,\n",
        ),
        (
            "stock/two.csv",
            "sku,pieces,counted\na,7,2024-01-01T12:00:00Z\nb,3,2024-01-01T00:00:00Z\n",
        ),
        ("sales/one.csv", "sku,sold\na,1\na,2\nb,0\n"),
        ("sales/two.csv", "sku,sold\na,4\nb,5\n"),
    ];
    for (number, (key, body)) in files.into_iter().enumerate() {
        put(stack, key, body).await;
        stack.wait_for_runs(key, |runs| {
            runs.iter().filter(|run| run["state"] == "loaded").count() == number + 1
        });
    }
    assert_eq!(ask("SELECT COUNT(*) FROM prices").await, 2);
    assert_eq!(ask("SELECT COUNT(*) FROM prices WHERE currency = 'EUR'").await, 2);
    assert_eq!(ask("SELECT pieces FROM stock WHERE sku = 'a'").await, 1);
    assert_eq!(ask("SELECT pieces FROM stock WHERE sku = 'b'").await, 3);
    assert_eq!(ask("SELECT CAST(SUM(sold) AS BIGINT) FROM sales").await, 12);
    assert_eq!(ask("SELECT CAST(cents AS BIGINT) FROM total").await, 6 + 3 * 8);
    let record = "SELECT COUNT(*) FROM millrace_loads WHERE replaced_by IS NULL AND replaced = 3";
    assert_eq!(ask(record).await, 1);
    assert_eq!(ask("SELECT COUNT(*) FROM millrace_views WHERE made_at IS NOT NULL").await, 2);
}

#[tokio::test]
async fn every_mode_and_view_works_in_sqlite() {
    let stack = Stack::start(&format!("version = 1\nname = \"shop\"\n{DATASETS}"));
    check(&stack, async |sql| sqlite(&stack, sql).await).await;
}

#[tokio::test]
async fn every_mode_and_view_works_in_postgresql() {
    let Some(database) = TestDatabase::create().await else { return };
    let pipeline = format!("version = 1\nname = \"shop\"\n{DATASETS}");
    let stack = Stack::start_with(&pipeline, &[("DATABASE_URL", database.url())]);
    check(&stack, async |sql| postgres(database.url(), sql).await).await;
    let comments = "SELECT COUNT(*) FROM pg_description \
                    WHERE objoid = CAST('prices' AS REGCLASS)";
    assert_eq!(postgres(database.url(), comments).await, 2);
}

#[tokio::test]
async fn every_mode_and_view_works_in_mysql() {
    let Some(database) = MySqlDatabase::create().await else { return };
    let datasets = DATASETS.replace(
        "ON CONFLICT (sku) DO UPDATE SET sold = sales.sold + excluded.sold, _load_id = excluded._load_id",
        "ON DUPLICATE KEY UPDATE sold = sales.sold + VALUES(sold), _load_id = VALUES(_load_id)",
    );
    assert!(datasets.contains("DUPLICATE"), "{datasets}");
    let pipeline = format!("version = 1\nname = \"shop\"\n{datasets}");
    let stack = Stack::start_with(&pipeline, &[("DATABASE_URL", database.url())]);
    let ask = async |sql: &str| mysql(database.url(), &sql.replace("BIGINT", "SIGNED")).await;
    check(&stack, ask).await;
}
