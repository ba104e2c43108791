//! `DeleteObject` and `DeleteObjects`.

use std::sync::Arc;

use s3s::dto::{
    self, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};

use super::{Answer, answer, lock, new_version, open, parse_version, shown_version};
use crate::s3::bucket::{Bucket, Decision};
use crate::s3::clock::Sequence;
use crate::s3::condition::WriteConditions;
use crate::s3::error;
use crate::s3::event::{Event, What};
use crate::s3::index::Index;
use crate::s3::object::VersionId;
use crate::s3::record::Record;
use crate::s3::settings::Versioning;
use crate::s3::store::Store;
use crate::s3::wire::RequestId;

const MAX_KEYS: usize = 1000;

/// What a deletion did.
#[derive(Debug, Default)]
struct Deleted {
    /// A delete marker was written or removed.
    marker: Option<bool>,
    /// Version that was written or removed.
    version: Option<String>,
}

/// Deletes an object, or one version of it.
pub(in crate::s3) async fn delete_object(
    store: &Arc<Store>,
    request: S3Request<DeleteObjectInput>,
) -> Answer<DeleteObjectOutput> {
    let (input, id) = open(request);
    let bucket = store.bucket(&input.bucket)?;
    let conditions = WriteConditions { matches: input.if_match, none_match: None };
    let version = input.version_id.as_deref();
    let bypass = input.bypass_governance_retention.unwrap_or(false);
    let deleted = delete(store, &bucket, &id, &input.key, version, conditions, bypass).await?;
    answer(DeleteObjectOutput {
        delete_marker: deleted.marker,
        version_id: deleted.version,
        ..Default::default()
    })
}

/// Deletes up to a thousand objects.
pub(in crate::s3) async fn delete_objects(
    store: &Arc<Store>,
    request: S3Request<DeleteObjectsInput>,
) -> Answer<DeleteObjectsOutput> {
    let (input, id) = open(request);
    let bucket = store.bucket(&input.bucket)?;
    let objects = input.delete.objects;
    if objects.is_empty() || objects.len() > MAX_KEYS {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published \
             schema: between 1 and {MAX_KEYS} keys can be deleted at a time"
        ));
    }
    let bypass = input.bypass_governance_retention.unwrap_or(false);
    let quiet = input.delete.quiet.unwrap_or(false);
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for object in objects {
        let conditions = WriteConditions {
            matches: object.e_tag.map(dto::ETagCondition::ETag),
            none_match: None,
        };
        let version = object.version_id.as_deref();
        match delete(store, &bucket, &id, &object.key, version, conditions, bypass).await {
            Ok(done) if !quiet => deleted.push(shown(object.key, object.version_id, done)),
            Ok(_) => {}
            Err(error) => errors.push(failed(object.key, object.version_id, &error)),
        }
    }
    answer(DeleteObjectsOutput {
        deleted: (!deleted.is_empty()).then_some(deleted),
        errors: (!errors.is_empty()).then_some(errors),
        ..Default::default()
    })
}

fn shown(key: String, asked: Option<String>, done: Deleted) -> dto::DeletedObject {
    let marker = done.marker.unwrap_or(false);
    dto::DeletedObject {
        delete_marker: marker.then_some(true),
        delete_marker_version_id: done.version.filter(|_| marker),
        key: Some(key),
        version_id: asked,
    }
}

fn failed(key: String, version: Option<String>, error: &S3Error) -> dto::Error {
    dto::Error {
        code: Some(error.code().as_str().to_owned()),
        key: Some(key),
        message: error.message().map(str::to_owned),
        version_id: version,
    }
}

async fn delete(
    store: &Arc<Store>,
    bucket: &Arc<Bucket>,
    id: &RequestId,
    key: &str,
    version: Option<&str>,
    conditions: WriteConditions,
    bypass: bool,
) -> S3Result<Deleted> {
    let version = version.map(parse_version).transpose()?;
    let deleted: Box<str> = key.into();
    store
        .change(bucket, key, id, move |index, sequence| {
            check(&conditions, index, &deleted)?;
            Ok(match version {
                Some(version) => {
                    let found = index.version(&deleted, version);
                    let object = found.and_then(|found| found.object.as_ref());
                    object.map_or(Ok(()), |object| {
                        lock::check_removal(&object.headers, sequence.now(), bypass)
                    })?;
                    remove(index, sequence, deleted, version)
                }
                None => match index.settings.versioning {
                    Versioning::Unversioned => remove(index, sequence, deleted, VersionId::Null),
                    Versioning::Enabled | Versioning::Suspended => mark(index, sequence, deleted),
                },
            })
        })
        .await
}

/// A condition on an object that is not there does not hold.
fn check(conditions: &WriteConditions, index: &Index, key: &str) -> S3Result<()> {
    match conditions.check(key, index.current(key)) {
        Err(error) if *error.code() == S3ErrorCode::NoSuchKey => {
            Err(error::precondition_failed("If-Match"))
        }
        checked => checked,
    }
}

fn remove(
    index: &Index,
    sequence: &Sequence,
    key: Box<str>,
    version: VersionId,
) -> Decision<Deleted> {
    let Some(found) = index.version(&key, version) else {
        return Decision { record: None, event: None, answer: Deleted::default() };
    };
    let sequencer = sequence.next();
    let event = Event::removed(What::Delete, &key, version, sequencer, sequence.now());
    let answer = Deleted {
        marker: found.object.is_none().then_some(true),
        version: shown_version(index, version),
    };
    let record = Record::Remove { key, version, sequencer, event: None, expired: false };
    Decision { record: Some(record), event: Some(event), answer }
}

fn mark(index: &Index, sequence: &Sequence, key: Box<str>) -> Decision<Deleted> {
    let marker = new_version(index, sequence, None);
    let event = Event::written(What::DeleteMarkerCreated, &key, &marker);
    let answer = Deleted { marker: Some(true), version: shown_version(index, marker.id) };
    let record = Record::Put { key, version: marker, upload: None, event: None };
    Decision { record: Some(record), event: Some(event), answer }
}
