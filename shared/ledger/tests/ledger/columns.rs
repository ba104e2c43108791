//! Columns that evolve: one version after the other, and one for each file.

use millrace_contract::{ColumnChange, ColumnDef, DataType, FileId};
use millrace_ledger::{Evolution, Evolving, Ledger, LedgerError, Registration};

use crate::support::{file, object, places};

fn columns(names: &[&str]) -> Vec<ColumnDef> {
    names.iter().map(|name| ColumnDef::new(*name, DataType::Int64)).collect()
}

fn added(column: &str) -> ColumnChange {
    ColumnChange {
        column: column.into(),
        from: None,
        to: DataType::Int64,
        why: "`x` at line 2".into(),
    }
}

async fn registered(ledger: &Ledger, etag: &str) -> Registration {
    let file = file(object(etag, Some(etag)));
    ledger.register(&file).await.unwrap();
    file
}

async fn evolve(
    ledger: &Ledger,
    file: &Registration,
    known: u32,
    columns: &[ColumnDef],
    changes: &[ColumnChange],
) -> Result<Evolving, LedgerError> {
    let Registration { file_id, dataset, contract, .. } = file;
    ledger.evolve_columns(&Evolution { file_id, dataset, contract, known, columns, changes }).await
}

#[tokio::test]
async fn versions_follow_each_other_and_say_who_brought_them() {
    for place in places().await {
        let ledger = place.ledger().await;
        let (first, second) = (registered(&ledger, "01").await, registered(&ledger, "02").await);
        let (dataset, contract) = (&first.dataset, &first.contract);
        assert_eq!(ledger.newest_columns(dataset, contract).await.unwrap(), None);
        assert_eq!(ledger.columns_of(&first.file_id).await.unwrap(), None);
        let one = evolve(&ledger, &first, 0, &columns(&["a"]), &[]).await.unwrap();
        let Evolving::Settled(one) = one else { panic!("{one:?}") };
        assert_eq!((one.version, &one.columns), (1, &columns(&["a"])));
        let two = evolve(&ledger, &second, 1, &columns(&["a", "b"]), &[added("b")]).await.unwrap();
        let Evolving::Settled(two) = two else { panic!("{two:?}") };
        assert_eq!((two.version, &two.file_id), (2, &second.file_id));
        // The files keep theirs, whatever came later.
        assert_eq!(ledger.columns_of(&first.file_id).await.unwrap(), Some(one.clone()));
        assert_eq!(ledger.columns_of(&second.file_id).await.unwrap(), Some(two.clone()));
        assert_eq!(ledger.newest_columns(dataset, contract).await.unwrap(), Some(two.clone()));
        assert_eq!(ledger.column_version(dataset, contract, 1).await.unwrap(), Some(one.clone()));
        assert_eq!(ledger.column_version(dataset, contract, 3).await.unwrap(), None);
        let history = ledger.column_history(Some(dataset), 10).await.unwrap();
        let named = |version| (dataset.clone(), version);
        assert_eq!(history, [named(two.clone()), named(one.clone())]);
        assert_eq!(ledger.column_history(None, 1).await.unwrap(), [named(two)]);
        assert_eq!(ledger.column_history(Some("other"), 10).await.unwrap(), []);
        let runs = ledger.runs(&Default::default()).await.unwrap();
        let said: Vec<_> =
            runs.iter().map(|run| (run.column_version, run.column_changes.clone())).collect();
        assert_eq!(said, [(Some(2), vec![added("b")]), (Some(1), vec![])]);
    }
}

#[tokio::test]
async fn a_file_that_changes_nothing_has_the_newest_version() {
    for place in places().await {
        let ledger = place.ledger().await;
        let (first, second) = (registered(&ledger, "01").await, registered(&ledger, "02").await);
        evolve(&ledger, &first, 0, &columns(&["a"]), &[]).await.unwrap();
        let same = evolve(&ledger, &second, 1, &columns(&["a"]), &[]).await.unwrap();
        let Evolving::Settled(same) = same else { panic!("{same:?}") };
        assert_eq!((same.version, &same.file_id), (1, &first.file_id));
        assert_eq!(ledger.columns_of(&second.file_id).await.unwrap(), Some(same));
    }
}

#[tokio::test]
async fn a_file_is_settled_once_whatever_a_second_attempt_finds() {
    for place in places().await {
        let ledger = place.ledger().await;
        let first = registered(&ledger, "01").await;
        evolve(&ledger, &first, 0, &columns(&["a"]), &[]).await.unwrap();
        for known in [0, 1] {
            let again = evolve(&ledger, &first, known, &columns(&["a", "b"]), &[added("b")]).await;
            let Evolving::Settled(again) = again.unwrap() else { panic!("overtaken") };
            assert_eq!((again.version, again.columns), (1, columns(&["a"])));
        }
    }
}

#[tokio::test]
async fn columns_of_a_file_that_is_unknown_are_refused_and_leave_nothing() {
    for place in places().await {
        let ledger = place.ledger().await;
        let mut stranger = file(object("01", None));
        stranger.file_id = FileId::from_text("nobody");
        let refused = evolve(&ledger, &stranger, 0, &columns(&["a"]), &[]).await;
        assert!(matches!(refused, Err(LedgerError::UnknownFile(_))), "{refused:?}");
        let newest = ledger.newest_columns(&stranger.dataset, &stranger.contract).await;
        assert_eq!(newest.unwrap(), None);
    }
}

#[tokio::test]
async fn files_that_evolve_columns_at_once_converge() {
    for place in places().await {
        let ledger = place.ledger().await;
        let mut evolving = Vec::new();
        for worker in 0..8 {
            let file = registered(&ledger, &format!("{worker:02}")).await;
            let ledger = ledger.clone();
            evolving.push(tokio::spawn(async move {
                let mine = format!("of_{worker}");
                let (mut known, mut list) = (0, Vec::new());
                loop {
                    let names = list.iter().map(String::as_str).chain([mine.as_str()]);
                    let wanted = columns(&names.collect::<Vec<_>>());
                    let changes = [added(&mine)];
                    match evolve(&ledger, &file, known, &wanted, &changes).await.unwrap() {
                        Evolving::Settled(settled) => return settled,
                        Evolving::Overtaken(newer) => {
                            known = newer.version;
                            list = newer.columns.into_iter().map(|column| column.name).collect();
                        }
                    }
                }
            }));
        }
        let mut settled = Vec::new();
        for evolving in evolving {
            settled.push(evolving.await.unwrap());
        }
        settled.sort_by_key(|settled| settled.version);
        let versions: Vec<_> = settled.iter().map(|settled| settled.version).collect();
        assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7, 8]);
        // Each has all that the one before has, and one more.
        for pair in settled.windows(2) {
            assert_eq!(pair[1].columns.len(), pair[0].columns.len() + 1);
            assert_eq!(pair[1].columns[..pair[0].columns.len()], pair[0].columns[..]);
        }
    }
}
