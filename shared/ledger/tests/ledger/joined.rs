//! Objects that others were joined into, and what of the lake may go.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millrace_contract::{FileId, JoinedId, LoadTask};
use millrace_ledger::{Joined, Ledger, Part, Registration, ReplayFilter, Transformed};

use crate::support::{file, load_task, object, places};

fn named(key: &str, etag: &str, sequencer: &str) -> Registration {
    let mut version = object(etag, Some(sequencer));
    version.key = format!("in/{key}");
    file(version)
}

/// A task whose object is named by its file.
fn task(one: &Registration) -> LoadTask {
    let mut task = load_task(one);
    task.outputs[0].key = format!("sales/{}-0000.parquet", one.file_id);
    task
}

async fn load(ledger: &Ledger, one: &Registration) {
    ledger.register(one).await.unwrap();
    let task = task(one);
    let done = Transformed { task: &task, rejects: &[], warnings: &[], duration: Duration::ZERO };
    ledger.transformed(&done).await.unwrap();
    ledger.loaded(&one.file_id, 7, Duration::ZERO).await.unwrap();
}

fn joined(files: &[&Registration], from: &[&str]) -> Joined {
    let parts = files.iter().zip(from).zip(0..).map(|((one, from), number)| Part {
        file_id: one.file_id.clone(),
        output: 0,
        first_row: number * 7,
        from: (*from).to_owned(),
    });
    let parts: Vec<Part> = parts.collect();
    let id = JoinedId::of(parts.iter().map(|part| (&part.file_id, 0, part.from.as_str())));
    let rows = parts.len() as u64 * 7;
    let key = format!("sales/joined-{id}.parquet");
    Joined { id, dataset: "sales".into(), bucket: "lake".into(), key, rows, bytes: 500, parts }
}

fn own(files: &[&Registration]) -> Vec<String> {
    files.iter().map(|one| task(one).outputs[0].key.clone()).collect()
}

