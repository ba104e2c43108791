//! `CopyObject`. A copy shares the content files of its source, so that it
//! takes no time; bytes are read only where a digest is not known yet.

use std::ops::Range;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, ETagCondition,
    MetadataDirective, TaggingDirective,
};
use s3s::{S3Request, S3Result, s3_error};

use super::get::check_key;
use super::keeping::{self, set_encryption};
use super::{Answer, Found, answer, expiration, find, put, request_id, tagging};
use crate::s3::acl::given_acl;
use crate::s3::checksum::{Algorithm, set_checksum};
use crate::s3::claims::{Claims, Digest, Digester, parse_algorithm};
use crate::s3::condition::{ReadConditions, Unmet, WriteConditions};
use crate::s3::error;
use crate::s3::event::What;
use crate::s3::headers::{Headers, describing_of, keeping_of};
use crate::s3::object::Object;
use crate::s3::receive::{Received, Sink};
use crate::s3::send::Reader;
use crate::s3::store::Store;

/// Copies an object.
pub(in crate::s3) async fn copy_object(
    store: &Arc<Store>,
    request: S3Request<CopyObjectInput>,
) -> Answer<CopyObjectOutput> {
    let id = request_id(&request.extensions);
    let mut input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let conditions = ReadConditions {
        matches: input.copy_source_if_match.take(),
        none_match: input.copy_source_if_none_match.take(),
        modified_since: input.copy_source_if_modified_since.take(),
        unmodified_since: input.copy_source_if_unmodified_since.take(),
    };
    let key_md5 = input.copy_source_sse_customer_key_md5.as_deref();
    let source = Source::find(store, &input.copy_source, &conditions, key_md5)?;
    check_changes_something(&input, &source)?;
    let acl = given_acl!(input);
    let kept = keeping::complete(store, &bucket, keeping_of!(input), &acl)?;
    let object = copied(&mut input, &source, kept).await?;
    let conditions = write_conditions(&request.headers)?;
    let written =
        put::write(store, &bucket, &input.key, &id, object, conditions, What::Copy).await?;
    let mut result = CopyObjectResult {
        e_tag: Some(written.object.etag.to_dto()),
        last_modified: Some(written.modified.clone()),
        ..Default::default()
    };
    set_checksum!(result, &written.object.checksum);
    result.checksum_type = written.object.checksum.as_ref().map(|checksum| checksum.kind());
    let mut output = CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: source.shown,
        expiration: expiration(&bucket, &input.key, &written),
        ..Default::default()
    };
    set_encryption!(output, &written.object.headers);
    output.version_id = written.shown;
    answer(output)
}

/// `If-Match` and `If-None-Match` on what the copy would replace; `s3s` knows
/// them for uploads only.
fn write_conditions(headers: &HeaderMap) -> S3Result<WriteConditions> {
    let read = |name: HeaderName| -> S3Result<Option<ETagCondition>> {
        let Some(value) = headers.get(name) else { return Ok(None) };
        let parsed = value.to_str().ok().and_then(|value| value.parse().ok());
        parsed.map(Some).ok_or_else(|| s3_error!(InvalidArgument, "Not an entity tag"))
    };
    Ok(WriteConditions { matches: read(IF_MATCH)?, none_match: read(IF_NONE_MATCH)? })
}

fn replaces_metadata(input: &CopyObjectInput) -> bool {
    let directive = input.metadata_directive.as_ref().map(MetadataDirective::as_str);
    directive == Some(MetadataDirective::REPLACE)
}

fn check_changes_something(input: &CopyObjectInput, source: &Source) -> S3Result<()> {
    let onto_itself = source.bucket == input.bucket && source.key == input.key;
    let changes = replaces_metadata(input)
        || source.by_version
        || input.storage_class.is_some()
        || input.website_redirect_location.is_some()
        || input.server_side_encryption.is_some()
        || input.checksum_algorithm.is_some();
    if onto_itself && !changes {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself \
             without changing the object's metadata, storage class, website redirect location or \
             encryption attributes."
        ));
    }
    Ok(())
}

