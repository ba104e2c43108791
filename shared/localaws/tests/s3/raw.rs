//! What clients other than this SDK put on the wire.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;

use crate::client::{BUCKET, Endpoint, bytes};

fn code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map(|(code, _)| code.to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn signed_chunks_are_taken_apart() {
    let endpoint = Endpoint::start().await;
    let signature = "0".repeat(64);
    let body = format!(
        "5;chunk-signature={signature}\r\nhello\r\n0;chunk-signature={signature}\r\n\
         x-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:{signature}\r\n\r\n"
    );
    let head = format!(
        "PUT /{BUCKET}/k HTTP/1.1\nhost: localhost\ncontent-length: {}\n\
         authorization: AWS4-HMAC-SHA256 Credential=any/20300101/us-east-1/s3/aws4_request, \
         SignedHeaders=host, Signature=0\n\
         x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER\n\
         content-encoding: aws-chunked,gzip\nx-amz-trailer: x-amz-checksum-crc32\n\
         x-amz-decoded-content-length: 5",
        body.len()
    );
    let (answer, _) = endpoint.http(&head, body.as_bytes()).await;
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(answer.contains("x-amz-checksum-crc32: nhcmhg=="), "{answer}");
    let got = endpoint.s3.get_object().bucket(BUCKET).key("k").send().await.unwrap();
    assert_eq!(got.content_encoding(), Some("gzip"));
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"hello");

    let wrong = body.replace("NhCmhg==", "AAAAAA==");
    let (answer, body) = endpoint.http(&head, wrong.as_bytes()).await;
    assert!(answer.starts_with("http/1.1 400"), "{answer}");
    assert_eq!(code(&body), "BadDigest");
}

#[tokio::test]
async fn a_body_that_was_signed_as_another_is_refused() {
    let endpoint = Endpoint::start().await;
    let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let head = format!(
        "PUT /{BUCKET}/k HTTP/1.1\nhost: localhost\ncontent-length: 5\n\
         x-amz-content-sha256: {of_nothing}"
    );
    let (answer, body) = endpoint.http(&head, b"hello").await;
    assert!(answer.starts_with("http/1.1 400"), "{answer}");
    assert_eq!(code(&body), "XAmzContentSHA256Mismatch");
}

#[tokio::test]
async fn an_upload_needs_a_length() {
    let endpoint = Endpoint::start().await;
    let head = format!("PUT /{BUCKET}/k HTTP/1.1\nhost: localhost\ntransfer-encoding: chunked");
    let (answer, body) = endpoint.http(&head, b"5\r\nhello\r\n0\r\n\r\n").await;
    assert!(answer.starts_with("http/1.1 411"), "{answer}");
    assert_eq!(code(&body), "MissingContentLength");
}

#[tokio::test]
async fn buckets_are_found_in_host_names() {
    let endpoint = Endpoint::start().await;
    let head = format!("PUT /dir/k HTTP/1.1\nhost: {BUCKET}.localhost:4566\ncontent-length: 1");
    let (answer, _) = endpoint.http(&head, b"v").await;
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert_eq!(endpoint.get("dir/k").await.unwrap(), b"v");
}

#[tokio::test]
async fn presigned_urls_work_until_they_expire() {
    let endpoint = Endpoint::start().await;
    let valid = || PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let put = endpoint.s3.put_object().bucket(BUCKET).key("a b").presigned(valid()).await.unwrap();
    let path = |uri: &str| uri.splitn(4, '/').nth(3).unwrap().to_owned();
    let head = format!("PUT /{} HTTP/1.1\nhost: localhost\ncontent-length: 1", path(put.uri()));
    let (answer, _) = endpoint.http(&head, b"v").await;
    assert!(answer.starts_with("http/1.1 200"), "{answer}");

    let get = endpoint.s3.get_object().bucket(BUCKET).key("a b").response_content_type("x/y");
    let get = get.presigned(valid()).await.unwrap();
    let head = format!("GET /{} HTTP/1.1\nhost: localhost", path(get.uri()));
    let (answer, body) = endpoint.http(&head, b"").await;
    assert!(answer.contains("content-type: x/y"), "{answer}");
    assert_eq!(body, b"v");

    let signed = path(get.uri());
    let (before, after) = signed.split_once("X-Amz-Date=").unwrap();
    let expired = format!("{before}X-Amz-Date=20200101T000000Z{}", &after[16..]);
    let head = format!("GET /{expired} HTTP/1.1\nhost: localhost");
    let (answer, body) = endpoint.http(&head, b"").await;
    assert!(answer.starts_with("http/1.1 403"), "{answer}");
    assert_eq!(code(&body), "AccessDenied");
}

