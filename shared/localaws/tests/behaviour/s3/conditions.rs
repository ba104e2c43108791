//! Conditional reads and writes.

use crate::aws::Aws;
use crate::refusal::refused;

/// With `If-None-Match: *` an object is stored if its key has none yet; another
/// time it is `PreconditionFailed`. (PutObject, IfNoneMatch)
#[tokio::test]
async fn an_object_can_be_created_once() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let put = || aws.s3.put_object().bucket(&bucket).key("k").if_none_match("*").send();
    put().await.unwrap();
    assert_eq!(refused(put().await), "PreconditionFailed");
}

/// With `If-Match` an object is replaced if it still has that ETag, else it is
/// `PreconditionFailed`. (PutObject, IfMatch)
#[tokio::test]
async fn an_object_can_be_replaced_as_it_was_read() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let etag = aws.put(&bucket, "k", "first").await.e_tag.unwrap();
    aws.put(&bucket, "k", "second").await;
    let put = aws.s3.put_object().bucket(&bucket).key("k").if_match(etag).send().await;
    assert_eq!(refused(put), "PreconditionFailed");
    assert_eq!(aws.content(&bucket, "k").await, "second");
}

/// With `If-Match` on a key that has no object a write is `NoSuchKey`. (User
/// Guide, How to prevent object overwrites with conditional writes)
#[tokio::test]
async fn what_is_not_there_does_not_match() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let put = aws.s3.put_object().bucket(&bucket).key("k").if_match("\"etag\"").send().await;
    assert_eq!(refused(put), "NoSuchKey");
}

/// A read with `If-Match` and another ETag is answered with 412, one with
/// `If-None-Match` and the same ETag with 304. (GetObject, IfMatch and
/// IfNoneMatch)
#[tokio::test]
async fn a_read_can_have_a_condition() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let etag = aws.put(&bucket, "k", "x").await.e_tag.unwrap();
    let get = || aws.s3.get_object().bucket(&bucket).key("k");
    let other = get().if_match("\"other\"").send().await.unwrap_err();
    assert_eq!(other.raw_response().unwrap().status().as_u16(), 412);
    let same = get().if_none_match(etag).send().await.unwrap_err();
    assert_eq!(same.raw_response().unwrap().status().as_u16(), 304);
}
