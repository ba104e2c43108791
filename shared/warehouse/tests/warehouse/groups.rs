//! Small files that share a transaction: each has its own record and its own
//! verdict, and none takes another with it.

use millrace_contract::LoadMode;
use millrace_warehouse::{CommitGuard, LoadError, LoadPlan, Loaded, SmallFile, Warehouse};

use crate::support::{File, Lease, Place, fresh, lineage, people, places};

fn plan(file: &File) -> LoadPlan<'_> {
    LoadPlan {
        task: &file.task,
        target: &file.target,
        schema: file.schema(),
        columns: &file.columns,
        mode: file.schema_mode,
        description: None,
    }
}

async fn load(warehouse: &Warehouse, files: &[File]) -> Vec<Result<Loaded, LoadError>> {
    let held: Vec<_> = files.iter().map(|file| (file, true)).collect();
    load_leased(warehouse, &held).await
}

async fn load_leased(
    warehouse: &Warehouse,
    files: &[(&File, bool)],
) -> Vec<Result<Loaded, LoadError>> {
    let leases: Vec<_> = files.iter().map(|(_, held)| Lease(*held)).collect();
    let files = files.iter().zip(&leases).map(|((file, _), lease)| {
        let guard: &dyn CommitGuard = lease;
        SmallFile { plan: plan(file), rows: &file.batches, guard }
    });
    warehouse.load_together(&files.collect::<Vec<_>>()).await
}

/// A file of one person.
fn file(key: &str, id: i64, name: &str) -> File {
    File::new("people", vec![people(&[(id, name)])]).key(key)
}

async fn records(place: &Place) -> Vec<String> {
    place.column("millrace_loads", "object_key").await
}

#[tokio::test]
async fn each_file_of_a_group_has_its_own_record_and_load_id() {
    for place in places().await {
        let files: Vec<_> = (0..20).map(|n| file(&format!("in/{n:02}"), n, "x")).collect();
        for answer in load(&place.warehouse, &files).await {
            assert_eq!(answer.unwrap(), fresh(1));
        }
        assert_eq!(place.count("people").await, 20);
        assert_eq!(records(&place).await.len(), 20);
        let (carried, recorded) = lineage(&place, "people").await;
        assert_eq!(carried, recorded);
        assert_eq!(carried.len(), 20);
    }
}

#[tokio::test]
async fn a_file_of_a_group_that_is_there_already_is_not_loaded_twice() {
    for place in places().await {
        let files = [file("in/a", 1, "ann"), file("in/b", 2, "bob"), file("in/c", 3, "zoe")];
        files[1].load_into(&place.warehouse).await.unwrap();
        // The third is there twice, as a duplicated event has it.
        let group = [files[0].clone(), files[1].clone(), files[2].clone(), files[2].clone()];
        let answers = load(&place.another().await, &group).await;
        assert!(matches!(answers[0], Ok(Loaded::Fresh { rows: 1, .. })), "{answers:?}");
        assert!(matches!(answers[1], Ok(Loaded::Already { rows: 1, .. })), "{answers:?}");
        assert!(matches!(answers[2], Ok(Loaded::Fresh { rows: 1, .. })), "{answers:?}");
        assert!(matches!(answers[3], Ok(Loaded::Already { rows: 1, .. })), "{answers:?}");
        assert_eq!(place.column("people", "name").await, ["ann", "bob", "zoe"]);
        let again = load(&place.warehouse, &group).await;
        assert!(again.iter().all(|answer| matches!(answer, Ok(Loaded::Already { .. }))));
        assert_eq!(place.count("people").await, 3);
    }
}

