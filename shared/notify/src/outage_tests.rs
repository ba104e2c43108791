//! One alert when it begins and one when it is over, however many workers are in
//! it and whatever else is down.

use std::sync::atomic::Ordering;

use millrace_ledger::Announcing;
use tempfile::TempDir;

use super::*;
use crate::fakes::{Inbox, Store, ledger, until};
use crate::{Courier, CourierConfig};

const PACE: Pace = Pace {
    confirm: Duration::from_millis(100),
    settle: Duration::from_millis(100),
    look: Duration::from_millis(80),
    taken: Duration::from_millis(400),
    stale: Duration::from_millis(600),
};

struct World {
    inbox: Arc<Inbox>,
    store: Arc<Store>,
    ledger: Ledger,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let (_folder, ledger) = ledger(Announcing {
            pipeline: "shop".into(),
            events: false,
            alerts: vec![AlertKind::Outage],
        })
        .await;
        Self { inbox: Arc::default(), store: Arc::default(), ledger, _folder }
    }

    fn worker(&self, stage: &str) -> Outages {
        let config = OutageConfig {
            pipeline: "shop".into(),
            stage: stage.into(),
            bucket: "lake".into(),
            key: "_millrace/shop/outage.json".into(),
            markers: self.store.clone(),
            ledger: Arc::new(OnceLock::from(self.ledger.clone())),
            topic: self.inbox.clone(),
        };
        Outages::at_pace(config, PACE)
    }
}

#[tokio::test]
async fn ten_workers_tell_one_beginning_and_one_end() {
    let world = World::new().await;
    let stages = ["ingest", "transform", "load"];
    let workers: Vec<_> = (0..10).map(|number| world.worker(stages[number % 3])).collect();
    for worker in &workers {
        worker.began("db: no answer");
    }
    until("the alert", || !world.inbox.kinds().is_empty()).await;
    sleep(PACE.stale * 2).await;
    assert_eq!(world.inbox.kinds(), ["outage"]);
    let (stragglers, first) = workers.split_at(3);
    for worker in first {
        worker.ended();
    }
    until("its end", || world.inbox.kinds().len() > 1).await;
    sleep(PACE.look * 4).await;
    for worker in stragglers {
        worker.ended();
    }
    sleep(PACE.stale * 2).await;
    assert_eq!(world.inbox.kinds(), ["outage", "recovery"]);
}

#[tokio::test]
async fn what_is_over_at_once_is_not_told() {
    let world = World::new().await;
    let worker = world.worker("load");
    worker.began("db: no answer");
    worker.ended();
    sleep(PACE.confirm * 4).await;
    assert_eq!(world.inbox.kinds(), [""; 0]);
}

#[tokio::test]
async fn a_worker_that_dies_before_it_told_is_replaced() {
    let world = World::new().await;
    world.inbox.refuses.store(true, Ordering::SeqCst);
    let (first, second) = (world.worker("ingest"), world.worker("load"));
    first.began("db: no answer");
    until("an attempt", || world.inbox.attempts.load(Ordering::SeqCst) > 0).await;
    drop(first);
    second.began("db: no answer");
    world.inbox.refuses.store(false, Ordering::SeqCst);
    until("the alert", || !world.inbox.kinds().is_empty()).await;
    second.ended();
    until("its end", || world.inbox.kinds().len() == 2).await;
    assert_eq!(world.inbox.kinds(), ["outage", "recovery"]);
}

#[tokio::test]
async fn an_outage_whose_workers_are_gone_is_ended_by_whoever_comes() {
    let world = World::new().await;
    let worker = world.worker("load");
    worker.began("db: no answer");
    until("the alert", || !world.inbox.kinds().is_empty()).await;
    drop(worker);
    let _next = world.worker("load");
    until("its end", || world.inbox.kinds().len() == 2).await;
    assert_eq!(world.inbox.kinds(), ["outage", "recovery"]);
}

#[tokio::test]
async fn without_the_bucket_the_ledger_keeps_it_at_one() {
    let world = World::new().await;
    world.store.is_down.store(true, Ordering::SeqCst);
    let workers = [world.worker("ingest"), world.worker("transform"), world.worker("load")];
    for worker in &workers {
        worker.began("S3 can't be reached");
    }
    let digest = Duration::from_secs(600);
    let config = CourierConfig {
        pipeline: "shop".into(),
        topic: Some(world.inbox.clone()),
        bus: None,
        digest,
    };
    let courier = Courier::new(world.ledger.clone(), config);
    let running = tokio::spawn(async move { courier.run(std::future::pending()).await });
    until("the alert", || !world.inbox.kinds().is_empty()).await;
    world.store.is_down.store(false, Ordering::SeqCst);
    for worker in &workers {
        worker.ended();
    }
    until("its end", || world.inbox.kinds().len() > 1).await;
    sleep(PACE.stale * 2).await;
    running.abort();
    assert_eq!(world.inbox.kinds(), ["outage", "recovery"]);
}
