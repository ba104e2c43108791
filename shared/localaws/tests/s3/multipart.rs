//! Multipart uploads.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};

use crate::client::{BUCKET, Endpoint, Refusal, bytes, plain_s3};

const PART: usize = 5 << 20;

async fn begin(endpoint: &Endpoint, key: &str) -> String {
    let request = endpoint.s3.create_multipart_upload().bucket(BUCKET).key(key);
    let request = request.content_type("text/csv").metadata("a", "1");
    request.send().await.unwrap().upload_id.unwrap()
}

async fn part(endpoint: &Endpoint, id: &str, key: &str, number: i32, body: &[u8]) -> CompletedPart {
    let request = endpoint.s3.upload_part().bucket(BUCKET).key(key).upload_id(id);
    let request = request.part_number(number).body(ByteStream::from(body.to_vec()));
    let etag = request.send().await.unwrap().e_tag.unwrap();
    CompletedPart::builder().part_number(number).e_tag(etag).build()
}

async fn complete(
    endpoint: &Endpoint,
    id: &str,
    key: &str,
    parts: Vec<CompletedPart>,
) -> Result<String, Refusal> {
    let upload = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let request = endpoint.s3.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(id);
    let completed = request.multipart_upload(upload).send().await.map_err(Refusal::of)?;
    Ok(completed.e_tag.unwrap())
}

#[tokio::test]
async fn parts_become_one_object_that_survives_a_restart() {
    let endpoint = Endpoint::start().await;
    let id = begin(&endpoint, "k").await;
    let whole = bytes(PART * 2 + 17);
    let mut parts = Vec::new();
    for (at, piece) in whole.chunks(PART).enumerate() {
        parts.push(part(&endpoint, &id, "k", at as i32 * 3 + 1, piece).await);
    }
    let unused = part(&endpoint, &id, "k", 100, b"unused").await;
    assert!(unused.e_tag().is_some());
    let endpoint = endpoint.restart().await;

    let listed = endpoint.s3.list_parts().bucket(BUCKET).key("k").upload_id(&id).max_parts(2);
    let listed = listed.send().await.unwrap();
    assert_eq!(listed.parts().len(), 2);
    assert_eq!(listed.next_part_number_marker(), Some("4"));
    assert_eq!(listed.parts()[0].size(), Some(PART as i64));

    let etag = complete(&endpoint, &id, "k", parts.clone()).await.unwrap();
    assert!(etag.ends_with("-3\""), "{etag}");
    assert_eq!(complete(&endpoint, &id, "k", parts).await.unwrap(), etag, "asked again");
    let endpoint = endpoint.restart().await;
    assert!(endpoint.get("k").await.unwrap() == whole);
    assert_eq!(endpoint.content_files().len(), 3);
    let head = endpoint.s3.head_object().bucket(BUCKET).key("k").part_number(2);
    let head = head.send().await.unwrap();
    assert_eq!(head.parts_count(), Some(3));
    assert_eq!(head.content_length(), Some(PART as i64));
    assert_eq!(head.content_type(), Some("text/csv"));
    assert_eq!(head.metadata().unwrap()["a"], "1");
    let across = format!("bytes={}-{}", PART - 3, PART + 2);
    let got = endpoint.s3.get_object().bucket(BUCKET).key("k").range(across).send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().to_vec(), whole[PART - 3..PART + 3]);
}

#[tokio::test]
async fn a_list_of_parts_must_be_right() {
    let endpoint = Endpoint::start().await;
    let id = begin(&endpoint, "k").await;
    let one = part(&endpoint, &id, "k", 1, &bytes(PART)).await;
    let two = part(&endpoint, &id, "k", 2, b"end").await;
    let refused = async |parts| complete(&endpoint, &id, "k", parts).await.unwrap_err().code;
    assert_eq!(refused(vec![two.clone(), one.clone()]).await, "InvalidPartOrder");
    assert_eq!(refused(vec![one.clone(), one.clone()]).await, "InvalidPartOrder");
    let unknown = CompletedPart::builder().part_number(3).e_tag(one.e_tag().unwrap()).build();
    assert_eq!(refused(vec![one.clone(), unknown]).await, "InvalidPart");
    let other = CompletedPart::builder().part_number(1).e_tag(two.e_tag().unwrap()).build();
    assert_eq!(refused(vec![other]).await, "InvalidPart");
    let three = part(&endpoint, &id, "k", 3, b"more").await;
    assert_eq!(refused(vec![one.clone(), two.clone(), three]).await, "EntityTooSmall");
    assert_eq!(refused(vec![]).await, "MalformedXML");
    let missing = complete(&endpoint, "no-such", "k", vec![one.clone()]).await.unwrap_err();
    assert_eq!(missing, Refusal::new("NoSuchUpload", 404));
    complete(&endpoint, &id, "k", vec![one, two]).await.unwrap();
}

