//! The operations, a file per family. Each takes the store and the request as
//! `s3s` has read it.

pub(super) mod bucket;
pub(super) mod copy;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod list_versions;
pub(super) mod multipart;
pub(super) mod notify;
pub(super) mod parts;
pub(super) mod put;
pub(super) mod tagging;

use hyper::http::Extensions;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::bucket::Bucket;
use super::clock::Sequence;
use super::error;
use super::index::Index;
use super::object::{Object, Version, VersionId};
use super::record::Versioning;
use super::wire::RequestId;

/// The answer to a request.
type Answer<T> = S3Result<S3Response<T>>;

fn answer<T>(output: T) -> Answer<T> {
    Ok(S3Response::new(output))
}

/// The id of a request; every request has one.
fn request_id(extensions: &Extensions) -> RequestId {
    extensions.get().copied().unwrap_or_else(RequestId::random)
}

/// The parts of a request that most operations need.
fn open<T>(request: S3Request<T>) -> (T, RequestId) {
    let id = request_id(&request.extensions);
    (request.input, id)
}

/// A version id a client gave.
fn parse_version(id: &str) -> S3Result<VersionId> {
    id.parse().map_err(|_| s3_error!(InvalidArgument, "Invalid version id specified: `{id}`"))
}

/// The version that is written now.
fn new_version(index: &Index, sequence: &Sequence, object: Option<Object>) -> Version {
    let id = match index.settings.versioning {
        Versioning::Enabled => VersionId::random(),
        Versioning::Unversioned | Versioning::Suspended => VersionId::Null,
    };
    let object = object.map(std::sync::Arc::new);
    Version { id, modified: sequence.now(), sequencer: sequence.next(), object }
}

/// The version id to answer with: none where the bucket never had versions.
fn shown_version(index: &Index, id: VersionId) -> Option<String> {
    (index.settings.versioning != Versioning::Unversioned).then(|| id.to_string())
}

/// An object that a request asks for.
struct Found {
    version: Version,
    object: std::sync::Arc<Object>,
    shown: Option<String>,
}

/// Finds an object, or one version of it.
///
/// # Errors
/// `NoSuchKey`, `NoSuchVersion`, or `MethodNotAllowed` where a delete marker
/// was asked for by its id.
fn find(bucket: &Bucket, key: &str, version: Option<&str>) -> S3Result<Found> {
    let id = version.map(parse_version).transpose()?;
    bucket.read(|index| {
        let found = match id {
            Some(id) => {
                index.version(key, id).ok_or_else(|| match index.versions(key).is_empty() {
                    true if id == VersionId::Null => error::no_such_key(key),
                    true | false => error::no_such_version(&id.to_string()),
                })
            }
            None => index.current(key).ok_or_else(|| error::no_such_key(key)),
        };
        let version = found?.clone();
        let shown = shown_version(index, version.id);
        match version.object.clone() {
            Some(object) => Ok(Found { version, object, shown }),
            None => Err(deleted(key, &version, id.is_some())),
        }
    })
}

fn deleted(key: &str, marker: &Version, asked_for: bool) -> S3Error {
    let mut error = match asked_for {
        true => s3_error!(
            MethodNotAllowed,
            "The specified method is not allowed against this resource."
        ),
        false => error::no_such_key(key),
    };
    let headers = [("x-amz-delete-marker", "true".to_owned())]
        .into_iter()
        .chain([("x-amz-version-id", marker.id.to_string())]);
    let headers = headers.filter_map(|(name, value)| {
        Some((hyper::header::HeaderName::from_static(name), value.parse().ok()?))
    });
    error.set_headers(headers.collect());
    error
}
