//! Checksums: computed, held against what clients say, and given back.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType, ObjectAttributes};

use crate::client::{BUCKET, Endpoint, Refusal, bytes, plain_s3};

#[tokio::test]
async fn every_algorithm_is_stored_and_checked_by_the_sdk() {
    let endpoint = Endpoint::start().await;
    let algorithms = [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ];
    for algorithm in algorithms {
        for len in [10, 1_000_000] {
            let request = endpoint.s3.put_object().bucket(BUCKET).key("k");
            let request = request.checksum_algorithm(algorithm.clone());
            request.body(ByteStream::from(bytes(len))).send().await.unwrap();
            // The SDK holds the body against the checksum that comes with it.
            assert!(endpoint.get("k").await.unwrap() == bytes(len));
        }
        let head = endpoint.s3.head_object().bucket(BUCKET).key("k");
        let head = head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        let given = [
            head.checksum_crc32(),
            head.checksum_crc32_c(),
            head.checksum_crc64_nvme(),
            head.checksum_sha1(),
            head.checksum_sha256(),
        ];
        assert_eq!(given.iter().flatten().count(), 1, "{algorithm}");
        assert_eq!(head.checksum_type(), Some(&ChecksumType::FullObject));
    }
}

#[tokio::test]
async fn a_crc64nvme_is_computed_where_none_is_given() {
    let endpoint = Endpoint::start().await;
    let plain = plain_s3(&endpoint.server.url());
    let body = ByteStream::from_static(b"123456789");
    plain.put_object().bucket(BUCKET).key("k").body(body).send().await.unwrap();
    let request = endpoint.s3.get_object_attributes().bucket(BUCKET).key("k");
    let request = request
        .object_attributes(ObjectAttributes::Checksum)
        .object_attributes(ObjectAttributes::ObjectSize);
    let attributes = request.send().await.unwrap();
    let checksum = attributes.checksum().unwrap();
    assert_eq!(checksum.checksum_crc64_nvme(), Some("rosUhgp5mIg="));
    assert_eq!(attributes.object_size(), Some(9));
}

#[tokio::test]
async fn a_body_that_is_not_what_was_said_is_refused() {
    let endpoint = Endpoint::start().await;
    let s3 = plain_s3(&endpoint.server.url());
    let put = || s3.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(b"v"));
    let wrong_md5 = put().content_md5("1B2M2Y8AsgTpgAmY7PhCfg==").send().await;
    assert_eq!(wrong_md5.map_err(Refusal::of).unwrap_err(), Refusal::new("BadDigest", 400));
    let no_md5 = put().content_md5("bm90IGFuIG1kNQ==").send().await;
    assert_eq!(no_md5.map_err(Refusal::of).unwrap_err(), Refusal::new("InvalidDigest", 400));
    let wrong_crc = put().checksum_crc32("AAAAAA==").send().await;
    assert_eq!(wrong_crc.map_err(Refusal::of).unwrap_err(), Refusal::new("BadDigest", 400));
    let no_crc = put().checksum_crc32("AA==").send().await;
    assert_eq!(no_crc.map_err(Refusal::of).unwrap_err(), Refusal::new("InvalidRequest", 400));
    assert!(endpoint.keys().await.is_empty());
}

#[tokio::test]
async fn refused_bodies_leave_no_files() {
    let endpoint = Endpoint::start().await;
    let s3 = plain_s3(&endpoint.server.url());
    let put = s3.put_object().bucket(BUCKET).key("k").body(ByteStream::from(bytes(900_000)));
    put.content_md5("1B2M2Y8AsgTpgAmY7PhCfg==").send().await.unwrap_err();
    let endpoint = endpoint.restart().await;
    assert_eq!(endpoint.content_files().len(), 0);
}