#[tokio::test]
async fn a_part_uploaded_again_takes_the_place_of_the_first() {
    let endpoint = Endpoint::start().await;
    let id = begin(&endpoint, "k").await;
    let first = part(&endpoint, &id, "k", 1, b"first").await;
    let second = part(&endpoint, &id, "k", 1, b"second").await;
    let stale = complete(&endpoint, &id, "k", vec![first]).await.unwrap_err();
    assert_eq!(stale.code, "InvalidPart");
    complete(&endpoint, &id, "k", vec![second]).await.unwrap();
    assert_eq!(endpoint.get("k").await.unwrap(), b"second");
}

#[tokio::test]
async fn an_aborted_upload_is_gone_with_its_parts() {
    let endpoint = Endpoint::start().await;
    let (a, b) = (begin(&endpoint, "x/a").await, begin(&endpoint, "x/b").await);
    let kept = begin(&endpoint, "x/b").await;
    let one = part(&endpoint, &a, "x/a", 1, b"v").await;
    for (id, key) in [(&a, "x/a"), (&b, "x/b")] {
        let abort = endpoint.s3.abort_multipart_upload().bucket(BUCKET).key(key).upload_id(id);
        abort.send().await.unwrap();
    }
    assert_eq!(complete(&endpoint, &a, "x/a", vec![one]).await.unwrap_err().code, "NoSuchUpload");
    let endpoint = endpoint.restart().await;
    assert_eq!(endpoint.content_files().len(), 0);
    let listed = endpoint.s3.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    let ids: Vec<_> = listed.uploads().iter().filter_map(|upload| upload.upload_id()).collect();
    assert_eq!(ids, [kept]);
}

#[tokio::test]
async fn uploads_are_listed_over_pages() {
    let endpoint = Endpoint::start().await;
    let mut begun = Vec::new();
    for key in ["a", "b", "b", "c/1", "c/2"] {
        begun.push(begin(&endpoint, key).await);
    }
    let (mut listed, mut key, mut id) = (Vec::new(), None, None);
    loop {
        let request = endpoint.s3.list_multipart_uploads().bucket(BUCKET).max_uploads(2);
        let request = request.set_key_marker(key).set_upload_id_marker(id);
        let page = request.send().await.unwrap();
        let ids = page.uploads().iter().filter_map(|upload| upload.upload_id());
        listed.extend(ids.map(str::to_owned));
        if page.is_truncated() != Some(true) {
            break;
        }
        key = page.next_key_marker;
        id = page.next_upload_id_marker;
    }
    assert_eq!(listed, begun);
}

#[tokio::test]
async fn parts_are_copied_from_ranges_of_objects() {
    let endpoint = Endpoint::start().await;
    let source = bytes(PART + 1000);
    endpoint.put("source", source.clone()).await;
    let id = begin(&endpoint, "k").await;
    let mut parts = Vec::new();
    for (number, range) in [(1, format!("bytes=10-{}", PART + 9)), (2, "bytes=0-4".to_owned())] {
        let request = endpoint.s3.upload_part_copy().bucket(BUCKET).key("k").upload_id(&id);
        let request = request.part_number(number).copy_source("raw/source");
        let copied = request.copy_source_range(range).send().await.unwrap();
        let etag = copied.copy_part_result.unwrap().e_tag.unwrap();
        parts.push(CompletedPart::builder().part_number(number).e_tag(etag).build());
    }
    complete(&endpoint, &id, "k", parts).await.unwrap();
    let expected = [&source[10..PART + 10], &source[..5]].concat();
    assert!(endpoint.get("k").await.unwrap() == expected);
    let request = endpoint.s3.upload_part_copy().bucket(BUCKET).key("k").upload_id(&id);
    let beyond =
        request.part_number(1).copy_source("raw/source").copy_source_range("bytes=0-99999999");
    assert!(beyond.send().await.is_err());
}

