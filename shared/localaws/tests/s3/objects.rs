//! Objects: what is put is what is got.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use crate::client::{BUCKET, Endpoint, Refusal, bytes};

#[tokio::test]
async fn bodies_of_every_size_come_back_as_they_were() {
    let endpoint = Endpoint::start().await;
    for len in [0, 1, 65_536, 262_144, 262_145, 524_288, 3_000_001] {
        let body = bytes(len);
        endpoint.put("k", body.clone()).await;
        assert!(endpoint.get("k").await.unwrap() == body, "{len} bytes");
    }
    assert_eq!(endpoint.keys().await, ["k"]);
}

#[tokio::test]
async fn keys_are_never_taken_for_anything_else() {
    let endpoint = Endpoint::start().await;
    let long = "x/".repeat(512);
    let keys = [
        "a+b",
        "a b",
        "a%2Fb",
        "a%20b",
        "a/../../b",
        "../etc/passwd",
        "/leading",
        "double//slash",
        "trailing/",
        "caf\u{e9}/\u{65e5}\u{672c}/\u{1f980}",
        "?query=1&x#fragment",
        "~!@$^()'*;:=,",
        "tab\there",
        long.as_str(),
    ];
    for key in keys {
        endpoint.put(key, key).await;
    }
    for key in keys {
        assert_eq!(endpoint.get(key).await.unwrap(), key.as_bytes(), "{key}");
    }
    let mut sorted = keys.map(str::to_owned);
    sorted.sort();
    assert_eq!(endpoint.keys().await, sorted);
    let too_long = "x".repeat(1025);
    let put = endpoint.s3.put_object().bucket(BUCKET).key(too_long).send().await;
    assert_eq!(put.map_err(Refusal::of).unwrap_err().code, "KeyTooLongError");
}

#[tokio::test]
async fn headers_and_metadata_come_back() {
    let endpoint = Endpoint::start().await;
    let put = endpoint.s3.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(b"v"));
    let put = put
        .content_type("text/csv")
        .content_encoding("gzip")
        .cache_control("no-store")
        .content_disposition("attachment")
        .content_language("en")
        .metadata("Owner", "finance")
        .metadata("empty", "")
        .tagging("team=data&cost%20centre=7");
    let etag = put.send().await.unwrap().e_tag.unwrap();
    assert_eq!(etag, "\"9e3669d19b675bd57058fd4664205d2a\"");

    let head = endpoint.s3.head_object().bucket(BUCKET).key("k").send().await.unwrap();
    assert_eq!(head.content_type(), Some("text/csv"));
    assert_eq!(head.content_encoding(), Some("gzip"));
    assert_eq!(head.cache_control(), Some("no-store"));
    assert_eq!(head.content_disposition(), Some("attachment"));
    assert_eq!(head.content_language(), Some("en"));
    assert_eq!(head.content_length(), Some(1));
    assert_eq!(head.metadata().unwrap()["owner"], "finance");
    assert_eq!(head.e_tag(), Some(etag.as_str()));

    let get = endpoint.s3.get_object().bucket(BUCKET).key("k");
    let get = get.response_content_type("text/plain").response_cache_control("max-age=1");
    let got = get.send().await.unwrap();
    assert_eq!(got.content_type(), Some("text/plain"));
    assert_eq!(got.cache_control(), Some("max-age=1"));
    assert_eq!(got.tag_count(), Some(2));

    let tags = endpoint.s3.get_object_tagging().bucket(BUCKET).key("k").send().await.unwrap();
    let tags: Vec<_> = tags.tag_set().iter().map(|tag| (tag.key(), tag.value())).collect();
    assert_eq!(tags, [("team", "data"), ("cost centre", "7")]);
    endpoint.s3.delete_object_tagging().bucket(BUCKET).key("k").send().await.unwrap();
    let tags = endpoint.s3.get_object_tagging().bucket(BUCKET).key("k").send().await.unwrap();
    assert!(tags.tag_set().is_empty());
}

