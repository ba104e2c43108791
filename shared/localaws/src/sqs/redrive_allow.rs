//! `RedriveAllowPolicy`: which queues may have this one as their dead-letter
//! queue.
//!
//! Source: `SetQueueAttributes`, SQS API Reference.

use serde::Deserialize;

use super::error::{Code, SqsError};
use super::settings::Settings;

/// Source queues a policy can name.
const MAX_SOURCES: usize = 10;

/// Who may use a queue as dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RedriveAllow {
    /// Every queue.
    All,
    /// None.
    None,
    /// The queues of these ARNs.
    Sources(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    redrive_permission: String,
    source_queue_arns: Option<Vec<String>>,
}

impl RedriveAllow {
    /// What the settings of a queue say; without a policy all may.
    pub(super) fn of(settings: &Settings) -> Result<Self, SqsError> {
        settings.redrive_allow_policy.as_deref().map_or(Ok(Self::All), Self::read)
    }

    /// Reads a policy.
    pub(super) fn read(text: &str) -> Result<Self, SqsError> {
        let policy: Policy = serde_json::from_str(text).map_err(|_| wrong())?;
        match (policy.redrive_permission.as_str(), policy.source_queue_arns) {
            ("allowAll", None) => Ok(Self::All),
            ("denyAll", None) => Ok(Self::None),
            ("byQueue", Some(arns)) if (1..=MAX_SOURCES).contains(&arns.len()) => {
                Ok(Self::Sources(arns))
            }
            _ => Err(wrong()),
        }
    }

    /// Whether the queue `arn` may.
    pub(super) fn allows(&self, arn: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Sources(arns) => arns.iter().any(|allowed| allowed == arn),
        }
    }
}

fn wrong() -> SqsError {
    let message = "Invalid value for the parameter RedriveAllowPolicy.";
    SqsError::new(Code::InvalidAttributeValue, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_who_may() {
        for (policy, allowed) in [
            (r#"{"redrivePermission":"allowAll"}"#, Some(true)),
            (r#"{"redrivePermission":"denyAll"}"#, Some(false)),
            (r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:a"]}"#, Some(true)),
            (r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:b"]}"#, Some(false)),
            (r#"{"redrivePermission":"byQueue","sourceQueueArns":[]}"#, None),
            (r#"{"redrivePermission":"byQueue"}"#, None),
            (r#"{"redrivePermission":"denyAll","sourceQueueArns":["arn:a"]}"#, None),
            (r#"{"redrivePermission":"perhaps"}"#, None),
            (r#"{}"#, None),
        ] {
            let read = RedriveAllow::read(policy).ok();
            assert_eq!(read.map(|read| read.allows("arn:a")), allowed, "{policy}");
        }
    }
}
