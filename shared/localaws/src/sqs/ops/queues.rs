//! Operations on queues as a whole.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::super::description::Description;
use super::super::error::{Code, SqsError};
use super::super::settings::{Settings, no_fifo};
use super::super::{BaseUrl, Sqs};
use super::QueueOnly;
use super::batch::is_id;
use super::tags::check_tags;
use crate::page::page;

/// Parameters of `CreateQueue`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct CreateQueue<'a> {
    #[serde(borrow)]
    queue_name: Cow<'a, str>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    /// With a small letter, other than everything else.
    #[serde(default, rename = "tags")]
    tags: BTreeMap<String, String>,
}

/// Parameters of `GetQueueUrl`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct GetQueueUrl<'a> {
    #[serde(borrow)]
    queue_name: Cow<'a, str>,
}

/// Parameters of `ListQueues`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct ListQueues<'a> {
    #[serde(borrow, default)]
    queue_name_prefix: Cow<'a, str>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

/// What `CreateQueue` and `GetQueueUrl` answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct QueueUrl {
    queue_url: String,
}

/// What `ListQueues` answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct QueueUrls {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queue_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Sqs {
    pub(in super::super) fn create_queue(
        &self,
        base: BaseUrl<'_>,
        request: CreateQueue<'_>,
    ) -> Result<QueueUrl, SqsError> {
        let name = request.queue_name.as_ref();
        check_name(name)?;
        check_tags(&request.tags)?;
        let mut settings = Settings::default();
        self.apply(&mut settings, &request.attributes)?;
        let (queue, existed) =
            self.registry.get_or_create(name, self.account.arn("sqs", name), || {
                let now = self.clock.now();
                Description {
                    name: name.to_owned(),
                    number: rand::rng().random(),
                    created_at: now,
                    modified_at: now,
                    settings,
                    tags: request.tags,
                    redrive: None,
                }
            })?;
        if existed {
            let current = queue.description().settings.clone();
            check_same(&current, &request.attributes)?;
        }
        Ok(QueueUrl { queue_url: self.url(base, name) })
    }

    pub(in super::super) fn delete_queue(&self, request: &QueueOnly<'_>) -> Result<(), SqsError> {
        let queue = self.queue(&request.queue_url)?;
        self.registry.delete(&queue.description().name)
    }

    pub(in super::super) fn purge_queue(&self, request: &QueueOnly<'_>) -> Result<(), SqsError> {
        self.queue(&request.queue_url)?.purge(self.clock.now())
    }

    pub(in super::super) fn get_queue_url(
        &self,
        base: BaseUrl<'_>,
        request: &GetQueueUrl<'_>,
    ) -> Result<QueueUrl, SqsError> {
        let name = request.queue_name.as_ref();
        self.registry.get(name).ok_or_else(SqsError::no_queue)?;
        Ok(QueueUrl { queue_url: self.url(base, name) })
    }

    pub(in super::super) fn list_queues(
        &self,
        base: BaseUrl<'_>,
        request: &ListQueues<'_>,
    ) -> Result<QueueUrls, SqsError> {
        let limit = limit(request.max_results)?;
        let after = request.next_token.as_deref().unwrap_or_default();
        let queues = self.registry.list(&request.queue_name_prefix, after);
        let (queues, next_token) = page(queues.into_iter(), limit, |(name, _)| name.clone());
        let queue_urls = queues.iter().map(|(name, _)| self.url(base, name)).collect();
        // Without a limit, SQS answers with a thousand and no way to go on.
        Ok(QueueUrls {
            queue_urls,
            next_token: next_token.filter(|_| request.max_results.is_some()),
        })
    }

    /// Sets attributes, checking what one setting alone can't know.
    pub(super) fn apply(
        &self,
        settings: &mut Settings,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), SqsError> {
        for (name, value) in attributes {
            settings.set(name, value)?;
        }
        let redrive =
            if attributes.contains_key("RedrivePolicy") { settings.redrive()? } else { None };
        if redrive.is_some_and(|redrive| self.queue_by_arn(&redrive.target).is_none()) {
            let policy = settings.redrive_policy.as_deref().unwrap_or_default();
            let reason = "Dead letter target does not exist.";
            return Err(SqsError::value(policy, "RedrivePolicy", reason));
        }
        Ok(())
    }
}

/// How many results a page has.
pub(super) fn limit(max_results: Option<i64>) -> Result<usize, SqsError> {
    match max_results.unwrap_or(1000) {
        limit @ 1..=1000 => Ok(limit as usize),
        wrong => Err(SqsError::value(wrong, "MaxResults", "Must be between 1 and 1000.")),
    }
}

fn check_name(name: &str) -> Result<(), SqsError> {
    if name.is_empty() {
        return Err(SqsError::missing("QueueName"));
    }
    if name.ends_with(".fifo") {
        return Err(no_fifo());
    }
    match is_id(name) {
        true => Ok(()),
        false => Err(SqsError::new(
            Code::InvalidParameterValue,
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )),
    }
}

/// A queue that is there may be created again only as it is.
fn check_same(current: &Settings, asked: &BTreeMap<String, String>) -> Result<(), SqsError> {
    for (name, value) in asked {
        let mut changed = current.clone();
        changed.set(name, value)?;
        if changed != *current {
            let message = format!(
                "A queue already exists with the same name and a different value for attribute {name}"
            );
            return Err(SqsError::new(Code::QueueNameExists, message));
        }
    }
    Ok(())
}
