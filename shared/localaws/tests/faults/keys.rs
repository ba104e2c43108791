//! Endpoints that check signatures.

use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use millrace_localaws::AccessKey;

use crate::setup::{Stand, s3};

async fn strict() -> Stand {
    let key = AccessKey { id: "AKID".into(), secret: "secret/+".into() };
    Stand::with(|config| config.keys = vec![key]).await
}

#[tokio::test]
async fn only_configured_keys_are_let_in() {
    let stand = strict().await;
    let url = stand.server.url();
    let good = s3(&url, "AKID", "secret/+");
    good.create_bucket().bucket("raw").send().await.unwrap();
    let body = ByteStream::from_static(b"some text");
    let key = "a b/ü+~(1)'%20.txt";
    good.put_object().bucket("raw").key(key).body(body).send().await.unwrap();
    good.list_objects_v2().bucket("raw").prefix("a b/").delimiter("/").send().await.unwrap();
    let unknown = s3(&url, "other", "secret/+").head_bucket().bucket("raw").send().await;
    assert_eq!(unknown.unwrap_err().raw_response().unwrap().status().as_u16(), 403);
    let wrong = s3(&url, "AKID", "wrong").list_buckets().send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("SignatureDoesNotMatch"));
    let sqs = stand.sqs().list_queues().send().await.unwrap_err();
    assert_eq!(sqs.code(), Some("UnrecognizedClientException"));
    let raw = crate::client::get(&stand.server, "/raw").await;
    assert!(raw.starts_with("HTTP/1.1 403") && raw.contains("AccessDenied"), "{raw}");
}

#[tokio::test]
async fn signed_calls_of_other_services_are_let_in() {
    let stand = strict().await;
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version_latest()
        .endpoint_url(stand.server.url())
        .region(aws_sdk_sqs::config::Region::new("eu-west-1"))
        .credentials_provider(aws_sdk_sqs::config::Credentials::new(
            "AKID", "secret/+", None, None, "test",
        ))
        .build();
    let sqs = aws_sdk_sqs::Client::from_conf(config);
    let queue = sqs.create_queue().queue_name("q").send().await.unwrap().queue_url.unwrap();
    sqs.send_message().queue_url(queue).message_body("ü & ☃").send().await.unwrap();
}

#[tokio::test]
async fn a_presigned_url_is_let_in_without_a_header() {
    let stand = strict().await;
    let good = s3(&stand.server.url(), "AKID", "secret/+");
    good.create_bucket().bucket("raw").send().await.unwrap();
    good.put_object().bucket("raw").key("k 1").send().await.unwrap();
    let presigning = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let presigned = good.get_object().bucket("raw").key("k 1").presigned(presigning).await.unwrap();
    let path = presigned.uri().strip_prefix(&stand.server.url()).unwrap().to_owned();
    let got = crate::client::get(&stand.server, &path).await;
    assert!(got.starts_with("HTTP/1.1 200"), "{got}");
    let other = path.replace("k%201", "k%202");
    let got = crate::client::get(&stand.server, &other).await;
    assert!(got.starts_with("HTTP/1.1 403") && got.contains("SignatureDoesNotMatch"), "{got}");
}
