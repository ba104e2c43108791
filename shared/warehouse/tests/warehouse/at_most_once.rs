//! Each version of a key is committed to a table once, whoever tries and in
//! whatever order.

use chrono::DateTime;
use futures::future::join_all;
use millrace_contract::{LoadMode, Sequencer};
use millrace_warehouse::Loaded;

use crate::support::{File, fresh, lineage, people, places};

#[tokio::test]
async fn a_redelivered_message_does_not_load_twice() {
    for place in places().await {
        let file = File::new("people", vec![people(&[(1, "ann"), (2, "bob")])]);
        assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(2));
        let again = file.load_into(&place.another().await).await.unwrap();
        assert!(matches!(again, Loaded::Already { rows: 2, .. }), "{again:?}");
        assert_eq!(place.column("people", "name").await, ["ann", "bob"]);
        let (carried, recorded) = lineage(&place, "people").await;
        assert_eq!(carried, recorded);
    }
}

#[tokio::test]
async fn of_many_workers_with_one_file_one_commits() {
    for place in places().await {
        let rows: Vec<(i64, String)> = (0..500).map(|n| (n, format!("name {n}"))).collect();
        let rows: Vec<(i64, &str)> = rows.iter().map(|(n, name)| (*n, name.as_str())).collect();
        let batches = rows.chunks(100).map(people).collect();
        let file = File::new("people", batches);
        let other = place.another().await;
        let loads = (0..8).map(|worker| {
            let warehouse = if worker % 2 == 0 { place.warehouse.clone() } else { other.clone() };
            let file = file.clone();
            tokio::spawn(async move { file.load_into(&warehouse).await })
        });
        let mut fresh = 0;
        for ended in join_all(loads).await {
            match ended.unwrap().unwrap() {
                Loaded::Fresh { rows: 500, replaced: 0 } => fresh += 1,
                Loaded::Already { rows: 500, .. } => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(fresh, 1);
        assert_eq!(place.count("people").await, 500);
    }
}

#[tokio::test]
async fn workers_with_different_files_create_one_table_together() {
    for place in places().await {
        let other = place.another().await;
        let loads = (0..8).map(|worker| {
            let warehouse = if worker % 2 == 0 { place.warehouse.clone() } else { other.clone() };
            tokio::spawn(async move {
                let file = File::new("people", vec![people(&[(worker, "x")])]);
                file.key(&format!("in/{worker}.csv")).load_into(&warehouse).await
            })
        });
        for ended in join_all(loads).await {
            assert_eq!(ended.unwrap().unwrap(), fresh(1));
        }
        assert_eq!(place.count("people").await, 8);
    }
}

#[tokio::test]
async fn a_key_that_goes_back_to_its_first_content_is_loaded_each_time() {
    for place in places().await {
        for (etag, sequencer, name) in
            [("a", "01", "one"), ("b", "02", "two"), ("a", "03", "three")]
        {
            let file = File::new("people", vec![people(&[(1, name)])]).version(etag, sequencer);
            assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(1));
        }
        assert_eq!(place.column("people", "name").await, ["one", "three", "two"]);
    }
}

#[tokio::test]
async fn an_older_event_never_overwrites_a_newer_load() {
    for place in places().await {
        for mode in [LoadMode::Append, LoadMode::ReplaceFile] {
            let table = format!("people_{}", mode as u8);
            let new = File::new(&table, vec![people(&[(1, "new")])]).version("b", "02").mode(mode);
            let old = File::new(&table, vec![people(&[(1, "old")])]).version("a", "01").mode(mode);
            assert_eq!(new.load_into(&place.warehouse).await.unwrap(), fresh(1));
            let late = old.load_into(&place.warehouse).await.unwrap();
            assert_eq!(late, Loaded::Superseded { by: new.task.file_id.clone() });
            assert_eq!(place.column(&table, "name").await, ["new"]);
            // Another key is another order.
            let elsewhere = old.key("in/b.csv").load_into(&place.warehouse).await.unwrap();
            assert_eq!(elsewhere, fresh(1));
        }
    }
}

#[tokio::test]
async fn a_version_that_was_found_is_newer_than_what_was_published_before_it_was_seen() {
    for place in places().await {
        let version = |name: &str, sequencer: &str| {
            let file = File::new("people", vec![people(&[(1, name)])]);
            file.version(name, sequencer).mode(LoadMode::ReplaceFile)
        };
        let seen = |seconds: i64| {
            let at = DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap();
            Sequencer::found(at).as_str().to_owned()
        };
        let first = version("first", "0A").published(10);
        first.load_into(&place.warehouse).await.unwrap();
        let found = version("found", &seen(20)).published(0);
        assert!(matches!(
            found.load_into(&place.warehouse).await.unwrap(),
            Loaded::Fresh { rows: 1, replaced: 1 }
        ));
        // It was on its way when the other was seen to be the newest.
        let late = version("late", "0B").published(15).load_into(&place.warehouse).await.unwrap();
        assert_eq!(late, Loaded::Superseded { by: found.task.file_id.clone() });
        let next = version("next", "0C").published(25);
        next.load_into(&place.warehouse).await.unwrap();
        // Seen before that one was put, and loaded after it.
        let slow = version("slow", &seen(22)).published(1);
        let slow = slow.load_into(&place.warehouse).await.unwrap();
        assert_eq!(slow, Loaded::Superseded { by: next.task.file_id.clone() });
        let last = version("last", &seen(30)).published(2);
        last.load_into(&place.warehouse).await.unwrap();
        assert_eq!(place.column("people", "name").await, ["last"]);
    }
}

#[tokio::test]
async fn a_version_loaded_again_under_a_new_contract_is_not_there_twice() {
    for place in places().await {
        let first = File::new("people", vec![people(&[(1, "ann"), (2, "bob")])]);
        first.load_into(&place.warehouse).await.unwrap();
        let unrelated = File::new("people", vec![people(&[(9, "zoe")])]).version("z", "09");
        unrelated.clone().key("in/z.csv").load_into(&place.warehouse).await.unwrap();
        let again = File::new("people", vec![people(&[(1, "ann")])]).contract("c2");
        let loaded = again.load_into(&place.warehouse).await.unwrap();
        assert_eq!(loaded, Loaded::Fresh { rows: 1, replaced: 2 });
        assert_eq!(place.column("people", "name").await, ["ann", "zoe"]);
    }
}

#[tokio::test]
async fn totals_count_the_rows_that_are_there() {
    for place in places().await {
        for (sequencer, rows) in [("01", 3), ("02", 2)] {
            let rows: Vec<_> = (0..rows).map(|id| (id, "x")).collect();
            let file = File::new("swapped", vec![people(&rows)])
                .version(sequencer, sequencer)
                .mode(LoadMode::ReplaceFile);
            file.load_into(&place.warehouse).await.unwrap();
        }
        File::new("added", vec![people(&[(1, "x")])]).load_into(&place.warehouse).await.unwrap();
        let totals = place.warehouse.table_totals().await.unwrap();
        let rows: Vec<_> =
            totals.iter().map(|total| (total.table.as_str(), total.loads, total.rows)).collect();
        assert_eq!(rows, [("added", 1, 1), ("swapped", 2, 2)]);
        assert_eq!(place.count("swapped").await, 2);
    }
}

#[tokio::test]
async fn keys_are_told_apart_by_every_byte_and_as_long_as_they_get() {
    for place in places().await {
        let long = "k".repeat(1023);
        let keys = ["a", "A", "a ", "\u{1f980}", &format!("{long}1"), &format!("{long}2")];
        for key in keys {
            let file = File::new("people", vec![people(&[(1, key)])]).key(key);
            assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(1), "{key}");
            let again = file.load_into(&place.warehouse).await.unwrap();
            assert!(matches!(again, Loaded::Already { rows: 1, .. }), "{key}: {again:?}");
        }
        assert_eq!(place.count("people").await, 6);
    }
}
