//! S3 event notifications: one element of `Records`.
//!
//! Source: "Event message structure" in the Amazon S3 User Guide.

use serde_json::Value;

use super::place::{Hop, Place};
use super::{DecodeError, Notice, ObjectEvent, ObjectEventKind, time_of};
use crate::{ObjectVersion, Sequencer, decode_key};

/// Reads one record that has an `s3` member.
pub(super) fn read(record: &Value, place: &Place) -> Result<Notice, DecodeError> {
    check_version(record, place)?;
    let place = place.clone().inside(Hop::S3)?;
    let object = object_version(&record["s3"], &place.at("s3"), decode_key)?;
    let name = record["eventName"].as_str().unwrap_or_default();
    Ok(Notice::Object(ObjectEvent {
        object,
        kind: kind(name),
        time: time_of(record.get("eventTime")),
        via: place.hops,
    }))
}

/// Minor versions only add fields ("the major version number increments if
/// Amazon S3 makes a change to the event structure that is not backward
/// compatible").
fn check_version(record: &Value, place: &Place) -> Result<(), DecodeError> {
    let Some(version) = record.get("eventVersion") else { return Ok(()) };
    let text = version.as_str().map_or_else(|| version.to_string(), str::to_owned);
    if text.split('.').next() == Some("2") {
        return Ok(());
    }
    Err(DecodeError::Version { at: place.at("eventVersion").to_string(), version: text })
}

/// Some implementations keep the `s3:` that only the configuration has.
fn kind(name: &str) -> ObjectEventKind {
    let name = name.strip_prefix("s3:").unwrap_or(name);
    match name.split(':').next() {
        Some("ObjectCreated") => ObjectEventKind::Created,
        Some("ObjectRemoved" | "LifecycleExpiration") => ObjectEventKind::Removed,
        _ => ObjectEventKind::Other(name.to_owned()),
    }
}

/// Reads the `bucket` and `object` members that notifications and EventBridge
/// share but for their spelling (`versionId` and `version-id`, `eTag` and
/// `etag`).
pub(super) fn object_version(
    s3: &Value,
    place: &Place,
    decode: impl Fn(&str) -> String,
) -> Result<ObjectVersion, DecodeError> {
    let object = &s3["object"];
    let either = |a: &str, b: &str| text(&object[a]).or_else(|| text(&object[b]));
    let key = text(&object["key"]).ok_or_else(|| lacking(&place.at("object.key")))?;
    Ok(ObjectVersion {
        bucket: bucket(&s3["bucket"]).ok_or_else(|| lacking(&place.at("bucket.name")))?,
        key: decode(key),
        // A bucket without versioning has the version `null` for every
        // content: as an identity it would hide an overwrite.
        version_id: either("versionId", "version-id").filter(|&id| id != "null").map(str::to_owned),
        etag: either("eTag", "etag").unwrap_or_default().trim_matches('"').to_owned(),
        sequencer: text(&object["sequencer"]).map(Sequencer::new),
        size: object["size"].as_u64(),
    })
}

fn bucket(bucket: &Value) -> Option<String> {
    let from_arn = || text(&bucket["arn"])?.rsplit(':').next().filter(|name| !name.is_empty());
    text(&bucket["name"]).or_else(from_arn).map(str::to_owned)
}

/// A string that says something.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

fn lacking(place: &Place) -> DecodeError {
    DecodeError::Malformed {
        at: place.to_string(),
        problem: "is missing or no text; an object event needs it".to_owned(),
    }
}
