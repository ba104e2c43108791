//! A collector of spans, and the form that it takes them in.
//!
//! Source: `opentelemetry/proto/trace/v1/trace.proto` and "JSON Protobuf Encoding"
//! in the OpenTelemetry Protocol specification: names in lowerCamelCase, ids in
//! hexadecimal, 64-bit integers as texts, enums as numbers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};

/// A collector on a port of its own.
pub(crate) struct Collector {
    address: String,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let requests = Arc::<Mutex<Vec<Value>>>::default();
        let taken = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A worker that is killed cuts its connection.
                if let Some(request) = answer(stream) {
                    taken.lock().expect("requests").push(request);
                }
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests.lock().expect("requests").clone()
    }

    /// Every span, with the name of the service that sent it.
    pub(crate) fn spans(&self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        for request in self.requests() {
            for resource in list(&request["resourceSpans"]) {
                let attributes = list(&resource["resource"]["attributes"]);
                let name = attributes.iter().find(|one| one["key"] == "service.name");
                let name = name.expect("a name")["value"]["stringValue"].as_str().expect("a text");
                for scope in list(&resource["scopeSpans"]) {
                    all.extend(
                        list(&scope["spans"]).iter().map(|one| (name.to_owned(), one.clone())),
                    );
                }
            }
        }
        all
    }
}

fn answer(mut stream: TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
        head += &line;
    }
    assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
    assert!(head.to_ascii_lowercase().contains("content-type: application/json"), "{head}");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let done = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
                connection: close\r\n\r\n{}";
    stream.write_all(done.as_bytes()).ok()?;
    Some(serde_json::from_slice(&body).expect("JSON"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).expect("a list")
}

/// The members of an object, none but `known`.
fn members<'a>(value: &'a Value, known: &[&str]) -> &'a Map<String, Value> {
    let members = value.as_object().expect("an object");
    for name in members.keys() {
        assert!(known.contains(&name.as_str()), "`{name}` is no field: {value:#}");
    }
    members
}

/// Asserts that a request is an `ExportTraceServiceRequest`.
pub(crate) fn assert_valid(request: &Value) {
    for resource in list(&members(request, &["resourceSpans"])["resourceSpans"]) {
        let resource = members(resource, &["resource", "scopeSpans", "schemaUrl"]);
        let known = ["attributes", "droppedAttributesCount", "entityRefs"];
        assert_attributes(&members(&resource["resource"], &known)["attributes"]);
        for scope in list(&resource["scopeSpans"]) {
            let scope = members(scope, &["scope", "spans", "schemaUrl"]);
            let known = ["name", "version", "attributes", "droppedAttributesCount"];
            let named = members(&scope["scope"], &known);
            assert!(named["name"].is_string() && named["version"].is_string());
            list(&scope["spans"]).iter().for_each(assert_span);
        }
    }
}

fn assert_span(span: &Value) {
    let known = [
        "traceId",
        "spanId",
        "traceState",
        "parentSpanId",
        "flags",
        "name",
        "kind",
        "startTimeUnixNano",
        "endTimeUnixNano",
        "attributes",
        "droppedAttributesCount",
        "events",
        "droppedEventsCount",
        "links",
        "droppedLinksCount",
        "status",
    ];
    let span = members(span, &known);
    assert_id(&span["traceId"], 32);
    assert_id(&span["spanId"], 16);
    if let Some(parent) = span.get("parentSpanId") {
        assert_id(parent, 16);
    }
    assert!(span["name"].as_str().is_some_and(|name| !name.is_empty()));
    assert!(span["kind"].as_u64().is_some_and(|kind| (1..=5).contains(&kind)), "{span:#?}");
    if let Some(flags) = span.get("flags") {
        assert!(flags.as_u64().is_some_and(|flags| flags <= u64::from(u32::MAX)));
    }
    let (start, end) = (nanos(&span["startTimeUnixNano"]), nanos(&span["endTimeUnixNano"]));
    assert!(start <= end && start > 1_500_000_000_000_000_000, "{span:#?}");
    if let Some(attributes) = span.get("attributes") {
        assert_attributes(attributes);
    }
    if let Some(status) = span.get("status") {
        let status = members(status, &["code", "message"]);
        assert!(status["code"].as_u64().is_some_and(|code| code <= 2), "{status:#?}");
    }
}

/// `fixed64`: a text of digits.
pub(crate) fn nanos(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value}"))
}

fn assert_id(value: &Value, digits: usize) {
    let text = value.as_str().expect("a text");
    let is_hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(text.len() == digits && is_hexadecimal, "{text}");
    assert!(text.bytes().any(|byte| byte != b'0'), "{text}");
}

fn assert_attributes(attributes: &Value) {
    for attribute in list(attributes) {
        let attribute = members(attribute, &["key", "value"]);
        assert!(attribute["key"].as_str().is_some_and(|key| !key.is_empty()));
        let value = members(&attribute["value"], &["stringValue", "intValue"]);
        assert_eq!(value.len(), 1, "{value:#?}");
        for (kind, value) in value {
            // int64 is a text, too.
            let text = value.as_str().unwrap_or_else(|| panic!("{kind}: {value}"));
            assert!(kind == "stringValue" || text.parse::<i64>().is_ok(), "{text}");
        }
    }
}
