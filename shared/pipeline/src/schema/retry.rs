//! The part of the JSON Schema about how long failed messages stay away.

use serde_json::{Value, json};

use super::table;
use crate::quantity::show_duration;
use crate::retry::{OUTAGE, RetryDefault, THROTTLED, TRANSIENT};

pub(super) fn retry() -> Value {
    let classes = [TRANSIENT, THROTTLED, OUTAGE];
    let classes = classes.map(|default| (default.class.to_owned(), curve(&default)));
    table(
        "How long a failed message stays away, by the class of its failure: up to `base` after \
         the first receive, twice as long after each further one, at most `cap`.",
        &[],
        Value::Object(classes.into_iter().collect()),
    )
}

fn curve(default: &RetryDefault) -> Value {
    let duration = |about: &str, value| json!({ "type": "string", "description": about, "default": show_duration(value) });
    table(
        default.about,
        &[],
        json!({
            "base": duration("Longest delay after the first receive, at most 12h.",
                default.curve.base),
            "cap": duration("Longest delay of all, at most 12h.", default.curve.cap),
        }),
    )
}
