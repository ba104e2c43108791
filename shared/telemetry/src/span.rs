//! A settled message as spans.
//!
//! Source: "OTLP/HTTP", JSON Protobuf Encoding, OpenTelemetry specification;
//! "Semantic conventions for messaging spans".

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, SystemTime};

use millrace_runtime::{Ending, Settlement};
use serde_json::{Value, json};

/// `SPAN_KIND_INTERNAL`.
const INTERNAL: u8 = 1;

/// `SPAN_KIND_CONSUMER`.
const CONSUMER: u8 = 5;

/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// The trace flags of a span that is recorded, as W3C has them.
const SAMPLED: u8 = 1;

/// The spans of handling a message once, which ends now: that of the message, and
/// those of the parts of the work below it.
pub(crate) fn spans(settlement: &Settlement<'_>, now: SystemTime) -> Vec<Value> {
    let mut spans = vec![message(settlement, now)];
    spans.extend(settlement.parts.iter().enumerate().map(|(number, part)| {
        let trace = &settlement.delivery.trace;
        json!({
            "traceId": trace.trace,
            "spanId": below(&trace.span, number),
            "parentSpanId": trace.span,
            "name": format!("{} {}", settlement.stage, part.name),
            "kind": INTERNAL,
            "flags": SAMPLED,
            "startTimeUnixNano": nanos(part.began),
            "endTimeUnixNano": nanos(part.began.checked_add(part.took).unwrap_or(now)),
        })
    }));
    spans
}

fn message(settlement: &Settlement<'_>, now: SystemTime) -> Value {
    let trace = &settlement.delivery.trace;
    let began = now.checked_sub(settlement.took).unwrap_or(now);
    // What is sent after handling is a part, too, and no part begins before it.
    let began = settlement.parts.iter().map(|part| part.began).fold(began, SystemTime::min);
    let mut span = json!({
        "traceId": trace.trace,
        "spanId": trace.span,
        "name": format!("{} process", settlement.stage),
        "kind": CONSUMER,
        "flags": SAMPLED,
        "startTimeUnixNano": nanos(began),
        "endTimeUnixNano": nanos(now),
        "attributes": attributes(settlement),
    });
    if let Some(parent) = &trace.parent {
        span["parentSpanId"] = json!(parent);
    }
    if is_failure(settlement.ending) {
        span["status"] = json!({"code": ERROR, "message": settlement.note});
    }
    span
}

/// The id of a span below another: the first 64 bits of a hash of both, never zero,
/// which would be none.
fn below(span: &str, number: usize) -> String {
    let mut hasher = DefaultHasher::new();
    (span, number).hash(&mut hasher);
    format!("{:016x}", hasher.finish().max(1))
}

fn is_failure(ending: Ending) -> bool {
    match ending {
        Ending::Retried | Ending::DeadLettered => true,
        // Interrupted, or in other hands, is not failed.
        Ending::Done | Ending::Released | Ending::LeaseLost => false,
    }
}

fn attributes(settlement: &Settlement<'_>) -> Value {
    let Settlement { delivery, subject, counts, .. } = settlement;
    let mut all = vec![
        text("messaging.system", "aws_sqs"),
        text("messaging.operation.type", "process"),
        text("messaging.destination.name", settlement.queue),
        text("messaging.message.id", &delivery.message_id),
        number("millrace.receive_count", u64::from(delivery.receive_count)),
        text("millrace.stage", settlement.stage),
        text("millrace.outcome", settlement.ending.as_str()),
    ];
    all.extend(settlement.class.map(|class| text("error.type", class.as_str())));
    all.extend(subject.dataset.as_deref().map(|dataset| text("millrace.dataset", dataset)));
    all.extend(subject.file_id.as_deref().map(|file| text("millrace.file_id", file)));
    if let Some(object) = &subject.object {
        all.push(text("aws.s3.bucket", &object.bucket));
        all.push(text("aws.s3.key", &object.key));
    }
    all.extend(counts.rows_read.map(|rows| number("millrace.rows.read", rows)));
    all.extend(counts.rows_loaded.map(|rows| number("millrace.rows.loaded", rows)));
    all.extend(counts.rows_rejected.map(|rows| number("millrace.rows.rejected", rows)));
    all.into()
}

/// An attribute that is a text.
pub(crate) fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// An attribute that is a number, which JSON carries as a text.
fn number(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

fn nanos(moment: SystemTime) -> String {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    since.as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use millrace_runtime::{Counts, Delivery, Subject};

    use super::*;

    #[test]
    fn a_failure_is_a_span_with_an_error_and_its_class() {
        let delivery = Delivery::new("m-1", "b");
        let settlement = Settlement {
            stage: "load",
            queue: "p-load",
            delivery: &delivery,
            ending: Ending::DeadLettered,
            class: "contract".parse().ok(),
            note: "too many rejects",
            subject: &Subject { dataset: Some("sales".into()), ..Subject::default() },
            counts: Counts { rows_read: Some(7), ..Counts::default() },
            took: Duration::from_secs(2),
            parts: &[],
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        let span = spans(&settlement, now).remove(0);
        assert_eq!(span["traceId"].as_str().map(str::len), Some(32));
        assert_eq!(span["startTimeUnixNano"], "8000000000");
        assert_eq!(span["endTimeUnixNano"], "10000000000");
        assert_eq!(span["status"]["message"], "too many rejects");
        let attributes = span["attributes"].as_array().expect("a list");
        for expected in [
            text("error.type", "contract"),
            text("millrace.dataset", "sales"),
            text("millrace.outcome", "dead_lettered"),
            number("millrace.rows.read", 7),
        ] {
            assert!(attributes.contains(&expected), "{expected}");
        }
        assert!(span.get("parentSpanId").is_none());
    }

    #[test]
    fn parts_of_the_work_are_spans_below_that_of_the_message_and_within_it() {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let part = |name, began, took| {
            let took = Duration::from_millis(took);
            millrace_runtime::Part { name, began: at(began), took }
        };
        let settlement = Settlement {
            stage: "load",
            queue: "p-load",
            delivery: &Delivery::new("m-1", "b"),
            ending: Ending::Done,
            class: None,
            note: "loaded",
            subject: &Subject::default(),
            counts: Counts::default(),
            // Handling ended before what it led to was sent.
            took: Duration::from_millis(30),
            parts: &[part("load", 1_000, 20), part("record", 1_020, 10), part("send", 1_030, 50)],
        };
        let spans = spans(&settlement, at(1_080));
        let names: Vec<_> =
            spans.iter().map(|span| span["name"].as_str().expect("a name")).collect();
        assert_eq!(names, ["load process", "load load", "load record", "load send"]);
        assert_eq!(spans[0]["startTimeUnixNano"], "1000000000");
        assert_eq!(spans[0]["endTimeUnixNano"], "1080000000");
        assert_eq!(spans[3]["startTimeUnixNano"], "1030000000");
        let mut ids: Vec<_> = spans.iter().map(|span| span["spanId"].to_string()).collect();
        assert!(ids.iter().all(|id| id.len() == 16 + 2), "{ids:?}");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 4);
        assert!(spans[1..].iter().all(|span| span["parentSpanId"] == spans[0]["spanId"]));
    }
}
