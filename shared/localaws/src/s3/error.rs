//! S3's errors, worded as S3 words them.

use std::io;

use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use s3s::{Body, S3Error, S3ErrorCode, s3_error};

use super::object::VersionId;
use super::wire::RequestId;

/// No bucket of this name.
pub(super) fn no_such_bucket(name: &str) -> S3Error {
    detailed(s3_error!(NoSuchBucket, "The specified bucket does not exist"), "BucketName", name)
}

/// No object under this key.
pub(super) fn no_such_key(key: &str) -> S3Error {
    detailed(s3_error!(NoSuchKey, "The specified key does not exist."), "Key", key)
}

/// The object never had this version, or has it no longer.
pub(super) fn no_such_version(key: &str, version: VersionId) -> S3Error {
    let missing = s3_error!(NoSuchVersion, "The specified version does not exist.");
    detailed(detailed(missing, "Key", key), "VersionId", &version.to_string())
}

/// The object's current version is this delete marker.
pub(super) fn deleted(key: &str, marker: VersionId) -> S3Error {
    about_marker(no_such_key(key), marker)
}

/// The version asked for is this delete marker.
pub(super) fn is_delete_marker(marker: VersionId) -> S3Error {
    let refused =
        s3_error!(MethodNotAllowed, "The specified method is not allowed against this resource.");
    about_marker(detailed(refused, "ResourceType", "DeleteMarker"), marker)
}

fn about_marker(mut error: S3Error, marker: VersionId) -> S3Error {
    let mut headers = error.headers().cloned().unwrap_or_default();
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(id) = HeaderValue::try_from(marker.to_string()) {
        headers.insert("x-amz-version-id", id);
    }
    error.set_headers(headers);
    error
}

/// No such multipart upload, or it was completed or aborted.
pub(super) fn no_such_upload(upload: &str) -> S3Error {
    let missing = s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may \
         have been aborted or completed."
    );
    detailed(missing, "UploadId", upload)
}

/// A condition of the request does not hold.
pub(super) fn precondition_failed(header: &str) -> S3Error {
    let failed = s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    );
    detailed(failed, "Condition", header)
}

/// The client has the object already.
pub(super) fn not_modified(headers: HeaderMap) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    error.set_status_code(StatusCode::NOT_MODIFIED);
    error.set_headers(headers);
    error
}

/// What the client said about the body is not so.
pub(super) fn bad_digest(what: &str) -> S3Error {
    s3_error!(BadDigest, "The {what} you specified did not match what we received.")
}

/// The body is not the one that was signed.
pub(super) fn payload_mismatch() -> S3Error {
    custom(
        "XAmzContentSHA256Mismatch",
        StatusCode::BAD_REQUEST,
        "The provided 'x-amz-content-sha256' header does not match what was computed.".to_owned(),
    )
}

/// The object has no part of this number.
pub(super) fn no_such_part(number: i32) -> S3Error {
    custom(
        "InvalidPartNumber",
        StatusCode::RANGE_NOT_SATISFIABLE,
        format!("The requested partnumber is not satisfiable: `{number}`"),
    )
}

/// What is asked for was never set, or was deleted.
pub(super) fn not_found(code: &'static str, message: &'static str) -> S3Error {
    custom(code, StatusCode::NOT_FOUND, message.to_owned())
}

/// The document is not as S3's schema has it.
pub(super) fn malformed_xml() -> S3Error {
    s3_error!(
        MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
}

/// The bucket's owner owns everything in it, so there are no other lists.
pub(super) fn acl_not_supported() -> S3Error {
    custom(
        "AccessControlListNotSupported",
        StatusCode::BAD_REQUEST,
        "The bucket does not allow ACLs".to_owned(),
    )
}

/// A document where there must be none.
pub(super) fn unexpected_content() -> S3Error {
    custom(
        "UnexpectedContent",
        StatusCode::BAD_REQUEST,
        "This request does not support content".to_owned(),
    )
}

/// Carries elements for an error's document until it is written.
const DETAIL: &str = "x-millrace-error-detail";

/// Adds to an error's document what it is about, and which request it answers.
pub(super) fn complete(response: &mut Response<Body>, id: RequestId) {
    let details: Vec<_> = response.headers().get_all(DETAIL).iter().cloned().collect();
    response.headers_mut().remove(DETAIL);
    if response.status().as_u16() < 400 {
        return;
    }
    let Some(text) = response.body().bytes().and_then(|body| String::from_utf8(body.into()).ok())
    else {
        return;
    };
    let Some(open) = text.strip_suffix("</Error>") else { return };
    let details = details.iter().flat_map(|detail| form_urlencoded::parse(detail.as_bytes()));
    let mut document = open.to_owned();
    for (name, value) in details {
        let value = quick_xml::escape::escape(value.as_ref()).into_owned();
        document.push_str(&format!("<{name}>{value}</{name}>"));
    }
    let host_id = id.host_id();
    document.push_str(&format!("<RequestId>{id}</RequestId><HostId>{host_id}</HostId></Error>"));
    response.headers_mut().remove(CONTENT_LENGTH);
    let xml = HeaderValue::from_static("application/xml");
    response.headers_mut().insert(CONTENT_TYPE, xml);
    *response.body_mut() = Body::from(document);
}

/// Adds an element to the error's document.
pub(super) fn detailed(mut error: S3Error, name: &'static str, value: &str) -> S3Error {
    let mut headers = error.headers().cloned().unwrap_or_default();
    let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    if let Ok(detail) = HeaderValue::try_from(format!("{name}={value}")) {
        headers.append(DETAIL, detail);
    }
    error.set_headers(headers);
    error
}

/// A code that `s3s` does not list.
pub(super) fn custom(code: &'static str, status: StatusCode, message: String) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

/// The data folder can't be read or written.
pub(super) fn storage(error: io::Error) -> S3Error {
    let mut failure = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => s3_error!(
            InternalError,
            "The data folder's disk is full; free some space or use another folder with `--data`"
        ),
        _ => s3_error!(InternalError, "The data folder can't be used: {error}"),
    };
    failure.set_source(Box::new(error));
    failure
}

/// Something of ours panicked or was cut short.
pub(super) fn interrupted(error: tokio::task::JoinError) -> S3Error {
    S3Error::internal_error(error)
}
