//! What was acknowledged outlives the endpoint. That it does when the endpoint
//! is killed is tested under load, in `sqs_load`.

use crate::client::{Endpoint, bodies, eventually, system};

#[tokio::test]
async fn messages_settings_and_receipts_survive_a_restart() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("Orders", &[("VisibilityTimeout", "600")]).await;
    endpoint.sqs.tag_queue().queue_url(&url).tags("team", "finance").send().await.unwrap();
    endpoint.send(&url, "deleted").await;
    endpoint.send(&url, "held").await;
    endpoint.send(&url, "handed back").await;
    let received = endpoint.receive(&url).await;
    endpoint.delete(&url, &received[0]).await;
    endpoint.hold(&url, &received[2], 0).await.unwrap();
    endpoint.send(&url, "waiting").await;

    let endpoint = endpoint.restart().await;
    let url = endpoint.queue("Orders", &[]).await;
    assert_eq!(endpoint.attribute(&url, "VisibilityTimeout").await.as_deref(), Some("600"));
    let tags = endpoint.sqs.list_queue_tags().queue_url(&url).send().await.unwrap().tags.unwrap();
    assert_eq!(tags["team"], "finance");
    let ready = endpoint.receive(&url).await;
    assert_eq!(bodies(&ready), ["handed back", "waiting"]);
    assert_eq!(system(&ready[0], "ApproximateReceiveCount").as_deref(), Some("2"));
    endpoint.hold(&url, &received[1], 0).await.expect("an older receipt still holds");
    assert_eq!(bodies(&endpoint.receive(&url).await), ["held"]);
}

#[tokio::test]
async fn a_held_message_comes_back_after_a_restart_when_its_time_has_come() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[("VisibilityTimeout", "1")]).await;
    endpoint.send(&url, "a").await;
    assert_eq!(endpoint.receive(&url).await.len(), 1);
    let endpoint = endpoint.restart().await;
    let url = endpoint.queue("orders", &[]).await;
    let again = eventually(|| async { endpoint.receive_for(&url, 1).await.pop() }).await;
    assert_eq!(system(&again, "ApproximateReceiveCount").as_deref(), Some("2"));
}

#[tokio::test]
async fn a_deleted_or_purged_queue_stays_so() {
    let endpoint = Endpoint::start().await;
    let (deleted, purged) = (endpoint.queue("a", &[]).await, endpoint.queue("b", &[]).await);
    endpoint.send(&deleted, "x").await;
    endpoint.send(&purged, "x").await;
    endpoint.sqs.delete_queue().queue_url(&deleted).send().await.unwrap();
    endpoint.sqs.purge_queue().queue_url(&purged).send().await.unwrap();
    let endpoint = endpoint.restart().await;
    let urls = endpoint.sqs.list_queues().send().await.unwrap().queue_urls.unwrap();
    assert_eq!(urls.len(), 1);
    assert!(urls[0].ends_with("/b"), "{urls:?}");
    assert!(endpoint.receive(&urls[0]).await.is_empty());
}

#[tokio::test]
async fn a_record_cut_short_does_not_hide_the_whole_ones() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    endpoint.send(&url, "whole").await;
    endpoint.send(&url, "cut").await;
    endpoint.server.stop().await;
    let journal = endpoint.data.path().join("sqs/orders/0000000001.log");
    let length = std::fs::metadata(&journal).unwrap().len();
    let file = std::fs::OpenOptions::new().write(true).open(&journal).unwrap();
    file.set_len(length - 1).unwrap();

    let endpoint = Endpoint::over(endpoint.data).await;
    let url = endpoint.queue("orders", &[]).await;
    endpoint.send(&url, "after").await;
    let endpoint = endpoint.restart().await;
    let url = endpoint.queue("orders", &[]).await;
    assert_eq!(bodies(&endpoint.receive(&url).await), ["whole", "after"]);
}
