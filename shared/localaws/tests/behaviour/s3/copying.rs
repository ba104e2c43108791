//! Copies within S3.

use aws_sdk_s3::types::MetadataDirective;

use crate::aws::Aws;
use crate::refusal::refused;

/// A copy has the content and metadata of its source unless it says otherwise.
/// (CopyObject, MetadataDirective)
#[tokio::test]
async fn a_copy_keeps_the_metadata() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let request = aws.s3.put_object().bucket(&bucket).key("a b/\u{e9}").metadata("m", "1");
    request.content_type("text/csv").body("x".as_bytes().to_vec().into()).send().await.unwrap();
    let request = aws.s3.copy_object().bucket(&bucket).key("copy");
    request.copy_source(format!("{bucket}/a%20b/%C3%A9")).send().await.unwrap();
    let copy = aws.get(&bucket, "copy").await.unwrap();
    assert_eq!(copy.content_type(), Some("text/csv"));
    assert_eq!(copy.metadata.as_ref().unwrap()["m"], "1");
    assert_eq!(super::text(copy).await, "x");
}

/// With the directive `REPLACE` a copy has the metadata of the request.
/// (CopyObject, MetadataDirective)
#[tokio::test]
async fn a_copy_can_replace_the_metadata() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let request = aws.s3.put_object().bucket(&bucket).key("k").metadata("old", "1");
    request.send().await.unwrap();
    let request = aws.s3.copy_object().bucket(&bucket).key("copy").metadata("new", "2");
    let request = request.metadata_directive(MetadataDirective::Replace);
    request.copy_source(format!("{bucket}/k")).send().await.unwrap();
    let metadata = aws.get(&bucket, "copy").await.unwrap().metadata.unwrap();
    assert_eq!(metadata.into_iter().collect::<Vec<_>>(), [("new".into(), "2".into())]);
}

/// An older version is copied with `?versionId=` in the source; else it is the
/// current one. (CopyObject, CopySource)
#[tokio::test]
async fn an_older_version_can_be_copied() {
    let aws = Aws::start().await;
    let bucket = aws.versioned().await;
    let old = aws.put(&bucket, "k", "old").await.version_id.unwrap();
    aws.put(&bucket, "k", "new").await;
    let copy =
        |source: String| aws.s3.copy_object().bucket(&bucket).key("copy").copy_source(source);
    copy(format!("{bucket}/k?versionId={old}")).send().await.unwrap();
    assert_eq!(aws.content(&bucket, "copy").await, "old");
    copy(format!("{bucket}/k")).send().await.unwrap();
    assert_eq!(aws.content(&bucket, "copy").await, "new");
}

/// A copy with `x-amz-copy-source-if-match` and another ETag is
/// `PreconditionFailed`. (CopyObject, CopySourceIfMatch)
#[tokio::test]
async fn a_copy_can_have_a_condition() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    aws.put(&bucket, "k", "x").await;
    let request = aws.s3.copy_object().bucket(&bucket).key("copy");
    let request = request.copy_source(format!("{bucket}/k")).copy_source_if_match("\"other\"");
    assert_eq!(refused(request.send().await), "PreconditionFailed");
}
