//! Alarms, dashboards and tags, as they are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Inner;
use super::fault::Fault;
use crate::clock::Millis;

/// What there is beside the points.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// By name.
    pub(super) alarms: BTreeMap<String, Alarm>,
    /// By name.
    pub(super) dashboards: BTreeMap<String, Dashboard>,
    /// Tags of alarms, by ARN.
    pub(super) tags: BTreeMap<String, BTreeMap<String, String>>,
}

/// An alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Alarm {
    /// What was put, with the defaults filled in.
    pub(super) settings: Map<String, Value>,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub(super) state: String,
    /// Why.
    pub(super) reason: String,
    /// When the settings were put.
    pub(super) put_at: Millis,
    /// When the state changed.
    pub(super) changed_at: Millis,
}

/// A dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Dashboard {
    /// JSON.
    pub(super) body: String,
    /// When it was put.
    pub(super) put_at: Millis,
}

/// A tag.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagResource {
    #[serde(rename = "ResourceARN")]
    arn: String,
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UntagResource {
    #[serde(rename = "ResourceARN")]
    arn: String,
    tag_keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Resource {
    #[serde(rename = "ResourceARN")]
    arn: String,
}

impl State {
    fn check_alarm(&self, arn: &str) -> Result<(), Fault> {
        let name = arn.rsplit_once(":alarm:").map(|(_, name)| name);
        match name.is_some_and(|name| self.alarms.contains_key(name)) {
            true => Ok(()),
            false => Err(Fault::no_resource(format!("there is no alarm `{arn}`"))),
        }
    }
}

impl Inner {
    pub(super) fn tag_resource(&self, request: TagResource) -> Result<Value, Fault> {
        self.kept.change(|state| {
            state.check_alarm(&request.arn)?;
            let tags = state.tags.entry(request.arn).or_default();
            tags.extend(request.tags.into_iter().map(|tag| (tag.key, tag.value)));
            Ok(Value::Object(Map::new()))
        })
    }

    pub(super) fn untag_resource(&self, request: &UntagResource) -> Result<Value, Fault> {
        self.kept.change(|state| {
            state.check_alarm(&request.arn)?;
            if let Some(tags) = state.tags.get_mut(&request.arn) {
                tags.retain(|key, _| !request.tag_keys.contains(key));
            }
            Ok(Value::Object(Map::new()))
        })
    }

    pub(super) fn list_tags(&self, request: &Resource) -> Result<Value, Fault> {
        let state = self.kept.read();
        state.check_alarm(&request.arn)?;
        let tags = state.tags.get(&request.arn).into_iter().flatten();
        let tags = tags.map(|(key, value)| serde_json::json!({"Key": key, "Value": value}));
        Ok(serde_json::json!({"Tags": tags.collect::<Vec<_>>()}))
    }
}
