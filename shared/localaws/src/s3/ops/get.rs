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
    let asked = |name| input.object_attributes.iter().any(|asked| asked.as_str() == name);
    let mut checksum = dto::Checksum::default();
    set_checksum!(checksum, &found.object.checksum);
    checksum.checksum_type = found.object.checksum.as_ref().map(Checksum::kind);
    let parts = found.object.etag.parts().map(|count| dto::GetObjectAttributesParts {
        total_parts_count: Some(i32::from(count)),
        ..Default::default()
    });
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
    let mut error = s3_error!(
        InvalidRange,
        "The requested range is not satisfiable: the object has {size} bytes"
    );
    if let Ok(value) = HeaderValue::try_from(format!("bytes */{size}")) {
        error.set_headers([(CONTENT_RANGE, value)].into_iter().collect());
    }
    error
}
