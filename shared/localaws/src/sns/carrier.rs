//! Brings messages to subscribers that could not be had at once.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::clock::Millis;
use crate::courier::{Carrier, End, Failure};
use crate::sqs::{Attribute, AttributeValue, Delivery, Sqs};

use super::http;
use super::retry::Retries;

/// Delivers to HTTP endpoints and queues.
pub(super) struct ToSubscribers {
    pub(super) sqs: Arc<Sqs>,
}

/// A message on its way to a subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Load {
    /// Where to, and how.
    pub(super) kind: LoadKind,
    /// The message.
    pub(super) body: String,
    attributes: Vec<KeptAttribute>,
    group_id: Option<String>,
    deduplication_id: Option<String>,
    /// ARN of the subscription's dead-letter queue.
    dead_letters: Option<String>,
    /// How often to try.
    pub(super) retries: Retries,
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum LoadKind {
    /// To a URL, by POST.
    Http { url: String, headers: Vec<(String, String)> },
    /// To a queue.
    Queue { arn: String },
}

/// A message attribute, as the outbox keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptAttribute {
    name: String,
    data_type: String,
    text: Option<String>,
    /// In base64.
    binary: Option<String>,
}

impl Load {
    /// A message on its way; `delivery` is what a queue would be sent.
    pub(super) fn new(
        kind: LoadKind,
        delivery: Delivery,
        dead_letters: Option<String>,
        retries: Retries,
    ) -> Self {
        let Delivery { body, attributes, group_id, deduplication_id } = delivery;
        let attributes = attributes.into_iter().map(KeptAttribute::from).collect();
        Self { kind, body, attributes, group_id, deduplication_id, dead_letters, retries }
    }

    fn delivery(&self) -> Delivery {
        Delivery {
            body: self.body.clone(),
            attributes: self.attributes.iter().map(KeptAttribute::attribute).collect(),
            group_id: self.group_id.clone(),
            deduplication_id: self.deduplication_id.clone(),
        }
    }
}

impl From<Attribute> for KeptAttribute {
    fn from(attribute: Attribute) -> Self {
        let (text, binary) = match attribute.value {
            AttributeValue::Text(text) => (Some(text), None),
            AttributeValue::Binary(bytes) => (None, Some(STANDARD.encode(bytes))),
        };
        Self { name: attribute.name, data_type: attribute.data_type, text, binary }
    }
}

impl KeptAttribute {
    fn attribute(&self) -> Attribute {
        let bytes = self.binary.as_ref().and_then(|base64| STANDARD.decode(base64).ok());
        let value = match (&self.text, bytes) {
            (None, Some(bytes)) => AttributeValue::Binary(bytes),
            (text, _) => AttributeValue::Text(text.clone().unwrap_or_default()),
        };
        Attribute { name: self.name.clone(), data_type: self.data_type.clone(), value }
    }
}

#[async_trait]
impl Carrier for ToSubscribers {
    type Load = Load;

    async fn carry(&self, load: &Load, _attempt: u32) -> Result<(), Failure> {
        match &load.kind {
            LoadKind::Http { url, headers } => http::post(url, headers, &load.body).await,
            LoadKind::Queue { arn } => Ok(self.sqs.deliver(arn, load.delivery())?),
        }
    }

    fn pause(&self, load: &Load, attempts: u32) -> Millis {
        load.retries.pause(attempts)
    }

    /// The dead-letter queue gets the message as the subscriber would have.
    async fn give_up(&self, load: &Load, _end: &End) -> Result<(), Failure> {
        let Some(queue) = &load.dead_letters else { return Ok(()) };
        match self.sqs.deliver(queue, load.delivery()).map_err(Failure::from) {
            Err(failure) if failure.may_pass => Err(failure),
            Err(failure) => {
                error!(queue, reason = failure.message, "a dead-letter queue refused a message");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}