#[tokio::test]
async fn answers_name_their_request() {
    let endpoint = Endpoint::start().await;
    let head = format!("GET /{BUCKET}/no HTTP/1.1\nhost: localhost");
    let (answer, body) = endpoint.http(&head, b"").await;
    assert!(answer.contains("x-amz-request-id: "), "{answer}");
    assert!(answer.contains("x-amz-id-2: "), "{answer}");
    assert_eq!(code(&body), "NoSuchKey");
}

#[tokio::test]
async fn forms_are_taken_too() {
    let endpoint = Endpoint::start().await;
    let body = "--b\r\ncontent-disposition: form-data; name=\"key\"\r\n\r\nuploaded.csv\r\n\
                --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f.csv\"\r\n\
                content-type: text/csv\r\n\r\na,b\r\n--b--\r\n";
    let head = format!(
        "POST /{BUCKET} HTTP/1.1\nhost: localhost\ncontent-type: multipart/form-data; boundary=b\n\
         content-length: {}",
        body.len()
    );
    let (answer, body) = endpoint.http(&head, body.as_bytes()).await;
    assert!(answer.starts_with("http/1.1 20"), "{answer} {}", String::from_utf8_lossy(&body));
    assert_eq!(endpoint.get("uploaded.csv").await.unwrap(), b"a,b");
}

#[tokio::test]
async fn a_client_reads_why_it_was_refused_while_it_is_still_sending() {
    let endpoint = Endpoint::start().await;
    let body = bytes(20_000_000);
    let head = format!("PUT /nowhere/k HTTP/1.1\nhost: localhost\ncontent-length: {}", body.len());
    let (answer, answered) = endpoint.http(&head, &body).await;
    assert!(answer.starts_with("http/1.1 404"), "{answer}");
    assert_eq!(code(&answered), "NoSuchBucket");
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_for_its_body_can_go_on_after_a_refusal() {
    let endpoint = Endpoint::start().await;
    let refused = format!(
        "PUT /{BUCKET}/k HTTP/1.1\nhost: localhost\ncontent-length: 5\nexpect: 100-continue\n\
         if-match: \"00000000000000000000000000000000\""
    );
    let (answer, body) = endpoint.http(&refused, b"").await;
    assert!(answer.starts_with("http/1.1 404"), "{answer}");
    assert_eq!(code(&body), "NoSuchKey");
    assert!(!answer.contains("100 continue"), "{answer}");
}

#[tokio::test]
async fn odd_ranges_give_the_whole_object() {
    let endpoint = Endpoint::start().await;
    endpoint.put("k", "0123456789").await;
    for range in ["bytes=0-1,4-5", "bytes=5-2", "pages=1-2"] {
        let head = format!("GET /{BUCKET}/k HTTP/1.1\nhost: localhost\nrange: {range}");
        let (answer, body) = endpoint.http(&head, b"").await;
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        assert_eq!(body, b"0123456789");
    }
}

#[tokio::test]
async fn presigned_urls_expire_by_the_clock() {
    let clock = millrace_localaws::Clock::system();
    let endpoint = Endpoint::start_with(|config| config.clock = clock.clone()).await;
    endpoint.put("k", "v").await;
    let valid = PresigningConfig::expires_in(Duration::from_secs(3600)).unwrap();
    let get = endpoint.s3.get_object().bucket(BUCKET).key("k").presigned(valid).await.unwrap();
    let path = get.uri().splitn(4, '/').nth(3).unwrap();
    let head = format!("GET /{path} HTTP/1.1\nhost: localhost");
    assert!(endpoint.http(&head, b"").await.0.starts_with("http/1.1 200"));
    clock.advance(Duration::from_secs(3601));
    assert!(endpoint.http(&head, b"").await.0.starts_with("http/1.1 403"));
}

#[tokio::test]
async fn a_bucket_that_is_expected_to_be_anothers_is_refused() {
    let endpoint = Endpoint::start().await;
    endpoint.put("k", "v").await;
    let request = endpoint.s3.get_object().bucket(BUCKET).key("k");
    let sent = request.expected_bucket_owner("111122223333").send().await;
    assert_eq!(sent.map_err(crate::client::Refusal::of).unwrap_err().code, "AccessDenied");
}

#[tokio::test]
async fn what_can_not_be_deleted_does_not_take_its_bucket_along() {
    let endpoint = Endpoint::start().await;
    for query in ["acl", "versioning", "notification"] {
        let head = format!("DELETE /{BUCKET}?{query} HTTP/1.1\nhost: localhost");
        let (answer, body) = endpoint.http(&head, b"").await;
        assert!(answer.starts_with("http/1.1 405"), "{answer}");
        assert_eq!(code(&body), "MethodNotAllowed");
    }
    endpoint.s3.head_bucket().bucket(BUCKET).send().await.unwrap();
}
