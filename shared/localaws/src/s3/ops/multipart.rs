//! Multipart uploads: begin, complete, abort, list.

use std::sync::Arc;

use s3s::dto::{
    self, AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    MultipartUpload,
};
use s3s::{S3Request, S3Result, s3_error};

use super::bucket::owner;
use super::list::Encoding;
use super::{Answer, Found, answer, new_version, open, tagging};
use crate::s3::bucket::Decision;
use crate::s3::checksum::{Algorithm, Checksum, given_checksums, set_checksum};
use crate::s3::claims::parse_algorithm;
use crate::s3::completion;
use crate::s3::condition::WriteConditions;
use crate::s3::error;
use crate::s3::event::{Event, What};
use crate::s3::index::{Index, Key};
use crate::s3::listing::{self, Entry, From, Walk};
use crate::s3::object::{headers_of, timestamp};
use crate::s3::record::{Record, Upload};
use crate::s3::store::Store;

/// Begins an upload.
pub(in crate::s3) async fn create(
    store: &Arc<Store>,
    request: S3Request<CreateMultipartUploadInput>,
) -> Answer<CreateMultipartUploadOutput> {
    let mut input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let headers = headers_of!(input);
    super::put::check_metadata(&headers)?;
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
    let shown = |name: &'static str| ChecksumType::from_static(name);
    let kind = shown(if composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT });
    answer(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        checksum_algorithm: asked
            .map(|algorithm| dto::ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: asked.map(|_| kind),
        ..Default::default()
    })
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
            if composite { "COMPOSITE" } else { "FULL_OBJECT" },
            algorithm.name()
        )),
    }
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
    let decide = move |index: &Index, sequence: &crate::s3::clock::Sequence| {
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
    let Found { object, shown, .. } = store.change(&bucket, &input.key, &id, decide).await?;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(object.etag.to_dto()),
        version_id: shown,
        ..Default::default()
    };
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

/// Lists uploads under way, by key and then by age.
pub(in crate::s3) async fn list(
    store: &Arc<Store>,
    request: S3Request<ListMultipartUploadsInput>,
) -> Answer<ListMultipartUploadsOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let max_uploads = listing::limit(input.max_uploads)?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let key_marker = input.key_marker.as_deref().filter(|key| !key.is_empty());
    let id_marker = input.upload_id_marker.as_deref().filter(|_| key_marker.is_some());
    let walk = Walk {
        prefix: input.prefix.as_deref().unwrap_or_default(),
        delimiter: input.delimiter.as_deref(),
        from: match (key_marker, id_marker) {
            (Some(key), Some(_)) => From::At(key),
            (Some(key), None) => From::After(key),
            (None, _) => From::Start,
        },
        limit: usize::MAX,
    };
    let owner = owner(store);
    let shown = bucket.read(|index| {
        let mut shown = Shown::default();
        let by_key = by_key(index);
        for entry in walk.page(&by_key, Some).entries {
            match entry {
                Entry::Prefix(prefix) => shown.entries.push((prefix.to_owned(), None)),
                Entry::Key(key, uploads) => {
                    let past = id_marker.filter(|_| key_marker == Some(key)).unwrap_or_default();
                    let uploads = uploads.iter().filter(|(id, _)| **id > *past);
                    shown.entries.extend(uploads.map(|(id, upload)| {
                        (key.to_owned(), Some(self::shown(id, upload, encoding, &owner)))
                    }));
                }
            }
        }
        shown.cut(max_uploads as usize)
    });
    let (next_key, next_id) = shown.next.clone().unzip();
    let (uploads, prefixes) = shown.split(encoding);
    answer(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        common_prefixes: Some(prefixes),
        delimiter: encoding.apply(input.delimiter),
        encoding_type: input.encoding_type,
        is_truncated: Some(next_key.is_some()),
        key_marker: encoding.apply(input.key_marker),
        max_uploads: Some(max_uploads),
        next_key_marker: encoding.apply(next_key),
        next_upload_id_marker: next_id.flatten(),
        prefix: encoding.apply(input.prefix),
        request_charged: None,
        upload_id_marker: input.upload_id_marker,
        uploads: Some(uploads),
    })
}

type ByKey<'a> = std::collections::BTreeMap<Key, Vec<(&'a str, &'a Upload)>>;

fn by_key(index: &Index) -> ByKey<'_> {
    let mut by_key = ByKey::new();
    for (id, upload) in &index.uploads {
        by_key.entry(Key::new(upload.key.clone())).or_default().push((id, upload));
    }
    by_key
}

#[derive(Default)]
struct Shown {
    entries: Vec<(String, Option<MultipartUpload>)>,
    next: Option<(String, Option<String>)>,
}

impl Shown {
    fn cut(mut self, limit: usize) -> Self {
        if self.entries.len() > limit && limit > 0 {
            self.entries.truncate(limit);
            self.next = self.entries.last().map(|(key, upload)| {
                (key.clone(), upload.as_ref().and_then(|upload| upload.upload_id.clone()))
            });
        }
        self.entries.truncate(limit);
        self
    }

    fn split(self, encoding: Encoding) -> (Vec<MultipartUpload>, Vec<dto::CommonPrefix>) {
        let (mut uploads, mut prefixes) = (Vec::new(), Vec::new());
        for (name, upload) in self.entries {
            match upload {
                Some(upload) => uploads.push(upload),
                None => prefixes.push(encoding.prefix(&name)),
            }
        }
        (uploads, prefixes)
    }
}

fn shown(id: &str, upload: &Upload, encoding: Encoding, owner: &dto::Owner) -> MultipartUpload {
    let class = upload.headers.get("x-amz-storage-class");
    MultipartUpload {
        checksum_algorithm: upload
            .checksum_asked
            .then(|| dto::ChecksumAlgorithm::from_static(upload.algorithm.name())),
        checksum_type: None,
        initiated: Some(timestamp(upload.initiated)),
        initiator: Some(Initiator { display_name: None, id: owner.id.clone() }),
        key: Some(encoding.apply_to(&upload.key)),
        owner: Some(owner.clone()),
        storage_class: Some(dto::StorageClass::from(class.unwrap_or_else(|| "STANDARD".into()))),
        upload_id: Some(id.to_owned()),
    }
}
