//! Checksums: verified on the way in, kept, and told on request.

use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;

use crate::aws::Aws;
use crate::refusal::refused;

/// The content that the catalogues of checksums give their check values for.
const CONTENT: &[u8] = b"123456789";
const CRC32: &str = "y/Q5Jg==";
const CRC64NVME: &str = "rosUhgp5mIg=";
const SHA256: &str = "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=";

fn upload(aws: &Aws, bucket: &str) -> PutObjectFluentBuilder {
    let request = aws.s3.put_object().bucket(bucket).key("k");
    request.body(ByteStream::from_static(CONTENT))
}

/// A CRC32 that was sent with an object is kept and told when the checksum mode
/// is enabled. (HeadObject, ChecksumMode; User Guide, Checking object integrity)
#[tokio::test]
async fn a_crc32_is_kept() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    upload(&aws, &bucket).checksum_crc32(CRC32).send().await.unwrap();
    let request = aws.s3.head_object().bucket(&bucket).key("k");
    let head = request.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(head.checksum_crc32(), Some(CRC32));
}

/// A CRC64NVME that was sent with an object is kept, as a checksum of the full
/// object. (PutObject, ChecksumCRC64NVME)
#[tokio::test]
async fn a_crc64nvme_is_kept() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    upload(&aws, &bucket).checksum_crc64_nvme(CRC64NVME).send().await.unwrap();
    let request = aws.s3.head_object().bucket(&bucket).key("k");
    let head = request.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(head.checksum_crc64_nvme(), Some(CRC64NVME));
    assert_eq!(head.checksum_type().map(|kind| kind.as_str()), Some("FULL_OBJECT"));
}

/// A SHA-256 that was sent with an object is kept. (PutObject, ChecksumSHA256)
#[tokio::test]
async fn a_sha256_is_kept() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    upload(&aws, &bucket).checksum_sha256(SHA256).send().await.unwrap();
    let request = aws.s3.head_object().bucket(&bucket).key("k");
    let head = request.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(head.checksum_sha256(), Some(SHA256));
}

/// Content that does not match the CRC32 sent with it is refused as
/// `BadDigest`. (API Reference, Error responses)
#[tokio::test]
async fn a_wrong_crc32_is_refused() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let answer = upload(&aws, &bucket).checksum_crc32("AAAAAA==").send().await;
    assert_eq!(refused(answer), "BadDigest");
    assert_eq!(refused(aws.get(&bucket, "k").await), "NoSuchKey");
}

/// Content that does not match the SHA-256 sent with it is refused as
/// `BadDigest`. (API Reference, Error responses)
#[tokio::test]
async fn a_wrong_sha256_is_refused() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let wrong = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let answer = upload(&aws, &bucket).checksum_sha256(wrong).send().await;
    assert_eq!(refused(answer), "BadDigest");
}

/// Content that does not match its `Content-MD5` is refused as `BadDigest`.
/// (PutObject, ContentMD5; API Reference, Error responses)
#[tokio::test]
async fn a_wrong_content_md5_is_refused() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let answer = upload(&aws, &bucket).content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await;
    assert_eq!(refused(answer), "BadDigest");
}
