//! Buses, rules and targets, as they are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Millis;
use crate::courier::{DeadLetterConfig, SqsParameters};

/// The bus that is always there.
pub(super) const DEFAULT_BUS: &str = "default";

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// By name.
    pub(super) buses: BTreeMap<String, Bus>,
}

impl State {
    /// Adds the bus that is always there.
    pub(super) fn add_default(&mut self, now: Millis) {
        let bus = self.buses.entry(DEFAULT_BUS.to_owned());
        bus.or_insert_with(|| Bus { created_at: now, modified_at: now, ..Bus::default() });
    }
}

/// A bus.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Bus {
    /// Description, key, dead letters, log.
    pub(super) settings: BusSettings,
    /// Who may put events, if that was said.
    pub(super) policy: Option<Value>,
    /// Tags.
    pub(super) tags: BTreeMap<String, String>,
    /// When it was created.
    pub(super) created_at: Millis,
    /// When it was changed last.
    pub(super) modified_at: Millis,
    /// By name.
    pub(super) rules: BTreeMap<String, Rule>,
}

/// What can be said of a bus; kept and shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BusSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kms_key_identifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dead_letter_config: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) log_config: Option<Value>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rule {
    /// Which events it takes.
    pub(super) event_pattern: Option<String>,
    /// When it fires.
    pub(super) schedule_expression: Option<String>,
    /// `ENABLED`, `DISABLED`, …
    pub(super) state: String,
    /// Description.
    pub(super) description: Option<String>,
    /// Kept and shown.
    pub(super) role_arn: Option<String>,
    /// Tags.
    pub(super) tags: BTreeMap<String, String>,
    /// By id.
    pub(super) targets: BTreeMap<String, Target>,
    /// Since when its schedule is what it is; a rate counts from here.
    pub(super) scheduled_at: Millis,
}

impl Rule {
    /// Whether it does anything.
    pub(super) fn is_enabled(&self) -> bool {
        self.state != "DISABLED"
    }
}

/// Where a rule sends events, as it was put and is listed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Target {
    pub(super) id: String,
    pub(super) arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) input_path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) input_transformer: Option<InputTransformer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sqs_parameters: Option<SqsParameters>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dead_letter_config: Option<DeadLetterConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry_policy: Option<RetryPolicy>,
    /// Parameters of services that are not here; kept and shown.
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

/// How an event is made into something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InputTransformer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) input_paths_map: Option<BTreeMap<String, String>>,
    pub(super) input_template: String,
}

/// How long to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RetryPolicy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) maximum_retry_attempts: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) maximum_event_age_in_seconds: Option<u32>,
}
