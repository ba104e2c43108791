//! Listings of keys.

use aws_sdk_s3::types::EncodingType;

use crate::client::{BUCKET, Endpoint, Refusal};

async fn filled(keys: &[&str]) -> Endpoint {
    let endpoint = Endpoint::start().await;
    for key in keys {
        endpoint.put(key, "v").await;
    }
    endpoint
}

#[tokio::test]
async fn pages_with_a_delimiter_join_up() {
    let keys = ["a", "dir/1", "dir/2", "dir/sub/3", "dir0", "e/x", "z"];
    let endpoint = filled(&keys).await;
    let request = || endpoint.s3.list_objects_v2().bucket(BUCKET).delimiter("/").max_keys(2);
    let (mut names, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = request().set_continuation_token(token).send().await.unwrap();
        let objects = page.contents().iter().filter_map(|object| object.key());
        let prefixes = page.common_prefixes().iter().filter_map(|prefix| prefix.prefix());
        let mut entries: Vec<_> = objects.chain(prefixes).map(str::to_owned).collect();
        assert_eq!(page.key_count(), Some(entries.len() as i32));
        entries.sort();
        names.extend(entries);
        pages += 1;
        token = page.next_continuation_token().map(str::to_owned);
        assert_eq!(page.is_truncated(), Some(token.is_some()));
        if token.is_none() {
            break;
        }
    }
    assert_eq!(names, ["a", "dir/", "dir0", "e/", "z"]);
    assert_eq!(pages, 3);
}

#[tokio::test]
async fn the_first_version_pages_by_marker() {
    let endpoint = filled(&["a/1", "a/2", "b", "c/1", "d"]).await;
    let request = || endpoint.s3.list_objects().bucket(BUCKET).delimiter("/").max_keys(1);
    let (mut names, mut marker) = (Vec::new(), None);
    loop {
        let page = request().set_marker(marker).send().await.unwrap();
        names.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
        let prefixes = page.common_prefixes().iter();
        names.extend(prefixes.filter_map(|prefix| prefix.prefix().map(str::to_owned)));
        if page.is_truncated() != Some(true) {
            break;
        }
        marker = Some(page.next_marker().unwrap().to_owned());
    }
    assert_eq!(names, ["a/", "b", "c/", "d"]);
}

#[tokio::test]
async fn start_after_and_prefix_narrow_a_listing() {
    let endpoint = filled(&["p/1", "p/2", "p/3", "q/1"]).await;
    let request = endpoint.s3.list_objects_v2().bucket(BUCKET).prefix("p/").start_after("p/1");
    let listed = request.send().await.unwrap();
    let keys: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, ["p/2", "p/3"]);
    let bad = endpoint.s3.list_objects_v2().bucket(BUCKET).continuation_token("%%").send().await;
    assert_eq!(bad.map_err(Refusal::of).unwrap_err().code, "InvalidArgument");
}

#[tokio::test]
async fn keys_are_url_encoded_on_request() {
    let endpoint = filled(&["a b/c+d", "\u{1}odd"]).await;
    let request = endpoint.s3.list_objects_v2().bucket(BUCKET).encoding_type(EncodingType::Url);
    let listed = request.delimiter("/").send().await.unwrap();
    assert_eq!(listed.common_prefixes()[0].prefix(), Some("a+b/"));
    assert_eq!(listed.contents()[0].key(), Some("%01odd"));
    assert_eq!(listed.delimiter(), Some("/"));
}

#[tokio::test]
async fn a_page_has_a_thousand_keys_at_most() {
    let endpoint = Endpoint::start().await;
    let puts = (0..1003).map(|at| {
        let request = endpoint.s3.put_object().bucket(BUCKET).key(format!("{at:04}"));
        async move { request.send().await.unwrap() }
    });
    let puts: Vec<_> = futures::StreamExt::collect(futures::StreamExt::buffer_unordered(
        futures::stream::iter(puts),
        32,
    ))
    .await;
    assert_eq!(puts.len(), 1003);
    let request = endpoint.s3.list_objects_v2().bucket(BUCKET).max_keys(5000);
    let page = request.send().await.unwrap();
    assert_eq!((page.contents().len(), page.max_keys()), (1000, Some(1000)));
    let mut pages = endpoint.s3.list_objects_v2().bucket(BUCKET).into_paginator().send();
    let mut listed = 0;
    while let Some(page) = pages.next().await {
        listed += page.unwrap().contents().len();
    }
    assert_eq!(listed, 1003);
}
