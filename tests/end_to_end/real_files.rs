//! Real files, real databases, baselines by others' tools.

use std::process::Command;

use millrace_tests::{MySqlDatabase, TestDatabase};

use crate::stack::{Stack, real_data};
use crate::warehouse::{mysql, postgres, sqlite};

/// Each dataset in a table of its own; what is joined to has a key.
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
schema = { mode = "infer" }
load = { table = "flights", mode = "append" }

[datasets.airlines]
match = "airlines/*.csv"
format = "csv"
schema = { mode = "infer" }
load = { table = "airlines", mode = "upsert", key = ["carrier"] }

[datasets.airports]
match = "airports/*.csv"
format = "csv"
csv = { null = ["", "NA"] }
schema = { mode = "infer" }
load = { table = "airports", mode = "upsert", key = ["faa"] }

[datasets.planes]
match = "planes/*.csv"
format = "csv"
csv = { null = ["", "NA"] }
schema = { mode = "infer" }
load = { table = "planes", mode = "upsert", key = ["tailnum"] }

[datasets.weather]
match = "weather/*.csv"
format = "csv"
csv = { null = ["", "NA"] }
schema = { mode = "infer" }
load = { table = "weather", mode = "upsert", key = ["origin", "time_hour"] }
"#;

/// Figures of the baselines beside the files, and of joins across them as DuckDB
/// counts them, as one number each. `{int}` is the type of a 64-bit integer.
const FIGURES: [(&str, i64); 16] = [
    ("SELECT count(*) FROM flights", 336_776),
    ("SELECT CAST(sum(distance) AS {int}) FROM flights", 350_217_607),
    ("SELECT CAST(sum(dep_delay) AS {int}) FROM flights", 4_152_200),
    ("SELECT count(*) FROM flights WHERE arr_delay IS NULL", 9_430),
    ("SELECT count(*) FROM flights WHERE tailnum IS NULL", 2_512),
    ("SELECT count(DISTINCT time_hour) FROM flights", 6_936),
    ("SELECT count(*) FROM airlines", 16),
    ("SELECT CAST(sum(alt) AS {int}) FROM airports", 1_460_064),
    ("SELECT CAST(sum(seats) AS {int}) FROM planes", 512_639),
    ("SELECT count(*) FROM planes WHERE year IS NULL", 70),
    ("SELECT count(*) FROM weather WHERE wind_gust IS NULL", 20_778),
    ("SELECT CAST(sum(round(temp * 100)) AS {int}) FROM weather", 144_306_988),
    ("SELECT count(*) FROM flights f JOIN airlines a ON a.carrier = f.carrier", 336_776),
    ("SELECT count(*) FROM flights f JOIN airports a ON a.faa = f.dest", 329_174),
    (
        "SELECT CAST(sum(p.seats) AS {int}) FROM flights f JOIN planes p ON p.tailnum = f.tailnum",
        38_851_317,
    ),
    (
        "SELECT count(*) FROM flights f \
         JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour",
        335_220,
    ),
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

/// Publishes the flights and what they refer to, and waits for all of them.
fn load_all(stack: &Stack, folder: &std::path::Path) {
    publish(stack, &folder.join("csv/nycflights13_flights.csv.gz"));
    for dataset in ["airlines", "airports", "planes", "weather"] {
        let file = folder.join(format!("csv/nycflights13_{dataset}.csv"));
        let output = stack.run(&["publish", file.to_str().unwrap(), "--dataset", dataset]);
        assert!(output.status.success(), "{output:?}");
    }
    let ended = |run: &serde_json::Value| run["state"] == "loaded" || run["state"] == "failed";
    let runs = stack.wait_for_runs("five files", |runs| runs.len() == 5 && runs.iter().all(ended));
    assert!(runs.iter().all(|run| run["state"] == "loaded"), "{runs:#?}");
}

#[tokio::test]
async fn flights_in_sqlite_have_the_figures_of_the_baseline() {
    let Some(folder) = real_data() else { return };
    let stack = Stack::start(FLIGHTS);
    load_all(&stack, &folder);
    for (sql, figure) in FIGURES {
        let sql = sql.replace("{int}", "bigint");
        assert_eq!(sqlite(&stack, &sql).await, figure, "{sql}");
    }
}

#[tokio::test]
async fn flights_in_postgresql_have_the_figures_of_the_baseline() {
    let Some(folder) = real_data() else { return };
    let Some(database) = TestDatabase::create().await else { return };
    let stack = Stack::start_with(FLIGHTS, &[("DATABASE_URL", database.url())]);
    load_all(&stack, &folder);
    for (sql, figure) in FIGURES {
        let sql = sql.replace("{int}", "bigint");
        assert_eq!(postgres(database.url(), &sql).await, figure, "{sql}");
    }
    let record = "SELECT row_count FROM millrace_loads WHERE table_name = 'flights'";
    assert_eq!(postgres(database.url(), record).await, 336_776);
}

#[tokio::test]
async fn flights_in_mysql_have_the_figures_of_the_baseline() {
    let Some(folder) = real_data() else { return };
    let Some(database) = MySqlDatabase::create().await else { return };
    let stack = Stack::start_with(FLIGHTS, &[("DATABASE_URL", database.url())]);
    load_all(&stack, &folder);
    for (sql, figure) in FIGURES {
        let sql = sql.replace("{int}", "signed");
        assert_eq!(mysql(database.url(), &sql).await, figure, "{sql}");
    }
    // Commit records and history are beside the rows.
    let record = "SELECT row_count FROM millrace_loads WHERE table_name = 'flights'";
    assert_eq!(mysql(database.url(), record).await, 336_776);
    let files = "SELECT count(*) FROM millrace_files WHERE state = 'loaded'";
    assert_eq!(mysql(database.url(), files).await, 5);
}
