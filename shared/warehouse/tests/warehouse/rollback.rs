//! Whatever goes wrong, nothing of the file stays.

use futures::StreamExt;
use futures::stream;
use millrace_ledger::{DatabaseError, Dialect};
use millrace_retry::{Classify, FailureClass};
use millrace_warehouse::{LoadError, Loaded, SourceError};
use thiserror::Error;

use crate::support::{File, Lease, Place, fresh, people, places};

#[derive(Debug, Error)]
#[error("the lake is away")]
struct Away;

impl Classify for Away {
    fn class(&self) -> FailureClass {
        FailureClass::Outage
    }
}

/// Neither rows nor table nor record, but for MySQL, which keeps the empty table;
/// and the next attempt succeeds.
async fn nothing_is_left(place: &Place, file: &File) {
    assert_eq!(place.count("millrace_loads").await, 0);
    let missing: Result<_, DatabaseError> =
        place.database.fetch_all("SELECT COUNT(*) FROM people", &[]).await;
    match place.database.dialect() {
        Dialect::MySql => assert_eq!(place.count("people").await, 0),
        Dialect::Postgres | Dialect::Sqlite => {
            assert!(missing.is_err(), "the table was left behind");
        }
    }
    let loaded = file.load_into(&place.warehouse).await.unwrap();
    assert_eq!(loaded, fresh(file.task.balance.written));
}

fn three_batches() -> File {
    File::new("people", vec![people(&[(1, "a")]), people(&[(2, "b")]), people(&[(3, "c")])])
}

#[tokio::test]
async fn a_source_that_breaks_in_the_middle_leaves_nothing() {
    for place in places().await {
        let file = three_batches();
        let broken = stream::iter([
            Ok(people(&[(1, "a")])),
            Ok(people(&[(2, "b")])),
            Err(SourceError::new(Away)),
        ]);
        let error = file
            .load_stream(&place.warehouse, broken.boxed(), &Lease(true))
            .await
            .expect_err("broken");
        assert_eq!(error.class(), FailureClass::Outage);
        assert_eq!(error.to_string(), "the lake is away");
        nothing_is_left(&place, &file).await;
    }
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_does_not_commit() {
    for place in places().await {
        let file = three_batches();
        let error = file.load_guarded(&place.warehouse, &Lease(false)).await.expect_err("no lease");
        assert!(matches!(error, LoadError::LeaseLost), "{error}");
        assert_eq!(error.class(), FailureClass::Transient);
        nothing_is_left(&place, &file).await;
    }
}

#[tokio::test]
async fn rows_that_do_not_add_up_are_not_committed() {
    for place in places().await {
        for written in [2, 4] {
            let mut file = three_batches();
            file.task.balance.written = written;
            let error = file.load_into(&place.warehouse).await.expect_err("unbalanced");
            assert!(matches!(error, LoadError::Unbalanced { sent: 3, .. }), "{error}");
            assert_eq!(place.count("millrace_loads").await, 0);
        }
        nothing_is_left(&place, &three_batches()).await;
    }
}

#[tokio::test]
async fn batches_of_another_shape_are_refused() {
    for place in places().await {
        let file = three_batches();
        let other = people(&[(1, "a")]).project(&[1, 0]).unwrap();
        let mixed = stream::iter([Ok(people(&[(1, "a")])), Ok(other)]);
        let error = file
            .load_stream(&place.warehouse, mixed.boxed(), &Lease(true))
            .await
            .expect_err("another shape");
        assert!(matches!(error, LoadError::Shape { .. }), "{error}");
        nothing_is_left(&place, &file).await;
    }
}

#[tokio::test]
async fn a_load_that_is_dropped_half_way_leaves_nothing_and_frees_its_connection() {
    for place in places().await {
        let file = three_batches();
        // More often than there are connections.
        for _ in 0..12 {
            let (asked, mut was_asked) = tokio::sync::mpsc::channel::<()>(1);
            let stalled = stream::iter([Ok(people(&[(1, "a")]))]).chain(stream::once(async move {
                asked.send(()).await.expect("somebody waits");
                std::future::pending().await
            }));
            let load = file.load_stream(&place.warehouse, stalled.boxed(), &Lease(true));
            tokio::select! {
                ended = load => panic!("{ended:?}"),
                _ = was_asked.recv() => {}
            }
        }
        nothing_is_left(&place, &file).await;
    }
}

#[tokio::test]
async fn a_file_without_rows_is_committed_all_the_same() {
    for place in places().await {
        let file = File::new("people", vec![people(&[])]);
        assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(0));
        let again = file.load_into(&place.warehouse).await.unwrap();
        assert!(matches!(again, Loaded::Already { rows: 0, .. }));
        assert_eq!(place.count("people").await, 0);
    }
}
