//! Views: made when their tables are there, made anew when their text changes,
//! and never in a load's way.

use millrace_contract::View;
use millrace_warehouse::{ViewNews, Warehouse};

use crate::support::{File, Place, fresh, people, places, postgres};

fn view(name: &str, sql: &str) -> View {
    View { name: name.into(), schema: None, sql: sql.into(), depends_on: Vec::new() }
}

fn with(place: &Place, views: &[View]) -> Warehouse {
    place.warehouse.clone().with_views(views)
}

fn made(view: &str) -> ViewNews {
    ViewNews::Made { view: view.into() }
}

async fn refresh(warehouse: &Warehouse) -> Vec<ViewNews> {
    warehouse.refresh_views().await.unwrap()
}

fn file(rows: &[(i64, &str)]) -> File {
    File::new("people", vec![people(rows)])
}

#[tokio::test]
async fn a_view_is_made_as_soon_as_its_table_is_there() {
    for place in places().await {
        let views = [
            view("names", "SELECT name FROM people"),
            view("long \"names\"", "SELECT name FROM names WHERE length(name) > 1"),
        ];
        let warehouse = with(&place, &views);
        let news = refresh(&warehouse).await;
        assert_eq!(news.len(), 2, "{news:?}");
        assert!(matches!(&news[0], ViewNews::Refused { view, problem }
            if view == "names" && problem.contains("people")));
        // Nothing has changed, so nothing is tried.
        assert_eq!(refresh(&warehouse).await, []);
        let records = warehouse.view_records().await.unwrap();
        assert!(records.iter().all(|record| record.made_at.is_none() && record.problem.is_some()));
        assert_eq!(file(&[(1, "a"), (2, "bb")]).load_into(&warehouse).await.unwrap(), fresh(2));
        assert_eq!(refresh(&warehouse).await, [made("names"), made("long \"names\"")]);
        assert_eq!(place.column("\"long \"\"names\"\"\"", "name").await, ["bb"]);
        assert_eq!(refresh(&warehouse).await, []);
        // Another worker finds them there.
        let another = place.another().await.with_views(&views);
        assert_eq!(refresh(&another).await, []);
    }
}

#[tokio::test]
async fn a_view_is_made_anew_when_its_text_changes_and_only_then() {
    for place in places().await {
        file(&[(1, "a")]).load_into(&place.warehouse).await.unwrap();
        for (sql, news) in [
            ("SELECT name FROM people", vec![made("v")]),
            ("SELECT name FROM people", vec![]),
            ("SELECT id, name FROM people", vec![made("v")]),
            ("SELECT name || '!' AS name FROM people", vec![made("v")]),
        ] {
            assert_eq!(refresh(&with(&place, &[view("v", sql)])).await, news, "{sql}");
        }
        assert_eq!(place.column("v", "name").await, ["a!"]);
        place.run("DROP VIEW v").await;
        let sql = "SELECT name || '!' AS name FROM people";
        assert_eq!(refresh(&with(&place, &[view("v", sql)])).await, [made("v")]);
    }
}

#[tokio::test]
async fn a_wrong_view_is_told_once_and_leaves_the_one_that_was_there() {
    for place in places().await {
        file(&[(1, "a")]).load_into(&place.warehouse).await.unwrap();
        refresh(&with(&place, &[view("v", "SELECT name FROM people")])).await;
        let wrong = with(&place, &[view("v", "SELECT nme FROM people")]);
        let news = refresh(&wrong).await;
        assert!(
            matches!(&news[..], [ViewNews::Refused { problem, .. }] if problem.contains("nme"))
        );
        assert_eq!(place.column("v", "name").await, ["a"]);
        let records = wrong.view_records().await.unwrap();
        assert_eq!(records[0].definition.as_deref(), Some("SELECT name FROM people"));
        assert!(records[0].problem.as_ref().is_some_and(|problem| problem.contains("nme")));
        let second = file(&[(2, "b")]).key("in/b.csv");
        assert_eq!(second.load_into(&wrong).await.unwrap(), fresh(1));
        // A worker that starts anew does not tell it again.
        let again = with(&place, &[view("v", "SELECT nme FROM people")]);
        assert_eq!(refresh(&again).await, []);
    }
}

