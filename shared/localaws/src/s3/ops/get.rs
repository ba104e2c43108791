//! `GetObject`, `HeadObject` and `GetObjectAttributes`.

use std::ops::Range;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::{CONTENT_RANGE, ETAG, HeaderValue, LAST_MODIFIED};
use s3s::dto::{
    self, ChecksumMode, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectInput,
    GetObjectOutput, HeadObjectInput, HeadObjectOutput, TimestampFormat,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::keeping::set_kept;
use super::{Answer, Found, answer, expiration, find};
use crate::s3::checksum::{Checksum, set_checksum};
use crate::s3::condition::{ReadConditions, Unmet};
use crate::s3::error;
use crate::s3::headers::SSE_CUSTOMER_KEY;
use crate::s3::listing;
use crate::s3::object::Object;
use crate::s3::send;
use crate::s3::store::Store;

/// Gives an object, or a range of it.
pub(in crate::s3) async fn get_object(
    store: &Arc<Store>,
    request: S3Request<GetObjectInput>,
) -> Answer<GetObjectOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let found = find(&bucket, &input.key, input.version_id.as_deref())?;
    let conditions = ReadConditions {
        matches: input.if_match,
        none_match: input.if_none_match,
        modified_since: input.if_modified_since,
        unmodified_since: input.if_unmodified_since,
    };
    check_key(&found.object, input.sse_customer_key_md5.as_deref())?;
    check(&conditions, &found)?;
    let expiration = expiration(&bucket, &input.key, &found);
    let slice = Slice::of(&found.object, input.range, input.part_number)?;
    let checksum = shown_checksum(&found.object, &slice, input.checksum_mode);
    let body = send::send(Arc::clone(&found.object), slice.bytes.clone()).await?;
    let headers = &found.object.headers;
    let mut output = GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        body: Some(body),
        cache_control: input.response_cache_control.or_else(|| headers.get("cache-control")),
        content_disposition: input
            .response_content_disposition
            .or_else(|| headers.get("content-disposition")),
        content_encoding: input
            .response_content_encoding
            .or_else(|| headers.get("content-encoding")),
        content_language: input
            .response_content_language
            .or_else(|| headers.get("content-language")),
        content_length: Some(slice.len()),
        content_range: slice.content_range(&found.object),
        content_type: Some(input.response_content_type.unwrap_or_else(|| content_type(&found))),
        e_tag: Some(found.object.etag.to_dto()),
        expires: input.response_expires.or_else(|| headers.expires()),
        last_modified: Some(found.modified),
        metadata: headers.metadata(),
        parts_count: slice.parts_count,
        storage_class: headers.get("x-amz-storage-class").map(dto::StorageClass::from),
        tag_count: found.object.tags.count(),
        version_id: found.shown,
        website_redirect_location: headers.get("x-amz-website-redirect-location"),
        ..Default::default()
    };
    set_checksum!(output, checksum);
    output.checksum_type = checksum.map(Checksum::kind);
    set_kept!(output, headers);
    output.expiration = expiration;
    answer(output)
}

