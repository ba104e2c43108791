//! What is told of datasets whose files come in time, late, and not at all.

use std::sync::Arc;

use millrace_contract::{ContractVersion, FileId, ObjectVersion};
use millrace_ledger::{Announcing, Registration};
use tempfile::TempDir;

use super::*;
use crate::fakes::{Inbox, ledger};
use crate::{Courier, CourierConfig};

/// A ledger with a dataset that is expected daily by 7 o'clock in London, and what
/// is told of it.
struct Desk {
    _folder: TempDir,
    ledger: Ledger,
    inbox: Arc<Inbox>,
    /// Three workers.
    workers: [Lateness; 3],
}

impl Desk {
    async fn open() -> Self {
        let alerts = AlertKind::ALL.into();
        let (folder, ledger) =
            ledger(Announcing { pipeline: "shop".into(), events: false, alerts }).await;
        let daily = Expected::parse("cron(0 7 * * ? *)", chrono_tz::Europe::London).expect("valid");
        let worker = || Lateness::new(ledger.clone(), [("orders".to_owned(), daily.clone())]);
        let workers = [worker(), worker(), worker()];
        Self { _folder: folder, ledger, inbox: Arc::default(), workers }
    }

    /// All workers look at a time; answers the subjects of what is told then.
    async fn look(&self, now: &str) -> Vec<String> {
        let before = self.inbox.subjects().len();
        for worker in &self.workers {
            worker.check(at(now)).await.expect("checked");
        }
        let config = CourierConfig {
            pipeline: "shop".into(),
            topic: Some(self.inbox.clone()),
            bus: None,
            digest: Duration::ZERO,
        };
        Courier::new(self.ledger.clone(), config).tell().await;
        self.inbox.subjects().split_off(before)
    }

    /// A file is loaded, now by the clock of this machine.
    async fn load(&self, key: &str) -> DateTime<Utc> {
        let object = ObjectVersion {
            bucket: "raw".into(),
            key: key.into(),
            version_id: None,
            etag: "e".into(),
            sequencer: None,
            size: None,
        };
        let contract = ContractVersion::from_text("c");
        let file = Registration {
            file_id: FileId::of("orders", &object, &contract),
            dataset: "orders".into(),
            contract,
            object,
            captures: Default::default(),
            trace_id: "t".into(),
        };
        self.ledger.register(&file).await.expect("registered");
        self.ledger.loaded(&file.file_id, 1, Duration::ZERO).await.expect("loaded");
        self.ledger.newest_load("orders").await.expect("asked").expect("a load")
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

#[tokio::test]
async fn a_missed_time_is_told_once_by_all_workers_and_its_end_too() {
    let desk = Desk::open().await;
    // Before the first time that was expected of it, nothing is late.
    assert!(desk.look("2020-03-27T12:00:00Z").await.is_empty());
    assert!(desk.look("2020-03-28T06:59:59Z").await.is_empty());
    assert_eq!(desk.look("2020-03-28T07:00:00Z").await, ["shop: no new files of orders"]);
    assert!(desk.look("2020-03-28T12:00:00Z").await.is_empty(), "that is told");
    // The next day, by the summer time that began in the night.
    assert!(desk.look("2020-03-29T05:59:59Z").await.is_empty());
    assert_eq!(desk.look("2020-03-29T06:00:00Z").await, ["shop: no new files of orders"]);
    let standing = desk.workers[0].standings(at("2020-03-29T08:00:00Z")).await.expect("asked");
    let late = standing[0].late.expect("late");
    assert_eq!((late.since, late.missed), (at("2020-03-28T07:00:00Z"), at("2020-03-29T06:00:00Z")));
    assert_eq!(standing[0].next, Some(at("2020-03-30T06:00:00Z")));

    let loaded = desk.load("a.csv").await;
    let told = desk.look(&loaded.to_rfc3339()).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("shop: orders has new files again, late by "), "{told:?}");
    assert_eq!(desk.inbox.kinds(), ["late_dataset", "late_dataset", "recovery"]);
    assert!(desk.look(&loaded.to_rfc3339()).await.is_empty());
    let standing = desk.workers[0].standings(loaded).await.expect("asked");
    assert_eq!((standing[0].late, standing[0].newest), (None, Some(loaded)));
}

#[tokio::test]
async fn files_that_come_in_time_are_not_worth_a_word() {
    let desk = Desk::open().await;
    let now = Utc::now();
    assert!(desk.look(&(now - chrono::TimeDelta::days(3)).to_rfc3339()).await.is_empty());
    let loaded = desk.load("a.csv").await;
    let daily = &desk.workers[0].datasets[0].1;
    let next = daily.next(loaded).expect("a time");
    assert!(desk.look(&next.to_rfc3339()).await.is_empty());
    let after = daily.next(next).expect("a time");
    assert_eq!(desk.look(&after.to_rfc3339()).await, ["shop: no new files of orders"]);
}

#[tokio::test]
async fn who_expects_something_else_begins_anew() {
    let desk = Desk::open().await;
    desk.look("2020-01-01T00:00:00Z").await;
    assert_eq!(desk.look("2020-01-02T12:00:00Z").await.len(), 1);
    let hourly = Expected::parse("rate(1 hour)", chrono_tz::UTC).expect("valid");
    let worker = Lateness::new(desk.ledger.clone(), [("orders".to_owned(), hourly)]);
    worker.check(at("2020-01-02T12:30:00Z")).await.expect("checked");
    let late = async |now| worker.standings(at(now)).await.expect("asked")[0].late;
    assert_eq!(late("2020-01-02T12:59:00Z").await, None);
    let since = late("2020-01-02T13:00:00Z").await.expect("late").since;
    assert_eq!(since, at("2020-01-02T13:00:00Z"));
}
