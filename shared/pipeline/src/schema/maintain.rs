//! The part of the JSON Schema about upkeep.

use serde_json::{Value, json};

use super::{table, text};
use crate::maintain::{MIN_FILES, OLDER_THAN, STUCK_AFTER, SUPERSEDED, TARGET};
use crate::quantity::show_size;

pub(super) fn maintain() -> Value {
    table(
        "Upkeep: what was lost is found, small objects are joined, old ones removed.",
        &[],
        json!({
            "reconcile": reconcile(),
            "compact": compact(),
            "retention": retention(),
        }),
    )
}

/// A kind of upkeep with its own keys beside those of its schedule.
fn scheduled(about: &str, own: Value) -> Value {
    let mut properties = json!({
        "schedule": text("When it runs: `rate(1 hour)`, `cron(0 3 * * ? *)` or \
                          `at(2026-01-31T02:00:00)`; by hand and by messages alone unless given."),
        "timezone": text("Time zone of the schedule, such as `Europe/Berlin`; UTC unless given."),
    });
    if let (Some(all), Value::Object(own)) = (properties.as_object_mut(), own) {
        all.extend(own);
    }
    table(about, &[], properties)
}

fn age(about: &str, default: &str) -> Value {
    json!({ "type": "string", "description": about, "default": default })
}

fn reconcile() -> Value {
    scheduled(
        "What was published is held against the ledger, and lost events are sent again.",
        json!({
            "older_than": age("Objects that are younger may still be on their way.", OLDER_THAN),
            "stuck_after": age("A file without an end for longer is sent on its way again.",
                STUCK_AFTER),
            "alert_from": {
                "type": "integer",
                "description": "How many lost events of a run are worth an alert.",
                "default": 1,
                "minimum": 1,
            },
        }),
    )
}

fn compact() -> Value {
    scheduled(
        "Small objects of a dataset and partition are joined into larger ones.",
        json!({
            "target": {
                "type": ["string", "integer"],
                "description": "Bytes of a joined object, 1KiB to 4GiB; objects below half of it \
                                are joined.",
                "default": show_size(TARGET),
            },
            "min_files": {
                "type": "integer",
                "description": "Fewer small objects of a partition than this are left alone, \
                                unless they fill an object.",
                "default": MIN_FILES,
                "minimum": 2,
                "maximum": 1_000,
            },
        }),
    )
}

fn retention() -> Value {
    scheduled(
        "What nobody needs any more is removed, by age: such as `7d` or `3y`, or `never`.",
        json!({
            "superseded": age("Objects of the lake that no reader needs: of older versions, of \
                               files that were given up, and those that were joined; counted \
                               from when they ceased to be needed.", SUPERSEDED),
            "rejects": age("Rejected rows.", "never"),
            "history": age("The ledger's rows about what is over; those that tell a redelivered \
                            event from a new one stay.", "never"),
            "lake": {
                "type": "object",
                "description": "Live objects of the lake by dataset, counted from when they were \
                                loaded; rows in tables stay.",
                "additionalProperties": { "type": "string" },
            },
        }),
    )
}
