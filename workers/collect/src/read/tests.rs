//! What is read of a record, and what is said of one that can't be.

use std::time::Duration;

use millrace_contract::{BatchLimits, KeyPart, StreamCompression, StreamFormat};
use millrace_retry::FailureClass;

use super::*;

fn stream(name: &str, dedupe: Option<MessageIdentity>) -> Arc<Stream> {
    Arc::new(Stream {
        name: name.into(),
        bucket: "raw".into(),
        staging: "lake".into(),
        key: vec![
            KeyPart::Text("raw/".into()),
            KeyPart::Value("name".into()),
            KeyPart::Text("/".into()),
            KeyPart::Value("batch".into()),
        ],
        format: StreamFormat::Ndjson,
        compression: StreamCompression::None,
        batch: BatchLimits { count: 10, bytes: 4096, age: Duration::from_secs(1) },
        dedupe,
        envelope: false,
        remember: Duration::from_secs(1),
    })
}

fn record(body: &str) -> Record {
    Record { names: vec!["1".into()], body: body.into(), ..Record::default() }
}

fn refused(streams: &[Arc<Stream>], record: Record) -> (FailureClass, String) {
    match read(streams, record) {
        Err(NotCollected::Verdict(failure)) => (failure.class, failure.message.clone()),
        Err(NotCollected::Lost) => panic!("lost"),
        Ok(_) => panic!("read"),
    }
}

#[test]
fn a_message_names_its_group_and_keeps_its_values() {
    let streams = [stream("a", None)];
    let found = read(&streams, record("{ \"name\": \"lib.server\",\n\"n\": 1.50 }")).ok().unwrap();
    assert_eq!(found.fields, ["lib.server"]);
    assert_eq!(found.message.body, r#"{"name":"lib.server","n":1.50}"#);
    assert_eq!(found.message.names, ["m:1"]);
    let number = read(&streams, record(r#"{"name": 7}"#)).ok().unwrap();
    assert_eq!(number.fields, ["7"]);
}

#[test]
fn what_makes_a_message_the_same_is_a_member_or_an_attribute() {
    let field = stream("a", Some(MessageIdentity::Field("meta.id".into())));
    let names = |stream: &Arc<Stream>, record: Record| {
        read(std::slice::from_ref(stream), record).ok().unwrap().message.names
    };
    let one = names(&field, record(r#"{"name":"x","meta":{"id":"7"}}"#));
    let other = names(&field, record(r#"{"meta.id":"7","name":"y"}"#));
    assert_eq!(one[1], other[1], "a member of that very name is the same");
    assert!(one[1].starts_with("d:"));
    let third = names(&field, record(r#"{"name":"x","meta":{"id":"8"}}"#));
    assert_ne!(one[1], third[1]);
    let attribute = stream("b", Some(MessageIdentity::Attribute("id".into())));
    let mut with = record(r#"{"name":"x"}"#);
    with.headers.insert("id".into(), "7".into());
    let fourth = names(&attribute, with);
    assert_ne!(one[1], fourth[1], "streams have ids of their own");
    let (class, why) = refused(&[attribute], record(r#"{"name":"x"}"#));
    assert_eq!(class, FailureClass::Contract);
    assert!(why.starts_with("the message has no attribute `id`"), "{why}");
}

#[test]
fn what_can_t_be_collected_is_said_alone() {
    let streams = [stream("a", None)];
    for (body, said) in [
        ("", "the body is not one JSON object"),
        ("[1]", "the body is not one JSON object"),
        ("{\"name\":\"x\"} {}", "the body is not one JSON object"),
        ("{\"name\":\"x\",\"b\":[}", "the body is not one JSON object"),
        ("{}", "the message has no member `name`"),
        ("{\"name\":null}", "`name` is null"),
        ("{\"name\":{}}", "`name` is an object"),
        ("{\"name\":\"..\"}", "`..` of `name` can't be part of a key"),
        ("{\"name\":\"a/b\"}", "`a/b` of `name` can't be part of a key"),
    ] {
        let (class, why) = refused(&streams, record(body));
        assert_eq!(class, FailureClass::Poison, "{body}");
        assert!(why.starts_with(said), "{body}: {why}");
    }
    let large = format!("{{\"name\":\"x\",\"text\":\"{}\"}}", "y".repeat(5000));
    let (class, why) = refused(&streams, record(&large));
    assert_eq!(class, FailureClass::Contract);
    assert!(why.contains("a batch of stream `a` takes 4096"), "{why}");
}

#[test]
fn of_several_streams_the_message_names_one() {
    let streams = [stream("a", None), stream("b", None)];
    let (class, why) = refused(&streams, record(r#"{"name":"x"}"#));
    assert_eq!(class, FailureClass::Contract);
    assert!(why.contains("the streams are a, b"), "{why}");
    let named = |name: &str| Record { stream: Some(name.into()), ..record(r#"{"name":"x"}"#) };
    assert_eq!(read(&streams, named("b")).ok().unwrap().stream.name, "b");
    let (_, why) = refused(&streams, named("c"));
    assert_eq!(why, "there is no stream `c`; the streams are a, b");
}
