//! `TestEventPattern`: whether an event would match.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::service::ServiceError;

use super::rules::check_pattern;

/// What an event must have to be one.
const REQUIRED: [&str; 7] =
    ["id", "account", "source", "time", "region", "resources", "detail-type"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TestEventPattern {
    event_pattern: String,
    event: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TestEventPatternResult {
    result: bool,
}

/// Matches an event against a pattern; nothing is sent.
pub(super) fn test_event_pattern(
    request: &TestEventPattern,
) -> Result<TestEventPatternResult, ServiceError> {
    let pattern = check_pattern(&request.event_pattern)?;
    let wrong = |reason: &str| {
        ServiceError::validation(format!("Parameter Event is not valid. Reason: {reason}."))
    };
    let event: Value =
        serde_json::from_str(&request.event).map_err(|_| wrong("Event is not valid JSON"))?;
    if let Some(missing) = REQUIRED.iter().find(|field| event.get(field).is_none()) {
        return Err(wrong(&format!("{missing} is a required argument")));
    }
    Ok(TestEventPatternResult { result: pattern.matches(&event) })
}
