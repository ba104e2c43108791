//! `GetQueueAttributes` and `SetQueueAttributes`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::Sqs;
use super::super::error::SqsError;
use super::super::queue::Queue;
use super::super::settings::unknown;

/// Names that may be asked for although the queue has no such attribute set.
const UNSET: [&str; 9] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "RedrivePolicy",
];

/// Parameters of `GetQueueAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct GetQueueAttributes<'a> {
    #[serde(borrow)]
    queue_url: Cow<'a, str>,
    #[serde(borrow, default)]
    attribute_names: Vec<Cow<'a, str>>,
}

/// Parameters of `SetQueueAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct SetQueueAttributes<'a> {
    #[serde(borrow)]
    queue_url: Cow<'a, str>,
    attributes: BTreeMap<String, String>,
}

/// What `GetQueueAttributes` answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct QueueAttributes {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
}

impl Sqs {
    pub(in super::super) fn get_queue_attributes(
        &self,
        request: &GetQueueAttributes<'_>,
    ) -> Result<QueueAttributes, SqsError> {
        let queue = self.queue(&request.queue_url)?;
        let mut attributes = self.all_attributes(&queue)?;
        let names = &request.attribute_names;
        let known = |name: &str| attributes.contains_key(name) || UNSET.contains(&name);
        if let Some(name) = names.iter().find(|name| *name != "All" && !known(name)) {
            return Err(unknown(name));
        }
        if !names.iter().any(|name| name == "All") {
            attributes.retain(|name, _| names.iter().any(|asked| asked == name));
        }
        Ok(QueueAttributes { attributes })
    }

    pub(in super::super) fn set_queue_attributes(
        &self,
        request: &SetQueueAttributes<'_>,
    ) -> Result<(), SqsError> {
        let queue = self.queue(&request.queue_url)?;
        queue.describe(|description| {
            description.modified_at = self.clock.now();
            self.apply(&queue.arn, &mut description.settings, &request.attributes)
        })?;
        match queue.is_fifo && request.attributes.contains_key("DelaySeconds") {
            true => queue.delay_anew(self.clock.now()),
            false => Ok(()),
        }
    }

    fn all_attributes(&self, queue: &Queue) -> Result<BTreeMap<&'static str, String>, SqsError> {
        let description = queue.description();
        let counts = queue.counts(self.clock.now())?;
        let mut attributes: BTreeMap<_, _> = description.settings.list().into_iter().collect();
        attributes.extend([
            ("ApproximateNumberOfMessages", counts.ready.to_string()),
            ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
            ("CreatedTimestamp", (description.created_at / 1000).to_string()),
            ("LastModifiedTimestamp", (description.modified_at / 1000).to_string()),
            ("QueueArn", queue.arn.clone()),
        ]);
        Ok(attributes)
    }
}
