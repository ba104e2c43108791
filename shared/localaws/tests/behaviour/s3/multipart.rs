//! Multipart uploads.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::complete_multipart_upload::{
    CompleteMultipartUploadError, CompleteMultipartUploadOutput,
};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use crate::aws::Aws;
use crate::refusal::refused;

/// The least size of every part but the last.
const LEAST: usize = 5 * 1024 * 1024;

/// An upload under way to the key `k`.
struct Upload<'a> {
    aws: &'a Aws,
    bucket: String,
    id: String,
}

impl<'a> Upload<'a> {
    async fn begin(aws: &'a Aws) -> Self {
        let bucket = aws.bucket().await;
        let request = aws.s3.create_multipart_upload().bucket(&bucket).key("k");
        let id = request.send().await.unwrap().upload_id.unwrap();
        Self { aws, bucket, id }
    }

    async fn part(&self, number: i32, size: usize) -> CompletedPart {
        let byte = b'a' + u8::try_from(number).unwrap();
        let request = self.aws.s3.upload_part().bucket(&self.bucket).key("k").upload_id(&self.id);
        let request = request.part_number(number).body(ByteStream::from(vec![byte; size]));
        let etag = request.send().await.unwrap().e_tag.unwrap();
        CompletedPart::builder().part_number(number).e_tag(etag).build()
    }

    async fn complete(
        &self,
        parts: &[CompletedPart],
    ) -> Result<CompleteMultipartUploadOutput, SdkError<CompleteMultipartUploadError>> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build();
        let request = self.aws.s3.complete_multipart_upload().bucket(&self.bucket).key("k");
        request.upload_id(&self.id).multipart_upload(parts).send().await
    }
}

/// A completed upload is one object: its parts in the order of their numbers,
/// with an ETag that ends in the number of parts. (CompleteMultipartUpload; User
/// Guide, Checking object integrity)
#[tokio::test]
async fn parts_become_an_object() {
    let aws = Aws::start().await;
    let upload = Upload::begin(&aws).await;
    let last = upload.part(2, 3).await;
    let first = upload.part(1, LEAST).await;
    let done = upload.complete(&[first, last]).await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-2\""), "{done:?}");
    let content = aws.content(&upload.bucket, "k").await;
    assert_eq!(content.len(), LEAST + 3);
    assert!(content.ends_with("bccc"));
}

/// A part other than the last of less than 5 MiB is `EntityTooSmall`.
/// (CompleteMultipartUpload)
#[tokio::test]
async fn small_parts_are_refused() {
    let aws = Aws::start().await;
    let upload = Upload::begin(&aws).await;
    let parts = [upload.part(1, LEAST - 1).await, upload.part(2, 3).await];
    assert_eq!(refused(upload.complete(&parts).await), "EntityTooSmall");
}

/// Parts that are not named in ascending order are `InvalidPartOrder`.
/// (CompleteMultipartUpload)
#[tokio::test]
async fn parts_are_named_in_order() {
    let aws = Aws::start().await;
    let upload = Upload::begin(&aws).await;
    let parts = [upload.part(2, LEAST).await, upload.part(1, LEAST).await];
    assert_eq!(refused(upload.complete(&parts).await), "InvalidPartOrder");
}

/// A part that was not uploaded, or has another ETag, is `InvalidPart`.
/// (CompleteMultipartUpload)
#[tokio::test]
async fn a_missing_part_is_refused() {
    let aws = Aws::start().await;
    let upload = Upload::begin(&aws).await;
    upload.part(1, 3).await;
    let never = CompletedPart::builder().part_number(2).e_tag("\"etag\"").build();
    assert_eq!(refused(upload.complete(&[never]).await), "InvalidPart");
}

/// An aborted upload is gone: its parts can't be listed, `NoSuchUpload`.
/// (AbortMultipartUpload)
#[tokio::test]
async fn an_aborted_upload_is_gone() {
    let aws = Aws::start().await;
    let upload = Upload::begin(&aws).await;
    upload.part(1, 3).await;
    let request = aws.s3.abort_multipart_upload().bucket(&upload.bucket).key("k");
    request.upload_id(&upload.id).send().await.unwrap();
    let request = aws.s3.list_parts().bucket(&upload.bucket).key("k").upload_id(&upload.id);
    assert_eq!(refused(request.send().await), "NoSuchUpload");
}

/// Parts are listed by number and in pages; a part that was uploaded again is
/// there once, as it is now. (ListParts; UploadPart)
#[tokio::test]
async fn parts_are_listed_in_pages() {
    let aws = Aws::start().await;
    let upload = Upload::begin(&aws).await;
    for (number, size) in [(3, 1), (1, 2), (7, 4), (1, 3)] {
        upload.part(number, size).await;
    }
    let (mut parts, mut marker) = (Vec::new(), None);
    loop {
        let request = aws.s3.list_parts().bucket(&upload.bucket).key("k").upload_id(&upload.id);
        let page = request.max_parts(2).set_part_number_marker(marker).send().await.unwrap();
        let part = |part: &aws_sdk_s3::types::Part| (part.part_number.unwrap(), part.size.unwrap());
        parts.extend(page.parts().iter().map(part));
        if page.is_truncated != Some(true) || parts.len() > 3 {
            break;
        }
        marker = page.next_part_number_marker;
    }
    assert_eq!(parts, [(1, 3), (3, 1), (7, 4)]);
}

/// Uploads under way are listed by key and id; they are no objects yet.
/// (ListMultipartUploads)
#[tokio::test]
async fn uploads_under_way_are_listed() {
    let aws = Aws::start().await;
    let upload = Upload::begin(&aws).await;
    upload.part(1, 3).await;
    let list = aws.s3.list_multipart_uploads().bucket(&upload.bucket).send().await.unwrap();
    assert_eq!(list.uploads()[0].upload_id(), Some(&*upload.id));
    assert_eq!(refused(aws.get(&upload.bucket, "k").await), "NoSuchKey");
}

/// A part can be copied from a range of an object. (UploadPartCopy,
/// CopySourceRange)
#[tokio::test]
async fn a_part_can_be_copied() {
    let aws = Aws::start().await;
    let upload = Upload::begin(&aws).await;
    aws.put(&upload.bucket, "source", "0123456789").await;
    let request = aws.s3.upload_part_copy().bucket(&upload.bucket).key("k").part_number(1);
    let request = request.upload_id(&upload.id).copy_source(format!("{}/source", upload.bucket));
    let copied = request.copy_source_range("bytes=2-5").send().await.unwrap();
    let etag = copied.copy_part_result.unwrap().e_tag.unwrap();
    let part = CompletedPart::builder().part_number(1).e_tag(etag).build();
    upload.complete(&[part]).await.unwrap();
    assert_eq!(aws.content(&upload.bucket, "k").await, "2345");
}
