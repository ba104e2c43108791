//! Tags of groups; schedules have none.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::service::{self, ServiceError};

use super::Core;
use super::groups::no_group;
use super::rest::Query;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagResource {
    tags: Vec<Tag>,
}

impl Core {
    pub(super) fn tag_resource(&self, arn: &str, body: &[u8]) -> Result<Bytes, ServiceError> {
        let TagResource { tags } = service::read(body)?;
        self.change_tags(arn, |current| current.extend(by_key(tags)))
    }

    pub(super) fn untag_resource(&self, arn: &str, query: &Query) -> Result<Bytes, ServiceError> {
        let keys: Vec<&str> = query.all("TagKeys").collect();
        self.change_tags(arn, |current| current.retain(|key, _| !keys.contains(&key.as_str())))
    }

    pub(super) fn list_tags(&self, arn: &str) -> Result<Bytes, ServiceError> {
        let name = self.group_of(arn)?;
        let state = self.kept.read();
        let group = state.groups.get(name).ok_or_else(|| no_group(name))?;
        let tag = |(key, value): (&String, &String)| json!({"Key": key, "Value": value});
        service::write(&json!({"Tags": group.tags.iter().map(tag).collect::<Vec<_>>()}))
    }

    fn change_tags(
        &self,
        arn: &str,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<Bytes, ServiceError> {
        let name = self.group_of(arn)?;
        self.kept.change(|state| {
            change(&mut state.groups.get_mut(name).ok_or_else(|| no_group(name))?.tags);
            Ok::<_, ServiceError>(())
        })?;
        service::empty()
    }

    fn group_of<'a>(&self, arn: &'a str) -> Result<&'a str, ServiceError> {
        let name = self.account.name_in("scheduler", arn);
        let name = name.and_then(|name| name.strip_prefix("schedule-group/"));
        name.ok_or_else(|| ServiceError::validation(format!("{arn} is no schedule group.")))
    }
}

/// Tags by key.
pub(super) fn by_key(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}
