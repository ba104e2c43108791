//! Conditional reads and writes.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::primitives::{ByteStream, DateTime};

use crate::client::{BUCKET, Endpoint, Refusal};

const OTHER: &str = "\"00000000000000000000000000000000\"";

#[tokio::test]
async fn reads_depend_on_tags_and_times() {
    let endpoint = Endpoint::start().await;
    endpoint.put("k", "v").await;
    let get = || endpoint.s3.get_object().bucket(BUCKET).key("k");
    let etag = get().send().await.unwrap().e_tag.unwrap();
    let hour = Duration::from_secs(3600);
    let (past, future) = (SystemTime::now() - hour, SystemTime::now() + hour);

    let not_modified = Refusal::new("NotModified", 304);
    let failed = Refusal::new("PreconditionFailed", 412);
    let status = |error| Refusal::of(error).status;
    assert!(get().if_match(&etag).send().await.is_ok());
    assert_eq!(get().if_match(OTHER).send().await.map_err(Refusal::of).unwrap_err(), failed);
    assert!(get().if_none_match(OTHER).send().await.is_ok());
    let same = get().if_none_match(&etag).send().await.map_err(status);
    assert_eq!(same.unwrap_err(), not_modified.status);
    assert!(get().if_modified_since(DateTime::from(past)).send().await.is_ok());
    let old = get().if_modified_since(DateTime::from(future)).send().await.map_err(status);
    assert_eq!(old.unwrap_err(), not_modified.status);
    assert!(get().if_unmodified_since(DateTime::from(future)).send().await.is_ok());
    let newer = get().if_unmodified_since(DateTime::from(past)).send().await;
    assert_eq!(newer.map_err(Refusal::of).unwrap_err(), failed);
}

#[tokio::test]
async fn a_not_modified_answer_says_what_is_there() {
    let endpoint = Endpoint::start().await;
    endpoint.put("k", "v").await;
    let etag = "9e3669d19b675bd57058fd4664205d2a";
    let head = format!("GET /{BUCKET}/k HTTP/1.1\nhost: localhost\nif-none-match: \"{etag}\"");
    let (head, body) = endpoint.http(&head, b"").await;
    assert!(head.starts_with("http/1.1 304"), "{head}");
    assert!(head.contains(&format!("etag: \"{etag}\"")), "{head}");
    assert!(head.contains("last-modified: "), "{head}");
    assert!(body.is_empty());
}

#[tokio::test]
async fn writes_depend_on_what_they_replace() {
    let endpoint = Endpoint::start().await;
    let put = || {
        let body = ByteStream::from_static(b"v");
        endpoint.s3.put_object().bucket(BUCKET).key("k").body(body)
    };
    let failed = Refusal::new("PreconditionFailed", 412);
    let no_such_key = Refusal::new("NoSuchKey", 404);
    let missing = put().if_match(OTHER).send().await.map_err(Refusal::of);
    assert_eq!(missing.unwrap_err(), no_such_key);
    let etag = put().if_none_match("*").send().await.unwrap().e_tag.unwrap();
    let second = put().if_none_match("*").send().await.map_err(Refusal::of);
    assert_eq!(second.unwrap_err(), failed);
    let stale = put().if_match(OTHER).send().await.map_err(Refusal::of);
    assert_eq!(stale.unwrap_err(), failed);
    put().if_match(etag).send().await.unwrap();
    let delete = endpoint.s3.delete_object().bucket(BUCKET).key("k").if_match(OTHER).send().await;
    assert_eq!(delete.map_err(Refusal::of).unwrap_err(), failed);
}

#[tokio::test]
async fn of_many_who_create_one_key_one_succeeds() {
    let endpoint = Endpoint::start().await;
    let creators = (0..16).map(|_| {
        let body = ByteStream::from_static(b"v");
        endpoint.s3.put_object().bucket(BUCKET).key("k").if_none_match("*").body(body).send()
    });
    let created = futures::future::join_all(creators).await;
    assert_eq!(created.iter().filter(|created| created.is_ok()).count(), 1);
}
