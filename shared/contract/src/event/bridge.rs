//! EventBridge events: S3's, and those of rules and schedules that fired.
//!
//! Sources: "Using EventBridge" in the Amazon S3 User Guide; "Scheduler target
//! payload" in the EventBridge Scheduler User Guide.

use serde_json::Value;

use super::native::object_version;
use super::place::{Hop, Place};
use super::{DecodeError, Notice, ObjectEvent, ObjectEventKind, Scheduled, time_of};

/// Reads a JSON object that has `detail-type`.
pub(super) fn read(event: &Value, place: &Place) -> Result<Notice, DecodeError> {
    let source = event["source"].as_str().unwrap_or_default();
    let detail_type = event["detail-type"].as_str().unwrap_or_default();
    match (source, detail_type) {
        ("aws.s3", _) => object_event(event, detail_type, place),
        ("aws.events" | "aws.scheduler", "Scheduled Event") => Ok(scheduled(event)),
        _ => Ok(Notice::Unrelated {
            what: format!("EventBridge event `{detail_type}` from `{source}`"),
            why: "only events of `aws.s3` and scheduled events start anything".to_owned(),
        }),
    }
}

fn object_event(event: &Value, detail_type: &str, place: &Place) -> Result<Notice, DecodeError> {
    let place = place.clone().inside(Hop::EventBridge)?;
    let object = object_version(&detail(event), &place.at("detail"), str::to_owned)?;
    let kind = match detail_type {
        "Object Created" => ObjectEventKind::Created,
        "Object Deleted" => ObjectEventKind::Removed,
        other => ObjectEventKind::Other(other.to_owned()),
    };
    Ok(Notice::Object(ObjectEvent {
        object,
        kind,
        time: time_of(event.get("time")),
        via: place.hops,
    }))
}

fn scheduled(event: &Value) -> Notice {
    Notice::Scheduled(Scheduled {
        arn: event["resources"][0].as_str().map(str::to_owned),
        time: time_of(event.get("time")),
        detail: detail(event),
    })
}

/// Whether a JSON object looks like the customary input of a schedule, made of
/// EventBridge Scheduler's context attributes.
pub(super) fn is_schedule_input(event: &Value) -> bool {
    event["schedule_arn"].is_string() && event.get("scheduled_time").is_some()
}

/// Reads the customary input of a schedule.
pub(super) fn schedule_input(event: &Value) -> Notice {
    Notice::Scheduled(Scheduled {
        arn: event["schedule_arn"].as_str().map(str::to_owned),
        time: time_of(event.get("scheduled_time")),
        detail: event.clone(),
    })
}

/// The detail, which EventBridge Scheduler sends as a string of JSON.
fn detail(event: &Value) -> Value {
    let detail = &event["detail"];
    let inner = detail.as_str().and_then(|text| serde_json::from_str(text).ok());
    inner.unwrap_or_else(|| detail.clone())
}