/// Gives what [`get_object`] would give, without the bytes.
pub(in crate::s3) async fn head_object(
    store: &Arc<Store>,
    request: S3Request<HeadObjectInput>,
) -> Answer<HeadObjectOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let found = find(&bucket, &input.key, input.version_id.as_deref())?;
    let conditions = ReadConditions {
        matches: input.if_match,
        none_match: input.if_none_match,
        modified_since: input.if_modified_since,
        unmodified_since: input.if_unmodified_since,
    };
    check_key(&found.object, input.sse_customer_key_md5.as_deref())?;
    check(&conditions, &found)?;
    let expiration = expiration(&bucket, &input.key, &found);
    let slice = Slice::of(&found.object, input.range, input.part_number)?;
    let checksum = shown_checksum(&found.object, &slice, input.checksum_mode);
    let headers = &found.object.headers;
    let content_range = slice.content_range(&found.object);
    let mut output = HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        cache_control: input.response_cache_control.or_else(|| headers.get("cache-control")),
        content_disposition: input
            .response_content_disposition
            .or_else(|| headers.get("content-disposition")),
        content_encoding: input
            .response_content_encoding
            .or_else(|| headers.get("content-encoding")),
        content_language: input
            .response_content_language
            .or_else(|| headers.get("content-language")),
        content_length: Some(slice.len()),
        content_range: content_range.clone(),
        content_type: Some(input.response_content_type.unwrap_or_else(|| content_type(&found))),
        e_tag: Some(found.object.etag.to_dto()),
        expires: input.response_expires.or_else(|| headers.expires()),
        last_modified: Some(found.modified),
        metadata: headers.metadata(),
        parts_count: slice.parts_count,
        storage_class: headers.get("x-amz-storage-class").map(dto::StorageClass::from),
        version_id: found.shown,
        website_redirect_location: headers.get("x-amz-website-redirect-location"),
        ..Default::default()
    };
    set_checksum!(output, checksum);
    output.checksum_type = checksum.map(Checksum::kind);
    set_kept!(output, headers);
    output.expiration = expiration;
    let mut response = S3Response::new(output);
    if let Some(count) = found.object.tags.count() {
        response.headers.insert("x-amz-tagging-count", HeaderValue::from(count));
    }
    response.status = content_range.map(|_| hyper::StatusCode::PARTIAL_CONTENT);
    Ok(response)
}

/// Gives chosen facts about an object.
pub(in crate::s3) async fn get_object_attributes(
    store: &Arc<Store>,
    request: S3Request<GetObjectAttributesInput>,
) -> Answer<GetObjectAttributesOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let found = find(&bucket, &input.key, input.version_id.as_deref())?;
    // Clients send them in one header or in several.
    let asked = |name| {
        let mut asked = input.object_attributes.iter().flat_map(|list| list.as_str().split(','));
        asked.any(|asked| asked.trim() == name)
    };
    let mut checksum = dto::Checksum::default();
    set_checksum!(checksum, &found.object.checksum);
    checksum.checksum_type = found.object.checksum.as_ref().map(Checksum::kind);
    let after = input.part_number_marker.and_then(|after| usize::try_from(after).ok());
    let most = listing::limit(input.max_parts)?;
    let parts = parts(&found.object, after.unwrap_or(0), most);
    let class = found.object.headers.get("x-amz-storage-class");
    answer(GetObjectAttributesOutput {
        checksum: asked("Checksum").then_some(checksum),
        e_tag: asked("ETag").then(|| found.object.etag.to_dto()),
        last_modified: Some(found.modified),
        object_parts: parts.filter(|_| asked("ObjectParts")),
        object_size: asked("ObjectSize").then_some(found.object.size as i64),
        storage_class: asked("StorageClass")
            .then(|| dto::StorageClass::from(class.unwrap_or_else(|| "STANDARD".to_owned()))),
        version_id: found.shown,
        ..Default::default()
    })
}

/// The parts that an object was uploaded in; one by one where their checksums
/// were asked for.
fn parts(object: &Object, after: usize, most: i32) -> Option<dto::GetObjectAttributesParts> {
    let count = object.etag.parts()?;
    let mut shown = dto::GetObjectAttributesParts {
        total_parts_count: Some(i32::from(count)),
        ..Default::default()
    };
    let algorithm = object.checksum.as_ref().map(|checksum| checksum.algorithm)?;
    if object.part_checksums.is_empty() {
        return Some(shown);
    }
    let mut left = object.blobs.iter().zip(&object.part_checksums).enumerate().skip(after);
    let page: Vec<_> = left
        .by_ref()
        .take(usize::try_from(most).unwrap_or(0))
        .map(|(at, (blob, value))| {
            let checksum = Checksum { algorithm, value: value.clone() };
            let mut part = dto::ObjectPart {
                part_number: i32::try_from(at + 1).ok(),
                size: i64::try_from(blob.len()).ok(),
                ..Default::default()
            };
            set_checksum!(part, Some(&checksum));
            part
        })
        .collect();
    shown.is_truncated = Some(left.next().is_some());
    shown.max_parts = Some(most);
    shown.part_number_marker = i32::try_from(after).ok();
    shown.next_part_number_marker = page.last().and_then(|part| part.part_number);
    shown.parts = Some(page);
    Some(shown)
}

