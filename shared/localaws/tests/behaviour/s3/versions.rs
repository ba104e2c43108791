//! Versions and delete markers.

use aws_sdk_s3::types::BucketVersioningStatus;

use super::text;
use crate::aws::Aws;
use crate::refusal::refused;

/// In a bucket that keeps versions each write has a version id, and all of them
/// can be read. (User Guide, Using versioning in S3 buckets)
#[tokio::test]
async fn each_version_can_be_read() {
    let aws = Aws::start().await;
    let bucket = aws.versioned().await;
    let first = aws.put(&bucket, "k", "1").await.version_id.unwrap();
    let second = aws.put(&bucket, "k", "2").await.version_id.unwrap();
    assert_ne!(first, second);
    let old = aws.s3.get_object().bucket(&bucket).key("k").version_id(first).send().await;
    assert_eq!(text(old.unwrap()).await, "1");
    assert_eq!(aws.content(&bucket, "k").await, "2");
}

/// Deleting without a version id adds a delete marker: the key is `NoSuchKey`,
/// its versions stay. (DeleteObject)
#[tokio::test]
async fn a_delete_adds_a_marker() {
    let aws = Aws::start().await;
    let bucket = aws.versioned().await;
    let version = aws.put(&bucket, "k", "x").await.version_id.unwrap();
    let deleted = aws.s3.delete_object().bucket(&bucket).key("k").send().await.unwrap();
    assert_eq!(deleted.delete_marker, Some(true));
    assert_eq!(refused(aws.get(&bucket, "k").await), "NoSuchKey");
    let request = aws.s3.get_object().bucket(&bucket).key("k").version_id(version);
    assert_eq!(text(request.send().await.unwrap()).await, "x");
}

/// Deleting the delete marker by its version id brings the object back. (User
/// Guide, Working with delete markers)
#[tokio::test]
async fn an_object_can_be_undeleted() {
    let aws = Aws::start().await;
    let bucket = aws.versioned().await;
    aws.put(&bucket, "k", "x").await;
    let marker = aws.delete_object(&bucket, "k").await.unwrap();
    let request = aws.s3.delete_object().bucket(&bucket).key("k").version_id(marker);
    assert_eq!(request.send().await.unwrap().delete_marker, Some(true));
    assert_eq!(aws.content(&bucket, "k").await, "x");
}

/// Reading a delete marker by its version id is `MethodNotAllowed`. (GetObject)
#[tokio::test]
async fn a_delete_marker_cannot_be_read() {
    let aws = Aws::start().await;
    let bucket = aws.versioned().await;
    aws.put(&bucket, "k", "x").await;
    let marker = aws.delete_object(&bucket, "k").await.unwrap();
    let request = aws.s3.get_object().bucket(&bucket).key("k").version_id(marker);
    assert_eq!(refused(request.send().await), "MethodNotAllowed");
}

/// While versioning is suspended what is written has the version id `null` and
/// replaces what has it; older versions stay. (User Guide, Adding objects to
/// versioning-suspended buckets)
#[tokio::test]
async fn a_suspended_bucket_writes_the_null_version() {
    let aws = Aws::start().await;
    let bucket = aws.versioned().await;
    aws.put(&bucket, "k", "kept").await;
    aws.set_versioning(&bucket, BucketVersioningStatus::Suspended).await;
    aws.put(&bucket, "k", "1").await;
    aws.put(&bucket, "k", "2").await;
    let list = aws.s3.list_object_versions().bucket(&bucket).send().await.unwrap();
    let ids: Vec<_> = list.versions().iter().map(|version| version.version_id()).collect();
    assert_eq!((ids.len(), ids[0]), (2, Some("null")));
}

/// A bucket that never had versioning set has no status. (GetBucketVersioning)
#[tokio::test]
async fn a_new_bucket_has_no_versioning_status() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let versioning = aws.s3.get_bucket_versioning().bucket(&bucket).send().await.unwrap();
    assert_eq!(versioning.status, None);
}

/// Versions and delete markers are listed newest first within a key, with the
/// newest marked as latest. (ListObjectVersions)
#[tokio::test]
async fn versions_are_listed_newest_first() {
    let aws = Aws::start().await;
    let bucket = aws.versioned().await;
    let first = aws.put(&bucket, "a", "1").await.version_id;
    let second = aws.put(&bucket, "a", "2").await.version_id;
    aws.put(&bucket, "b", "1").await;
    let marker = aws.delete_object(&bucket, "b").await;
    let list = aws.s3.list_object_versions().bucket(&bucket).send().await.unwrap();
    let versions: Vec<_> = list.versions().iter().collect();
    assert_eq!([&versions[0].version_id, &versions[1].version_id], [&second, &first]);
    let latest: Vec<_> = versions.iter().map(|version| version.is_latest == Some(true)).collect();
    assert_eq!(latest, [true, false, false]);
    assert_eq!(list.delete_markers()[0].version_id, marker);
    assert_eq!(list.delete_markers()[0].is_latest, Some(true));
}

/// A list of versions goes on from `NextKeyMarker` and `NextVersionIdMarker`,
/// also in the middle of a key. (ListObjectVersions)
#[tokio::test]
async fn versions_are_listed_in_pages() {
    let aws = Aws::start().await;
    let bucket = aws.versioned().await;
    let mut put = Vec::new();
    for body in ["1", "2", "3"] {
        put.push(aws.put(&bucket, "k", body).await.version_id.unwrap());
    }
    let (mut listed, mut key, mut id) = (Vec::new(), None, None);
    loop {
        let request = aws.s3.list_object_versions().bucket(&bucket).max_keys(1);
        let request = request.set_key_marker(key).set_version_id_marker(id);
        let page = request.send().await.unwrap();
        listed.extend(page.versions().iter().map(|version| version.version_id.clone().unwrap()));
        if page.is_truncated != Some(true) || listed.len() > put.len() {
            break;
        }
        (key, id) = (page.next_key_marker, page.next_version_id_marker);
    }
    put.reverse();
    assert_eq!(listed, put);
}
