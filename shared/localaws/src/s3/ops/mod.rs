//! The operations, a file per family. Each takes the store and the request as
//! `s3s` has read it.

pub(super) mod bucket;
pub(super) mod copy;
pub(super) mod delete;
pub(super) mod documents;
pub(super) mod get;
mod keeping;
pub(super) mod list;
pub(super) mod list_uploads;
pub(super) mod list_versions;
pub(super) mod lock;
pub(super) mod multipart;
pub(super) mod notify;
pub(super) mod parts;
pub(super) mod post;
pub(super) mod put;
pub(super) mod tagging;

use std::sync::Arc;

use hyper::http::Extensions;
use s3s::dto::Timestamp;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::bucket::{Bucket, Decision};
use super::clock::Sequence;
use super::error;
use super::event::{Event, What};
use super::index::Index;
use super::lifecycle::Rules;
use super::object::{Object, Version, VersionId};
use super::record::Record;
use super::settings::Versioning;
use super::store::Store;
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

/// The version that is written now; a delete marker without an object.
pub(super) fn new_version(
    index: &Index,
    sequence: &Sequence,
    object: Option<Arc<Object>>,
) -> Version {
    let id = match index.settings.versioning {
        Versioning::Enabled => VersionId::random(),
        Versioning::Unversioned | Versioning::Suspended => VersionId::Null,
    };
    Version { id, modified: sequence.now(), sequencer: sequence.next(), object }
}

/// The version id to answer with: none where the bucket never had versions.
fn shown_version(index: &Index, id: VersionId) -> Option<String> {
    (index.settings.versioning != Versioning::Unversioned).then(|| id.to_string())
}

/// An object that was found or written.
struct Found {
    object: Arc<Object>,
    /// Its version.
    id: VersionId,
    /// The version id to answer with.
    shown: Option<String>,
    /// When it was written.
    modified: Timestamp,
}

impl Found {
    fn new(index: &Index, version: &Version, object: Arc<Object>) -> Self {
        let shown = shown_version(index, version.id);
        Self { object, id: version.id, shown, modified: version.last_modified() }
    }
}

/// `x-amz-expiration`: when a lifecycle rule ends the object's life.
fn expiration(bucket: &Bucket, key: &str, found: &Found) -> Option<String> {
    bucket.read(|index| {
        let version = index.version(key, found.id)?;
        let is_current = index.current(key).is_some_and(|current| current.id == found.id);
        let rules = Rules::of(&index.settings.documents).filter(|_| is_current)?;
        rules.header(key, &found.object, version.modified)
    })
}

/// Sets some headers of an object; `what` is the event that this is, if it is
/// one. Answers its version id, where its bucket has versions.
///
/// # Errors
/// As [`find`].
async fn reset(
    store: &Arc<Store>,
    bucket: &Arc<Bucket>,
    request: &RequestId,
    key: &str,
    version: Option<&str>,
    headers: Vec<(Box<str>, Option<Box<str>>)>,
    what: Option<What>,
) -> S3Result<Option<String>> {
    let found = find(bucket, key, version)?;
    let (id, altered): (_, Box<str>) = (found.id, key.into());
    let decide = move |index: &Index, sequence: &Sequence| {
        let version =
            index.version(&altered, id).ok_or_else(|| error::no_such_version(&altered, id))?;
        let event = what
            .map(|what| Event::changed(what, &altered, version, sequence.next(), sequence.now()));
        let record = Record::Reset { key: altered, version: id, headers, event: None };
        Ok(Decision { record: Some(record), event, answer: () })
    };
    store.change(bucket, key, request, decide).await?;
    Ok(found.shown)
}

/// Finds an object, or one version of it.
///
/// # Errors
/// `NoSuchKey`, `NoSuchVersion`, or `MethodNotAllowed` where a delete marker
/// was asked for by its id.
fn find(bucket: &Bucket, key: &str, version: Option<&str>) -> S3Result<Found> {
    let id = version.map(parse_version).transpose()?;
    bucket.read(|index| {
        let version = match id {
            Some(id) => index.version(key, id).ok_or_else(|| error::no_such_version(key, id))?,
            None => index.current(key).ok_or_else(|| error::no_such_key(key))?,
        };
        match &version.object {
            Some(object) => Ok(Found::new(index, version, Arc::clone(object))),
            None if id.is_some() => Err(error::is_delete_marker(version.id)),
            None => Err(error::deleted(key, version.id)),
        }
    })
}
