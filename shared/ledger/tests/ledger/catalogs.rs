//! The catalog: written by one at a time, and nothing that changed goes unseen.

use std::time::Duration;

use chrono::Utc;
use millrace_ledger::{CatalogClaim, CatalogClaimed, CatalogFacts, CatalogList, Ledger};

use crate::support::places;

const LEASE: Duration = Duration::from_secs(60);

async fn claim(ledger: &Ledger, message: &str) -> CatalogClaim {
    match ledger.claim_catalog("sales", message, LEASE).await.unwrap() {
        CatalogClaimed::Yes(claim) => claim,
        CatalogClaimed::Joined => panic!("not claimed"),
    }
}

fn list(day: &str, digest: &str) -> CatalogList {
    let at = Utc::now();
    CatalogList {
        id: format!("id-{day}"),
        values: vec![day.into()],
        location: format!("s3://lake/_symlinks/sales/day={day}/"),
        list: digest.into(),
        columns: Some("c".into()),
        objects: 1,
        rows: 2,
        bytes: 3,
        registered_at: at,
        changed_at: at,
    }
}

fn facts<'a>(
    definition: &'a str,
    changed: &'a [CatalogList],
    gone: &'a [String],
) -> CatalogFacts<'a> {
    CatalogFacts { database: "shop", table: "sales", contract: "v", definition, changed, gone }
}

async fn known(ledger: &Ledger) -> Vec<(String, String)> {
    let lists = ledger.catalog_lists("sales").await.unwrap();
    lists.into_iter().map(|list| (list.values.concat(), list.list)).collect()
}

fn pair(day: &str, digest: &str) -> (String, String) {
    (day.to_owned(), digest.to_owned())
}

#[tokio::test]
async fn who_asks_meanwhile_is_seen_and_a_message_that_comes_again_is_let_in() {
    for place in places().await {
        let ledger = place.ledger().await;
        let ours = claim(&ledger, "a").await;
        let joined = ledger.claim_catalog("sales", "b", LEASE).await.unwrap();
        assert_eq!(joined, CatalogClaimed::Joined);
        let done = ledger.complete_catalog(&ours, &facts("d", &[], &[])).await.unwrap();
        assert_eq!(done, Some(true), "somebody asked");
        let ours = claim(&ledger, "a").await;
        let again = claim(&ledger, "a").await;
        assert_eq!((ours.fence, again.fence), (2, 3));
        assert!(!ledger.renew_catalog(&ours, LEASE).await.unwrap());
        assert!(ledger.renew_catalog(&again, LEASE).await.unwrap());
        assert_eq!(ledger.release_catalog(&ours).await.unwrap(), None);
        assert_eq!(ledger.release_catalog(&again).await.unwrap(), Some(false));
    }
}

#[tokio::test]
async fn lists_are_doubted_until_all_is_done_and_who_was_claimed_over_says_nothing() {
    for place in places().await {
        let ledger = place.ledger().await;
        assert!(ledger.catalog().await.unwrap().is_empty());
        let days: Vec<CatalogList> =
            (0..100).map(|day| list(&format!("{day:03}"), "one")).collect();
        let ours = claim(&ledger, "a").await;
        assert!(ledger.doubt_lists(&ours, &days).await.unwrap());
        assert!(ledger.catalog().await.unwrap().is_empty(), "nothing is registered yet");
        assert_eq!(known(&ledger).await[7], pair("007", ""));
        assert_eq!(
            ledger.complete_catalog(&ours, &facts("d", &days, &[])).await.unwrap(),
            Some(false)
        );
        assert_eq!(known(&ledger).await[7], pair("007", "one"));
        let dead = claim(&ledger, "b").await;
        let ours = claim(&ledger, "b").await;
        assert!(!ledger.doubt_lists(&dead, &days).await.unwrap());
        assert_eq!(ledger.complete_catalog(&dead, &facts("x", &[], &[])).await.unwrap(), None);
        let gone: Vec<String> = days[2..].iter().map(|list| list.id.clone()).collect();
        let changed = [list("001", "two")];
        ledger.complete_catalog(&ours, &facts("e", &changed, &gone)).await.unwrap();
        assert_eq!(known(&ledger).await, [pair("000", "one"), pair("001", "two")]);
        let found = ledger.catalog_lists("sales").await.unwrap();
        assert_eq!((found[0].objects, found[0].rows, found[0].bytes), (1, 2, 3));
        let record = ledger.catalog().await.unwrap().remove(0);
        assert_eq!((record.definition.as_str(), record.definitions), ("e", 2));
        assert!(record.registered_at <= record.changed_at);
        ledger.doubt_catalog("sales").await.unwrap();
        assert_eq!(known(&ledger).await, [pair("000", ""), pair("001", "")]);
    }
}
