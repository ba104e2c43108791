//! Presigned URLs: the right to do one thing, without credentials.

use std::time::Duration;

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::aws::Aws;

fn for_a_minute() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()
}

/// Sends a presigned request as a browser would; answers status line, headers
/// and body.
async fn send(aws: &Aws, request: &PresignedRequest, body: &str) -> String {
    let host = aws.url.strip_prefix("http://").unwrap();
    let path = request.uri().split_once(host).unwrap().1;
    let mut head = format!("{} {path} HTTP/1.1\r\nhost: {host}\r\n", request.method());
    for (name, value) in request.headers().filter(|(name, _)| *name != "content-length") {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()));
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A presigned URL reads an object without credentials. (User Guide, Download
/// and upload objects with presigned URLs)
#[tokio::test]
async fn an_object_can_be_read_by_a_presigned_url() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    aws.put(&bucket, "a b", "content").await;
    let request = aws.s3.get_object().bucket(&bucket).key("a b").presigned(for_a_minute()).await;
    let answer = send(&aws, &request.unwrap(), "").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("content"), "{answer}");
}

/// A presigned URL stores an object without credentials. (User Guide, Download
/// and upload objects with presigned URLs)
#[tokio::test]
async fn an_object_can_be_stored_by_a_presigned_url() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let request = aws.s3.put_object().bucket(&bucket).key("k").presigned(for_a_minute()).await;
    let answer = send(&aws, &request.unwrap(), "content").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(aws.content(&bucket, "k").await, "content");
}
