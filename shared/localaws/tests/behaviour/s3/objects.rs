//! Objects: stored, read, in part or whole, deleted.

use aws_sdk_s3::types::{Delete, ObjectIdentifier, Tag, Tagging};

use super::text;
use crate::aws::{Aws, unique};
use crate::refusal::refused;

/// An object keeps its content type, cache control and user metadata, whose
/// names are lower case. (PutObject; User Guide, Object metadata)
#[tokio::test]
async fn an_object_keeps_its_metadata() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let request = aws.s3.put_object().bucket(&bucket).key("k").content_type("text/csv");
    let request = request.cache_control("no-cache").metadata("Origin", "shop");
    request.send().await.unwrap();
    let head = aws.s3.head_object().bucket(&bucket).key("k").send().await.unwrap();
    assert_eq!((head.content_type(), head.cache_control()), (Some("text/csv"), Some("no-cache")));
    assert_eq!(head.metadata.unwrap()["origin"], "shop");
}

/// The ETag of an object that was stored in one part and in the clear is the
/// MD5 of its content. (API Reference, Common response headers)
#[tokio::test]
async fn an_etag_is_the_digest_of_the_content() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let put = aws.put(&bucket, "k", "123456789").await;
    assert_eq!(put.e_tag.unwrap(), "\"25f9e794323b453885f5181f1b624d0b\"");
}

/// A range answers with those bytes and where they are in the object.
/// (GetObject, Range)
#[tokio::test]
async fn a_range_is_a_part_of_an_object() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    aws.put(&bucket, "k", "0123456789").await;
    for (range, content, place) in
        [("bytes=2-4", "234", "bytes 2-4/10"), ("bytes=-3", "789", "bytes 7-9/10")]
    {
        let got = aws.s3.get_object().bucket(&bucket).key("k").range(range).send().await.unwrap();
        assert_eq!(got.content_range(), Some(place));
        assert_eq!(text(got).await, content);
    }
}

/// A range that begins after the end of the object is `InvalidRange`. (API
/// Reference, Error responses)
#[tokio::test]
async fn a_range_beyond_the_end_is_refused() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    aws.put(&bucket, "k", "0123456789").await;
    let request = aws.s3.get_object().bucket(&bucket).key("k").range("bytes=10-");
    assert_eq!(refused(request.send().await), "InvalidRange");
}

/// A key that is not there is `NoSuchKey`, a bucket that is not there
/// `NoSuchBucket`. (GetObject; API Reference, Error responses)
#[tokio::test]
async fn what_is_missing_is_said_to_be_missing() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    assert_eq!(refused(aws.get(&bucket, "k").await), "NoSuchKey");
    assert_eq!(refused(aws.get(&unique("nowhere"), "k").await), "NoSuchBucket");
}

/// Deleting many objects confirms also those that were not there. (DeleteObjects)
#[tokio::test]
async fn what_was_not_there_is_deleted_too() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    aws.put(&bucket, "a", "1").await;
    let keys = ["a", "never"].map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder().set_objects(Some(keys.to_vec())).build().unwrap();
    let answer = aws.s3.delete_objects().bucket(&bucket).delete(delete).send().await.unwrap();
    assert_eq!((answer.deleted().len(), answer.errors().len()), (2, 0));
    assert_eq!(refused(aws.get(&bucket, "a").await), "NoSuchKey");
}

/// Tags are kept with an object, whole sets replace each other, and reading the
/// object tells their number. (PutObjectTagging, GetObjectTagging)
#[tokio::test]
async fn an_object_has_tags() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let request = aws.s3.put_object().bucket(&bucket).key("k").tagging("a=1&b=2");
    request.send().await.unwrap();
    assert_eq!(aws.get(&bucket, "k").await.unwrap().tag_count, Some(2));
    let tag = Tag::builder().key("c").value("3").build().unwrap();
    let tagging = Tagging::builder().tag_set(tag.clone()).build().unwrap();
    let request = aws.s3.put_object_tagging().bucket(&bucket).key("k").tagging(tagging);
    request.send().await.unwrap();
    let tags = aws.s3.get_object_tagging().bucket(&bucket).key("k").send().await.unwrap();
    assert_eq!(tags.tag_set, [tag]);
}

/// An object can have 10 tags; 11 are refused. (PutObjectTagging)
#[tokio::test]
async fn eleven_tags_are_too_many() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    aws.put(&bucket, "k", "x").await;
    let tag = |number: u8| Tag::builder().key(format!("t{number}")).value("v").build().unwrap();
    let tags = (0..11).map(tag).collect();
    let tagging = Tagging::builder().set_tag_set(Some(tags)).build().unwrap();
    let request = aws.s3.put_object_tagging().bucket(&bucket).key("k").tagging(tagging);
    assert_eq!(refused(request.send().await), "BadRequest");
}

/// A bucket that is not empty can't be deleted: `BucketNotEmpty`. (DeleteBucket;
/// API Reference, Error responses)
#[tokio::test]
async fn a_bucket_is_emptied_before_it_is_deleted() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    aws.put(&bucket, "k", "x").await;
    let delete = || aws.s3.delete_bucket().bucket(&bucket).send();
    assert_eq!(refused(delete().await), "BucketNotEmpty");
    aws.delete_object(&bucket, "k").await;
    delete().await.unwrap();
}
