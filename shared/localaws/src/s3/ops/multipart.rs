//! Multipart uploads: begin, complete, abort.

use std::sync::Arc;

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CreateMultipartUploadInput,
    CreateMultipartUploadOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::keeping::{self, set_common_encryption, set_encryption};
use super::{Answer, Found, answer, expiration, new_version, open, tagging};
use crate::s3::acl::given_acl;
use crate::s3::bucket::Decision;
use crate::s3::checksum::{Algorithm, Checksum, given_checksums, set_checksum};
use crate::s3::claims::parse_algorithm;
use crate::s3::clock::Sequence;
use crate::s3::completion;
use crate::s3::condition::WriteConditions;
use crate::s3::error;
use crate::s3::event::{Event, What};
use crate::s3::headers::{describing_of, keeping_of};
use crate::s3::index::Index;
use crate::s3::record::{Record, Upload};
use crate::s3::store::Store;

/// Begins an upload.
pub(in crate::s3) async fn create(
    store: &Arc<Store>,
    request: S3Request<CreateMultipartUploadInput>,
) -> Answer<CreateMultipartUploadOutput> {
    let mut input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let described = describing_of!(input);
    super::put::check_metadata(&described)?;
    let acl = given_acl!(input);
    let headers = keeping::complete(store, &bucket, keeping_of!(input), &acl)?.with(described);
    let mut output = CreateMultipartUploadOutput::default();
    set_encryption!(output, &headers);
    let asked = input.checksum_algorithm.as_ref().map(|name| parse_algorithm(name.as_str()));
    let asked = asked.transpose()?;
    let algorithm = asked.unwrap_or(Algorithm::Crc64Nvme);
    let composite = is_composite(algorithm, input.checksum_type.as_ref())?;
    let upload = Upload {
        key: input.key.as_str().into(),
        initiated: store.sequence.now(),
        headers,
        tags: tagging::parse_header(input.tagging.as_deref())?,
        algorithm,
        checksum_asked: asked.is_some(),
        composite,
        parts: Default::default(),
    };
    let id = bucket.commit(|_, sequence| {
        // Ids sort by the time they were given out, as listings have them.
        let id = format!("{:016x}{:016x}", sequence.next(), rand::random::<u64>());
        Ok((Some(Record::Upload { id: id.as_str().into(), upload }), id))
    })?;
    output.bucket = Some(input.bucket);
    output.key = Some(input.key);
    output.upload_id = Some(id);
    output.checksum_algorithm = asked.map(|asked| ChecksumAlgorithm::from_static(asked.name()));
    output.checksum_type = asked.map(|_| checksum_type(composite));
    answer(output)
}

/// Whether the object's checksum is one of its parts' checksums. Only CRCs can
/// be of the whole object, and CRC64NVME always is.
fn is_composite(algorithm: Algorithm, asked: Option<&ChecksumType>) -> S3Result<bool> {
    let default = algorithm != Algorithm::Crc64Nvme;
    let composite = match asked.map(ChecksumType::as_str) {
        None => default,
        Some(ChecksumType::COMPOSITE) => true,
        Some(_) => false,
    };
    let possible =
        if composite { algorithm != Algorithm::Crc64Nvme } else { algorithm.crc().is_some() };
    match possible {
        true => Ok(composite),
        false => Err(s3_error!(
            InvalidRequest,
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            checksum_type(composite).as_str(),
            algorithm.name()
        )),
    }
}

/// `COMPOSITE` or `FULL_OBJECT`.
pub(super) fn checksum_type(composite: bool) -> ChecksumType {
    ChecksumType::from_static(match composite {
        true => ChecksumType::COMPOSITE,
        false => ChecksumType::FULL_OBJECT,
    })
}

/// Puts an object together from parts.
pub(in crate::s3) async fn complete(
    store: &Arc<Store>,
    request: S3Request<CompleteMultipartUploadInput>,
) -> Answer<CompleteMultipartUploadOutput> {
    let (input, id) = open(request);
    let bucket = store.bucket(&input.bucket)?;
    let claimed: Vec<_> =
        given_checksums!(input).map(|(algorithm, value)| (algorithm, Box::from(value))).collect();
    let conditions = WriteConditions { matches: input.if_match, none_match: input.if_none_match };
    let asked = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
    let (key, upload_id) = (input.key.clone(), input.upload_id.clone());
    let size = input.mpu_object_size;
    let decide = move |index: &Index, sequence: &Sequence| {
        let Some(upload) = find(index, &upload_id, &key) else {
            return again(index, &upload_id, &key);
        };
        let object = completion::object(upload, &asked)?;
        completion::check(&object, &claimed, size)?;
        conditions.check(&key, index.current(&key))?;
        let object = Arc::new(object);
        let version = new_version(index, sequence, Some(Arc::clone(&object)));
        let event = Event::written(What::CompleteMultipartUpload, &key, &version);
        let answer = Found::new(index, &version, object);
        let upload = Some(upload_id.into());
        let record = Record::Put { key: key.into(), version, upload, event: None };
        Ok(Decision { record: Some(record), event: Some(event), answer })
    };
    let found = store.change(&bucket, &input.key, &id, decide).await?;
    let expiration = expiration(&bucket, &input.key, &found);
    let Found { object, shown, .. } = found;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(object.etag.to_dto()),
        expiration,
        version_id: shown,
        ..Default::default()
    };
    set_common_encryption!(output, &object.headers);
    set_checksum!(output, &object.checksum);
    output.checksum_type = object.checksum.as_ref().map(Checksum::kind);
    answer(output)
}

/// An upload that was completed before: the answer may have been lost.
fn again(index: &Index, upload: &str, key: &str) -> S3Result<Decision<Found>> {
    let version = index.completed(upload, key);
    let object = version.and_then(|version| version.object.clone());
    let (version, object) = version.zip(object).ok_or_else(|| error::no_such_upload(upload))?;
    let answer = Found::new(index, version, object);
    Ok(Decision { record: None, event: None, answer })
}

/// The upload of this id, if it is for this key.
pub(super) fn find<'a>(index: &'a Index, id: &str, key: &str) -> Option<&'a Upload> {
    index.uploads.get(id).filter(|upload| *upload.key == *key)
}

/// Gives an upload up.
pub(in crate::s3) async fn abort(
    store: &Arc<Store>,
    request: S3Request<AbortMultipartUploadInput>,
) -> Answer<AbortMultipartUploadOutput> {
    let input = request.input;
    store.bucket(&input.bucket)?.commit(|index, _| {
        find(index, &input.upload_id, &input.key)
            .ok_or_else(|| error::no_such_upload(&input.upload_id))?;
        Ok((Some(Record::Abort { upload: input.upload_id.as_str().into() }), ()))
    })?;
    answer(AbortMultipartUploadOutput::default())
}