#[tokio::test]
async fn a_copy_of_parts_is_one_whole() {
    let endpoint = Endpoint::start().await;
    let id = begin(&endpoint, "k").await;
    let one = part(&endpoint, &id, "k", 1, &bytes(PART)).await;
    let two = part(&endpoint, &id, "k", 2, b"end").await;
    complete(&endpoint, &id, "k", vec![one, two]).await.unwrap();
    let copy = endpoint.s3.copy_object().bucket(BUCKET).key("copy").copy_source("raw/k");
    let etag = copy.send().await.unwrap().copy_object_result.unwrap().e_tag.unwrap();
    assert!(!etag.contains('-'), "{etag}");
    let whole = [bytes(PART), b"end".to_vec()].concat();
    assert!(endpoint.get("copy").await.unwrap() == whole);
    let put = endpoint.s3.put_object().bucket(BUCKET).key("plain").body(ByteStream::from(whole));
    assert_eq!(put.send().await.unwrap().e_tag, Some(etag));
}

#[tokio::test]
async fn checksums_of_parts_make_that_of_the_object() {
    let endpoint = Endpoint::start().await;
    let whole = [bytes(PART), b"end".to_vec()].concat();
    let plain = plain_s3(&endpoint.server.url());
    let mut full = Vec::new();
    for kind in [ChecksumType::FullObject, ChecksumType::Composite] {
        let request = endpoint.s3.create_multipart_upload().bucket(BUCKET).key("k");
        let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32);
        let begun = request.checksum_type(kind.clone()).send().await.unwrap();
        let id = begun.upload_id.unwrap();
        let mut parts = Vec::new();
        for (number, piece) in (1..).zip(whole.chunks(PART)) {
            let request = endpoint.s3.upload_part().bucket(BUCKET).key("k").upload_id(&id);
            let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32);
            let request = request.part_number(number).body(ByteStream::from(piece.to_vec()));
            let done = request.send().await.unwrap();
            let part = CompletedPart::builder().part_number(number).set_e_tag(done.e_tag);
            parts.push(part.set_checksum_crc32(done.checksum_crc32).build());
        }
        complete(&endpoint, &id, "k", parts).await.unwrap();
        assert!(endpoint.get("k").await.unwrap() == whole);
        let head = endpoint.s3.head_object().bucket(BUCKET).key("k");
        let head = head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        assert_eq!(head.checksum_type(), Some(&kind));
        full.push(head.checksum_crc32().unwrap().to_owned());
    }
    let put = plain.put_object().bucket(BUCKET).key("p").body(ByteStream::from(whole));
    let put = put.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.unwrap();
    assert_eq!(put.checksum_crc32(), Some(full[0].as_str()));
    assert!(full[1].ends_with("-2"));
    let request = endpoint.s3.create_multipart_upload().bucket(BUCKET).key("k");
    let request = request.checksum_algorithm(ChecksumAlgorithm::Sha256);
    let impossible = request.checksum_type(ChecksumType::FullObject).send().await;
    assert_eq!(impossible.map_err(Refusal::of).unwrap_err().code, "InvalidRequest");
}

#[tokio::test]
async fn a_completion_may_be_conditional() {
    let endpoint = Endpoint::start().await;
    let id = begin(&endpoint, "k").await;
    let one = part(&endpoint, &id, "k", 1, b"v").await;
    endpoint.put("k", "there").await;
    let upload = CompletedMultipartUpload::builder().parts(one.clone()).build();
    let request = endpoint.s3.complete_multipart_upload().bucket(BUCKET).key("k").upload_id(&id);
    let refused = request.multipart_upload(upload).if_none_match("*").send().await;
    let refused = refused.map_err(Refusal::of).unwrap_err();
    assert_eq!(refused, Refusal::new("PreconditionFailed", 412));
    assert_eq!(endpoint.get("k").await.unwrap(), b"there");
    complete(&endpoint, &id, "k", vec![one]).await.unwrap();
    assert_eq!(endpoint.get("k").await.unwrap(), b"v");
}
