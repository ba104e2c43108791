//! Operations on queues as a whole.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::super::description::Description;
use super::super::error::{Code, SqsError};
use super::super::redrive_allow::RedriveAllow;
use super::super::settings::{Settings, unknown};
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
        let fifo = asks_for_fifo(&request.attributes)?;
        check_name(name, fifo)?;
        check_tags(&request.tags)?;
        let arn = self.account.arn("sqs", name);
        let mut settings = Settings { fifo, ..Settings::default() };
        self.apply(&arn, &mut settings, &request.attributes)?;
        let (queue, existed) = self.registry.get_or_create(name, arn, || {
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

    /// Sets attributes of the queue `arn`, checking what one setting alone
    /// can't know.
    pub(super) fn apply(
        &self,
        arn: &str,
        settings: &mut Settings,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), SqsError> {
        for (name, value) in attributes {
            settings.set(name, value)?;
        }
        settings.check()?;
        match attributes.contains_key("RedrivePolicy") {
            true => self.check_redrive(arn, settings),
            false => Ok(()),
        }
    }

    /// Whether the redrive policy names a queue that may be the dead-letter
    /// queue of `arn`.
    fn check_redrive(&self, arn: &str, settings: &Settings) -> Result<(), SqsError> {
        let Some(redrive) = settings.redrive()? else { return Ok(()) };
        let policy = settings.redrive_policy.as_deref().unwrap_or_default();
        let wrong = |reason| Err(SqsError::value(policy, "RedrivePolicy", reason));
        let Some(target) = self.queue_by_arn(&redrive.target) else {
            return wrong("Dead letter target does not exist.");
        };
        if target.is_fifo != settings.fifo {
            return wrong("Dead-letter queue must be same type of queue as the source.");
        }
        match RedriveAllow::of(&target.description().settings)?.allows(arn) {
            true => Ok(()),
            false => wrong("Dead letter target does not allow this queue to use it."),
        }
    }
}

/// How many results a page has.
pub(super) fn limit(max_results: Option<i64>) -> Result<usize, SqsError> {
    match max_results.unwrap_or(1000) {
        limit @ 1..=1000 => Ok(limit as usize),
        wrong => Err(SqsError::value(wrong, "MaxResults", "Must be between 1 and 1000.")),
    }
}

/// Only `true` can be asked for; the service knows no attribute `FifoQueue` of
/// standard queues.
fn asks_for_fifo(attributes: &BTreeMap<String, String>) -> Result<bool, SqsError> {
    match attributes.get("FifoQueue").map(|value| value.to_ascii_lowercase()).as_deref() {
        None => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(unknown("FifoQueue")),
    }
}

fn check_name(name: &str, fifo: bool) -> Result<(), SqsError> {
    if name.is_empty() {
        return Err(SqsError::missing("QueueName"));
    }
    let (stem, reason) = match fifo {
        true => (
            name.strip_suffix(".fifo").filter(|_| name.len() <= 80).unwrap_or_default(),
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
             underscores, must end with .fifo suffix and be 1 to 80 in length",
        ),
        false => (
            name,
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ),
    };
    match is_id(stem) {
        true => Ok(()),
        false => Err(SqsError::new(Code::InvalidParameterValue, reason)),
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
