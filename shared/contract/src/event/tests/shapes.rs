//! One small envelope of every shape.

use super::*;
use crate::Sequencer;

fn only_object(body: &str) -> ObjectEvent {
    let mut notices = decode_event(body).unwrap();
    assert_eq!(notices.len(), 1, "{notices:?}");
    match notices.remove(0) {
        Notice::Object(event) => event,
        other => panic!("no object event: {other:?}"),
    }
}

#[test]
fn a_notification_is_read_with_all_it_says() {
    let more =
        r#","size":1024,"eTag":"d41d8cd9","versionId":"v9","sequencer":"0055AED6DCD90281E5""#;
    let event = only_object(&notification("raw/a+b%2B%C3%A9.csv", more));
    assert_eq!(event.object.bucket, "raw");
    assert_eq!(event.object.key, "raw/a b+é.csv");
    assert_eq!(event.object.version_id.as_deref(), Some("v9"));
    assert_eq!(event.object.etag, "d41d8cd9");
    assert_eq!(event.object.size, Some(1024));
    assert_eq!(event.object.sequencer, Some(Sequencer::new("0055AED6DCD90281E5")));
    assert_eq!(event.kind, ObjectEventKind::Created);
    assert_eq!(event.time.unwrap().to_rfc3339(), "2024-01-31T08:15:30.500+00:00");
    assert_eq!(event.via, [Hop::S3]);
}

