//! Buckets that keep versions.

use aws_sdk_s3::types::BucketVersioningStatus;

use crate::client::{BUCKET, Endpoint, Refusal};

#[tokio::test]
async fn every_version_stays_until_it_is_deleted_by_its_id() {
    let endpoint = Endpoint::versioned().await;
    let first = endpoint.put("k", "1").await.unwrap();
    let second = endpoint.put("k", "2").await.unwrap();
    assert_ne!(first, second);
    assert_eq!(endpoint.get_version("k", &first).await.unwrap(), b"1");
    assert_eq!(endpoint.get("k").await.unwrap(), b"2");

    let marker = endpoint.delete("k").await.unwrap();
    assert_eq!(endpoint.get("k").await, Err(Refusal::new("NoSuchKey", 404)));
    let of_marker = endpoint.get_version("k", &marker).await;
    assert_eq!(of_marker, Err(Refusal::new("MethodNotAllowed", 405)));
    assert!(endpoint.keys().await.is_empty());
    assert_eq!(endpoint.get_version("k", &second).await.unwrap(), b"2");
    let unknown = "0123456789abcdef0123456789abcdef";
    let missing = endpoint.get_version("k", unknown).await;
    assert_eq!(missing, Err(Refusal::new("NoSuchVersion", 404)));
    let malformed = endpoint.get_version("k", "nonsense").await;
    assert_eq!(malformed, Err(Refusal::new("InvalidArgument", 400)));

    let delete = |id: &str| endpoint.s3.delete_object().bucket(BUCKET).key("k").version_id(id);
    let undeleted = delete(&marker).send().await.unwrap();
    assert_eq!(undeleted.delete_marker(), Some(true));
    assert_eq!(endpoint.get("k").await.unwrap(), b"2");
    delete(&second).send().await.unwrap();
    assert_eq!(endpoint.get("k").await.unwrap(), b"1");
}

#[tokio::test]
async fn a_delete_marker_is_told_in_the_headers() {
    let endpoint = Endpoint::versioned().await;
    endpoint.put("k", "1").await;
    let marker = endpoint.delete("k").await.unwrap();
    let head = format!("HEAD /{BUCKET}/k HTTP/1.1\nhost: localhost");
    let (head, _) = endpoint.http(&head, b"").await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
    assert!(head.contains("x-amz-delete-marker: true"), "{head}");
    assert!(head.contains(&format!("x-amz-version-id: {marker}")), "{head}");
}

#[tokio::test]
async fn suspending_keeps_what_was_and_replaces_the_null_version() {
    let endpoint = Endpoint::start().await;
    assert_eq!(endpoint.put("k", "before").await, None);
    endpoint.set_versioning(BucketVersioningStatus::Enabled).await;
    let kept = endpoint.put("k", "kept").await.unwrap();
    assert_eq!(endpoint.get_version("k", "null").await.unwrap(), b"before");
    endpoint.set_versioning(BucketVersioningStatus::Suspended).await;
    assert_eq!(endpoint.put("k", "after").await.as_deref(), Some("null"));
    assert_eq!(endpoint.get("k").await.unwrap(), b"after");
    assert_eq!(endpoint.get_version("k", &kept).await.unwrap(), b"kept");
    assert_eq!(endpoint.delete("k").await.as_deref(), Some("null"));
    let endpoint = endpoint.restart().await;
    assert_eq!(endpoint.content_files().len(), 1);
    assert_eq!(endpoint.get_version("k", &kept).await.unwrap(), b"kept");
    let listed = endpoint.s3.list_object_versions().bucket(BUCKET).send().await.unwrap();
    assert_eq!(listed.delete_markers()[0].version_id(), Some("null"));
}

#[tokio::test]
async fn versions_are_listed_newest_first_over_pages() {
    let endpoint = Endpoint::versioned().await;
    let mut expected = Vec::new();
    for key in ["a", "b", "c"] {
        let mut ids = Vec::new();
        for body in ["1", "2"] {
            ids.push((key.to_owned(), endpoint.put(key, body).await.unwrap()));
        }
        ids.push((key.to_owned(), endpoint.delete(key).await.unwrap()));
        expected.extend(ids.into_iter().rev());
    }
    for limit in 1..=10 {
        let (mut listed, mut key, mut version) = (Vec::new(), None, None);
        loop {
            let request = endpoint.s3.list_object_versions().bucket(BUCKET).max_keys(limit);
            let request = request.set_key_marker(key).set_version_id_marker(version);
            let page = request.send().await.unwrap();
            let versions = page.versions().iter();
            let versions = versions.map(|version| (version.key(), version.version_id()));
            let markers = page.delete_markers().iter();
            let markers = markers.map(|marker| (marker.key(), marker.version_id()));
            let entries = versions.chain(markers);
            listed
                .extend(entries.map(|(key, id)| (key.unwrap().to_owned(), id.unwrap().to_owned())));
            if page.is_truncated() != Some(true) {
                break;
            }
            key = page.next_key_marker;
            version = page.next_version_id_marker;
        }
        let sorted = |mut list: Vec<(String, String)>| {
            list.sort();
            list
        };
        assert_eq!(sorted(listed), sorted(expected.clone()), "{limit} at a time");
    }
    let page = endpoint.s3.list_object_versions().bucket(BUCKET).prefix("b").send().await.unwrap();
    let latest = page.delete_markers()[0].clone();
    assert_eq!((latest.is_latest(), latest.key()), (Some(true), Some("b")));
    assert_eq!(page.versions()[0].version_id(), Some(expected[4].1.as_str()));
}
