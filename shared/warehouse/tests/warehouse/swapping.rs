//! Tables that hold one file: which one, and what readers see meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use millrace_contract::{FileId, LoadMode, Replay};
use millrace_warehouse::{LoadError, Loaded};

use crate::support::{File, Place, fresh, people, places};

fn whole(rows: &[(i64, &str)]) -> File {
    File::new("people", vec![people(rows)]).mode(LoadMode::ReplaceTable)
}

async fn names(place: &Place) -> Vec<String> {
    place.column("people", "name").await
}

#[tokio::test]
async fn the_table_holds_the_rows_of_the_file_that_was_loaded_last_and_nothing_else() {
    for place in places().await {
        let first = whole(&[(1, "a"), (2, "b")]).key("in/a.csv").published(1);
        assert_eq!(first.load_into(&place.warehouse).await.unwrap(), fresh(2));
        place.run("INSERT INTO people (id, name, _load_id) VALUES (9, 'by hand', 0)").await;
        let second = whole(&[(3, "c")]).key("in/b.csv").published(2);
        let loaded = second.load_into(&place.warehouse).await.unwrap();
        assert_eq!(loaded, Loaded::Fresh { rows: 1, replaced: 3 });
        assert_eq!(names(&place).await, ["c"]);
        let text = place.as_text("replaced_by");
        let sql = format!("SELECT {text} AS text FROM millrace_loads ORDER BY load_id");
        assert_eq!(place.texts(&sql).await, [Some("2".to_owned()), None]);
        let empty = whole(&[]).key("in/c.csv").published(3);
        let loaded = empty.load_into(&place.warehouse).await.unwrap();
        assert_eq!(loaded, Loaded::Fresh { rows: 0, replaced: 1 });
        assert_eq!(place.count("people").await, 0);
        let totals = place.warehouse.table_totals().await.unwrap();
        assert_eq!((totals[0].loads, totals[0].rows), (3, 0));
    }
}

#[tokio::test]
async fn the_file_that_was_published_last_stays_in_whatever_order_they_come() {
    let files = || {
        [
            whole(&[(1, "old")]).key("in/a.csv").version("v1", "01").published(1),
            whole(&[(2, "newest")]).key("in/b.csv").version("v1", "01").published(9),
            whole(&[(3, "later")]).key("in/a.csv").version("v2", "02").published(5),
        ]
    };
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for place in places().await {
            for index in order {
                files()[index].load_into(&place.warehouse).await.unwrap();
            }
            assert_eq!(names(&place).await, ["newest"], "{order:?}");
            let again = files()[1].load_into(&place.warehouse).await.unwrap();
            assert!(matches!(again, Loaded::Already { rows: 1, .. }), "{again:?}");
            let late = files()[0].load_into(&place.warehouse).await.unwrap();
            assert!(!matches!(late, Loaded::Fresh { .. }), "{late:?}");
            assert_eq!(names(&place).await, ["newest"], "{order:?}");
        }
    }
}

#[tokio::test]
async fn a_file_of_an_unknown_time_counts_as_the_newest_when_it_comes() {
    for place in places().await {
        whole(&[(1, "known")]).published(9).load_into(&place.warehouse).await.unwrap();
        let unknown = whole(&[(2, "unknown")]).key("in/b.csv");
        assert!(matches!(unknown.load_into(&place.warehouse).await, Ok(Loaded::Fresh { .. })));
        let next = whole(&[(3, "next")]).key("in/c.csv").published(1);
        assert!(matches!(next.load_into(&place.warehouse).await, Ok(Loaded::Fresh { .. })));
        assert_eq!(names(&place).await, ["next"]);
    }
}

#[tokio::test]
async fn a_swap_that_fails_leaves_the_file_that_was_there() {
    for place in places().await {
        whole(&[(1, "kept")]).published(1).load_into(&place.warehouse).await.unwrap();
        let mut second = whole(&[(2, "lost")]).key("in/b.csv").published(2);
        second.task.balance.written = 7;
        let error = second.load_into(&place.warehouse).await.expect_err("unbalanced");
        assert!(matches!(error, LoadError::Unbalanced { .. }), "{error}");
        assert_eq!(names(&place).await, ["kept"]);
        let text = place.as_text("replaced_by");
        let sql = format!("SELECT {text} AS text FROM millrace_loads");
        assert_eq!(place.texts(&sql).await, [None]);
    }
}

