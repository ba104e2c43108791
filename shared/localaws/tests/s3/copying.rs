//! Copies.

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, MetadataDirective, TaggingDirective};

use crate::client::{BUCKET, Endpoint, Refusal, bytes};

#[tokio::test]
async fn a_copy_outlives_its_source() {
    let endpoint = Endpoint::start().await;
    endpoint.s3.create_bucket().bucket("other").send().await.unwrap();
    let body = bytes(700_000);
    endpoint.put("dir/a b+c\u{e9}.csv", body.clone()).await;
    let copy = endpoint.s3.copy_object().bucket("other").key("copy");
    let copied = copy.copy_source(format!("{BUCKET}/dir/a%20b%2Bc%C3%A9.csv")).send().await;
    assert!(copied.unwrap().copy_object_result.unwrap().e_tag.is_some());
    endpoint.delete("dir/a b+c\u{e9}.csv").await;
    let endpoint = endpoint.restart().await;
    let got = endpoint.s3.get_object().bucket("other").key("copy").send().await.unwrap();
    assert!(got.body.collect().await.unwrap().to_vec() == body);
    endpoint.s3.delete_object().bucket("other").key("copy").send().await.unwrap();
    assert_eq!(endpoint.restart().await.content_files().len(), 0);
}

#[tokio::test]
async fn metadata_and_tags_are_kept_or_replaced() {
    let endpoint = Endpoint::start().await;
    let put = endpoint.s3.put_object().bucket(BUCKET).key("k").content_type("text/csv");
    put.metadata("a", "1").tagging("t=1").send().await.unwrap();
    let copy = |to: &str| {
        endpoint.s3.copy_object().bucket(BUCKET).key(to).copy_source(format!("{BUCKET}/k"))
    };
    copy("same").send().await.unwrap();
    let head = endpoint.s3.head_object().bucket(BUCKET).key("same").send().await.unwrap();
    assert_eq!((head.content_type(), &*head.metadata().unwrap()["a"]), (Some("text/csv"), "1"));

    let replace = copy("k").metadata_directive(MetadataDirective::Replace).metadata("b", "2");
    let replace = replace.tagging_directive(TaggingDirective::Replace).tagging("u=2");
    replace.send().await.unwrap();
    let got = endpoint.s3.get_object().bucket(BUCKET).key("k").send().await.unwrap();
    assert_eq!(got.content_type(), Some("binary/octet-stream"));
    assert_eq!(got.metadata().unwrap().keys().collect::<Vec<_>>(), ["b"]);
    let tags = endpoint.s3.get_object_tagging().bucket(BUCKET).key("k").send().await.unwrap();
    assert_eq!(tags.tag_set()[0].key(), "u");

    let nothing = copy("k").send().await.map_err(Refusal::of).unwrap_err();
    assert_eq!(nothing, Refusal::new("InvalidRequest", 400));
    let missing = endpoint.s3.copy_object().bucket(BUCKET).key("x").copy_source("raw/no").send();
    assert_eq!(missing.await.map_err(Refusal::of).unwrap_err().code, "NoSuchKey");
}

#[tokio::test]
async fn a_copy_may_have_another_checksum() {
    let endpoint = Endpoint::start().await;
    endpoint.put("k", "123456789").await;
    let copy = endpoint.s3.copy_object().bucket(BUCKET).key("copy").copy_source("raw/k");
    copy.checksum_algorithm(ChecksumAlgorithm::Crc32C).send().await.unwrap();
    let head = endpoint.s3.head_object().bucket(BUCKET).key("copy");
    let head = head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(head.checksum_crc32_c(), Some("4waSgw=="));
}
