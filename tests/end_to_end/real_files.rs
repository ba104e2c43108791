//! Real files, real databases, baselines by others' tools.

use std::process::Command;

use millrace_tests::TestDatabase;

use crate::stack::{Stack, real_data};
use crate::warehouse::{postgres, sqlite};

const FLIGHTS: &str = r#"
version = 1
name = "fl"
[lake]
raw = "fl-raw"
curated = "fl-lake"
[datasets.flights]
match = "flights/*.csv.gz"
format = "csv"
csv = { null = ["", "NA"] }
[datasets.flights.schema]
mode = "infer"
[datasets.flights.load]
table = "flights"
mode = "append"
"#;

/// Figures of the baseline beside the file, as one number each.
const FIGURES: [(&str, i64); 6] = [
    ("SELECT count(*) FROM flights", 336_776),
    ("SELECT CAST(sum(distance) AS bigint) FROM flights", 350_217_607),
    ("SELECT CAST(sum(dep_delay) AS bigint) FROM flights", 4_152_200),
    ("SELECT count(*) FROM flights WHERE arr_delay IS NULL", 9_430),
    ("SELECT count(*) FROM flights WHERE tailnum IS NULL", 2_512),
    ("SELECT count(DISTINCT time_hour) FROM flights", 6_936),
];

/// Publishes with the AWS CLI where there is one, and else with our own.
fn publish(stack: &Stack, file: &std::path::Path) {
    let url = "s3://fl-raw/flights/nycflights13_flights.csv.gz";
    let copy = Command::new("aws")
        .args(["--endpoint-url", stack.url(), "s3", "cp"])
        .arg(file)
        .arg(url)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .output();
    match copy {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(_) => {
            eprintln!("skipped: the AWS CLI is not installed; publishing with millrace instead");
            let output = stack.run(&["publish", file.to_str().unwrap(), "--dataset", "flights"]);
            assert!(output.status.success(), "{output:?}");
        }
    }
}

fn loaded(stack: &Stack) {
    let runs = stack.wait_for_runs("the flights", |runs| {
        runs.first().is_some_and(|run| run["state"] == "loaded" || run["state"] == "failed")
    });
    assert_eq!(runs[0]["state"], "loaded", "{runs:#?}");
}

#[tokio::test]
async fn flights_in_sqlite_have_the_figures_of_the_baseline() {
    let Some(folder) = real_data() else { return };
    let stack = Stack::start(FLIGHTS);
    publish(&stack, &folder.join("csv/nycflights13_flights.csv.gz"));
    loaded(&stack);
    for (sql, figure) in FIGURES {
        assert_eq!(sqlite(&stack, sql).await, figure, "{sql}");
    }
}

#[tokio::test]
async fn flights_in_postgresql_have_the_figures_of_the_baseline() {
    let Some(folder) = real_data() else { return };
    let Some(database) = TestDatabase::create().await else { return };
    let stack = Stack::start_with(FLIGHTS, &[("DATABASE_URL", database.url())]);
    publish(&stack, &folder.join("csv/nycflights13_flights.csv.gz"));
    loaded(&stack);
    for (sql, figure) in FIGURES {
        assert_eq!(postgres(database.url(), sql).await, figure, "{sql}");
    }
    let record = "SELECT row_count FROM millrace_loads WHERE table_name = 'flights'";
    assert_eq!(postgres(database.url(), record).await, 336_776);
}
