//! S3's errors, worded as S3 words them.

use std::io;

use hyper::header::HeaderValue;
use hyper::{HeaderMap, StatusCode};
use s3s::{S3Error, S3ErrorCode, s3_error};

use super::object::VersionId;

/// No bucket of this name.
pub(super) fn no_such_bucket(name: &str) -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist: `{name}`")
}

/// No object under this key.
pub(super) fn no_such_key(key: &str) -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist: `{key}`")
}

/// The object never had this version, or has it no longer.
pub(super) fn no_such_version(version: VersionId) -> S3Error {
    s3_error!(NoSuchVersion, "The specified version does not exist: `{version}`")
}

/// The object's current version is this delete marker.
pub(super) fn deleted(key: &str, marker: VersionId) -> S3Error {
    about_marker(no_such_key(key), marker)
}

/// The version asked for is this delete marker.
pub(super) fn is_delete_marker(marker: VersionId) -> S3Error {
    let refused = s3_error!(
        MethodNotAllowed,
        "The specified method is not allowed against this resource: `{marker}` is a delete marker"
    );
    about_marker(refused, marker)
}

fn about_marker(mut error: S3Error, marker: VersionId) -> S3Error {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(id) = HeaderValue::try_from(marker.to_string()) {
        headers.insert("x-amz-version-id", id);
    }
    error.set_headers(headers);
    error
}

/// No such multipart upload, or it was completed or aborted.
pub(super) fn no_such_upload(upload: &str) -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may \
         have been aborted or completed: `{upload}`"
    )
}

/// A condition of the request does not hold.
pub(super) fn precondition_failed(header: &str) -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold: `{header}`"
    )
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

/// A code that `s3s` does not list.
fn custom(code: &'static str, status: StatusCode, message: String) -> S3Error {
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
