//! What EventBridge operations need: events are put on buses, each entry on its
//! own; rules are named within a bus.
//!
//! Source: "Actions, resources, and condition keys for Amazon EventBridge",
//! Service Authorization Reference.

use std::collections::BTreeSet;

use serde_json::Value;

use super::named::{json, text};
use super::{Named, Permission, one};

/// The bus of an account that is meant where none is named.
const DEFAULT_BUS: &str = "default";

/// What an operation needs.
pub(super) fn permissions(operation: &str, body: &[u8], named: &Named<'_>) -> Vec<Permission> {
    let body = json(body);
    let resources = match operation {
        "PutEvents" => buses(&body, named),
        _ => BTreeSet::from([resource(operation, &body, named)]),
    };
    resources.into_iter().map(|resource| one("events", operation, resource)).collect()
}

fn buses(body: &Value, named: &Named<'_>) -> BTreeSet<String> {
    let entries = body.get("Entries").and_then(Value::as_array).into_iter().flatten();
    entries.map(|entry| bus(text(entry, "EventBusName"), named)).collect()
}

fn bus(name: Option<&str>, named: &Named<'_>) -> String {
    named.arn("events", "event-bus/", name.unwrap_or(DEFAULT_BUS))
}

fn resource(operation: &str, body: &Value, named: &Named<'_>) -> String {
    let name = ["Rule", "Name"].iter().find_map(|name| text(body, name));
    match (name, text(body, "EventBusName")) {
        (Some(name), _) if operation.ends_with("EventBus") => bus(Some(name), named),
        (None, given) if operation.ends_with("EventBus") => bus(given, named),
        (Some(rule), None | Some(DEFAULT_BUS)) => named.arn("events", "rule/", rule),
        (Some(rule), Some(bus)) => {
            let bus = bus.rsplit('/').next().unwrap_or(bus);
            named.arn("events", &format!("rule/{bus}/"), rule)
        }
        (None, _) => "*".to_owned(),
    }
}
