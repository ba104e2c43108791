//! The example `preparation` with the workbook it was made for.

use std::fmt::Write as _;
use std::process::Command;

use millrace_tests::TestDatabase;
use sqlx::{Connection, PgConnection, Row, SqliteConnection};

use crate::stack::{Stack, millrace, real_data};
use crate::warehouse::postgres;

const PIPELINE: &str = include_str!("../../examples/preparation/millrace.toml");

const EXPECTED: &str = "seeds/kedro/processed_p18_19_5.csv";

const WORKBOOK: &str = "seeds/kedro/qld-biannual-report-sept-2020-open-data-tables.xlsx";

/// The rows of the table as the expected CSV file has them.
async fn rows(url: &str) -> String {
    let mut connection = PgConnection::connect(url).await.expect("the warehouse");
    let sql = "SELECT other_entities, headcount_female, headcount_male, headcount_total, \
               CAST(percentage_female AS float8) AS female, \
               CAST(percentage_male AS float8) AS male \
               FROM p18_19_5 ORDER BY _load_id, ctid";
    let rows = sqlx::query(sql).fetch_all(&mut connection).await.expect("rows");
    let mut text = String::from(
        "other_entities,headcount_female,headcount_male,headcount_total,percentage_female,\
         percentage_male\n",
    );
    for row in rows {
        let name: String = row.get(0);
        let count = |at: usize| row.get::<i32, _>(at);
        let share = |at: usize| row.get::<f64, _>(at);
        writeln!(text, "{name},{},{},{},{},{}", count(1), count(2), count(3), share(4), share(5))
            .expect("text");
    }
    text
}

#[tokio::test]
async fn the_last_table_of_the_sheet_is_loaded_with_its_key() {
    let Some(folder) = real_data() else { return };
    let Some(database) = TestDatabase::create().await else { return };
    let stack = Stack::start_with(PIPELINE, &[("DATABASE_URL", database.url())]);
    let workbook = folder.join(WORKBOOK);
    let path = workbook.to_str().expect("a path");
    let output = stack.run(&["publish", path, "--dataset", "p18_19_5", "--wait"]);
    assert!(output.status.success(), "{output:?}");
    let expected = std::fs::read_to_string(folder.join(EXPECTED)).expect("the expected rows");
    assert_eq!(rows(database.url()).await, expected.replace("\r\n", "\n"));
    let keys = "SELECT count(*) FROM information_schema.key_column_usage k \
                JOIN information_schema.table_constraints c USING (constraint_name) \
                WHERE c.table_name = 'p18_19_5' AND c.constraint_type = 'PRIMARY KEY'";
    assert_eq!(postgres(database.url(), keys).await, 2);
}

/// The demo has two editions of its own, the second with a blanked cell.
#[tokio::test]
async fn a_blanked_cell_costs_its_row_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(millrace())
        .args(["demo", "--example", "preparation", "--data", "demo"])
        .current_dir(folder.path())
        .output()
        .expect("the demo");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let rejected = text.lines().find(|line| line.contains("headcount_female: required"));
    assert!(rejected.is_some_and(|line| line.contains(" 1 ")), "{text}");
    let url = format!("sqlite://{}", folder.path().join("demo/warehouse.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("the warehouse");
    let mut rows = async |edition: &str| -> i64 {
        let sql = "SELECT count(*) FROM p18_19_5 WHERE edition = ?";
        let count = sqlx::query_scalar(sql).bind(edition).fetch_one(&mut connection);
        count.await.expect("a number")
    };
    assert_eq!((rows("2020-09").await, rows("2021-03").await), (6, 5));
}
