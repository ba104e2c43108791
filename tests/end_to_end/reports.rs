//! Reports end to end: rows of the warehouse and of the lake become a page in S3,
//! people are told of it once, and a folder of this machine does as well.

use std::time::Duration;

use millrace_tests::{MySqlDatabase, TestDatabase};
use serde_json::Value;

use crate::exports::{in_warehouse, keys, run};
use crate::outputs::Documentation;
use crate::stack::{Stack, wait_for};
use crate::telling::{Collected, OPS};

const PIPELINE: &str = r#"
version = 1
name = "shop"

[datasets.orders]
match = "orders/{country}/*.csv"
load = { table = "orders" }

[datasets.orders.schema]
columns = [
  { name = "day", type = "date" },
  { name = "total", type = "decimal(12,2)" },
  { name = "country", type = "string" },
]

[alerts]
subscribe = ["SUBSCRIBER"]

[reports.sales]
title = "Sales <b>of all</b>"
to = "reports/sales/{date}/"
timezone = "Australia/Canberra"
schedule = "rate(1 minute)"
link = "1h"
charts = [
  { title = "Taken", kind = "number", format = "currency:AUD", sql = "select day, sum(total) as taken from orders group by day order by day" },
  { title = "By country", kind = "bar", sql = "select country, sum(total) as taken from orders group by country order by 1" },
]

[reports.of_lake]
source = "lake"
to = "reports/of_lake/{user}/"
parameters = { user = "ann" }
charts = [
  { title = "For one", kind = "table", sql = "select country, total, :user as asked_by from orders where country <> {user} order by total" },
]

[reports.broken]
to = "reports/broken/"
charts = [{ title = "Nowhere", kind = "bar", sql = "select * from nowhere" }]

[stages.report]
visibility = "5s"
"#;

async fn put(stack: &Stack, bucket: &str, key: &str, body: &str) {
    let body = body.as_bytes().to_vec().into();
    let request = stack.s3().await.put_object().bucket(bucket).key(key).body(body);
    request.send().await.expect("stored");
}

async fn shop() -> Stack {
    let stack = Stack::start(&PIPELINE.replace("SUBSCRIBER", OPS));
    put(&stack, "shop-raw", "orders/de/a.csv", "day,total\n2026-01-01,10.50\n2026-01-02,4.25\n")
        .await;
    put(
        &stack,
        "shop-raw",
        "orders/<script>alert(1)<script>/b.csv",
        "day,total\n2026-01-02,7.00\n",
    )
    .await;
    stack.wait_for_runs("the orders", |runs| {
        runs.iter().filter(|run| run["state"] == "loaded").count() == 2
    });
    stack
}

async fn object(stack: &Stack, key: &str) -> (String, String) {
    let request = stack.s3().await.get_object().bucket("shop-lake").key(key);
    let got = request.send().await.expect(key);
    let content_type = got.content_type().unwrap_or_default().to_owned();
    let body = got.body.collect().await.expect("a body").to_vec();
    (String::from_utf8(body).expect("text"), content_type)
}

