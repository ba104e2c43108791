//! `PutObject`; form uploads end here too.

use std::sync::Arc;

use hyper::Method;
use s3s::dto::{PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Result, s3_error};

use super::keeping::{self, set_encryption};
use super::{Answer, Found, answer, expiration, new_version, request_id, tagging};
use crate::s3::acl::given_acl;
use crate::s3::bucket::{Bucket, Decision};
use crate::s3::checksum::{Algorithm, given_checksums, set_checksum};
use crate::s3::chunked::Trailers;
use crate::s3::claims::Claims;
use crate::s3::clock::Sequence;
use crate::s3::condition::WriteConditions;
use crate::s3::event::{Event, What};
use crate::s3::headers::{Headers, describing_of, keeping_of};
use crate::s3::index::Index;
use crate::s3::object::Object;
use crate::s3::receive;
use crate::s3::record::Record;
use crate::s3::store::Store;
use crate::s3::wire::RequestId;

/// The most that can be uploaded in one go.
pub(super) const MAX_BODY: i64 = 5 << 30;
const MAX_METADATA: usize = 2048;

/// Stores an object.
pub(in crate::s3) async fn put_object(
    store: &Arc<Store>,
    mut request: S3Request<PutObjectInput>,
) -> Answer<PutObjectOutput> {
    let id = request_id(&request.extensions);
    let what = if request.method == Method::POST { What::Post } else { What::Put };
    let input = &mut request.input;
    let bucket = store.bucket(&input.bucket)?;
    check_len(input.content_length)?;
    let described = describing_of!(input);
    check_metadata(&described)?;
    let acl = given_acl!(input);
    let headers = keeping::complete(store, &bucket, keeping_of!(input), &acl)?.with(described);
    let tags = tagging::parse_header(input.tagging.as_deref())?;
    let conditions =
        WriteConditions { matches: input.if_match.take(), none_match: input.if_none_match.take() };
    // Refused early where that saves the upload; what counts is the check at
    // the commit.
    bucket.read(|index| conditions.check(&input.key, index.current(&input.key)))?;
    let claims = Claims::read(
        &request.headers,
        input.content_md5.as_deref(),
        given_checksums!(input),
        request.extensions.get::<Trailers>().cloned(),
    )?;
    let algorithm = claims.algorithm_or(Algorithm::Crc64Nvme);
    let received = receive::receive(store, input.body.take(), claims, algorithm).await?;
    let object = Object {
        etag: received.digest.etag(),
        size: received.blob.len(),
        blobs: vec![received.blob],
        checksum: Some(received.digest.checksum),
        part_checksums: Box::default(),
        headers,
        tags,
    };
    let key = &request.input.key;
    let stored = write(store, &bucket, key, &id, object, conditions, what).await?;
    let mut output = PutObjectOutput {
        e_tag: Some(stored.object.etag.to_dto()),
        expiration: expiration(&bucket, key, &stored),
        version_id: stored.shown,
        ..Default::default()
    };
    set_encryption!(output, &stored.object.headers);
    set_checksum!(output, &stored.object.checksum);
    output.checksum_type = stored.object.checksum.as_ref().map(|checksum| checksum.kind());
    answer(output)
}

/// Makes `object` the current version under `key`.
pub(super) async fn write(
    store: &Arc<Store>,
    bucket: &Arc<Bucket>,
    key: &str,
    id: &RequestId,
    object: Object,
    conditions: WriteConditions,
    what: What,
) -> S3Result<Found> {
    let written: Box<str> = key.into();
    let decide = move |index: &Index, sequence: &Sequence| {
        conditions.check(&written, index.current(&written))?;
        let object = Arc::new(object);
        let version = new_version(index, sequence, Some(Arc::clone(&object)));
        let event = Event::written(what, &written, &version);
        let answer = Found::new(index, &version, object);
        let record = Record::Put { key: written, version, upload: None, event: None };
        Ok(Decision { record: Some(record), event: Some(event), answer })
    };
    store.change(bucket, key, id, decide).await
}

/// Checks the length of a body sent in one go.
pub(super) fn check_len(len: Option<i64>) -> S3Result<()> {
    match len {
        Some(len) if len > MAX_BODY => Err(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed size of {MAX_BODY} bytes"
        )),
        Some(_) | None => Ok(()),
    }
}

/// Checks the length of user metadata.
pub(super) fn check_metadata(headers: &Headers) -> S3Result<()> {
    match headers.metadata_len() > MAX_METADATA {
        true => Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size of {MAX_METADATA} bytes"
        )),
        false => Ok(()),
    }
}
