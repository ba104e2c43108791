//! What is written down reaches topic and bus, whatever they answer at first.

use std::sync::atomic::Ordering;

use millrace_contract::{FileId, ObjectVersion, StageName};
use millrace_ledger::{Announcing, FailureRecord};
use millrace_retry::FailureClass;

use super::*;
use crate::fakes::{Inbox, ledger, until};

fn everything() -> Announcing {
    let alerts = millrace_contract::AlertKind::ALL.into();
    Announcing { pipeline: "shop".into(), events: true, alerts }
}

fn rejected(number: u32) -> FailureRecord {
    FailureRecord {
        queue: "shop-transform".into(),
        message_id: format!("m{number}"),
        class: FailureClass::Contract,
        message: "2 of 3 rows".into(),
        fingerprint: "f".into(),
        stage: StageName::Transform,
        dataset: Some("orders".into()),
        file_id: Some(FileId::from_text(format!("f{number}"))),
        object: Some(ObjectVersion {
            bucket: "raw".into(),
            key: format!("{number}.csv"),
            version_id: None,
            etag: "e".into(),
            sequencer: None,
            size: None,
        }),
        receive_count: 1,
        first_seen: Utc::now(),
        last_seen: Utc::now(),
        trace_id: None,
        rejects_key: None,
        body: "{}".into(),
        redrive_of: None,
    }
}

fn courier(ledger: &Ledger, inbox: &Arc<Inbox>, digest: Duration) -> Courier {
    let config = CourierConfig {
        pipeline: "shop".into(),
        topic: Some(inbox.clone()),
        bus: Some(inbox.clone()),
        digest,
    };
    Courier::new(ledger.clone(), config)
}

#[tokio::test]
async fn a_thousand_bad_files_are_one_alert_and_a_digest_for_all_workers() {
    let (_folder, ledger) = ledger(everything()).await;
    let inbox = Arc::new(Inbox::default());
    let digest = Duration::from_secs(2);
    let couriers = [1, 2, 3].map(|_| courier(&ledger, &inbox, digest));
    ledger.record_failure(&rejected(0)).await.expect("recorded");
    for courier in &couriers {
        courier.tell().await;
    }
    assert_eq!(inbox.subjects(), ["shop: 1 file of orders rejected"]);
    for number in 1..1_000 {
        ledger.record_failure(&rejected(number)).await.expect("recorded");
    }
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while inbox.subjects().len() < 2 {
        assert!(std::time::Instant::now() < deadline, "there is no digest");
        futures::future::join_all(couriers.iter().map(Courier::tell)).await;
    }
    let told: u64 = 999;
    assert_eq!(inbox.subjects()[1], format!("shop: {told} more files of orders rejected"));
    let mut events: Vec<_> = inbox.events().into_iter().map(|event| event.detail).collect();
    assert_eq!(events.len(), 1_000);
    events.sort_unstable();
    events.dedup();
    assert_eq!(events.len(), 1_000, "none was sent twice");
}

#[tokio::test]
async fn what_is_refused_is_tried_again_and_what_was_taken_is_not() {
    let (_folder, ledger) = ledger(everything()).await;
    let inbox = Arc::new(Inbox::default());
    let courier = courier(&ledger, &inbox, Duration::from_secs(600));
    for number in 0..6 {
        ledger.record_failure(&rejected(number)).await.expect("recorded");
    }
    inbox.refuses.store(true, Ordering::SeqCst);
    courier.tell().await;
    assert_eq!((inbox.events().len(), inbox.subjects().len()), (4, 0));
    inbox.refuses.store(false, Ordering::SeqCst);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while inbox.events().len() < 6 || inbox.subjects().is_empty() {
        assert!(std::time::Instant::now() < deadline, "{:?}", inbox.events());
        courier.tell().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(inbox.subjects(), ["shop: 6 files of orders rejected"]);
    assert_eq!(inbox.events().len(), 6);
}

#[tokio::test]
async fn a_courier_hears_of_what_is_written_and_tells_the_rest_before_it_stops() {
    let (_folder, ledger) = ledger(everything()).await;
    let inbox = Arc::new(Inbox::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn({
        let courier = courier(&ledger, &inbox, Duration::from_secs(600));
        async move { courier.run(async { drop(stopped.await) }).await }
    });
    ledger.record_failure(&rejected(0)).await.expect("recorded");
    until("the alert", || inbox.subjects().len() == 1).await;
    ledger.record_failure(&rejected(1)).await.expect("recorded");
    drop(stop);
    running.await.expect("stops");
    assert_eq!(inbox.events().len(), 2, "the digest is not due, the event is");
    assert_eq!(inbox.subjects().len(), 1);
}
