//! The lake example: a database is exported, a table derived of what comes of it, and
//! a report made.

use std::path::Path;

use anyhow::Context;
use chrono::{Days, NaiveDate, SubsecRound, Utc};
use millrace_contract::{ExportTask, Parameters, StageName};
use millrace_ledger::{Database, DeriveFilter};
use secrecy::SecretString;

use super::scene::Scene;
use super::{report, step};
use crate::show;

/// The pipeline file.
pub(crate) const PIPELINE: &str = include_str!("../../../../examples/lake/millrace.toml");

/// The variable that holds the URL of the source database.
pub(crate) const SOURCE: &str = "SOURCE_URL";

/// The exports, which are run by hand where nobody waits for the night.
pub(crate) const EXPORTS: [&str; 2] = ["users", "transactions"];

/// What shows the result, each with its title.
pub(crate) const QUERIES: [(&str, &str); 3] = [
    (
        "What each user spent on each day",
        "select dt, user_id, total_cost_usd, registration_date from user_transactions \
         order by dt, user_id",
    ),
    (
        "Spending per day",
        "select dt, sum(total_cost_usd) as spent from user_transactions group by dt order by dt",
    ),
    (
        "Spending per user",
        "select user_id, sum(total_cost_usd) as spent from user_transactions \
         group by user_id order by user_id",
    ),
];

/// What to try next.
pub(super) const NEXT_STEPS: [&str; 5] =
    ["derived", "catalog list", "exports", "schedule list", "dev"];

/// Makes the shop's database, and has the pipeline file name it.
pub(super) async fn prepare(pipeline: &str, data: &Path) -> anyhow::Result<String> {
    let (shop, place) = (data.join("shop.db"), data.join("shop.url"));
    write_source(&shop, Utc::now().date_naive()).await.context("the shop's database")?;
    std::fs::write(&place, source_url(&shop)).with_context(|| place.display().to_string())?;
    let place = toml::Value::from(format!("file:{}", place.display()));
    Ok(pipeline.replace(&format!("\"env:{SOURCE}\""), &place.to_string()))
}

/// Exports twice: the second time nothing is other than before.
pub(super) async fn play(scene: &Scene<'_>) -> anyhow::Result<()> {
    step("export → ingest → transform → load → derive → load");
    export(scene, 0).await?;
    for (title, sql) in QUERIES {
        scene.show(title, sql).await?;
    }
    step("the same again, as in the next night: nothing changes");
    export(scene, 1).await?;
    runs(scene).await?;
    tables(scene).await?;
    scene.report("sales").await
}

/// What the derived dataset's runs came to.
async fn runs(scene: &Scene<'_>) -> anyhow::Result<()> {
    let runs = scene.ledger.derive_runs(&DeriveFilter::default()).await?;
    report::title("Runs of the derived dataset, newest first");
    let number = |count: Option<u64>| count.map(show::number).unwrap_or_default();
    let rows = runs.iter().map(|run| {
        let (rows, parts) = (number(run.rows), number(run.parts));
        vec![show::number(run.number), run.state.to_string(), rows, parts, number(run.written)]
    });
    show::table(&["#run", "state", "#rows", "#days", "#written"], rows.collect());
    Ok(())
}

/// What the catalog has of each dataset. Lists of partitions that were registered have
/// columns.
async fn tables(scene: &Scene<'_>) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for table in scene.ledger.catalog().await? {
        let lists = scene.ledger.catalog_lists(&table.dataset).await?;
        let registered = lists.iter().filter(|list| list.columns.is_some()).count();
        rows.push(vec![
            format!("{}.{}", table.database, table.table),
            show::number(registered as u64),
            show::number(lists.iter().map(|list| list.objects).sum()),
            show::number(lists.iter().map(|list| list.rows).sum()),
        ]);
    }
    report::title("Tables of Athena, registered in the embedded Glue");
    show::table(&["table", "#partitions", "#objects", "#rows"], rows);
    Ok(())
}

