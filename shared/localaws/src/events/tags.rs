//! Tags of buses and rules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::service::ServiceError;

use super::Core;
use super::names::{Tag, not_found};
use super::state::State;

/// Tags of one resource at most.
const MAX_TAGS: usize = 50;

#[derive(Debug, Deserialize)]
pub(super) struct TagResource {
    #[serde(rename = "ResourceARN")]
    resource_arn: String,
    #[serde(rename = "Tags")]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
pub(super) struct UntagResource {
    #[serde(rename = "ResourceARN")]
    resource_arn: String,
    #[serde(rename = "TagKeys")]
    tag_keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListTagsForResource {
    #[serde(rename = "ResourceARN")]
    resource_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListTagsForResourceResult {
    tags: Vec<Tag>,
}

impl Core {
    pub(super) fn tag_resource(&self, request: TagResource) -> Result<(), ServiceError> {
        let TagResource { resource_arn, tags } = request;
        self.kept.change(|state| {
            let current = self.tags_of(state, &resource_arn)?;
            current.extend(tags.into_iter().map(|tag| (tag.key, tag.value)));
            match current.len() > MAX_TAGS {
                true => Err(ServiceError::new(
                    "LimitExceededException",
                    format!("A resource has at most {MAX_TAGS} tags."),
                )),
                false => Ok(()),
            }
        })
    }

    pub(super) fn untag_resource(&self, request: &UntagResource) -> Result<(), ServiceError> {
        self.kept.change(|state| {
            let tags = self.tags_of(state, &request.resource_arn)?;
            tags.retain(|key, _| !request.tag_keys.contains(key));
            Ok(())
        })
    }

    pub(super) fn list_tags_for_resource(
        &self,
        request: &ListTagsForResource,
    ) -> Result<ListTagsForResourceResult, ServiceError> {
        let mut state = State::clone(&self.kept.read());
        let tags = self.tags_of(&mut state, &request.resource_arn)?;
        let tags = std::mem::take(tags).into_iter().map(|(key, value)| Tag { key, value });
        Ok(ListTagsForResourceResult { tags: tags.collect() })
    }

    fn tags_of<'a>(
        &self,
        state: &'a mut State,
        arn: &str,
    ) -> Result<&'a mut BTreeMap<String, String>, ServiceError> {
        if let Some(bus) = self.bus_of_arn(arn) {
            return Ok(&mut state.bus_mut(bus)?.tags);
        }
        match self.rule_of_arn(arn) {
            Some((bus, rule)) => Ok(&mut state.rule_mut(bus, rule)?.tags),
            None => Err(not_found(format!("{arn} is no bus and no rule."))),
        }
    }
}