#[tokio::test]
async fn ranges_are_cut_from_the_right_places() {
    let endpoint = Endpoint::start().await;
    let body = bytes(2_000_000);
    endpoint.put("k", body.clone()).await;
    let cases = [
        ("bytes=0-0", 0..1),
        ("bytes=5-9", 5..10),
        ("bytes=524280-1572870", 524_280..1_572_871),
        ("bytes=1999999-", 1_999_999..2_000_000),
        ("bytes=1999990-5000000", 1_999_990..2_000_000),
        ("bytes=-7", 1_999_993..2_000_000),
        ("bytes=-9000000", 0..2_000_000),
    ];
    for (header, range) in cases {
        let request = endpoint.s3.get_object().bucket(BUCKET).key("k").range(header);
        let got = request.send().await.unwrap();
        let last = range.end - 1;
        let content_range = format!("bytes {}-{last}/2000000", range.start);
        assert_eq!(got.content_range(), Some(content_range.as_str()));
        assert_eq!(got.content_length(), Some(range.len() as i64));
        assert!(got.body.collect().await.unwrap().to_vec() == body[range], "{header}");
    }
    for header in ["bytes=2000000-", "bytes=-0"] {
        let request = endpoint.s3.get_object().bucket(BUCKET).key("k").range(header);
        let refused = request.send().await.map_err(Refusal::of).unwrap_err();
        assert_eq!(refused, Refusal::new("InvalidRange", 416), "{header}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_not_to_be() {
    let endpoint = Endpoint::start().await;
    assert_eq!(endpoint.get("no").await, Err(Refusal::new("NoSuchKey", 404)));
    let head = endpoint.s3.head_object().bucket(BUCKET).key("no").send().await;
    assert!(head.unwrap_err().into_service_error().is_not_found());
    endpoint.delete("no").await;
}

#[tokio::test]
async fn objects_are_deleted_by_the_thousand() {
    let endpoint = Endpoint::start().await;
    let keys: Vec<String> = (0..20).map(|at| format!("k{at:02} +&<>")).collect();
    for key in &keys {
        endpoint.put(key, "v").await;
    }
    let named = |key: &String| ObjectIdentifier::builder().key(key).build().unwrap();
    let gone = keys.iter().skip(1).chain([&"never".to_owned()]).map(named).collect();
    let delete = Delete::builder().set_objects(Some(gone)).build().unwrap();
    let deleted = endpoint.s3.delete_objects().bucket(BUCKET).delete(delete).send().await.unwrap();
    assert_eq!(deleted.deleted().len(), 20);
    assert!(deleted.errors().is_empty());
    assert_eq!(endpoint.keys().await, keys[..1]);
}

#[tokio::test]
async fn an_object_being_read_is_read_to_its_end_though_it_is_replaced() {
    let endpoint = Endpoint::start().await;
    let old = bytes(20_000_000);
    endpoint.put("k", old.clone()).await;
    let mut reading = endpoint.s3.get_object().bucket(BUCKET).key("k").send().await.unwrap();
    let first = reading.body.next().await.unwrap().unwrap();
    endpoint.put("k", "new").await;
    let mut read = first.to_vec();
    while let Some(piece) = reading.body.next().await {
        read.extend_from_slice(&piece.unwrap());
    }
    assert!(read == old);
    assert_eq!(endpoint.get("k").await.unwrap(), b"new");
}

#[tokio::test]
async fn many_writers_of_one_key_leave_one_whole_object() {
    let endpoint = Endpoint::start().await;
    let writers = (0..16_usize).map(|at| {
        let (s3, body) = (endpoint.s3.clone(), bytes(400_000 + at));
        async move {
            let request = s3.put_object().bucket(BUCKET).key("k").body(ByteStream::from(body));
            request.send().await.unwrap();
        }
    });
    futures::future::join_all(writers).await;
    let left = endpoint.get("k").await.unwrap();
    assert!(left == bytes(left.len()));
    let endpoint = endpoint.restart().await;
    assert_eq!(endpoint.content_files().len(), 1);
    assert!(endpoint.get("k").await.unwrap() == left);
}
