//! Parts of multipart uploads: upload, copy, list.

use std::sync::Arc;

use s3s::dto::{
    self, CopyPartResult, Initiator, ListPartsInput, ListPartsOutput, UploadPartCopyInput,
    UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::bucket::owner;
use super::copy::{self, Source};
use super::keeping::set_encryption;
use super::multipart::{checksum_type, find};
use super::{Answer, answer};
use crate::s3::bucket::Bucket;
use crate::s3::checksum::{Algorithm, Checksum, given_checksums, set_checksum};
use crate::s3::chunked::Trailers;
use crate::s3::claims::Claims;
use crate::s3::condition::ReadConditions;
use crate::s3::error;
use crate::s3::listing;
use crate::s3::object::timestamp;
use crate::s3::receive::{self, Received};
use crate::s3::record::{Part, Record};
use crate::s3::store::Store;

const NUMBERS: std::ops::RangeInclusive<u16> = 1..=10_000;

/// Stores a part.
pub(in crate::s3) async fn upload_part(
    store: &Arc<Store>,
    mut request: S3Request<UploadPartInput>,
) -> Answer<UploadPartOutput> {
    let input = &mut request.input;
    let bucket = store.bucket(&input.bucket)?;
    let number = part_number(input.part_number)?;
    super::put::check_len(input.content_length)?;
    let wanted = algorithm(&bucket, &input.upload_id, &input.key)?;
    let claims = Claims::read(
        &request.headers,
        input.content_md5.as_deref(),
        given_checksums!(input),
        request.extensions.get::<Trailers>().cloned(),
    )?;
    let body = input.body.take();
    let received = receive::receive(store, body, claims, wanted).await?;
    let input = request.input;
    let claimed = received.digest.claimed.clone();
    let (part, asked) = commit(store, &bucket, &input.upload_id, &input.key, number, received)?;
    let mut output = UploadPartOutput { e_tag: Some(part.etag.to_dto()), ..Default::default() };
    bucket.read(|index| {
        if let Some(upload) = find(index, &input.upload_id, &input.key) {
            set_encryption!(output, &upload.headers);
        }
    });
    set_checksum!(output, claimed.as_ref().or(Some(&part.checksum).filter(|_| asked)));
    answer(output)
}

/// Stores a part that is a range of another object.
pub(in crate::s3) async fn upload_part_copy(
    store: &Arc<Store>,
    request: S3Request<UploadPartCopyInput>,
) -> Answer<UploadPartCopyOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let number = part_number(input.part_number)?;
    let wanted = algorithm(&bucket, &input.upload_id, &input.key)?;
    let conditions = ReadConditions {
        matches: input.copy_source_if_match,
        none_match: input.copy_source_if_none_match,
        modified_since: input.copy_source_if_modified_since,
        unmodified_since: input.copy_source_if_unmodified_since,
    };
    let key_md5 = input.copy_source_sse_customer_key_md5.as_deref();
    let source = Source::find(store, &input.copy_source, &conditions, key_md5)?;
    let range = source.range(input.copy_source_range.as_deref())?;
    let received = copy::transfer(store, &source, range, wanted).await?;
    let (part, asked) = commit(store, &bucket, &input.upload_id, &input.key, number, received)?;
    let mut result = CopyPartResult {
        e_tag: Some(part.etag.to_dto()),
        last_modified: Some(timestamp(part.modified)),
        ..Default::default()
    };
    set_checksum!(result, Some(&part.checksum).filter(|_| asked));
    answer(UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: source.shown,
        ..Default::default()
    })
}

fn part_number(given: i32) -> S3Result<u16> {
    let number = u16::try_from(given).ok().filter(|number| NUMBERS.contains(number));
    number.ok_or_else(|| {
        s3_error!(
            InvalidArgument,
            "Part number must be an integer between 1 and 10000, inclusive: `{given}`"
        )
    })
}

/// The algorithm of an upload's checksums.
fn algorithm(bucket: &Bucket, upload: &str, key: &str) -> S3Result<Algorithm> {
    let algorithm = bucket.read(|index| find(index, upload, key).map(|upload| upload.algorithm));
    algorithm.ok_or_else(|| error::no_such_upload(upload))
}

/// Takes a part in; whether the client asked for its checksum.
fn commit(
    store: &Store,
    bucket: &Bucket,
    upload: &str,
    key: &str,
    number: u16,
    received: Received,
) -> S3Result<(Part, bool)> {
    let part = Part {
        etag: received.digest.etag(),
        blob: received.blob,
        checksum: received.digest.checksum,
        modified: store.sequence.now(),
    };
    bucket.commit(|index, _| {
        let found = find(index, upload, key).ok_or_else(|| error::no_such_upload(upload))?;
        let record = Record::Part { upload: upload.into(), number, part: part.clone() };
        Ok((Some(record), (part, found.checksum_asked)))
    })
}

/// Lists the parts of an upload.
pub(in crate::s3) async fn list_parts(
    store: &Arc<Store>,
    request: S3Request<ListPartsInput>,
) -> Answer<ListPartsOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let max_parts = listing::limit(input.max_parts)?;
    let after = input.part_number_marker.and_then(|after| u16::try_from(after).ok()).unwrap_or(0);
    let owner = owner(store);
    bucket.read(|index| {
        let upload = find(index, &input.upload_id, &input.key)
            .ok_or_else(|| error::no_such_upload(&input.upload_id))?;
        let mut left = upload.parts.range(after.saturating_add(1)..);
        let parts: Vec<_> = left
            .by_ref()
            .take(max_parts as usize)
            .map(|(number, part)| shown(*number, part, upload.checksum_asked))
            .collect();
        let last = parts.last().and_then(|part| part.part_number);
        let algorithm = dto::ChecksumAlgorithm::from_static(upload.algorithm.name());
        answer(ListPartsOutput {
            bucket: Some(input.bucket.clone()),
            checksum_algorithm: upload.checksum_asked.then_some(algorithm),
            checksum_type: upload.checksum_asked.then(|| checksum_type(upload.composite)),
            initiator: Some(Initiator { display_name: None, id: owner.id.clone() }),
            is_truncated: Some(left.next().is_some()),
            key: Some(input.key.clone()),
            max_parts: Some(max_parts),
            next_part_number_marker: last,
            owner: Some(owner),
            part_number_marker: Some(i32::from(after)),
            parts: Some(parts),
            storage_class: Some(dto::StorageClass::from_static(dto::StorageClass::STANDARD)),
            upload_id: Some(input.upload_id.clone()),
            ..Default::default()
        })
    })
}

fn shown(number: u16, part: &Part, with_checksum: bool) -> dto::Part {
    let mut shown = dto::Part {
        e_tag: Some(part.etag.to_dto()),
        last_modified: Some(timestamp(part.modified)),
        part_number: Some(i32::from(number)),
        size: Some(part.blob.len() as i64),
        ..Default::default()
    };
    let checksum: Option<&Checksum> = Some(&part.checksum).filter(|_| with_checksum);
    set_checksum!(shown, checksum);
    shown
}
