//! The operations, each with the rules of its parameters.
//!
//! Source of limits and wording: SQS API Reference, and what the service
//! answers.

mod attributes;
mod batch;
mod delete;
mod fifo;
mod message_attributes;
mod move_tasks;
mod permissions;
mod queues;
mod receive;
mod redrive;
mod send;
mod tags;
mod visibility;

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::Sqs;
use super::error::{Code, SqsError};
use super::queue::Queue;

pub(super) use self::fifo::identity;
pub(super) use self::send::content;

/// The parameters of operations that need nothing but a queue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueOnly<'a> {
    #[serde(borrow)]
    queue_url: Cow<'a, str>,
}

impl Sqs {
    /// The queue of a URL. Only the path counts: the endpoint may be known by
    /// several host names.
    fn queue(&self, url: &str) -> Result<Arc<Queue>, SqsError> {
        if url.is_empty() {
            return Err(SqsError::missing("QueueUrl"));
        }
        let name = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('/'));
        let Some((_, name)) = name else {
            let message = format!("The address {url} is not valid for this endpoint.");
            return Err(SqsError::new(Code::InvalidAddress, message));
        };
        self.registry.get(name).ok_or_else(SqsError::no_queue)
    }

    /// The URL of a queue.
    fn url(&self, base: &str, name: &str) -> String {
        format!("{base}/{}/{name}", self.account.id)
    }
}
