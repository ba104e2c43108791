//! A settled message as a span.
//!
//! Source: "OTLP/HTTP", JSON Protobuf Encoding, OpenTelemetry specification;
//! "Semantic conventions for messaging spans".

use std::time::{Duration, SystemTime};

use millrace_runtime::{Ending, Settlement};
use serde_json::{Value, json};

/// `SPAN_KIND_CONSUMER`.
const CONSUMER: u8 = 5;

/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// A span: of handling a message once, which ends now.
pub(crate) fn span(settlement: &Settlement<'_>, now: SystemTime) -> Value {
    let trace = &settlement.delivery.trace;
    let mut span = json!({
        "traceId": trace.trace,
        "spanId": trace.span,
        "name": format!("{} process", settlement.stage),
        "kind": CONSUMER,
        "startTimeUnixNano": nanos(now.checked_sub(settlement.took).unwrap_or(now)),
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
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        let span = span(&settlement, now);
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
}
