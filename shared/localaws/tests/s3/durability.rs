//! What was answered is there after a restart, and nothing else is.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use futures::StreamExt;
use millrace_localaws::{Config, Server};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{BUCKET, Endpoint, bytes, s3};

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

#[test]
fn what_was_answered_before_a_sudden_end_is_there() {
    let data = tempfile::tempdir().unwrap();
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let served = runtime();
    let server = served.block_on(serve(data.path()));
    let url = server.url();
    let answered = runtime().block_on(async {
        let s3 = s3(&url, |config| config);
        s3.create_bucket().bucket(BUCKET).send().await.unwrap();
        let mut answered = Vec::new();
        let mut puts = futures::stream::FuturesUnordered::new();
        for at in 0..400 {
            let body = ByteStream::from(bytes(1000 * (at % 7)));
            let put = s3.put_object().bucket(BUCKET).key(format!("{at}")).body(body).send();
            puts.push(async move { put.await.map(|_| at) });
            if puts.len() == 16 {
                answered.push(puts.next().await.unwrap().unwrap());
            }
        }
        // The rest is under way as everything ends.
        answered
    });
    served.shutdown_background();
    drop(server);

    runtime().block_on(async {
        let server = serve_when_free(data.path()).await;
        let s3 = s3(&server.url(), |config| config);
        for at in answered {
            let got = s3.get_object().bucket(BUCKET).key(format!("{at}")).send().await.unwrap();
            let body = got.body.collect().await.unwrap().to_vec();
            assert!(body == bytes(1000 * (at % 7)), "{at}");
        }
        server.stop().await;
    });
}

async fn serve(data: &Path) -> Server {
    let mut config = Config::new(data);
    config.bind.set_port(0);
    Server::start(config).await.unwrap()
}

/// The folder is free once the last thread of the endpoint before has ended.
async fn serve_when_free(data: &Path) -> Server {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let mut config = Config::new(data);
        config.bind.set_port(0);
        match Server::start(config).await {
            Ok(server) => return server,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        tokio::task::yield_now().await;
    }
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
    // A thread of the endpoint before may still be letting go of its file.
    let deadline = Instant::now() + Duration::from_secs(10);
    while endpoint.content_files().len() > 1 {
        assert!(Instant::now() < deadline, "half an object was left");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn journals_do_not_grow_with_what_is_replaced() {
    let endpoint = Endpoint::start().await;
    endpoint.put("kept", "v").await;
    let writes = (0..1200).map(|_| {
        let request = endpoint.s3.put_object().bucket(BUCKET).key("k");
        async move { request.send().await.unwrap() }
    });
    let writes = futures::stream::iter(writes);
    assert_eq!(writes.buffer_unordered(32).count().await, 1200);
    let journal = endpoint.data.path().join("s3/buckets/raw.journal");
    let records = fs::read_to_string(&journal).unwrap().lines().count();
    assert!(records < 1100, "{records} records for two objects");
    let endpoint = endpoint.restart().await;
    assert_eq!(endpoint.keys().await, ["k", "kept"]);
    // Both are small, and so in one pack.
    assert_eq!(endpoint.content_files().len(), 1);
}

#[tokio::test]
async fn small_bodies_share_a_file_that_goes_with_the_last_of_them() {
    let endpoint = Endpoint::start().await;
    let body = |at: usize| vec![b'a' + at as u8; [0, 1, 16 * 1024][at % 3]];
    for at in 0..9 {
        endpoint.put(&format!("k{at}"), body(at)).await;
    }
    endpoint.put("large", vec![b'x'; 16 * 1024 + 1]).await;
    assert_eq!(endpoint.content_files().len(), 2);
    let endpoint = endpoint.restart().await;
    assert_eq!(endpoint.content_files().len(), 2);
    for at in 0..9 {
        assert_eq!(endpoint.get(&format!("k{at}")).await.unwrap(), body(at));
    }
    assert_eq!(endpoint.get("large").await.unwrap(), vec![b'x'; 16 * 1024 + 1]);
    endpoint.delete("large").await;
    for at in 0..8 {
        endpoint.delete(&format!("k{at}")).await;
    }
    let endpoint = endpoint.restart().await;
    assert_eq!(endpoint.content_files().len(), 1);
    assert_eq!(endpoint.get("k8").await.unwrap(), body(8));
    endpoint.delete("k8").await;
    let endpoint = endpoint.restart().await;
    assert!(endpoint.content_files().is_empty());
}

#[tokio::test]
async fn a_full_pack_is_followed_by_another() {
    let endpoint = Endpoint::start().await;
    let body = |at: usize| vec![at as u8; 16 * 1024];
    for at in 0..300 {
        endpoint.put(&format!("k{at:03}"), body(at)).await;
    }
    assert_eq!(endpoint.content_files().len(), 2);
    for at in [0, 255, 256, 299] {
        assert_eq!(endpoint.get(&format!("k{at:03}")).await.unwrap(), body(at));
    }
    for at in 0..256 {
        endpoint.delete(&format!("k{at:03}")).await;
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while endpoint.content_files().len() > 1 {
        assert!(Instant::now() < deadline, "the first pack stays");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(endpoint.get("k256").await.unwrap(), body(256));
}
