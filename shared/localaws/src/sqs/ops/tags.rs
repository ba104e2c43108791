//! `TagQueue`, `UntagQueue` and `ListQueueTags`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::Sqs;
use super::super::error::SqsError;
use super::QueueOnly;

/// Tags of a queue at most.
const MAX_TAGS: usize = 50;

/// Parameters of `TagQueue`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct TagQueue<'a> {
    #[serde(borrow)]
    queue_url: Cow<'a, str>,
    tags: BTreeMap<String, String>,
}

/// Parameters of `UntagQueue`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct UntagQueue<'a> {
    #[serde(borrow)]
    queue_url: Cow<'a, str>,
    #[serde(borrow)]
    tag_keys: Vec<Cow<'a, str>>,
}

/// What `ListQueueTags` answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct QueueTags {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

impl Sqs {
    pub(in super::super) fn tag_queue(&self, request: TagQueue<'_>) -> Result<(), SqsError> {
        self.queue(&request.queue_url)?.describe(|description| {
            description.tags.extend(request.tags);
            check_tags(&description.tags)
        })
    }

    pub(in super::super) fn untag_queue(&self, request: &UntagQueue<'_>) -> Result<(), SqsError> {
        self.queue(&request.queue_url)?.describe(|description| {
            for key in &request.tag_keys {
                description.tags.remove(key.as_ref());
            }
            Ok(())
        })
    }

    pub(in super::super) fn list_queue_tags(
        &self,
        request: &QueueOnly<'_>,
    ) -> Result<QueueTags, SqsError> {
        let queue = self.queue(&request.queue_url)?;
        Ok(QueueTags { tags: queue.description().tags.clone() })
    }
}

/// Checks the number of tags.
pub(super) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), SqsError> {
    match tags.len() > MAX_TAGS {
        true => Err(SqsError::value(tags.len(), "Tags", "A queue has 50 tags at most.")),
        false => Ok(()),
    }
}
