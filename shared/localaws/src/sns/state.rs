//! Topics and subscriptions, as they are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// By ARN.
    pub(super) topics: BTreeMap<String, Topic>,
    /// By ARN.
    pub(super) subscriptions: BTreeMap<String, Subscription>,
}

/// A topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Topic {
    /// Attributes that were set.
    pub(super) attributes: BTreeMap<String, String>,
    /// Tags.
    pub(super) tags: BTreeMap<String, String>,
    /// Subscriptions there were and are no more.
    pub(super) deleted_subscriptions: u64,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subscription {
    /// ARN of the topic.
    pub(super) topic: String,
    /// `sqs`, `email`, …
    pub(super) protocol: String,
    /// ARN of a queue, an address, …
    pub(super) endpoint: String,
    /// Attributes that were set.
    pub(super) attributes: BTreeMap<String, String>,
    /// Whether an HTTP endpoint has confirmed it.
    #[serde(default)]
    pub(super) confirmed: bool,
    /// What an HTTP endpoint confirms it with.
    #[serde(default)]
    pub(super) token: Option<String>,
}

/// How subscribers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// By a message in a queue.
    Queue,
    /// By a request.
    Http,
    /// By an email, which here is a file.
    Email,
    /// By an email with the envelope in it.
    EmailJson,
    /// By a text message, which here is a file.
    Sms,
    /// By services that are not here.
    Elsewhere,
}

impl Topic {
    /// Whether it keeps messages in order.
    pub(super) fn is_fifo(&self) -> bool {
        self.is_true("FifoTopic")
    }

    /// Whether messages without a deduplication id get one from what they say.
    pub(super) fn deduplicates_by_content(&self) -> bool {
        self.is_true("ContentBasedDeduplication")
    }

    fn is_true(&self, attribute: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|value| value == "true")
    }
}

impl Subscription {
    /// How this subscriber is told.
    pub(super) fn kind(&self) -> Protocol {
        match self.protocol.as_str() {
            "sqs" => Protocol::Queue,
            "http" | "https" => Protocol::Http,
            "email" => Protocol::Email,
            "email-json" => Protocol::EmailJson,
            "sms" => Protocol::Sms,
            _ => Protocol::Elsewhere,
        }
    }

    /// Whether anything is sent to it. Only HTTP endpoints have to confirm:
    /// here is nobody to click on a link in an email.
    pub(super) fn is_confirmed(&self) -> bool {
        match self.kind() {
            Protocol::Queue | Protocol::Email | Protocol::EmailJson | Protocol::Sms => true,
            Protocol::Http => self.confirmed,
            Protocol::Elsewhere => false,
        }
    }

    /// Whether messages go out without their envelope.
    pub(super) fn is_raw(&self) -> bool {
        self.attributes.get("RawMessageDelivery").is_some_and(|raw| raw == "true")
    }

    /// Whether its filter policy is held against the message, not its
    /// attributes.
    pub(super) fn filters_message(&self) -> bool {
        self.attributes.get("FilterPolicyScope").is_some_and(|scope| scope == "MessageBody")
    }

    /// The queue for what could not be delivered.
    pub(super) fn dead_letter_queue(&self) -> Option<String> {
        let policy: Value = serde_json::from_str(self.attributes.get("RedrivePolicy")?).ok()?;
        policy["deadLetterTargetArn"].as_str().map(str::to_owned)
    }
}

impl State {
    /// The subscriptions of a topic.
    pub(super) fn subscriptions_of(
        &self,
        topic: &str,
    ) -> impl Iterator<Item = (&String, &Subscription)> {
        self.subscriptions.iter().filter(move |(_, subscription)| subscription.topic == topic)
    }
}