#[tokio::test]
async fn versions_of_one_key_in_a_group_go_by_their_sequencer() {
    for place in places().await {
        for mode in [LoadMode::Append, LoadMode::ReplaceFile] {
            let table = format!("people_{}", mode as u8);
            let version = |name: &str, sequencer: &str| {
                let file = File::new(&table, vec![people(&[(1, name)])]).mode(mode);
                file.version(sequencer, sequencer)
            };
            let other = File::new(&table, vec![people(&[(2, "other")])]).mode(mode).key("in/b");
            let group = [version("three", "03"), version("one", "01"), other, version("two", "02")];
            for answer in load(&place.warehouse, &group).await {
                assert!(matches!(answer, Ok(Loaded::Fresh { rows: 1, .. })), "{answer:?}");
            }
            let names = place.column(&table, "name").await;
            match mode {
                LoadMode::Append => assert_eq!(names, ["one", "other", "three", "two"]),
                LoadMode::ReplaceFile => assert_eq!(names, ["other", "three"]),
                LoadMode::ReplaceTable | LoadMode::Upsert | LoadMode::Merge => unreachable!(),
            }
            let late = load(&place.warehouse, &[version("old", "00"), version("x", "01")]).await;
            assert!(matches!(late[0], Ok(Loaded::Superseded { .. })), "{late:?}");
            assert!(matches!(late[1], Ok(Loaded::Already { .. } | Loaded::Superseded { .. })));
        }
    }
}

#[tokio::test]
async fn a_lost_lease_takes_its_file_out_and_the_rest_commits() {
    for place in places().await {
        let files = [file("in/a", 1, "ann"), file("in/b", 2, "bob"), file("in/c", 3, "zoe")];
        let leased = [(&files[0], true), (&files[1], false), (&files[2], true)];
        let answers = load_leased(&place.warehouse, &leased).await;
        assert_eq!(answers[0].as_ref().unwrap(), &fresh(1));
        assert!(matches!(answers[1], Err(LoadError::LeaseLost)), "{answers:?}");
        assert_eq!(answers[2].as_ref().unwrap(), &fresh(1));
        assert_eq!(place.column("people", "name").await, ["ann", "zoe"]);
        assert_eq!(records(&place).await, ["in/a", "in/c"]);
        assert_eq!(files[1].load_into(&place.warehouse).await.unwrap(), fresh(1));
    }
}

#[tokio::test]
async fn a_file_that_the_database_refuses_fails_alone() {
    for place in places().await {
        file("in/0", 0, "first").load_into(&place.warehouse).await.unwrap();
        place.run("CREATE UNIQUE INDEX one_of_each ON people (id)").await;
        let unbalanced = {
            let mut file = file("in/d", 4, "dan");
            file.task.balance.written = 2;
            file
        };
        let files =
            [file("in/a", 1, "ann"), file("in/b", 0, "again"), unbalanced, file("in/c", 3, "zoe")];
        let answers = load(&place.warehouse, &files).await;
        assert_eq!(answers[0].as_ref().unwrap(), &fresh(1));
        assert!(matches!(answers[1], Err(LoadError::Database { .. })), "{answers:?}");
        assert!(matches!(answers[2], Err(LoadError::Unbalanced { sent: 1, written: 2 })));
        assert_eq!(answers[3].as_ref().unwrap(), &fresh(1));
        assert_eq!(place.column("people", "name").await, ["ann", "first", "zoe"]);
        assert_eq!(records(&place).await, ["in/0", "in/a", "in/c"]);
    }
}

#[tokio::test]
async fn workers_with_overlapping_groups_load_every_file_once() {
    for place in places().await {
        let other = place.another().await;
        let files: Vec<_> = (0..30).map(|n| file(&format!("in/{n:02}"), n, "x")).collect();
        let loads = (0..6).map(|worker: usize| {
            let warehouse =
                if worker.is_multiple_of(2) { place.warehouse.clone() } else { other.clone() };
            let mut group = files[worker * 3..worker * 3 + 15].to_vec();
            if worker.is_multiple_of(3) {
                group.reverse();
            }
            tokio::spawn(async move { load(&warehouse, &group).await })
        });
        let mut loaded = 0;
        for ended in futures::future::join_all(loads).await {
            for answer in ended.unwrap() {
                match answer.unwrap() {
                    Loaded::Fresh { rows: 1, replaced: 0 } => loaded += 1,
                    Loaded::Already { rows: 1, .. } => {}
                    unexpected => panic!("{unexpected:?}"),
                }
            }
        }
        assert_eq!(loaded, 30);
        assert_eq!(place.count("people").await, 30);
        assert_eq!(records(&place).await.len(), 30);
    }
}
