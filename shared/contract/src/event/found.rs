//! The event of an object that was found by listing its bucket: what S3 would have
//! sent, as far as a listing tells.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use crate::{ObjectVersion, encode_key};

/// The notification of an object's creation, for one that none told of.
///
/// It is of the form of S3's own ("Event message structure", Amazon S3 User Guide).
/// In place of the sequencer, which no listing shows, it has
/// [`Sequencer::found`](crate::Sequencer::found); `modified` is when the object was
/// put, as S3 keeps it.
pub fn found_event(object: &ObjectVersion, modified: DateTime<Utc>) -> String {
    let mut about = json!({
        "key": encode_key(&object.key),
        "eTag": object.etag,
    });
    let optional = [
        ("size", object.size.map(|size| json!(size))),
        ("versionId", object.version_id.as_ref().map(|id| json!(id))),
        ("sequencer", object.sequencer.as_ref().map(|sequencer| json!(sequencer))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            about[name] = value;
        }
    }
    json!({
        "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventTime": modified.to_rfc3339_opts(SecondsFormat::Millis, true),
            "eventName": "ObjectCreated:Put",
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "millrace-reconcile",
                "bucket": {
                    "name": object.bucket,
                    "arn": format!("arn:aws:s3:::{}", object.bucket),
                },
                "object": about,
            },
        }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Notice, ObjectEventKind, Sequencer, decode_event};

    #[test]
    fn what_was_found_is_read_as_what_s3_sends() {
        let at: DateTime<Utc> = "2026-01-31T02:00:00Z".parse().expect("a time");
        let found = ObjectVersion {
            bucket: "raw".into(),
            key: "orders/a b+c=é.csv".into(),
            version_id: Some("v1".into()),
            etag: "e1".into(),
            sequencer: Some(Sequencer::found(at)),
            size: Some(7),
        };
        let bare = ObjectVersion { version_id: None, size: None, ..found.clone() };
        for object in [found, bare] {
            let notices = decode_event(&found_event(&object, at)).expect("decodes");
            let [Notice::Object(event)] = notices.as_slice() else { panic!("{notices:?}") };
            assert_eq!((&event.object, event.time), (&object, Some(at)));
            assert_eq!(event.kind, ObjectEventKind::Created);
        }
    }
}