#[tokio::test]
async fn a_table_is_not_taken_for_a_view() {
    for place in places().await {
        file(&[(1, "a")]).load_into(&place.warehouse).await.unwrap();
        let news = refresh(&with(&place, &[view("people", "SELECT 1 AS one")])).await;
        assert!(matches!(&news[..], [ViewNews::Refused { .. }]), "{news:?}");
        assert_eq!(place.count("people").await, 1);
    }
}

#[tokio::test]
async fn workers_that_start_together_make_each_view_once() {
    for place in places().await {
        file(&[(1, "a")]).load_into(&place.warehouse).await.unwrap();
        let views: Vec<View> =
            (0..4).map(|number| view(&format!("v{number}"), "SELECT name FROM people")).collect();
        let workers = (0..6).map(|_| {
            let warehouse = with(&place, &views);
            tokio::spawn(async move { warehouse.refresh_views().await })
        });
        let news = futures::future::join_all(workers).await;
        let told: usize = news.into_iter().map(|news| news.unwrap().unwrap().len()).sum();
        assert_eq!(told, 4);
    }
}

#[tokio::test]
async fn a_column_is_widened_under_a_view() {
    for place in places().await {
        let views = [
            view("ids", "SELECT id, name FROM people"),
            view("more", "SELECT id FROM ids"),
            view("other", "SELECT 1 AS one"),
        ];
        let warehouse = with(&place, &views);
        let narrow = File { batches: vec![numbers(7)], ..file(&[]) };
        let narrow = with_rows(narrow, 1).evolving();
        narrow.load_into(&warehouse).await.unwrap();
        assert_eq!(refresh(&warehouse).await.len(), 3);
        let wide = file(&[(1 << 40, "wide")]).key("in/b.csv").evolving();
        assert_eq!(wide.load_into(&warehouse).await.unwrap(), fresh(1));
        let text = File { batches: vec![texts()], ..file(&[]) };
        let text = with_rows(text, 1).key("in/c.csv").evolving();
        assert_eq!(text.load_into(&warehouse).await.unwrap(), fresh(1));
        assert_eq!(place.count("more").await, 3);
        assert_eq!(place.count("other").await, 1);
    }
}

fn with_rows(mut file: File, rows: u64) -> File {
    file.task.balance.read = rows;
    file.task.balance.written = rows;
    file
}

fn numbers(id: i16) -> arrow::record_batch::RecordBatch {
    use std::sync::Arc;
    let ids: arrow::array::ArrayRef = Arc::new(arrow::array::Int16Array::from(vec![id]));
    let names: arrow::array::ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["a"]));
    arrow::record_batch::RecordBatch::try_from_iter([("id", ids), ("name", names)]).unwrap()
}

fn texts() -> arrow::record_batch::RecordBatch {
    use std::sync::Arc;
    let ids: arrow::array::ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["A-1"]));
    let names: arrow::array::ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["a"]));
    arrow::record_batch::RecordBatch::try_from_iter([("id", ids), ("name", names)]).unwrap()
}

#[tokio::test]
async fn a_view_has_a_schema_and_grants_stay_when_its_columns_do() {
    let Some(place) = postgres().await else { return };
    place.run("CREATE SCHEMA reports").await;
    file(&[(1, "a")]).load_into(&place.warehouse).await.unwrap();
    let declared = |sql: &str| View { schema: Some("reports".into()), ..view("v", sql) };
    let first = with(&place, &[declared("SELECT name FROM people")]);
    assert_eq!(refresh(&first).await, [made("reports.v")]);
    place.run("GRANT SELECT ON reports.v TO PUBLIC").await;
    let second = with(&place, &[declared("SELECT upper(name) AS name FROM people")]);
    assert_eq!(refresh(&second).await, [made("reports.v")]);
    let sql = "SELECT CAST(has_table_privilege('public', 'reports.v', 'select') AS TEXT) AS text";
    assert_eq!(place.texts(sql).await, [Some("true".to_owned())]);
    assert_eq!(place.column("reports.v", "name").await, ["A"]);
}
