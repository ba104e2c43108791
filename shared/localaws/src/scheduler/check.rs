//! What a schedule may say.

use millrace_schedule::Schedule as Expression;
use serde_json::Value;

use crate::clock::Millis;
use crate::service::ServiceError;

use super::due::{millis, zone};
use super::state::{Definition, FlexibleTimeWindow, Target, WindowMode};

/// How long ago a schedule may start: five minutes.
const PAST_START: Millis = 300_000;

/// A member that breaks a constraint of the API's model.
pub(super) fn constraint(value: &str, member: &str, must: &str) -> ServiceError {
    ServiceError::validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy \
         constraint: Member must {must}"
    ))
}

/// The name of a schedule or a group.
pub(super) fn name(name: &str, member: &str) -> Result<(), ServiceError> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if !(1..=64).contains(&name.len()) {
        return Err(constraint(name, member, "have length less than or equal to 64"));
    }
    match name.chars().all(allowed) {
        true => Ok(()),
        false => {
            let must = "satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$";
            Err(constraint(name, member, must))
        }
    }
}

/// All of a schedule.
pub(super) fn definition(definition: &Definition, now: Millis) -> Result<(), ServiceError> {
    let Definition { schedule_expression, schedule_expression_timezone, .. } = definition;
    if let Err(reason) = schedule_expression.parse::<Expression>() {
        let message = format!("Invalid Schedule Expression {schedule_expression}. {reason}.");
        return Err(ServiceError::validation(message));
    }
    if zone(schedule_expression_timezone).is_none() {
        let message = format!("Invalid ScheduleExpressionTimezone {schedule_expression_timezone}.");
        return Err(ServiceError::validation(message));
    }
    if definition.description.as_ref().is_some_and(|text| text.chars().count() > 512) {
        let must = "have length less than or equal to 512";
        return Err(constraint("…", "description", must));
    }
    dates(definition, now)?;
    window(definition.flexible_time_window)?;
    target(&definition.target)
}

fn dates(definition: &Definition, now: Millis) -> Result<(), ServiceError> {
    let start = definition.start_date.map(millis);
    let end = definition.end_date.map(millis);
    let refused = |message: &str| Err(ServiceError::validation(message));
    if start.is_some_and(|start| start + PAST_START < now) {
        return refused("The StartDate you specify cannot be earlier than 5 minutes ago.");
    }
    if end.is_some_and(|end| end < now) {
        return refused("The EndDate you specify cannot be in the past.");
    }
    match (start, end) {
        (Some(start), Some(end)) if start >= end => {
            refused("The StartDate must be before the EndDate.")
        }
        _ => Ok(()),
    }
}

fn window(window: FlexibleTimeWindow) -> Result<(), ServiceError> {
    let refused = |message: &str| Err(ServiceError::validation(message));
    match (window.mode, window.maximum_window_in_minutes) {
        (WindowMode::Off, None) | (WindowMode::Flexible, Some(1..=1440)) => Ok(()),
        (WindowMode::Off, Some(_)) => {
            refused("MaximumWindowInMinutes must not be set when the mode is OFF.")
        }
        (WindowMode::Flexible, None) => {
            refused("MaximumWindowInMinutes must be set when the mode is FLEXIBLE.")
        }
        (WindowMode::Flexible, Some(minutes)) => Err(constraint(
            &minutes.to_string(),
            "flexibleTimeWindow.maximumWindowInMinutes",
            "be between 1 and 1440",
        )),
    }
}

fn target(target: &Target) -> Result<(), ServiceError> {
    let Target { arn, role_arn, retry_policy, .. } = target;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, service, _, _, name] = parts[..] else {
        return Err(ServiceError::validation(format!(
            "Provided Arn is not in correct format: {arn}."
        )));
    };
    if !role_arn.starts_with("arn:aws")
        || !role_arn.contains(":iam::")
        || !role_arn.contains(":role/")
    {
        let must =
            r"satisfy regular expression pattern: ^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@\/-]+$";
        return Err(constraint(role_arn, "target.roleArn", must));
    }
    if !(60..=86400).contains(&retry_policy.maximum_event_age_in_seconds) {
        let value = retry_policy.maximum_event_age_in_seconds.to_string();
        let member = "target.retryPolicy.maximumEventAgeInSeconds";
        return Err(constraint(&value, member, "be between 60 and 86400"));
    }
    if retry_policy.maximum_retry_attempts > 185 {
        let value = retry_policy.maximum_retry_attempts.to_string();
        let member = "target.retryPolicy.maximumRetryAttempts";
        return Err(constraint(&value, member, "be between 0 and 185"));
    }
    dead_letters(target)?;
    parameters(target, service, name)
}

fn dead_letters(target: &Target) -> Result<(), ServiceError> {
    let queue = target.dead_letter_config.as_ref().and_then(|config| config.arn.as_deref());
    match queue {
        Some(queue) if !queue.contains(":sqs:") || queue.ends_with(".fifo") => {
            let must = r"satisfy regular expression pattern: ^arn:aws[a-z-]*:sqs:[a-z0-9\-]+:\d{12}:[a-zA-Z0-9\-_]+$";
            Err(constraint(queue, "target.deadLetterConfig.arn", must))
        }
        Some(_) | None => Ok(()),
    }
}

/// What the service of the target asks for.
fn parameters(target: &Target, service: &str, name: &str) -> Result<(), ServiceError> {
    let refused = |message: &str| Err(ServiceError::validation(message));
    let group = target.sqs_parameters.as_ref().and_then(|sqs| sqs.message_group_id.as_ref());
    let is_json = |input: &String| serde_json::from_str::<Value>(input).is_ok();
    match service {
        "sqs" if name.ends_with(".fifo") && group.is_none() => {
            refused("SqsParameters with a MessageGroupId must be set for a FIFO queue.")
        }
        "events" if target.event_bridge_parameters.is_none() => {
            refused("EventBridgeParameters must be set for an event bus.")
        }
        "events" | "scheduler" if target.input.as_ref().is_some_and(|input| !is_json(input)) => {
            refused("Input must be valid JSON for this target.")
        }
        "scheduler" if target.input.is_none() => refused("Input must be set for this target."),
        "scheduler" if !name.starts_with("aws-sdk:") => {
            refused("A universal target is arn:aws:scheduler:::aws-sdk:service:apiAction.")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    #[test]
    fn zones_are_known_by_their_iana_names() {
        assert_eq!(zone("Europe/Berlin"), Some(Tz::Europe__Berlin));
        assert_eq!(zone("UTC"), Some(Tz::UTC));
        assert_eq!(zone("Mars/Base"), None);
    }
}