#[tokio::test]
async fn views_of_a_table_go_on_when_it_is_swapped() {
    for place in places().await {
        whole(&[(1, "a")]).published(1).load_into(&place.warehouse).await.unwrap();
        place.run("CREATE VIEW everybody AS SELECT name FROM people").await;
        let second = whole(&[(2, "b"), (3, "c")]).key("in/b.csv").published(2);
        second.load_into(&place.warehouse).await.unwrap();
        assert_eq!(place.column("everybody", "name").await, ["b", "c"]);
    }
}

/// Every file has rows of one name; a reader must only ever see all rows of one.
#[tokio::test]
async fn readers_never_see_a_table_empty_or_half_swapped() {
    const ROWS: i64 = 400;
    for place in places().await {
        let rows = |name: &'static str| (0..ROWS).map(move |id| (id, name)).collect::<Vec<_>>();
        whole(&rows("0")).published(0).load_into(&place.warehouse).await.unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (database, is_over) = (place.database.clone(), is_over.clone());
                tokio::spawn(async move {
                    let sql = "SELECT COUNT(*) AS found, COUNT(DISTINCT name) AS names FROM people";
                    let mut looks = 0;
                    while !is_over.load(Ordering::Relaxed) || looks == 0 {
                        let row = database.fetch_optional(sql, &[]).await.unwrap().unwrap();
                        let seen = (row.count("found").unwrap(), row.count("names").unwrap());
                        assert_eq!(seen, (ROWS as u64, 1));
                        looks += 1;
                    }
                    looks
                })
            })
            .collect();
        let other = place.another().await;
        let loads = (1..=12_i64).map(|number| {
            let warehouse = if number % 2 == 0 { place.warehouse.clone() } else { other.clone() };
            let name: &'static str = ["1", "2", "3"][number as usize % 3];
            let file = whole(&rows(name)).key(&format!("in/{number}.csv")).published(number);
            tokio::spawn(async move { file.load_into(&warehouse).await })
        });
        for loaded in futures::future::join_all(loads).await {
            let loaded = loaded.unwrap().unwrap();
            assert!(!matches!(loaded, Loaded::Already { .. }), "{loaded:?}");
        }
        is_over.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.await.unwrap() > 0);
        }
        let sql = "SELECT object_key AS text FROM millrace_loads WHERE replaced_by IS NULL";
        assert_eq!(place.texts(sql).await, [Some("in/12.csv".to_owned())]);
        assert_eq!(place.count("people").await, ROWS as u64);
    }
}

fn replayed(of: &File, rows: &[(i64, &str)], replay: Replay) -> File {
    let mut file = File { batches: vec![people(rows)], ..of.clone() };
    file.task.balance.read = rows.len() as u64;
    file.task.balance.written = rows.len() as u64;
    file.task.file_id = FileId::of_replay(&replay, &file.task.contract, 1);
    file.task.replay = Some(replay);
    file
}

#[tokio::test]
async fn what_is_gone_through_again_meets_the_file_that_is_there() {
    for place in places().await {
        let first = whole(&[(1, "a")]).key("in/a.csv").version("v1", "01").published(1);
        let second = whole(&[(2, "b")]).key("in/b.csv").version("v1", "01").published(2);
        first.load_into(&place.warehouse).await.unwrap();
        second.load_into(&place.warehouse).await.unwrap();
        let id = |file: &File| file.task.file_id.clone();
        let rejects = |of: &File| Replay::Rejects { of: id(of), from: id(of), key: "k".into() };
        let late = replayed(&first, &[(9, "late")], Replay::Whole { of: id(&first) });
        let late = late.load_into(&place.warehouse).await.unwrap();
        assert!(matches!(late, Loaded::Superseded { .. }), "{late:?}");
        let late = replayed(&first, &[(9, "late")], rejects(&first));
        let late = late.load_into(&place.warehouse).await.unwrap();
        assert!(matches!(late, Loaded::Superseded { .. }), "{late:?}");
        let mended = replayed(&second, &[(3, "mended")], rejects(&second));
        assert_eq!(mended.load_into(&place.warehouse).await.unwrap(), fresh(1));
        assert_eq!(names(&place).await, ["b", "mended"]);
        let again = replayed(&second, &[(2, "again")], Replay::Whole { of: id(&second) });
        let loaded = again.load_into(&place.warehouse).await.unwrap();
        assert_eq!(loaded, Loaded::Fresh { rows: 1, replaced: 2 });
        assert_eq!(names(&place).await, ["again"]);
    }
}
