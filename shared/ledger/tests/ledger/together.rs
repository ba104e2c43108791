//! Entries that come at the same time share a transaction, and nothing else.

use std::time::Duration;

use chrono::Utc;
use millrace_contract::StageName;
use millrace_ledger::{FileState, Hop, Ledger, LedgerError, Registered, Registration};

use crate::connecting::futures_all;
use crate::support::{file, object, places};

fn numbered(number: usize) -> Registration {
    let mut object = object("e1", Some("01"));
    object.key = format!("in/{number:03}.csv");
    file(object)
}

async fn states(ledger: &Ledger) -> Vec<FileState> {
    let runs = ledger.runs(&Default::default()).await.unwrap();
    runs.iter().map(|run| run.state).collect()
}

#[tokio::test]
async fn registrations_that_come_at_once_are_each_answered() {
    for place in places().await {
        let ledgers = [place.ledger().await, place.ledger().await];
        let registering = (0..120).map(|n| {
            // Every file twice, once by each of two workers.
            let (ledger, file) = (ledgers[n % 2].clone(), numbered(n / 2));
            tokio::spawn(async move { ledger.register(&file).await.unwrap() })
        });
        let mut new = 0;
        for registered in futures_all(registering).await {
            match registered {
                Registered::New => new += 1,
                Registered::Known { state: FileState::Registered } => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(new, 60);
        assert_eq!(states(&ledgers[0]).await, [FileState::Registered; 60]);
    }
}

#[tokio::test]
async fn versions_of_one_key_that_come_at_once_are_judged_one_after_the_other() {
    for place in places().await {
        let ledger = place.ledger().await;
        let registering = (0..40).map(|n| {
            let ledger = ledger.clone();
            let version = file(object(&format!("e{n}"), Some(&format!("{n:02}"))));
            tokio::spawn(async move { ledger.register(&version).await.unwrap() })
        });
        for registered in futures_all(registering).await {
            let expected = matches!(registered, Registered::New | Registered::Superseded { .. });
            assert!(expected, "{registered:?}");
        }
        let late = ledger.register(&file(object("late", Some("00")))).await.unwrap();
        let newest = file(object("e39", Some("39"))).file_id;
        assert_eq!(late, Registered::Superseded { by: newest });
    }
}

#[tokio::test]
async fn an_entry_that_fails_takes_no_other_with_it() {
    for place in places().await {
        let ledger = place.ledger().await;
        for number in (0..40).filter(|number| number % 4 != 0) {
            ledger.register(&numbered(number)).await.unwrap();
        }
        let loading = (0..40).map(|number| {
            let (ledger, file_id) = (ledger.clone(), numbered(number).file_id);
            tokio::spawn(async move { ledger.loaded(&file_id, 7, Duration::ZERO).await })
        });
        for (number, loaded) in futures_all(loading).await.into_iter().enumerate() {
            match loaded {
                Ok(()) => assert_ne!(number % 4, 0),
                Err(LedgerError::UnknownFile(_)) => assert_eq!(number % 4, 0),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(states(&ledger).await, [FileState::Loaded; 30]);
    }
}

#[tokio::test]
async fn an_entry_that_the_database_refuses_fails_alone() {
    for place in places().await {
        let ledger = place.ledger().await;
        let refused = "CREATE UNIQUE INDEX one_each ON millrace_hops (file_id)";
        place.database.execute(refused, &[]).await.unwrap();
        let hopping = (0..40).map(|number: usize| {
            // The first four are of one file.
            let (ledger, file_id) = (ledger.clone(), numbered(number.max(3)).file_id);
            tokio::spawn(async move {
                let hop = Hop {
                    file_id: &file_id,
                    stage: StageName::Load,
                    attempt: 1,
                    started_at: Utc::now(),
                    duration: Duration::ZERO,
                    outcome: "loaded",
                    detail: None,
                };
                ledger.hop(&hop).await
            })
        });
        let hopped = futures_all(hopping).await;
        let refused = hopped.iter().filter(|ended| ended.is_err()).count();
        assert_eq!(refused, 3);
    }
}
