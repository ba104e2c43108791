//! Event records, in the shape of "Event message structure" in the Amazon S3
//! User Guide.

use serde::{Deserialize, Serialize};

use super::notification::Rule;
use super::object::{Version, VersionId};
use crate::clock::Millis;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    /// `PutObject`.
    Put,
    /// A form upload.
    Post,
    /// `CopyObject`.
    Copy,
    /// `CompleteMultipartUpload`.
    CompleteMultipartUpload,
    /// An object or a version was removed for good.
    Delete,
    /// A delete marker was put on top of it.
    DeleteMarkerCreated,
}

impl What {
    /// The event's name, without `s3:`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Put => "ObjectCreated:Put",
            Self::Post => "ObjectCreated:Post",
            Self::Copy => "ObjectCreated:Copy",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Self::Delete => "ObjectRemoved:Delete",
            Self::DeleteMarkerCreated => "ObjectRemoved:DeleteMarkerCreated",
        }
    }
}

/// An event, as far as it is the same for every destination.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Event {
    /// What happened.
    pub(super) what: What,
    /// Key.
    pub(super) key: Box<str>,
    /// Version it happened to.
    pub(super) version: VersionId,
    /// Orders the events of a key.
    pub(super) sequencer: u64,
    /// When.
    pub(super) at: Millis,
    /// Size and entity tag, where an object was created.
    pub(super) content: Option<(u64, String)>,
}

impl Event {
    /// The event of a version having been written.
    pub(super) fn written(what: What, key: &str, version: &Version) -> Self {
        let object = version.object.as_deref();
        Self {
            what,
            key: key.into(),
            version: version.id,
            sequencer: version.sequencer,
            at: version.modified,
            content: object.map(|object| (object.size, object.etag.to_string())),
        }
    }

    /// The event of a version having been removed for good.
    pub(super) fn removed(key: &str, version: VersionId, sequencer: u64, at: Millis) -> Self {
        Self { what: What::Delete, key: key.into(), version, sequencer, at, content: None }
    }
}

/// Where and by whom an event came about.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Region.
    pub(super) region: String,
    /// Account that owns the bucket and asked for the change.
    pub(super) account: String,
    /// Bucket.
    pub(super) bucket: String,
    /// `x-amz-request-id` of the response.
    pub(super) request_id: String,
    /// `x-amz-id-2` of the response.
    pub(super) host_id: String,
}

/// The message for one destination.
pub(super) fn message(event: &Event, origin: &Origin, rule: &Rule) -> String {
    let version = (event.version != VersionId::Null).then(|| event.version.to_string());
    let (size, e_tag) = event.content.clone().unzip();
    let record = Record {
        event_version: "2.1",
        event_source: "aws:s3",
        aws_region: &origin.region,
        event_time: rfc3339(event.at),
        event_name: event.what.name(),
        user_identity: Identity { principal_id: &origin.account },
        request_parameters: RequestParameters { source_ip_address: "127.0.0.1" },
        response_elements: ResponseElements {
            request_id: &origin.request_id,
            host_id: &origin.host_id,
        },
        s3: S3 {
            schema_version: "1.0",
            configuration_id: &rule.id,
            bucket: Bucket {
                name: &origin.bucket,
                owner_identity: Identity { principal_id: &origin.account },
                arn: format!("arn:aws:s3:::{}", origin.bucket),
            },
            object: Object {
                key: encode_key(&event.key),
                size,
                e_tag,
                version_id: version,
                sequencer: format!("{:018X}", event.sequencer),
            },
        },
    };
    json(&Records { records: [record] })
}

/// The message that a newly configured destination receives first.
pub(super) fn test_message(origin: &Origin, at: Millis) -> String {
    json(&Test {
        service: "Amazon S3",
        event: "s3:TestEvent",
        time: rfc3339(at),
        bucket: &origin.bucket,
        request_id: &origin.request_id,
        host_id: &origin.host_id,
    })
}

/// A key as events and URL-encoded listings carry it: form-encoded, but with
/// slashes kept.
pub(super) fn encode_key(key: &str) -> String {
    let mut encoded = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            _ => {
                encoded.push('%');
                for digit in [byte >> 4, byte & 15] {
                    encoded.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
                }
            }
        }
    }
    encoded
}