/// The object that a copy is; `kept` says how it is kept.
async fn copied(input: &mut CopyObjectInput, source: &Source, kept: Headers) -> S3Result<Object> {
    let asked = input.checksum_algorithm.as_ref().map(|name| parse_algorithm(name.as_str()));
    let asked = asked.transpose()?;
    let mut object = Object::clone(&source.object);
    object.part_checksums = Box::default();
    let checksum = object.checksum.as_ref().filter(|checksum| !checksum.is_composite());
    let known = checksum.is_some_and(|checksum| asked.is_none_or(|it| it == checksum.algorithm));
    if !known || object.etag.parts().is_some() {
        let before = object.checksum.as_ref().map(|checksum| checksum.algorithm);
        let algorithm = asked.or(before).unwrap_or(Algorithm::Crc64Nvme);
        let digest = digest(Arc::clone(&source.object), algorithm).await?;
        object.etag = digest.etag();
        object.checksum = Some(digest.checksum);
    }
    let described = match replaces_metadata(input) {
        true => describing_of!(input),
        false => object.headers.described(),
    };
    put::check_metadata(&described)?;
    object.headers = kept.with(described);
    let directive = input.tagging_directive.as_ref().map(TaggingDirective::as_str);
    if directive == Some(TaggingDirective::REPLACE) {
        object.tags = tagging::parse_header(input.tagging.as_deref())?;
    }
    Ok(object)
}

async fn digest(object: Arc<Object>, algorithm: Algorithm) -> S3Result<Digest> {
    let digested = tokio::task::spawn_blocking(move || {
        let mut digester = Digester::new(&Claims::default(), algorithm);
        let size = object.size;
        let mut reader = Reader::new(object, 0..size);
        loop {
            let piece;
            (reader, piece) = reader.read_piece()?;
            if piece.is_empty() {
                return Ok(digester.finish());
            }
            digester.update(&piece);
        }
    });
    digested.await.map_err(error::interrupted)?.map_err(error::storage)
}

/// Writes a range of an object to a content file of its own.
pub(super) async fn transfer(
    store: &Store,
    source: &Source,
    range: Range<u64>,
    algorithm: Algorithm,
) -> S3Result<Received> {
    let digester = Digester::new(&Claims::default(), algorithm);
    let mut sink = Sink::new(store.blobs.clone(), store.sequence.next(), digester);
    let mut reader = Reader::new(Arc::clone(&source.object), range);
    let transferred = tokio::task::spawn_blocking(move || {
        loop {
            let piece;
            (reader, piece) = reader.read_piece()?;
            if piece.is_empty() {
                return sink.finish();
            }
            sink.take(&[piece])?;
        }
    });
    transferred.await.map_err(error::interrupted)?.map_err(error::storage)
}

/// What is copied.
pub(super) struct Source {
    bucket: String,
    key: String,
    /// It was named by its version id.
    by_version: bool,
    object: Arc<Object>,
    /// Its version id, where its bucket has versions.
    pub(super) shown: Option<String>,
}

impl Source {
    /// Finds the source of a copy.
    ///
    /// # Errors
    /// If it is not there, or the conditions on it do not hold.
    pub(super) fn find(
        store: &Store,
        source: &CopySource,
        conditions: &ReadConditions,
        key_md5: Option<&str>,
    ) -> S3Result<Self> {
        let CopySource::Bucket { bucket, key, version_id } = source else {
            return Err(s3_error!(NotImplemented, "Copies from access points are not served here"));
        };
        let Found { object, shown, modified, .. } =
            find(&*store.bucket(bucket)?, key, version_id.as_deref())?;
        check_key(&object, key_md5)?;
        conditions.check(object.etag, &modified).map_err(|unmet| match unmet {
            Unmet::Precondition(header) | Unmet::NotModified(header) => {
                error::precondition_failed(&format!("x-amz-copy-source-{header}"))
            }
        })?;
        let by_version = version_id.is_some();
        Ok(Self { bucket: bucket.to_string(), key: key.to_string(), by_version, object, shown })
    }

    /// The range that a header asks for; all of it without one.
    ///
    /// # Errors
    /// `InvalidArgument` if it does not lie within the object.
    pub(super) fn range(&self, header: Option<&str>) -> S3Result<Range<u64>> {
        let size = self.object.size;
        let Some(header) = header else { return Ok(0..size) };
        let bounds = header.strip_prefix("bytes=").and_then(|bounds| bounds.split_once('-'));
        let bounds = bounds.and_then(|(first, last)| {
            Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?))
        });
        match bounds {
            Some((first, last)) if first <= last && last < size => Ok(first..last + 1),
            Some(_) => Err(s3_error!(
                InvalidArgument,
                "Range specified is not valid for source object of size: {size}"
            )),
            None => Err(s3_error!(
                InvalidArgument,
                "The x-amz-copy-source-range value must be of the form bytes=first-last where \
                 first and last are the zero-based offsets of the first and last bytes to copy"
            )),
        }
    }
}
