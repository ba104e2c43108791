//! Files that are loaded again on purpose: their rows are there once, whatever
//! is asked for, in whatever order, and whoever was faster.

use millrace_contract::{ContractVersion, FileId, LoadMode, Replay};
use millrace_retry::{Classify, FailureClass};
use millrace_warehouse::{LoadError, Loaded};

use crate::support::{File, fresh, people, places};

fn file(rows: &[(i64, &str)]) -> File {
    File::new("people", vec![people(rows)]).version("a", "01")
}

/// All rows of `of`, gone through again under a contract for the `time`th time.
fn whole(of: &File, rows: &[(i64, &str)], contract: &str, time: u64) -> File {
    replay(of, rows, contract, time, Replay::Whole { of: of.task.file_id.clone() })
}

/// Rows that were rejected of `from`, to be added to those of `of`.
fn mended(of: &File, from: &File, rows: &[(i64, &str)], contract: &str) -> File {
    let (of_id, from) = (of.task.file_id.clone(), from.task.file_id.clone());
    replay(of, rows, contract, 1, Replay::Rejects { of: of_id, from, key: "k".into() })
}

fn replay(of: &File, rows: &[(i64, &str)], contract: &str, time: u64, replay: Replay) -> File {
    let mut file = File { batches: vec![people(rows)], ..of.clone() };
    file.task.balance.read = rows.len() as u64;
    file.task.balance.written = rows.len() as u64;
    file.task.contract = ContractVersion::from_text(contract);
    file.task.file_id = FileId::of_replay(&replay, &file.task.contract, time);
    file.task.replay = Some(replay);
    file
}

#[tokio::test]
async fn rejected_rows_are_added_once_under_whatever_contract() {
    for place in places().await {
        let first = file(&[(1, "ann")]);
        first.load_into(&place.warehouse).await.unwrap();
        let under_two = mended(&first, &first, &[(2, "bob")], "c2");
        assert_eq!(under_two.load_into(&place.warehouse).await.unwrap(), fresh(1));
        let redelivered = under_two.load_into(&place.warehouse).await.unwrap();
        assert!(matches!(redelivered, Loaded::Already { rows: 1, .. }), "{redelivered:?}");
        let late = mended(&first, &first, &[(2, "bob"), (3, "eve")], "c3");
        let late = late.load_into(&place.warehouse).await.unwrap();
        assert!(matches!(late, Loaded::Already { rows: 1, .. }), "{late:?}");
        // What the first replay could not mend, a second one may.
        let rest = mended(&first, &under_two, &[(3, "eve")], "c3");
        assert_eq!(rest.load_into(&place.warehouse).await.unwrap(), fresh(1));
        assert_eq!(place.column("people", "name").await, ["ann", "bob", "eve"]);
    }
}

#[tokio::test]
async fn all_rows_of_a_version_take_the_place_of_all_it_brought() {
    for place in places().await {
        for mode in [LoadMode::Append, LoadMode::ReplaceFile] {
            let table = format!("people_{}", mode as u8);
            let mut first = file(&[(1, "ann")]).mode(mode);
            first.target.table = table.clone();
            first.load_into(&place.warehouse).await.unwrap();
            let more = mended(&first, &first, &[(2, "bob")], "c2");
            more.load_into(&place.warehouse).await.unwrap();
            let again = whole(&first, &[(1, "ann"), (2, "bob"), (3, "eve")], "c1", 1);
            let loaded = again.load_into(&place.warehouse).await.unwrap();
            assert_eq!(loaded, Loaded::Fresh { rows: 3, replaced: 2 });
            assert_eq!(place.column(&table, "name").await, ["ann", "bob", "eve"]);
            // What was on its way meanwhile comes too late.
            let late = mended(&first, &more, &[(4, "zoe")], "c3");
            let by = again.task.file_id.clone();
            assert_eq!(late.load_into(&place.warehouse).await.unwrap(), Loaded::Superseded { by });
            let once_more = whole(&again, &[(1, "ann")], "c1", 2);
            let loaded = once_more.load_into(&place.warehouse).await.unwrap();
            assert_eq!(loaded, Loaded::Fresh { rows: 1, replaced: 3 });
            assert_eq!(place.column(&table, "name").await, ["ann"]);
        }
    }
}

#[tokio::test]
async fn versions_that_stand_side_by_side_are_loaded_again_each_for_itself() {
    for place in places().await {
        let old = file(&[(1, "old")]);
        let new = file(&[(1, "new")]).version("b", "02");
        for file in [&old, &new] {
            file.load_into(&place.warehouse).await.unwrap();
        }
        let again = whole(&old, &[(1, "old again")], "c1", 1);
        let loaded = again.load_into(&place.warehouse).await.unwrap();
        assert_eq!(loaded, Loaded::Fresh { rows: 1, replaced: 1 });
        assert_eq!(place.column("people", "name").await, ["new", "old again"]);
    }
}

#[tokio::test]
async fn a_version_that_was_replaced_is_not_brought_back() {
    for place in places().await {
        let old = file(&[(1, "old")]).mode(LoadMode::ReplaceFile);
        let new = file(&[(1, "new")]).version("b", "02").mode(LoadMode::ReplaceFile);
        for file in [&old, &new] {
            file.load_into(&place.warehouse).await.unwrap();
        }
        let by = new.task.file_id.clone();
        for late in [whole(&old, &[(1, "late")], "c1", 1), mended(&old, &old, &[(2, "late")], "c2")]
        {
            let loaded = late.load_into(&place.warehouse).await.unwrap();
            assert_eq!(loaded, Loaded::Superseded { by: by.clone() });
        }
        assert_eq!(place.column("people", "name").await, ["new"]);
    }
}

#[tokio::test]
async fn rejected_rows_are_not_added_to_a_file_that_is_not_there() {
    for place in places().await {
        let first = file(&[(1, "ann")]);
        let apart = mended(&first, &first, &[(2, "bob")], "c2");
        let error = apart.load_into(&place.warehouse).await.unwrap_err();
        assert!(matches!(error, LoadError::Apart { .. }), "{error}");
        assert_eq!(error.class(), FailureClass::Contract);
        // All rows of a file that never made it may be loaded.
        let all = whole(&first, &[(1, "ann"), (2, "bob")], "c2", 1);
        assert_eq!(all.load_into(&place.warehouse).await.unwrap(), fresh(2));
    }
}
