//! A dead letter as it is printed: the same fields in every command.

use chrono::{DateTime, SecondsFormat, Utc};
use millrace_ledger::{DlqAction, Failure};
use serde_json::{Value, json};

/// A moment for programs.
pub(super) fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A moment for people.
pub(super) fn clock(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// What became of it, in a word: `open` while nothing was done.
pub(super) fn state(failure: &Failure) -> &'static str {
    failure.resolution.map_or("open", |(resolution, _)| resolution.as_str())
}

/// All facts but the body.
pub(super) fn facts(failure: &Failure) -> Value {
    let record = &failure.record;
    json!({
        "message_id": record.message_id,
        "queue": record.queue,
        "stage": record.stage,
        "class": record.class.as_str(),
        "message": record.message,
        "fingerprint": record.fingerprint,
        "dataset": record.dataset,
        "object": record.object.as_ref().map(ToString::to_string),
        "file_id": record.file_id,
        "trace_id": record.trace_id,
        "receive_count": record.receive_count,
        "first_seen": moment(record.first_seen),
        "last_seen": moment(record.last_seen),
        "rejects": record.rejects_key,
        "state": state(failure),
        "resolved_at": failure.resolution.map(|(_, at)| moment(at)),
        "redrives": failure.redrives,
        "redrive_of": record.redrive_of,
        "discard_reason": failure.discard_reason,
    })
}

/// All facts and the body, as it is and as it was.
pub(super) fn whole(failure: &Failure) -> Value {
    let mut value = facts(failure);
    value["body"] = Value::from(failure.record.body.as_str());
    value["original_body"] = Value::from(failure.original_body.as_deref());
    value
}

/// An action.
pub(super) fn action(action: &DlqAction) -> Value {
    json!({
        "at": moment(action.at),
        "actor": action.actor,
        "action": action.act.as_str(),
        "detail": action.detail,
    })
}

/// Texts in a body up to this many characters are shown whole.
const SHOWN_TEXT: usize = 512;

/// JSON with a field per line; anything else as it is.
pub(super) fn pretty(body: &str) -> String {
    let parsed: Result<Value, _> = serde_json::from_str(body);
    parsed
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| body.to_owned())
}

/// The same for a screen: of a long text, as that of an object that goes with its
/// message, the beginning and its length.
pub(super) fn pretty_short(body: &str) -> String {
    let Ok(mut value) = serde_json::from_str(body) else { return body.to_owned() };
    shorten(&mut value);
    serde_json::to_string_pretty(&value).unwrap_or_else(|_| body.to_owned())
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > SHOWN_TEXT => {
            let length = text.chars().count();
            let beginning: String = text.chars().take(32).collect();
            *text = format!("{beginning}… ({length} characters)");
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_shown_by_fields_if_it_has_some() {
        assert_eq!(pretty("{\"a\":1}"), "{\n  \"a\": 1\n}");
        assert_eq!(pretty("no JSON {"), "no JSON {");
    }

    #[test]
    fn a_screen_has_no_room_for_a_whole_object() {
        let object = "ab".repeat(2_000);
        let body = format!(r#"{{"outputs":[{{"key":"k","carried":"{object}"}}]}}"#);
        let shown = pretty_short(&body);
        assert!(shown.contains(r#""key": "k""#), "{shown}");
        assert!(shown.contains("abab… (4000 characters)"), "{shown}");
        assert!(pretty(&body).contains(&object), "whole for an editor");
    }
}