fn reports(stack: &Stack) -> Vec<Value> {
    stack.json(&["report"]).as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_page_is_made_once_for_its_time_and_people_are_told_of_it_once() {
    let stack = shop().await;
    let mut ops = Collected::create(&stack, "ops").await;
    let done = run(&stack, "sales", "2026-01-30T15:00:00Z", &[]);
    assert_eq!((&done["state"], &done["rows"]), (&"done".into(), &4.into()), "{done}");
    // In Canberra it is the 31st.
    let folder = "reports/sales/2026-01-31/";
    assert_eq!(done["page"], format!("s3://shop-lake/{folder}index.html"));
    let files = keys(&stack, "shop-lake", folder).await;
    assert_eq!(files, ["01-taken.svg", "02-by-country.svg", "index.html"]);
    let (page, content_type) = object(&stack, &format!("{folder}index.html")).await;
    assert_eq!(content_type, "text/html; charset=utf-8");
    assert!(page.contains("<h1>Sales &lt;b&gt;of all&lt;/b&gt;</h1>"), "{page}");
    assert!(page.contains("A$11.25") && page.contains("+7.1% against A$10.50"), "{page}");
    assert!(!page.contains("<script"), "nothing of a key is markup: {page}");
    assert!(object(&stack, &format!("{folder}02-by-country.svg")).await.1.contains("svg"));
    // The schedule may have made one for a time of its own by now.
    let of_run = |alert: &Value| alert["kind"] == "report" && alert["run"] == done["run"];
    let told = ops.until(1, &stack, of_run).await;
    assert_eq!(told[0]["subject"], "Report Sales <b>of all</b> of 2026-01-31");
    assert_eq!(told[0]["page"], done["page"]);
    assert_eq!(told[0]["figures"][0]["value"], "A$11.25");
    let link = told[0]["link"].as_str().expect("a link");
    assert!(link.contains("X-Amz-Expires=3600"), "{link}");
    let again = run(&stack, "sales", "2026-01-30T15:00:00Z", &[]);
    assert_eq!((&again["attempts"], &again["page"]), (&1.into(), &done["page"]));
    stack.wait_until_drained();
    assert_eq!(ops.until(1, &stack, of_run).await.len(), 1, "once");
    // By the clock, too.
    let shown = wait_for("the schedule to fire", Duration::from_secs(60), || {
        stack.advance("1m");
        let last = reports(&stack)[0]["last"].clone();
        (last["run"] != done["run"] && last["state"] == "done").then_some(last)
    });
    assert_eq!(shown["charts"], 2, "{shown}");
    let documentation = Documentation::read();
    documentation.assert_describes("report", &reports(&stack)[0]);
    let listed = stack.json(&["schedule", "list"]);
    assert_eq!((&listed[0]["name"], &listed[0]["stage"]), (&"sales".into(), &"report".into()));
    assert_eq!(listed[0]["last"]["report"], "sales", "{listed}");
}

#[tokio::test]
async fn the_lake_is_reported_on_with_bound_values_and_without_a_queue() {
    let stack = shop().await;
    let done = run(&stack, "of_lake", "2026-01-31T00:00:00Z", &["--param", "user=d'e"]);
    assert_eq!((&done["state"], &done["rows"]), (&"done".into(), &3.into()), "{done}");
    let (page, _) = object(&stack, "reports/of_lake/d'e/index.html").await;
    assert!(page.contains("<td class=\"number\">4.25</td><td>d&#39;e</td>"), "{page}");
    let out = stack.folder().join("out");
    let out = out.display().to_string();
    let made = stack.json(&["report", "of_lake", "--out", &out, "--param", "user=de"]);
    assert_eq!((&made["rows"], &made["files"][1]), (&1.into(), &"index.html".into()), "{made}");
    Documentation::read().assert_describes("report NAME", &made);
    let page = std::fs::read_to_string(made["page"].as_str().expect("a path")).expect("a page");
    assert!(page.contains("user de"), "it says what it is for: {page}");
    let wrong = stack.run(&["report", "of_lak"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("did you mean `of_lake`?"));
}

#[tokio::test]
async fn a_chart_whose_query_fails_is_a_dead_letter_that_names_it() {
    let stack = shop().await;
    let failed = run(&stack, "broken", "2026-01-31T00:00:00Z", &[]);
    assert_eq!(failed["state"], "failed", "{failed}");
    let reason = failed["reason"].as_str().expect("a reason");
    assert!(reason.contains("chart `Nowhere`") && reason.contains("nowhere"), "{reason}");
    in_warehouse(&stack, &["CREATE TABLE nowhere AS SELECT 'a' AS name, 1 AS n"]).await;
    let letters = wait_for("the dead letter", Duration::from_secs(30), || {
        let letters = stack.json(&["dlq", "list", "--stage", "report"]);
        (!letters.as_array().expect("a list").is_empty()).then_some(letters)
    });
    assert_eq!(letters[0]["class"], "contract", "{letters}");
    let redriven = stack.run(&["dlq", "redrive", "--stage", "report", "--all", "--yes"]);
    assert!(redriven.status.success(), "{}", String::from_utf8_lossy(&redriven.stderr));
    wait_for("the page", Duration::from_secs(60), || {
        let all = reports(&stack);
        let broken = all.iter().find(|report| report["report"] == "broken").expect("listed");
        (broken["last"]["state"] == "done").then_some(())
    });
}

/// The finance example over a few files with dates as people write them.
async fn finance(environment: &[(&str, &str)]) {
    let example =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/finance/millrace.toml");
    let text = std::fs::read_to_string(example).expect("the example");
    let stack = Stack::start_with(&text, environment);
    let header = "Date,Mode,Category,Subcategory,Note,Amount,Income/Expense,Currency\n";
    let expenses = [
        "31/01/2024 18:05:00,Cash,Food,,,12.50,Expense,AUD",
        "2024-01-02,Card,Rent,,,900.00,Expense,AUD",
        "01-Feb-2024,Card,Rent,,\"a \"\"note\"\", <b>\",950.00,Expense,AUD",
        "03/02/2024,Cash,Food,,,20.25,Expense,AUD",
    ];
    let incomes = [
        "01/01/2024,Bank,Salary,,,1500.00,Income,AUD",
        "2024-02-01,Bank,Salary,,,1600.00,Income,AUD",
    ];
    for (folder, lines) in [("Expenses", &expenses[..]), ("Incomes", &incomes[..])] {
        let key = format!("raw/{folder}/2024/all.csv");
        put(&stack, "finance-raw", &key, &format!("{header}{}\n", lines.join("\n"))).await;
    }
    stack.wait_for_runs("both files", |runs| {
        runs.iter().filter(|run| run["state"] == "loaded").count() == 2
    });
    let out = stack.folder().join("spending").display().to_string();
    let made = wait_for("the views", Duration::from_secs(30), || {
        let made = stack.run(&["report", "spending", "--out", &out, "-o", "json"]);
        made.status.success().then(|| serde_json::from_slice::<Value>(&made.stdout).expect("JSON"))
    });
    assert_eq!(made["figures"][0]["value"], "A$629.75", "{made}");
    assert_eq!(made["figures"][0]["change"], "+7.2% against A$587.50 in Jan 2024", "{made}");
    assert_eq!(made["figures"][1]["value"], "A$970.25", "{made}");
    let page = std::fs::read_to_string(made["page"].as_str().expect("a path")).expect("a page");
    assert!(page.contains("Rent: A$1,850.00"), "{page}");
    assert!(page.contains("a &quot;note&quot;, &lt;b&gt;"), "{page}");
}

#[tokio::test]
async fn the_finance_example_is_reported_on_over_sqlite() {
    finance(&[]).await;
}

#[tokio::test]
async fn the_finance_example_is_reported_on_over_postgres() {
    let Some(database) = TestDatabase::create().await else { return };
    finance(&[("DATABASE_URL", database.url())]).await;
}

#[tokio::test]
async fn the_finance_example_is_reported_on_over_mysql() {
    let Some(database) = MySqlDatabase::create().await else { return };
    finance(&[("DATABASE_URL", database.url())]).await;
}
