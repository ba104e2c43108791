//! What the lake holds of a dataset.

use std::time::Duration;

use millrace_contract::FileId;
use millrace_ledger::{Ledger, Registration, Transformed};

use crate::support::{file, load_task, object, places, under};

async fn transformed(ledger: &Ledger, file: &Registration) {
    ledger.register(file).await.unwrap();
    let task = load_task(file);
    let done = Transformed { task: &task, rejects: &[], warnings: &[], duration: Duration::ZERO };
    ledger.transformed(&done).await.unwrap();
}

async fn live(ledger: &Ledger) -> Vec<FileId> {
    let (tasks, next) = ledger.live_files("sales", None).await.unwrap();
    assert_eq!(next, None);
    tasks.into_iter().map(|task| task.file_id).collect()
}

fn ids(files: &[&Registration]) -> Vec<FileId> {
    files.iter().map(|file| file.file_id.clone()).collect()
}

#[tokio::test]
async fn the_newest_version_of_a_key_that_was_transformed_is_live() {
    for place in places().await {
        let ledger = place.ledger().await;
        assert!(live(&ledger).await.is_empty());
        let first = file(object("e1", Some("01")));
        transformed(&ledger, &first).await;
        ledger.loaded(&first.file_id, 7, Duration::ZERO).await.unwrap();
        assert_eq!(live(&ledger).await, ids(&[&first]));
        // A newer one counts from when it is transformed, under any contract.
        let second = under(object("e2", Some("02")), "c2");
        ledger.register(&second).await.unwrap();
        assert_eq!(live(&ledger).await, ids(&[&first]));
        transformed(&ledger, &second).await;
        assert_eq!(live(&ledger).await, ids(&[&second]));
        let mut other = file(object("e3", Some("01")));
        other.object.key = "in/b.csv".into();
        other.file_id = FileId::from_text("b");
        transformed(&ledger, &other).await;
        assert_eq!(live(&ledger).await, ids(&[&second, &other]));
        ledger.superseded(&second.file_id, None, "gone").await.unwrap();
        assert_eq!(live(&ledger).await, ids(&[&first, &other]));
        assert!(ledger.live_files("others", None).await.unwrap().0.is_empty());
    }
}

#[tokio::test]
async fn many_live_files_come_page_by_page() {
    let place = places().await.remove(0);
    let ledger = place.ledger().await;
    for number in 0..501 {
        let mut one = file(object("e", None));
        one.object.key = format!("in/{number}.csv");
        one.file_id = FileId::from_text(format!("f{number}"));
        transformed(&ledger, &one).await;
    }
    let (first, next) = ledger.live_files("sales", None).await.unwrap();
    let (second, end) = ledger.live_files("sales", next).await.unwrap();
    assert_eq!((first.len(), second.len(), end), (500, 1, None));
    assert_eq!(second[0].file_id, FileId::from_text("f500"));
}
