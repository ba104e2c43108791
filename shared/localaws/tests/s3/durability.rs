//! What was answered is there after a restart, and nothing else is.

use std::fs;
use std::io::Write;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{BUCKET, Endpoint, bytes};

#[tokio::test]
async fn everything_answered_is_there_after_a_restart() {
    let endpoint = Endpoint::versioned().await;
    let first = endpoint.put("k", "1").await.unwrap();
    endpoint.put("k", bytes(700_000)).await;
    endpoint.put("gone", "v").await;
    endpoint.delete("gone").await;
    let endpoint = endpoint.restart().await;
    assert!(endpoint.get("k").await.unwrap() == bytes(700_000));
    assert_eq!(endpoint.get_version("k", &first).await.unwrap(), b"1");
    assert_eq!(endpoint.keys().await, ["k"]);
    let status = endpoint.s3.get_bucket_versioning().bucket(BUCKET).send().await.unwrap();
    assert_eq!(status.status().unwrap().as_str(), "Enabled");
}

#[tokio::test]
async fn files_that_no_object_names_are_removed_at_the_start() {
    let endpoint = Endpoint::start().await;
    endpoint.put("k", "v").await;
    let known = endpoint.content_files();
    let litter = known[0].with_file_name("00000000deadbeef");
    fs::write(&litter, "half an object").unwrap();
    let endpoint = endpoint.restart().await;
    assert_eq!(endpoint.content_files(), known);
    assert_eq!(endpoint.get("k").await.unwrap(), b"v");
}

#[tokio::test]
async fn a_record_cut_short_by_a_crash_is_not_an_object() {
    let endpoint = Endpoint::start().await;
    endpoint.put("k", "v").await;
    let journal = endpoint.data.path().join("s3/buckets/raw.journal");
    let whole = fs::read(&journal).unwrap();
    let last = whole.split_inclusive(|byte| *byte == b'\n').next_back().unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(&journal).unwrap();
    file.write_all(&last[..last.len() / 2]).unwrap();
    let endpoint = endpoint.restart().await;
    assert_eq!(endpoint.keys().await, ["k"]);
    endpoint.put("k2", "v").await;
    assert_eq!(endpoint.restart().await.keys().await, ["k", "k2"]);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let endpoint = Endpoint::start().await;
    endpoint.put("k", "before").await;
    let mut stream = TcpStream::connect(endpoint.server.addr()).await.unwrap();
    let head = format!("PUT /{BUCKET}/k HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&bytes(4_000_000)).await.unwrap();
    drop(stream);
    let endpoint = endpoint.restart().await;
    assert_eq!(endpoint.get("k").await.unwrap(), b"before");
    assert_eq!(endpoint.content_files().len(), 1);
}

#[tokio::test]
async fn journals_do_not_grow_with_what_is_replaced() {
    let endpoint = Endpoint::start().await;
    endpoint.put("kept", "v").await;
    let writes = (0..5000).map(|_| {
        let request = endpoint.s3.put_object().bucket(BUCKET).key("k");
        async move { request.send().await.unwrap() }
    });
    let writes = futures::stream::iter(writes);
    let writes = futures::StreamExt::buffer_unordered(writes, 32);
    assert_eq!(futures::StreamExt::count(writes).await, 5000);
    let journal = endpoint.data.path().join("s3/buckets/raw.journal");
    let records = fs::read_to_string(&journal).unwrap().lines().count();
    assert!(records < 4200, "{records} records for two objects");
    let endpoint = endpoint.restart().await;
    assert_eq!(endpoint.keys().await, ["k", "kept"]);
    assert_eq!(endpoint.content_files().len(), 2);
}