fn join(files: &[&Registration]) -> Joined {
    let keys = own(files);
    joined(files, &keys.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Where the rows of live files are: key and first row.
async fn places_of(ledger: &Ledger) -> Vec<(String, Option<u64>)> {
    let (tasks, _) = ledger.live_files("sales", None).await.unwrap();
    let outputs = tasks.into_iter().flat_map(|task| task.outputs);
    outputs.map(|output| (output.key, output.first_row)).collect()
}

async fn kept(ledger: &Ledger, cut: DateTime<Utc>) -> Vec<String> {
    let (mut keys, next) = ledger.kept_objects("sales", cut, None).await.unwrap();
    assert_eq!(next, None);
    keys.sort();
    keys.dedup();
    keys
}

fn sorted<const N: usize>(keys: [&str; N]) -> Vec<String> {
    let mut keys = keys.map(str::to_owned).to_vec();
    keys.sort();
    keys
}

#[tokio::test]
async fn a_joined_object_stands_in_for_its_parts_and_each_row_is_in_one_place() {
    for place in places().await {
        let ledger = place.ledger().await;
        let files = [named("a", "a", "01"), named("b", "b", "01"), named("c", "c", "01")];
        for one in &files {
            load(&ledger, one).await;
        }
        let [a, b, c] = &files;
        let first = join(&[a, b]);
        ledger.put_joined(&first).await.unwrap();
        ledger.put_joined(&first).await.unwrap();
        let own_c = own(&[c]).remove(0);
        let expected =
            [(first.key.clone(), Some(0)), (first.key.clone(), Some(7)), (own_c.clone(), None)];
        assert_eq!(places_of(&ledger).await, expected);
        let (live, _) = ledger.live("sales", None).await.unwrap();
        assert_eq!((live[0].object_rows[0], live[2].object_rows[0]), (14, 7));
        assert_eq!(live[0].task.outputs[0].bytes, 500);
        // Another worker joined one of them with a third: the later placement holds.
        let second = join(&[b, c]);
        ledger.put_joined(&second).await.unwrap();
        let expected = [
            (first.key.clone(), Some(0)),
            (second.key.clone(), Some(0)),
            (second.key.clone(), Some(7)),
        ];
        assert_eq!(places_of(&ledger).await, expected);
        // A replay from the lake reads from where the rows are.
        let filter = ReplayFilter { dataset: "sales".into(), ..ReplayFilter::default() };
        let (files, _) = ledger.loaded_files(&filter, None).await.unwrap();
        let output = files[1].task.as_ref().unwrap().outputs[0].clone();
        assert_eq!((output.key, output.first_row), (second.key.clone(), Some(0)));
        // What is superseded takes its rows with it and no others.
        load(&ledger, &named("b", "b2", "02")).await;
        let now = places_of(&ledger).await;
        assert_eq!(now.len(), 3);
        assert!(now.contains(&(second.key, Some(7))) && now.contains(&(first.key, Some(0))));
    }
}

#[tokio::test]
async fn what_is_needed_is_kept_and_what_ceased_to_be_is_for_a_while() {
    for place in places().await {
        let ledger = place.ledger().await;
        let (a, b) = (named("a", "a", "01"), named("b", "b", "01"));
        load(&ledger, &a).await;
        load(&ledger, &b).await;
        let (past, future) = (Utc::now() - TimeDelta::hours(1), Utc::now() + TimeDelta::hours(1));
        let [own_a, own_b] = <[String; 2]>::try_from(own(&[&a, &b])).unwrap();
        let one = join(&[&a, &b]);
        ledger.put_joined(&one).await.unwrap();
        assert_eq!(kept(&ledger, past).await, sorted([&own_a, &own_b, &one.key]));
        assert_eq!(kept(&ledger, future).await, sorted([&one.key]), "they were joined before");
        let newer = named("a", "a2", "02");
        load(&ledger, &newer).await;
        let own_newer = own(&[&newer]).remove(0);
        assert_eq!(kept(&ledger, future).await, sorted([&own_newer, &one.key]));
        // Joined anew: the object that it lay in is left.
        assert_eq!(
            ledger.left_objects(std::slice::from_ref(&one.id), past).await.unwrap().len(),
            1
        );
        let anew = joined(&[&b, &newer], &[&one.key, &own_newer]);
        ledger.put_joined(&anew).await.unwrap();
        let ids = [one.id.clone(), anew.id.clone(), JoinedId::from_text("x")];
        let left = ledger.left_objects(&ids, past).await.unwrap();
        assert_eq!(left, [anew.id.clone(), JoinedId::from_text("x")], "readers may be at it");
        assert_eq!(ledger.left_objects(&ids, future).await.unwrap(), ids);
        assert!(!kept(&ledger, future).await.contains(&one.key));
    }
}

#[tokio::test]
async fn files_that_are_gone_are_marked_and_live_ones_are_not() {
    for place in places().await {
        let ledger = place.ledger().await;
        let (old, new) = (named("a", "a", "01"), named("a", "a2", "02"));
        load(&ledger, &old).await;
        load(&ledger, &new).await;
        let waiting = named("w", "w", "01");
        ledger.register(&waiting).await.unwrap();
        let ids = [old.file_id.clone(), new.file_id.clone(), waiting.file_id.clone()];
        let settled = ledger.settled_files(&ids).await.unwrap();
        assert_eq!(settled.len(), 2, "one is being transformed");
        assert!(ledger.settled_files(&[FileId::from_text("?")]).await.unwrap().is_empty());
        let future = Utc::now() + TimeDelta::hours(1);
        ledger.mark_removed(&ids, Utc::now() - TimeDelta::hours(1)).await.unwrap();
        assert!(!replayable(&ledger, &old).await, "not yet");
        ledger.mark_removed(&ids, future).await.unwrap();
        assert!(replayable(&ledger, &old).await);
        assert!(!replayable(&ledger, &new).await);
        assert_eq!(places_of(&ledger).await.len(), 1);
        // By age even what is live goes, once that is asked for.
        assert_eq!(ledger.expire_lake("sales", future, true).await.unwrap(), 1);
        assert_eq!(places_of(&ledger).await.len(), 1);
        assert_eq!(ledger.expire_lake("sales", future, false).await.unwrap(), 1);
        assert!(places_of(&ledger).await.is_empty());
        assert!(kept(&ledger, future).await.is_empty());
        assert_eq!(ledger.expire_lake("sales", future, false).await.unwrap(), 0);
    }
}

/// Whether retention has removed what was written of a file.
async fn replayable(ledger: &Ledger, one: &Registration) -> bool {
    let filter = ReplayFilter { dataset: "sales".into(), ..ReplayFilter::default() };
    let (files, _) = ledger.loaded_files(&filter, None).await.unwrap();
    let found = files.iter().find(|file| file.run.file_id == one.file_id);
    found.expect("a file that is loaded").is_removed
}
