//! Which files `runs` shows.

use chrono::Utc;
use millrace_ledger::{FileState, Ledger, RunFilter};

use crate::support::{file, object, places};

async fn keys(ledger: &Ledger, filter: RunFilter) -> Vec<String> {
    let runs = ledger.runs(&filter).await.unwrap();
    runs.into_iter().map(|run| run.object.key).collect()
}

#[tokio::test]
async fn runs_are_the_newest_first_and_filtered_by_all_that_is_asked() {
    for place in places().await {
        let ledger = place.ledger().await;
        let start = Utc::now();
        for key in ["a", "b", "c"] {
            let mut version = object(key, None);
            version.key = key.into();
            let one = file(version);
            ledger.register(&one).await.unwrap();
            if key == "b" {
                ledger.skipped(&one.file_id, "missing", "").await.unwrap();
            }
        }
        let all = RunFilter::default();
        assert_eq!(keys(&ledger, all.clone()).await, ["c", "b", "a"]);
        assert_eq!(keys(&ledger, RunFilter { limit: Some(1), ..all.clone() }).await, ["c"]);
        let skipped = RunFilter { state: Some(FileState::Skipped), ..all.clone() };
        assert_eq!(keys(&ledger, skipped).await, ["b"]);
        let registered = RunFilter {
            state: Some(FileState::Registered),
            dataset: Some("sales".into()),
            since: Some(start - chrono::TimeDelta::seconds(1)),
            limit: Some(5),
        };
        assert_eq!(keys(&ledger, registered).await, ["c", "a"]);
        let nothing = RunFilter { dataset: Some("other".into()), ..all.clone() };
        assert!(keys(&ledger, nothing).await.is_empty());
        let later = RunFilter { since: Some(Utc::now() + chrono::TimeDelta::hours(1)), ..all };
        assert!(keys(&ledger, later).await.is_empty());
    }
}

#[tokio::test]
async fn every_state_reads_back_as_it_is_written() {
    for state in FileState::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
    }
    let error = "done".parse::<FileState>().unwrap_err();
    assert!(error.contains("the states are registered, transformed"), "{error}");
}

/// The columns that `docs/history.md` explains for a table: those of the section
/// that names it.
fn documented(table: &str) -> String {
    let text = include_str!("../../../../docs/history.md");
    let mut sections = text.split("\n## ").filter(|section| {
        section.lines().next().is_some_and(|title| title.split(' ').any(|word| word == table))
    });
    sections.next().unwrap_or_else(|| panic!("`{table}` is not documented")).to_owned()
}

#[tokio::test]
async fn every_column_of_every_table_is_documented() {
    let place = places().await.remove(0);
    place.ledger().await;
    millrace_ledger::loads::open(&place.database).await.unwrap();
    let sql = "SELECT m.name AS table_name, c.name AS column_name FROM sqlite_master AS m \
               JOIN pragma_table_info(m.name) AS c \
               WHERE m.type = 'table' AND m.name LIKE 'millrace%'";
    let rows = place.database.fetch_all(sql, &[]).await.unwrap();
    assert!(rows.len() > 60, "{}", rows.len());
    for row in rows {
        let table: String = row.get("table_name").unwrap();
        let column: String = row.get("column_name").unwrap();
        let section = documented(&table);
        assert!(section.contains(&format!("`{column}`")), "{table}.{column}");
    }
}