/// Runs both exports for a time of their own, and waits for all that follows.
async fn export(scene: &Scene<'_>, second: i64) -> anyhow::Result<()> {
    let scheduled_at = Utc::now().trunc_subsecs(0) + chrono::TimeDelta::seconds(second);
    let tasks = EXPORTS.map(|export| {
        let parameters = Parameters::new();
        ExportTask { export: export.to_owned(), scheduled_at, parameters }.to_message()
    });
    scene.send(StageName::Export, tasks).await?;
    scene.settle().await
}

/// Transactions: id, user, cost, and how many days before today.
const TRANSACTIONS: [(u32, u32, &str, u64); 7] = [
    (1, 1, "10.99", 0),
    (2, 2, "4.99", 0),
    (3, 2, "4.99", 3),
    (4, 1, "4.99", 3),
    (5, 1, "5.99", 2),
    (6, 1, "15.99", 1),
    (7, 1, "55.99", 4),
];

/// Makes the shop's database, a SQLite file: 2 users and 7 transactions of the days
/// up to `today`.
///
/// # Errors
/// If it is there already, or can't be written.
pub(crate) async fn write_source(file: &Path, today: NaiveDate) -> anyhow::Result<()> {
    let url = SecretString::from(source_url(file));
    let database = Database::connect(&url, 1).await?;
    let day = |before: u64| today.checked_sub_days(Days::new(before)).unwrap_or(today);
    let mut statements = vec![
        "CREATE TABLE users (userid INTEGER NOT NULL, registration_date TEXT)".to_owned(),
        "CREATE TABLE transactions (transaction_id INTEGER NOT NULL, user_id INTEGER NOT NULL, \
             total_cost DECIMAL(12,2) NOT NULL, dt TEXT NOT NULL)"
            .to_owned(),
        format!("INSERT INTO users VALUES (1, '{}'), (2, '{}')", day(0), day(1)),
    ];
    statements.extend(TRANSACTIONS.iter().map(|(id, user, cost, before)| {
        format!("INSERT INTO transactions VALUES ({id}, {user}, {cost}, '{}')", day(*before))
    }));
    for statement in statements {
        database.execute(&statement, &[]).await?;
    }
    Ok(())
}

/// The URL of a source database that [`write_source`] made.
pub(crate) fn source_url(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

#[cfg(test)]
mod tests {
    use millrace_pipeline::Pipeline;
    use millrace_sql::tables_named;

    use super::*;

    #[test]
    fn the_example_is_a_pipeline_that_has_what_is_asked_for() {
        let pipeline = Pipeline::parse(PIPELINE).expect("a valid example");
        for export in EXPORTS {
            assert!(pipeline.export(export).is_some(), "{export}");
        }
        assert!(PIPELINE.contains(&format!("env:{SOURCE}")));
        let derived = pipeline.derived("user_transactions").expect("derived");
        assert_eq!(derived.inputs, ["transactions", "users"]);
        let names: Vec<String> =
            pipeline.datasets.iter().map(|dataset| dataset.name.clone()).collect();
        for (title, sql) in QUERIES {
            assert_eq!(tables_named(sql, &names), ["user_transactions"], "{title}");
        }
    }

    #[tokio::test]
    async fn the_source_has_two_users_and_seven_transactions() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("shop.db");
        let today = NaiveDate::from_ymd_opt(2026, 1, 31).expect("a day");
        write_source(&file, today).await.expect("written");
        let url = SecretString::from(source_url(&file));
        let database = Database::connect(&url, 1).await.expect("a database");
        let sql = "SELECT COUNT(*) AS count, MIN(dt) AS first FROM transactions";
        let row = database.fetch_optional(sql, &[]).await.expect("rows").expect("a row");
        assert_eq!(row.count("count").expect("a number"), 7);
        assert_eq!(row.get::<String>("first").expect("a day"), "2026-01-27");
    }
}