/// An object encrypted with its client's key is given to who has the key.
pub(super) fn check_key(object: &Object, key_md5: Option<&str>) -> S3Result<()> {
    match (object.headers.get(SSE_CUSTOMER_KEY).as_deref(), key_md5) {
        (None, None) => Ok(()),
        (Some(kept), Some(given)) if kept == given => Ok(()),
        (Some(_), Some(_)) => Err(s3_error!(AccessDenied, "Access Denied")),
        (Some(_), None) => Err(s3_error!(
            InvalidRequest,
            "The object was stored using a form of Server Side Encryption. The correct parameters \
             must be provided to retrieve the object."
        )),
        (None, Some(_)) => Err(s3_error!(
            InvalidRequest,
            "The encryption parameters are not applicable to this object."
        )),
    }
}

fn content_type(found: &Found) -> String {
    let given = found.object.headers.get("content-type");
    given.unwrap_or_else(|| "binary/octet-stream".to_owned())
}

fn shown_checksum<'a>(
    object: &'a Object,
    slice: &Slice,
    mode: Option<ChecksumMode>,
) -> Option<&'a Checksum> {
    let asked = mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
    object.checksum.as_ref().filter(|_| asked && !slice.partial)
}

fn check(conditions: &ReadConditions, found: &Found) -> S3Result<()> {
    conditions.check(found.object.etag, &found.modified).map_err(|unmet| match unmet {
        Unmet::Precondition(header) => error::precondition_failed(header),
        Unmet::NotModified(_) => error::not_modified(validators(found)),
    })
}

/// The headers that a 304 carries.
fn validators(found: &Found) -> HeaderMap {
    let mut date = Vec::new();
    let formatted = found.modified.format(TimestampFormat::HttpDate, &mut date);
    let modified = formatted.ok().and_then(|()| HeaderValue::from_bytes(&date).ok());
    let etag = HeaderValue::try_from(format!("\"{}\"", found.object.etag)).ok();
    let headers = [(LAST_MODIFIED, modified), (ETAG, etag)];
    headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The bytes that a request asks for.
#[derive(Debug)]
struct Slice {
    bytes: Range<u64>,
    partial: bool,
    parts_count: Option<i32>,
}

impl Slice {
    fn of(object: &Object, range: Option<dto::Range>, part: Option<i32>) -> S3Result<Self> {
        match (range, part) {
            (Some(_), Some(_)) => Err(s3_error!(
                InvalidRequest,
                "Cannot specify both Range header and partNumber query parameter"
            )),
            (Some(range), None) => {
                let bytes = range.check(object.size).ok().filter(|bytes| !bytes.is_empty());
                let bytes = bytes.ok_or_else(|| unsatisfiable(object.size))?;
                Ok(Self { bytes, partial: true, parts_count: None })
            }
            (None, Some(number)) => {
                let bytes = usize::try_from(number).ok().and_then(|number| object.part(number));
                let bytes = bytes.ok_or_else(|| error::no_such_part(number))?;
                let parts_count = object.etag.parts().map(i32::from);
                Ok(Self { bytes, partial: true, parts_count })
            }
            (None, None) => Ok(Self { bytes: 0..object.size, partial: false, parts_count: None }),
        }
    }

    fn len(&self) -> i64 {
        (self.bytes.end - self.bytes.start) as i64
    }

    fn content_range(&self, object: &Object) -> Option<String> {
        let last = self.bytes.end.checked_sub(1)?;
        let (first, size) = (self.bytes.start, object.size);
        self.partial.then(|| format!("bytes {first}-{last}/{size}"))
    }
}

fn unsatisfiable(size: u64) -> S3Error {
    let mut error = s3_error!(InvalidRange, "The requested range is not satisfiable");
    if let Ok(value) = HeaderValue::try_from(format!("bytes */{size}")) {
        error.set_headers([(CONTENT_RANGE, value)].into_iter().collect());
    }
    error::detailed(error, "ActualObjectSize", &size.to_string())
}
