//! Whatever stands in a queue, decoding it does not panic, and an object event
//! always names bucket and key.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

/// Member names the decoder looks at, so that arbitrary JSON reaches its depths.
const NAMES: [&str; 16] = [
    "Records",
    "Messages",
    "s3",
    "Sns",
    "body",
    "Body",
    "Message",
    "Type",
    "detail",
    "detail-type",
    "source",
    "bucket",
    "object",
    "key",
    "name",
    "eventVersion",
];

const TEXTS: [&str; 9] =
    ["Notification", "aws.s3", "Object Created", "2.1", "3.0", "{\"s3\":{}}", "[1]", "raw", "%zz+"];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        proptest::sample::select(&TEXTS[..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let name = prop_oneof![
            6 => proptest::sample::select(&NAMES[..]).prop_map(str::to_owned),
            1 => ".{0,8}",
        ];
        let members = proptest::collection::vec((name, inner.clone()), 0..6);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_decoded_or_refused(text in ".*") {
        let _ = decode_event(&text);
    }

    #[test]
    fn any_json_is_decoded_or_refused(value in any_json()) {
        for notice in decode_event(&value.to_string()).unwrap_or_default() {
            if let Notice::Object(event) = notice {
                prop_assert!(!event.object.bucket.is_empty() && !event.object.key.is_empty());
            }
        }
    }

    #[test]
    fn any_key_survives_every_envelope(key in "[^\\x00]{1,40}") {
        let encoded: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let native = json!({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": encoded}}}]});
        let bridge = json!({"detail-type": "Object Created", "source": "aws.s3",
            "detail": {"bucket": {"name": "b"}, "object": {"key": key}}});
        for body in [native, bridge] {
            for text in [body.to_string(), sns(&body.to_string()), lambda_sqs(&[&body.to_string()])] {
                let notices = decode_event(&text).unwrap();
                let Notice::Object(event) = &notices[0] else { panic!("no object: {notices:?}") };
                prop_assert_eq!(&event.object.key, &key);
            }
        }
    }
}
