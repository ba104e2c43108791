//! Tags of clusters, services, tasks and task definitions, and the settings of
//! the account.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Ecs;
use super::list::{tag_list, tags_of};
use super::name::{self, invalid};
use super::services::no_service;
use super::state::{State, Tags};
use crate::service::{ServiceError, read};

/// The settings there are, and what they are unless they were set.
const SETTINGS: [(&str, &str); 11] = [
    ("awsvpcTrunking", "disabled"),
    ("containerInsights", "disabled"),
    ("containerInstanceLongArnFormat", "enabled"),
    ("defaultLogDriverMode", "non-blocking"),
    ("fargateEventWindows", "disabled"),
    ("fargateFIPSMode", "disabled"),
    ("fargateTaskRetirementWaitPeriod", "7"),
    ("guardDutyActivate", "off"),
    ("serviceLongArnFormat", "enabled"),
    ("tagResourceAuthorization", "off"),
    ("taskLongArnFormat", "enabled"),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tagging {
    resource_arn: String,
    #[serde(default)]
    tags: Vec<Value>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Setting {
    name: Option<String>,
    value: Option<String>,
    #[serde(default)]
    effective_settings: bool,
}

impl Ecs {
    pub(super) fn tag_resource(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Tagging = read(body)?;
        let tags = tags_of(&request.tags)?;
        self.kept.change(|state| {
            let have = self.tags_mut(state, &request.resource_arn)?;
            have.extend(tags);
            if have.len() > 50 {
                return Err(invalid("Tags can not be more than 50."));
            }
            Ok(json!({}))
        })
    }

    pub(super) fn untag_resource(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Tagging = read(body)?;
        self.kept.change(|state| {
            let have = self.tags_mut(state, &request.resource_arn)?;
            have.retain(|key, _| !request.tag_keys.contains(key));
            Ok(json!({}))
        })
    }

    pub(super) fn list_tags(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Tagging = read(body)?;
        let mut state = State::clone(&self.kept.read());
        let tags = self.tags_mut(&mut state, &request.resource_arn)?;
        Ok(json!({"tags": tag_list(tags)}))
    }

    fn tags_mut<'a>(&self, state: &'a mut State, arn: &str) -> Result<&'a mut Tags, ServiceError> {
        let resource = self.account.name_in("ecs", arn);
        let resource = resource.ok_or_else(|| invalid("Unable to parse the resource ARN."))?;
        let missing = || invalid(format!("The specified resource `{arn}` was not found."));
        match *resource.split('/').collect::<Vec<_>>() {
            ["cluster", cluster] => Ok(&mut state.cluster_mut(Some(cluster))?.tags),
            ["service", cluster, service] => {
                let service = state.cluster_mut(Some(cluster))?.services.get_mut(service);
                Ok(&mut service.ok_or_else(no_service)?.tags)
            }
            ["task", cluster, task] => {
                let task = state.cluster_mut(Some(cluster))?.tasks.get_mut(task);
                Ok(&mut task.ok_or_else(missing)?.tags)
            }
            ["task-definition", definition] => {
                let (family, revision) = name::definition(definition);
                let family = state.families.get_mut(family).ok_or_else(missing)?;
                let revision = revision.and_then(|number| family.revisions.get_mut(&number));
                Ok(&mut revision.ok_or_else(missing)?.tags)
            }
            _ => Err(missing()),
        }
    }

    /// `PutAccountSetting`, `PutAccountSettingDefault`.
    pub(super) fn put_setting(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Setting = read(body)?;
        let name = known_setting(request.name.as_deref())?;
        let value = request.value.ok_or_else(|| invalid("value can not be blank."))?;
        let answer = self.setting_view(name, &value);
        self.kept.change(|state| {
            state.settings.insert(name.to_owned(), value);
            Ok(json!({"setting": answer}))
        })
    }

    pub(super) fn delete_setting(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Setting = read(body)?;
        let name = known_setting(request.name.as_deref())?;
        self.kept.change(|state| {
            let value = state.settings.remove(name).unwrap_or_default();
            Ok(json!({"setting": self.setting_view(name, &value)}))
        })
    }

    pub(super) fn list_settings(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Setting = read(body)?;
        let state = self.kept.read();
        let settings = SETTINGS.iter().filter_map(|(name, default)| {
            let set = state.settings.get(*name).map(String::as_str);
            let value = set.or_else(|| request.effective_settings.then_some(*default))?;
            let wanted = request.name.as_deref().is_none_or(|wanted| wanted == *name)
                && request.value.as_deref().is_none_or(|wanted| wanted == value);
            wanted.then(|| self.setting_view(name, value))
        });
        Ok(json!({"settings": settings.collect::<Value>()}))
    }

    fn setting_view(&self, name: &str, value: &str) -> Value {
        let principal = format!("arn:aws:iam::{}:root", self.account.id);
        json!({"name": name, "value": value, "principalArn": principal, "type": "user"})
    }
}

fn known_setting(given: Option<&str>) -> Result<&'static str, ServiceError> {
    let name = given.unwrap_or_default();
    let known = SETTINGS.iter().find(|(known, _)| *known == name);
    known.map(|(name, _)| *name).ok_or_else(|| invalid(format!("`{name}` is no account setting")))
}
