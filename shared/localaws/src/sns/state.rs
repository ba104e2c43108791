//! Topics and subscriptions, as they are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
}

impl Subscription {
    /// Whether anything is sent to it. Others would have to confirm first.
    pub(super) fn is_confirmed(&self) -> bool {
        self.protocol == "sqs"
    }

    /// Whether messages go out without their envelope.
    pub(super) fn is_raw(&self) -> bool {
        self.attributes.get("RawMessageDelivery").is_some_and(|raw| raw == "true")
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
