//! Operations on groups of schedules.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::page::page;
use crate::service::{self, ServiceError};

use super::rest::Query;
use super::schedules::{conflict, not_found, seconds, split};
use super::state::{DEFAULT_GROUP, Group};
use super::tags::{Tag, by_key};
use super::{Core, check};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateGroup {
    client_token: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownGroup<'a> {
    arn: String,
    name: &'a str,
    state: &'static str,
    creation_date: f64,
    last_modification_date: f64,
}

impl Core {
    pub(super) fn create_group(&self, name: &str, body: &[u8]) -> Result<Bytes, ServiceError> {
        check::name(name, "name")?;
        let CreateGroup { client_token, tags } = service::read(body)?;
        let tags: BTreeMap<_, _> = by_key(tags);
        let now = self.clock.now();
        self.kept.change(|state| match state.groups.get(name) {
            Some(same) if client_token.is_some() && same.client_token == client_token => Ok(()),
            Some(_) => Err(conflict(format!("Schedule group {name} already exists."))),
            None => {
                let group = Group { tags, created_at: now, modified_at: now, client_token };
                state.groups.insert(name.to_owned(), group);
                Ok(())
            }
        })?;
        service::write(&json!({"ScheduleGroupArn": self.group_arn(name)}))
    }

    pub(super) fn get_group(&self, name: &str) -> Result<Bytes, ServiceError> {
        let state = self.kept.read();
        let group = state.groups.get(name).ok_or_else(|| no_group(name))?;
        service::write(&self.shown_group(name, group))
    }

    /// Deletes a group with all its schedules.
    pub(super) fn delete_group(&self, name: &str) -> Result<Bytes, ServiceError> {
        if name == DEFAULT_GROUP {
            return Err(ServiceError::validation("The default schedule group cannot be deleted."));
        }
        self.kept.change(|state| {
            state.groups.remove(name).ok_or_else(|| no_group(name))?;
            state.schedules.retain(|key, _| split(key).0 != name);
            Ok::<_, ServiceError>(())
        })?;
        self.rescheduled.notify_one();
        service::empty()
    }

    pub(super) fn list_groups(&self, query: &Query) -> Result<Bytes, ServiceError> {
        let prefix = query.get("NamePrefix").unwrap_or_default();
        let after = query.get("NextToken").unwrap_or_default();
        let state = self.kept.read();
        let groups = (state.groups.iter())
            .filter(|(name, _)| name.starts_with(prefix) && name.as_str() > after);
        let (groups, token) = page(groups, query.page_size()?, |(name, _)| (*name).clone());
        let groups = groups.into_iter().map(|(name, group)| self.shown_group(name, group));
        let mut result = json!({"ScheduleGroups": groups.collect::<Vec<_>>()});
        if let Some(token) = token {
            result["NextToken"] = json!(token);
        }
        service::write(&result)
    }

    /// `arn:aws:scheduler:<region>:<account>:schedule-group/<name>`
    fn group_arn(&self, name: &str) -> String {
        self.account.arn("scheduler", &format!("schedule-group/{name}"))
    }

    fn shown_group<'a>(&self, name: &'a str, group: &Group) -> ShownGroup<'a> {
        ShownGroup {
            arn: self.group_arn(name),
            name,
            state: "ACTIVE",
            creation_date: seconds(group.created_at),
            last_modification_date: seconds(group.modified_at),
        }
    }
}

/// There is no such group.
pub(super) fn no_group(name: &str) -> ServiceError {
    not_found(format!("Schedule group {name} does not exist."))
}