#[test]
fn what_a_notification_leaves_out_is_left_open() {
    let event = only_object(&notification("k", ""));
    assert_eq!(event.object.version_id, None);
    assert_eq!(event.object.etag, "");
    assert_eq!(event.object.sequencer, None);
    assert_eq!(event.object.size, None);
    let body = notification("k", "").replace(r#""eventVersion":"2.1","#, "");
    assert_eq!(only_object(&body).kind, ObjectEventKind::Created);
    let body = notification("k", "").replace("2024-01-31T08:15:30.500Z", "yesterday");
    assert_eq!(only_object(&body).time, None);
    let body = notification("k", "").replace(r#""name":"raw""#, r#""arn":"arn:aws:s3:::from-arn""#);
    assert_eq!(only_object(&body).object.bucket, "from-arn");
}

#[test]
fn the_version_null_is_no_version() {
    let event = only_object(&notification("k", r#","versionId":"null","eTag":"e""#));
    assert_eq!(event.object.version_id, None);
    assert_eq!(event.object.revision(), "e");
    assert_eq!(only_object(&notification("k", r#","versionId":"""#)).object.version_id, None);
}

#[test]
fn a_bridge_event_is_read_and_its_key_taken_as_it_is() {
    let event = only_object(&bridge_event("Object Created", "raw/a%20b+c.csv"));
    assert_eq!(event.object.key, "raw/a%20b+c.csv");
    assert_eq!(event.object.version_id.as_deref(), Some("v1"));
    assert_eq!(event.object.etag, "e1");
    assert_eq!(event.object.size, Some(7));
    assert_eq!(event.kind, ObjectEventKind::Created);
    assert_eq!(event.via, [Hop::EventBridge]);
}

#[test]
fn what_happened_is_told_from_the_event_names() {
    for (name, kind) in [
        ("ObjectCreated:CompleteMultipartUpload", ObjectEventKind::Created),
        ("s3:ObjectCreated:Copy", ObjectEventKind::Created),
        ("ObjectRemoved:DeleteMarkerCreated", ObjectEventKind::Removed),
        ("LifecycleExpiration:Delete", ObjectEventKind::Removed),
        ("ObjectTagging:Put", ObjectEventKind::Other("ObjectTagging:Put".into())),
        ("ObjectRestore:Completed", ObjectEventKind::Other("ObjectRestore:Completed".into())),
    ] {
        let body = notification("k", "").replace("ObjectCreated:Put", name);
        assert_eq!(only_object(&body).kind, kind, "{name}");
    }
    for (name, kind) in [
        ("Object Deleted", ObjectEventKind::Removed),
        ("Object Tags Added", ObjectEventKind::Other("Object Tags Added".into())),
    ] {
        assert_eq!(only_object(&bridge_event(name, "k")).kind, kind);
    }
}

#[test]
fn envelopes_are_opened_inside_one_another() {
    let native = notification("n", "");
    let bridge = bridge_event("Object Created", "b");
    for (body, expected) in [
        (sns(&native), "Created s3://raw/n via sns > s3"),
        (sns(&bridge), "Created s3://raw/b?versionId=v1 via sns > eventbridge"),
        (lambda_sqs(&[&native]), "Created s3://raw/n via sqs > s3"),
        (lambda_sqs(&[&sns(&native)]), "Created s3://raw/n via sqs > sns > s3"),
        (
            format!(r#"{{"Records":[{{"EventSource":"aws:sns","Sns":{}}}]}}"#, sns(&native)),
            "Created s3://raw/n via sns > s3",
        ),
        (
            format!(
                r#"{{"Messages":[{{"MessageId":"1","Body":{}}}]}}"#,
                serde_json::to_string(&native).unwrap()
            ),
            "Created s3://raw/n via sqs > s3",
        ),
        (serde_json::to_string(&native).unwrap(), "Created s3://raw/n via json > s3"),
        (format!("[{bridge}]"), "Created s3://raw/b?versionId=v1 via json > eventbridge"),
        (format!("\u{feff}{native}"), "Created s3://raw/n via s3"),
    ] {
        assert_eq!(shown(&body), [expected], "{body}");
    }
}

#[test]
fn every_record_counts_and_shapes_may_be_mixed() {
    let body = format!(
        r#"{{"Records":[{},{},{{"eventSource":"aws:sqs","body":{}}},{}]}}"#,
        record("one", ""),
        bridge_event("Object Created", "two"),
        serde_json::to_string(&sns(&notification("three", ""))).unwrap(),
        r#"{"eventSource":"aws:kinesis","kinesis":{}}"#,
    );
    assert_eq!(
        shown(&body),
        [
            "Created s3://raw/one via s3",
            "Created s3://raw/two?versionId=v1 via eventbridge",
            "Created s3://raw/three via sqs > sns > s3",
            "unrelated: a record of `aws:kinesis`",
        ]
    );
}

#[test]
fn schedules_are_told_with_their_payload() {
    let event = |source: &str, resource: &str, detail: &str| {
        format!(
            r#"{{"detail-type":"Scheduled Event","source":"{source}",
                "time":"2024-06-13T12:30:00Z","resources":["{resource}"],"detail":{detail}}}"#
        )
    };
    let rule = event("aws.events", "arn:aws:events:eu-west-1:1:rule/nightly", "{}");
    let schedule = "arn:aws:scheduler:eu-west-1:1:schedule/default/hourly";
    for (body, expected) in [
        (rule, "schedule nightly {}"),
        (event("aws.scheduler", schedule, r#""{}""#), "schedule hourly {}"),
        (event("aws.scheduler", schedule, r#""plain""#), r#"schedule hourly "plain""#),
        (
            format!(r#"{{"schedule_arn":"{schedule}","scheduled_time":"2024-06-13T12:30:00Z"}}"#),
            r#"schedule hourly {"schedule_arn":"arn:aws:scheduler:eu-west-1:1:schedule/default/hourly","scheduled_time":"2024-06-13T12:30:00Z"}"#,
        ),
    ] {
        assert_eq!(shown(&body), [expected]);
    }
}

#[test]
fn what_starts_nothing_says_what_it_is() {
    for (body, expected) in [
        (r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#, "test"),
        (r#"{"user":"a","age":5}"#, "unrelated: a JSON object with `age`, `user`"),
        ("{}", "unrelated: an empty JSON object"),
        (r#"{"Records":[]}"#, "unrelated: an empty `Records`"),
        ("[]", "unrelated: an empty list"),
        ("12", "unrelated: the JSON value `12`"),
        (
            r#"{"detail-type":"EC2 Instance State-change Notification","source":"aws.ec2"}"#,
            "unrelated: EventBridge event `EC2 Instance State-change Notification` from `aws.ec2`",
        ),
        (
            r#"{"Type":"SubscriptionConfirmation","TopicArn":"arn:t"}"#,
            r#"unrelated: SNS subscription confirmation of "arn:t""#,
        ),
    ] {
        assert_eq!(shown(body), [expected], "{body}");
    }
    assert_eq!(shown(&sns("Hello\nworld!")), [r"unrelated: text `Hello\nworld!`"]);
}

#[test]
fn errors_point_at_the_spot() {
    let nested = sns(&notification("k", "").replace("}", ""));
    let endless = (0..9).fold("1".to_owned(), |inner, _| format!("[{inner}]"));
    let errors: Vec<String> = [
        "hello world".to_owned(),
        String::new(),
        "{\n  \"Records\": [}".to_owned(),
        nested,
        lambda_sqs(&["{}", r#"{"Records":[{"s3":{"bucket":{"name":"b"}}}]}"#]),
        notification("", ""),
        notification("k", "").replace("\"2.1\"", "\"3.0\""),
        bridge_event("Object Created", "k").replace("\"raw\"", "null"),
        endless,
    ]
    .iter()
    .map(|body| decode_event(body).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn one_bad_record_refuses_the_whole_message() {
    let body = format!(r#"{{"Records":[{},{{"s3":{{}}}}]}}"#, record("good", ""));
    assert!(matches!(decode_event(&body), Err(DecodeError::Malformed { .. })));
}
