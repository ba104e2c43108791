//! The part of the JSON Schema about who is told what.

use millrace_contract::AlertKind;
use serde_json::{Value, json};

use super::{of, table, text};

pub(super) fn alerts() -> Value {
    table(
        "Who is told what goes wrong, by SNS.",
        &[],
        json!({
            "subscribe": {
                "type": "array",
                "description": "Who hears of alerts: `email:…`, `email-json:…`, `sms:+…`, \
                                `sqs:arn:…`, `lambda:arn:…` or `https://…`.",
                "items": { "type": "string" },
            },
            "on": {
                "type": "array",
                "description": "What alerts are about; everything unless given.",
                "minItems": 1,
                "items": of::<AlertKind>(),
            },
            "topic": text("ARN of a topic that is there already; unless given there is one of \
                           the pipeline's own, `<name>-alerts`."),
            "digest": {
                "type": "string",
                "default": "15m",
                "description": "How long alerts of one cause are quiet after one was sent; what \
                                came meanwhile is told together. 1s to 1d.",
            },
        }),
    )
}

pub(super) fn events() -> Value {
    table(
        "Events on EventBridge that say which files were loaded, rejected or failed.",
        &[],
        json!({
            "bus": {
                "type": "string",
                "default": "default",
                "description": "Name or ARN of the event bus.",
            },
            "enabled": {
                "type": "boolean",
                "default": true,
                "description": "Whether events are put on it.",
            },
        }),
    )
}

pub(super) fn freshness() -> Value {
    table(
        "By when files are to have come: without a new one loaded by then, the dataset is late.",
        &["expected"],
        json!({
            "expected": text("When at least one file is to have been loaded since the time before: \
                              `cron(0 7 * * ? *)`, or `rate(6 hours)` counted from midnight UTC."),
            "timezone": {
                "type": "string",
                "default": "UTC",
                "description": "Time zone of a cron expression, an IANA name.",
            },
        }),
    )
}
