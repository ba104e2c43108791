//! What targets of rules and of schedules have in common, as requests write it.

use serde::{Deserialize, Serialize};

/// Parameters of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SqsParameters {
    /// Message group of what is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message_group_id: Option<String>,
}

/// Where to put what could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeadLetterConfig {
    /// ARN of a queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) arn: Option<String>,
}
