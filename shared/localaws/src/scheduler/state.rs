//! Schedules and their groups, as they are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Millis;
use crate::courier::{DeadLetterConfig, SqsParameters};

/// The group that is always there.
pub(super) const DEFAULT_GROUP: &str = "default";

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// By name.
    pub(super) groups: BTreeMap<String, Group>,
    /// By `<group>/<name>`.
    pub(super) schedules: BTreeMap<String, Schedule>,
}

impl State {
    /// Adds the group that is always there.
    pub(super) fn add_default(&mut self, now: Millis) {
        let group = self.groups.entry(DEFAULT_GROUP.to_owned());
        group.or_insert_with(|| Group { created_at: now, modified_at: now, ..Group::default() });
    }
}

/// A group of schedules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) tags: BTreeMap<String, String>,
    pub(super) created_at: Millis,
    pub(super) modified_at: Millis,
    /// What it was created with, so that creating it twice is creating it once.
    pub(super) client_token: Option<String>,
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Schedule {
    pub(super) definition: Definition,
    pub(super) created_at: Millis,
    /// Since when it is what it is; a rate counts from here, or from its start.
    pub(super) modified_at: Millis,
    /// What it was created with, so that creating it twice is creating it once.
    pub(super) client_token: Option<String>,
}

/// What is said of a schedule, as it was given and is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Definition {
    pub(super) schedule_expression: String,
    #[serde(default = "utc")]
    pub(super) schedule_expression_timezone: String,
    /// Seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) start_date: Option<f64>,
    /// Seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) end_date: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) state: ScheduleState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kms_key_arn: Option<String>,
    pub(super) target: Target,
    pub(super) flexible_time_window: FlexibleTimeWindow,
    #[serde(default)]
    pub(super) action_after_completion: ActionAfterCompletion,
}

/// Whether it fires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum ScheduleState {
    #[default]
    Enabled,
    Disabled,
}

/// What becomes of it when it will not fire again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum ActionAfterCompletion {
    #[default]
    None,
    Delete,
}

/// How much later it may fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FlexibleTimeWindow {
    pub(super) mode: WindowMode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) maximum_window_in_minutes: Option<u32>,
}

/// Whether it may fire later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum WindowMode {
    Off,
    Flexible,
}

/// What it invokes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Target {
    pub(super) arn: String,
    pub(super) role_arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dead_letter_config: Option<DeadLetterConfig>,
    #[serde(default)]
    pub(super) retry_policy: RetryPolicy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) event_bridge_parameters: Option<EventBridgeParameters>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sqs_parameters: Option<SqsParameters>,
    /// Parameters of services that are not here; kept and shown.
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

/// Parameters of an event bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EventBridgeParameters {
    pub(super) detail_type: String,
    pub(super) source: String,
}

/// How long to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RetryPolicy {
    pub(super) maximum_event_age_in_seconds: u32,
    pub(super) maximum_retry_attempts: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { maximum_event_age_in_seconds: 86400, maximum_retry_attempts: 185 }
    }
}

fn utc() -> String {
    "UTC".to_owned()
}
