//! What the default event bus is told, in the shape of "EventBridge event
//! message structure" in the Amazon S3 User Guide.

use serde_json::{Map, Value, json};

use super::event::{Event, Origin, SOURCE_IP, What};
use crate::sink::BusEvent;

/// The event for the bus. Its key stands as it is, not URL-encoded.
pub(super) fn event(event: &Event, origin: &Origin) -> BusEvent {
    let kind = Kind::of(event.what);
    BusEvent {
        source: "aws.s3".to_owned(),
        detail_type: kind.detail_type.to_owned(),
        resources: vec![format!("arn:aws:s3:::{}", origin.bucket)],
        at: event.at,
        detail: detail(event, origin, &kind),
    }
}

fn detail(event: &Event, origin: &Origin, kind: &Kind) -> Value {
    let mut detail = Map::new();
    let mut put = |name: &str, value: Value| detail.insert(name.to_owned(), value);
    put("version", json!("0"));
    put("bucket", json!({"name": origin.bucket}));
    put("object", object(event, kind));
    put("request-id", json!(origin.request_id));
    // What a lifecycle rule does, S3 does by itself.
    if kind.reason == Some(EXPIRATION) {
        put("requester", json!("s3.amazonaws.com"));
    } else {
        put("requester", json!(origin.account));
        put("source-ip-address", json!(SOURCE_IP));
    }
    if let Some(reason) = kind.reason {
        put("reason", json!(reason));
    }
    if let Some(deletion_type) = kind.deletion_type {
        put("deletion-type", json!(deletion_type));
    }
    Value::Object(detail)
}

fn object(event: &Event, kind: &Kind) -> Value {
    // Only what is created has a size, and only creation and deletion have an
    // order.
    let created = kind.detail_type == CREATED;
    let ordered = kind.reason.is_some();
    let fields = [
        ("key", Some(json!(event.key))),
        ("size", event.size().filter(|_| created).map(Value::from)),
        ("etag", event.etag().map(Value::from)),
        ("version-id", event.version_id().map(Value::from)),
        ("sequencer", ordered.then(|| json!(event.sequencer_text()))),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.collect())
}

const CREATED: &str = "Object Created";
const DELETED: &str = "Object Deleted";
const EXPIRATION: &str = "Lifecycle Expiration";
const FOR_GOOD: &str = "Permanently Deleted";
const MARKER: &str = "Delete Marker Created";

/// What the bus calls an event.
struct Kind {
    detail_type: &'static str,
    reason: Option<&'static str>,
    deletion_type: Option<&'static str>,
}

impl Kind {
    fn of(what: What) -> Self {
        let created =
            |reason| Self { detail_type: CREATED, reason: Some(reason), deletion_type: None };
        let deleted = |reason, deletion_type| Self {
            detail_type: DELETED,
            reason: Some(reason),
            deletion_type: Some(deletion_type),
        };
        let changed = |detail_type| Self { detail_type, reason: None, deletion_type: None };
        match what {
            What::Put => created("PutObject"),
            What::Post => created("POST Object"),
            What::Copy => created("CopyObject"),
            What::CompleteMultipartUpload => created("CompleteMultipartUpload"),
            What::Delete => deleted("DeleteObject", FOR_GOOD),
            What::DeleteMarkerCreated => deleted("DeleteObject", MARKER),
            What::Expired => deleted(EXPIRATION, FOR_GOOD),
            What::ExpiryMarkerCreated => deleted(EXPIRATION, MARKER),
            What::TagsPut => changed("Object Tags Added"),
            What::TagsDeleted => changed("Object Tags Deleted"),
            What::AclPut => changed("Object ACL Updated"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::object::VersionId;

    fn told(what: What, content: Option<(u64, String)>) -> BusEvent {
        let version = VersionId::Numbered(1);
        let key = "in/a b.csv".into();
        let happened = Event { what, key, version, sequencer: 0x1234, at: 7, content };
        let origin = Origin {
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            bucket: "raw".to_owned(),
            request_id: "4442587FB7D0A2F9".to_owned(),
            host_id: "aG9zdA==".to_owned(),
        };
        event(&happened, &origin)
    }

    #[test]
    fn a_creation_has_the_shape_that_aws_documents() {
        let told = told(What::Put, Some((5, "b1946ac92492d2347c6235b4d2611184".to_owned())));
        assert_eq!(told.source, "aws.s3");
        assert_eq!(told.detail_type, "Object Created");
        assert_eq!(told.resources, ["arn:aws:s3:::raw"]);
        let expected = json!({
            "version": "0",
            "bucket": {"name": "raw"},
            "object": {
                "key": "in/a b.csv",
                "size": 5,
                "etag": "b1946ac92492d2347c6235b4d2611184",
                "version-id": "00000000000000000000000000000001",
                "sequencer": "000000000000001234",
            },
            "request-id": "4442587FB7D0A2F9",
            "requester": "000000000000",
            "source-ip-address": "127.0.0.1",
            "reason": "PutObject",
        });
        assert_eq!(told.detail, expected);
    }

    #[test]
    fn a_deletion_says_whether_it_is_for_good_and_who_did_it() {
        let marked = told(What::DeleteMarkerCreated, None).detail;
        assert_eq!(marked["deletion-type"], "Delete Marker Created");
        assert_eq!(marked["object"]["etag"], "d41d8cd98f00b204e9800998ecf8427e");
        let expired = told(What::Expired, None).detail;
        assert_eq!(expired["deletion-type"], "Permanently Deleted");
        assert_eq!(expired["reason"], "Lifecycle Expiration");
        assert_eq!(expired["requester"], "s3.amazonaws.com");
        assert_eq!(expired.get("source-ip-address"), None);
        assert_eq!(expired["object"].get("etag"), None);
    }

    #[test]
    fn changed_tags_have_neither_size_nor_order() {
        let told = told(What::TagsPut, Some((5, "e".to_owned())));
        assert_eq!(told.detail_type, "Object Tags Added");
        let version = "00000000000000000000000000000001";
        let object = json!({"key": "in/a b.csv", "etag": "e", "version-id": version});
        assert_eq!(told.detail["object"], object);
        assert_eq!(told.detail.get("reason"), None);
    }
}
