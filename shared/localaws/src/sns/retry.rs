//! How often and after which pauses a subscriber is tried again.
//!
//! Source: "Amazon SNS message delivery retries", SNS Developer Guide.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Millis;
use crate::courier::Patience;

use super::state::{State, Subscription};

/// A queue is tried for about as long as it can take to free a disk.
const QUEUE_RETRIES: u32 = 100;
const QUEUE_PAUSE: Millis = 5_000;

/// The pauses between attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Retries {
    /// Milliseconds before each further attempt; the last one repeats.
    pauses: Vec<Millis>,
    retries: u32,
}

impl Retries {
    /// Those of a subscriber: of its own delivery policy, of its topic's, or
    /// three after 20 seconds each.
    pub(super) fn of(state: &State, subscription: &Subscription) -> Self {
        let policy = |text: &String, path: &str| {
            let policy: Value = serde_json::from_str(text).ok()?;
            policy.pointer(path).filter(|policy| policy.is_object()).cloned()
        };
        let own = subscription.attributes.get("DeliveryPolicy");
        let own = own.and_then(|text| policy(text, "/healthyRetryPolicy"));
        let topic = state.topics.get(&subscription.topic);
        let topics = topic.and_then(|topic| topic.attributes.get("DeliveryPolicy"));
        let topics = topics.and_then(|text| policy(text, "/http/defaultHealthyRetryPolicy"));
        Self::by(&own.or(topics).unwrap_or_default())
    }

    /// Those of a queue that can't be written.
    pub(super) fn for_queues() -> Self {
        Self { pauses: vec![QUEUE_PAUSE], retries: QUEUE_RETRIES }
    }

    /// How long to try.
    pub(super) fn patience(&self) -> Patience {
        Patience { retries: self.retries, age: Millis::MAX }
    }

    /// The pause after so many failed attempts.
    pub(super) fn pause(&self, attempts: u32) -> Millis {
        let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        self.pauses.get(index).or(self.pauses.last()).copied().unwrap_or_default()
    }

    /// Four phases: at once, after the shortest pause, growing, after the
    /// longest.
    fn by(policy: &Value) -> Self {
        let number = |name: &str, default: u64| policy[name].as_u64().unwrap_or(default);
        let shortest = number("minDelayTarget", 20).clamp(1, 3600) * 1000;
        let longest = (number("maxDelayTarget", 20).clamp(1, 3600) * 1000).max(shortest);
        let retries = number("numRetries", 3).min(100);
        let at_once = number("numNoDelayRetries", 0).min(retries);
        let early = number("numMinDelayRetries", 0).min(retries - at_once);
        let late = number("numMaxDelayRetries", 0).min(retries - at_once - early);
        let growing = retries - at_once - early - late;
        let grow = |step: u64| shortest + (longest - shortest) * (step + 1) / growing.max(1);
        let phases = (0..at_once).map(|_| 0);
        let phases = phases.chain((0..early).map(|_| shortest)).chain((0..growing).map(grow));
        let pauses = phases.chain((0..late).map(|_| longest)).collect();
        Self { pauses, retries: u32::try_from(retries).unwrap_or(u32::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_has_four_phases() {
        let policy = json!({
            "minDelayTarget": 1, "maxDelayTarget": 5, "numRetries": 7,
            "numNoDelayRetries": 1, "numMinDelayRetries": 1, "numMaxDelayRetries": 1,
        });
        let retries = Retries::by(&policy);
        assert_eq!(retries.pauses, [0, 1000, 2000, 3000, 4000, 5000, 5000]);
        assert_eq!(retries.patience().retries, 7);
        assert_eq!(Retries::by(&json!({})).pauses, [20_000; 3]);
        assert_eq!(retries.pause(1), 0);
        assert_eq!(retries.pause(99), 5000);
    }
}
