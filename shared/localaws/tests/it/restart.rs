//! What was acknowledged outlives the endpoint, however it ends.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use aws_sdk_sqs::Client;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::client::{Endpoint, bodies, eventually, sqs, system};

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

#[tokio::test]
async fn everything_acknowledged_survives_a_kill_in_full_flight() {
    let data = TempDir::new().unwrap();
    let (mut child, url) = serve(&data);
    let client = sqs(&url);
    let queue = client.create_queue().queue_name("orders").send().await.unwrap().queue_url.unwrap();
    let known = Arc::new(Mutex::new(Known::default()));
    let mut workers = JoinSet::new();
    for worker in 0..4 {
        workers.spawn(send_until_killed(client.clone(), queue.clone(), worker, known.clone()));
    }
    workers.spawn(drain_until_killed(client.clone(), queue, known.clone()));
    eventually(|| async {
        let known = known.lock().unwrap();
        (known.sent.len() >= 200 && known.deleted.len() >= 50).then_some(())
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    workers.join_all().await;

    let endpoint = Endpoint::over(data).await;
    let queue = endpoint.queue("orders", &[]).await;
    let mut survived = HashSet::new();
    loop {
        let received = endpoint.receive(&queue).await;
        if received.is_empty() {
            break;
        }
        survived.extend(received.into_iter().filter_map(|message| message.body));
    }
    let known = known.lock().unwrap();
    let untouched: HashSet<_> = known.sent.difference(&known.deleting).cloned().collect();
    let lost: Vec<_> = untouched.difference(&survived).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let back: Vec<_> = known.deleted.intersection(&survived).collect();
    assert!(back.is_empty(), "deleted and back: {back:?}");
}

/// What the clients were told.
#[derive(Default)]
struct Known {
    sent: HashSet<String>,
    /// Asked to be deleted, answered or not.
    deleting: HashSet<String>,
    deleted: HashSet<String>,
}

async fn send_until_killed(client: Client, queue: String, worker: u32, known: Arc<Mutex<Known>>) {
    for number in 0.. {
        let body = format!("{worker}-{number}");
        let sent = client.send_message().queue_url(&queue).message_body(&body).send().await;
        if sent.is_err() {
            return;
        }
        known.lock().unwrap().sent.insert(body);
    }
}

async fn drain_until_killed(client: Client, queue: String, known: Arc<Mutex<Known>>) {
    loop {
        // Held for no time: after the kill nothing is hidden.
        let receive = client.receive_message().queue_url(&queue).visibility_timeout(0);
        let Ok(received) = receive.send().await else { return };
        for message in received.messages() {
            let body = message.body().unwrap().to_owned();
            known.lock().unwrap().deleting.insert(body.clone());
            let delete = client.delete_message().queue_url(&queue);
            if delete.receipt_handle(message.receipt_handle().unwrap()).send().await.is_err() {
                return;
            }
            known.lock().unwrap().deleted.insert(body);
        }
    }
}

/// An endpoint in a process of its own, and its URL.
fn serve(data: &TempDir) -> (Child, String) {
    let program = example("serve");
    let mut command = Command::new(&program);
    let spawned = command.arg(data.path()).arg("0").stdout(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().to_owned())
}

/// Examples are built together with the tests, into a folder beside theirs.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples").join(name)
}