fn rfc3339(at: Millis) -> String {
    let at = i64::try_from(at).ok().and_then(chrono::DateTime::from_timestamp_millis);
    at.unwrap_or_default().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn json(message: &impl Serialize) -> String {
    // Strings and numbers only: this can't fail.
    serde_json::to_string(message).unwrap_or_default()
}

#[derive(Serialize)]
struct Records<'a> {
    #[serde(rename = "Records")]
    records: [Record<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_version: &'a str,
    event_source: &'a str,
    aws_region: &'a str,
    event_time: String,
    event_name: &'a str,
    user_identity: Identity<'a>,
    request_parameters: RequestParameters<'a>,
    response_elements: ResponseElements<'a>,
    s3: S3<'a>,
}

#[derive(Serialize)]
struct Identity<'a> {
    #[serde(rename = "principalId")]
    principal_id: &'a str,
}

#[derive(Serialize)]
struct RequestParameters<'a> {
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: &'a str,
}

#[derive(Serialize)]
struct ResponseElements<'a> {
    #[serde(rename = "x-amz-request-id")]
    request_id: &'a str,
    #[serde(rename = "x-amz-id-2")]
    host_id: &'a str,
}

#[derive(Serialize)]
struct S3<'a> {
    #[serde(rename = "s3SchemaVersion")]
    schema_version: &'a str,
    #[serde(rename = "configurationId")]
    configuration_id: &'a str,
    bucket: Bucket<'a>,
    object: Object,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bucket<'a> {
    name: &'a str,
    owner_identity: Identity<'a>,
    arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(rename = "eTag", skip_serializing_if = "Option::is_none")]
    e_tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    sequencer: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Test<'a> {
    service: &'a str,
    event: &'a str,
    time: String,
    bucket: &'a str,
    request_id: &'a str,
    host_id: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::notification::Kind;

    fn origin() -> Origin {
        Origin {
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            bucket: "raw".to_owned(),
            request_id: "4442587FB7D0A2F9".to_owned(),
            host_id: "aG9zdA==".to_owned(),
        }
    }

    #[test]
    fn keys_are_form_encoded_with_slashes_kept() {
        for (key, encoded) in [
            ("a b.csv", "a+b.csv"),
            ("a+b.csv", "a%2Bb.csv"),
            ("dir/caf\u{e9}.csv", "dir/caf%C3%A9.csv"),
            ("100%2F.csv", "100%252F.csv"),
        ] {
            assert_eq!(encode_key(key), encoded);
        }
    }

    #[test]
    fn a_record_has_the_shape_that_aws_documents() {
        let event = Event {
            what: What::Put,
            key: "in/a b.csv".into(),
            version: VersionId::Numbered(1),
            sequencer: 0x1234,
            at: 1_700_000_000_123,
            content: Some((7, "e".to_owned())),
        };
        let rule = Rule {
            id: "to-ingest".to_owned(),
            kind: Kind::Queue,
            arn: "arn".to_owned(),
            events: Vec::new(),
            prefix: None,
            suffix: None,
        };
        let expected = serde_json::json!({"Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": "2023-11-14T22:13:20.123Z",
            "eventName": "ObjectCreated:Put",
            "userIdentity": {"principalId": "000000000000"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {
                "x-amz-request-id": "4442587FB7D0A2F9", "x-amz-id-2": "aG9zdA==",
            },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "to-ingest",
                "bucket": {
                    "name": "raw",
                    "ownerIdentity": {"principalId": "000000000000"},
                    "arn": "arn:aws:s3:::raw",
                },
                "object": {
                    "key": "in/a+b.csv",
                    "size": 7,
                    "eTag": "e",
                    "versionId": "00000000000000000000000000000001",
                    "sequencer": "000000000000001234",
                },
            },
        }]});
        let record: serde_json::Value =
            serde_json::from_str(&message(&event, &origin(), &rule)).unwrap();
        assert_eq!(record, expected);
    }
}
