//! Tags of objects and of buckets.

use std::collections::BTreeSet;
use std::sync::Arc;

use hyper::StatusCode;
use s3s::dto::{
    DeleteBucketTaggingInput, DeleteBucketTaggingOutput, DeleteObjectTaggingInput,
    DeleteObjectTaggingOutput, GetBucketTaggingInput, GetBucketTaggingOutput,
    GetObjectTaggingInput, GetObjectTaggingOutput, PutBucketTaggingInput, PutBucketTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, Tag, TagSet,
};
use s3s::{S3Request, S3Result, s3_error};

use super::{Answer, answer, find, open};
use crate::s3::bucket::Decision;
use crate::s3::clock::Sequence;
use crate::s3::error;
use crate::s3::event::{Event, What};
use crate::s3::index::Index;
use crate::s3::object::Tags;
use crate::s3::record::Record;
use crate::s3::settings::Settings;
use crate::s3::store::Store;
use crate::s3::wire::RequestId;

const MAX_OBJECT_TAGS: usize = 10;
const MAX_BUCKET_TAGS: usize = 50;

/// Reads `x-amz-tagging`.
///
/// # Errors
/// `InvalidTag`, `InvalidArgument` or `BadRequest`.
pub(super) fn parse_header(header: Option<&str>) -> S3Result<Tags> {
    let pairs = form_urlencoded::parse(header.unwrap_or_default().as_bytes());
    let pairs: Vec<(Box<str>, Box<str>)> =
        pairs.map(|(key, value)| (key.into(), value.into())).collect();
    let keys = pairs.iter().map(|(key, _)| key).collect::<BTreeSet<_>>();
    if keys.len() < pairs.len() {
        return Err(s3_error!(
            InvalidArgument,
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query \
             parameters without tag name duplicates."
        ));
    }
    checked(pairs, MAX_OBJECT_TAGS)
}

fn from_dto(tags: TagSet, most: usize) -> S3Result<Tags> {
    let pair =
        |tag: Tag| (tag.key.unwrap_or_default().into(), tag.value.unwrap_or_default().into());
    checked(tags.into_iter().map(pair).collect(), most)
}

fn checked(pairs: Vec<(Box<str>, Box<str>)>, most: usize) -> S3Result<Tags> {
    if pairs.len() > most {
        let message = match most {
            MAX_OBJECT_TAGS => format!("Object tags cannot be greater than {most}"),
            _ => format!("Bucket tag count cannot be greater than {most}"),
        };
        return Err(error::custom("BadRequest", StatusCode::BAD_REQUEST, message));
    }
    for (at, (key, value)) in pairs.iter().enumerate() {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(s3_error!(InvalidTag, "The tag `{key}` has an invalid length"));
        }
        if key.starts_with("aws:") {
            return Err(s3_error!(InvalidTag, "System tags cannot be added/updated by requester"));
        }
        if pairs[..at].iter().any(|(other, _)| other == key) {
            return Err(s3_error!(InvalidTag, "Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(Tags(pairs.into()))
}

fn to_dto(tags: &Tags) -> TagSet {
    let tag = |(key, value): &(Box<str>, Box<str>)| Tag {
        key: Some(key.to_string()),
        value: Some(value.to_string()),
    };
    tags.0.iter().map(tag).collect()
}

/// Gives an object's tags.
pub(in crate::s3) async fn get_object_tagging(
    store: &Arc<Store>,
    request: S3Request<GetObjectTaggingInput>,
) -> Answer<GetObjectTaggingOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let found = find(&bucket, &input.key, input.version_id.as_deref())?;
    answer(GetObjectTaggingOutput { tag_set: to_dto(&found.object.tags), version_id: found.shown })
}

/// Replaces an object's tags.
pub(in crate::s3) async fn put_object_tagging(
    store: &Arc<Store>,
    request: S3Request<PutObjectTaggingInput>,
) -> Answer<PutObjectTaggingOutput> {
    let (input, id) = open(request);
    let tags = from_dto(input.tagging.tag_set, MAX_OBJECT_TAGS)?;
    let object = (&*input.bucket, &*input.key, input.version_id.as_deref());
    let version_id = tag_object(store, &id, object, tags, What::TagsPut).await?;
    answer(PutObjectTaggingOutput { version_id })
}

/// Removes an object's tags.
pub(in crate::s3) async fn delete_object_tagging(
    store: &Arc<Store>,
    request: S3Request<DeleteObjectTaggingInput>,
) -> Answer<DeleteObjectTaggingOutput> {
    let (input, id) = open(request);
    let object = (&*input.bucket, &*input.key, input.version_id.as_deref());
    let version_id = tag_object(store, &id, object, Tags::default(), What::TagsDeleted).await?;
    answer(DeleteObjectTaggingOutput { version_id })
}

async fn tag_object(
    store: &Arc<Store>,
    request: &RequestId,
    (bucket, key, version): (&str, &str, Option<&str>),
    tags: Tags,
    what: What,
) -> S3Result<Option<String>> {
    let bucket = store.bucket(bucket)?;
    let found = find(&bucket, key, version)?;
    let (id, tagged): (_, Box<str>) = (found.id, key.into());
    let decide = move |index: &Index, sequence: &Sequence| {
        let version =
            index.version(&tagged, id).ok_or_else(|| error::no_such_version(&tagged, id))?;
        let event = Event::changed(what, &tagged, version, sequence.next(), sequence.now());
        let record = Record::Tag { key: tagged, version: id, tags, event: None };
        Ok(Decision { record: Some(record), event: Some(event), answer: () })
    };
    store.change(&bucket, key, request, decide).await?;
    Ok(found.shown)
}

/// Gives a bucket's tags.
pub(in crate::s3) async fn get_bucket_tagging(
    store: &Arc<Store>,
    request: S3Request<GetBucketTaggingInput>,
) -> Answer<GetBucketTaggingOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    let tag_set = bucket.read(|index| to_dto(&index.settings.tags));
    if tag_set.is_empty() {
        return Err(s3_error!(NoSuchTagSet, "The TagSet does not exist"));
    }
    answer(GetBucketTaggingOutput { tag_set })
}

/// Replaces a bucket's tags.
pub(in crate::s3) async fn put_bucket_tagging(
    store: &Arc<Store>,
    request: S3Request<PutBucketTaggingInput>,
) -> Answer<PutBucketTaggingOutput> {
    let tags = from_dto(request.input.tagging.tag_set, MAX_BUCKET_TAGS)?;
    tag_bucket(store, &request.input.bucket, tags)?;
    answer(PutBucketTaggingOutput {})
}

/// Removes a bucket's tags.
pub(in crate::s3) async fn delete_bucket_tagging(
    store: &Arc<Store>,
    request: S3Request<DeleteBucketTaggingInput>,
) -> Answer<DeleteBucketTaggingOutput> {
    tag_bucket(store, &request.input.bucket, Tags::default())?;
    answer(DeleteBucketTaggingOutput {})
}

fn tag_bucket(store: &Store, bucket: &str, tags: Tags) -> S3Result<()> {
    store.bucket(bucket)?.commit(|index, _| {
        let settings = Settings { tags, ..index.settings.clone() };
        Ok((Some(Record::Settings(settings)), ()))
    })
}
