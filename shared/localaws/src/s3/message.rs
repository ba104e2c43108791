//! Messages to queues and topics, in the shape of "Event message structure" in
//! the Amazon S3 User Guide.

use serde::Serialize;

use super::event::{Event, Origin, SOURCE_IP, encode_key};
use super::notification::Rule;
use crate::clock::Millis;

/// The message for one destination.
pub(super) fn message(event: &Event, origin: &Origin, rule: &Rule) -> String {
    let record = Record {
        event_version: event.what.message_version(),
        event_source: "aws:s3",
        aws_region: &origin.region,
        event_time: rfc3339(event.at),
        event_name: event.what.name(),
        user_identity: Identity { principal_id: &origin.account },
        request_parameters: RequestParameters { source_ip_address: SOURCE_IP },
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
                size: event.size(),
                e_tag: event.etag(),
                version_id: event.version_id(),
                sequencer: event.sequencer_text(),
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
    object: Object<'a>,
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
struct Object<'a> {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(rename = "eTag", skip_serializing_if = "Option::is_none")]
    e_tag: Option<&'a str>,
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
    use crate::s3::event::What;
    use crate::s3::notification::Kind;
    use crate::s3::object::VersionId;

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
