//! Brings what a rule sends to its target.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::arn::Account;
use crate::clock::Millis;
use crate::courier::{Carrier, DeadLetter, End, Failure, bury, outcome};
use crate::sns::{Publication, Sns};
use crate::sqs::{Delivery, Sqs};

/// The pause after the first failure, and the longest, in milliseconds.
const FIRST_PAUSE: Millis = 1_000;
const LONGEST_PAUSE: Millis = 600_000;

/// Queues and topics of this endpoint.
pub(super) struct ToTargets {
    pub(super) account: Arc<Account>,
    pub(super) sqs: Arc<Sqs>,
    pub(super) sns: Arc<Sns>,
    /// Base of this endpoint's URLs.
    pub(super) url: String,
}

/// What a target is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Load {
    /// The event, or what was made of it.
    pub(super) body: String,
    /// The event itself, for the dead-letter queue.
    pub(super) event: String,
    /// ARN of the target.
    pub(super) target: String,
    /// ARN of the rule.
    pub(super) rule: String,
    /// Message group, of queues.
    pub(super) group_id: Option<String>,
    /// ARN of the dead-letter queue.
    pub(super) dead_letters: Option<String>,
    /// Why the target, a bus, does not get it.
    pub(super) rejected: Option<String>,
}

#[async_trait]
impl Carrier for ToTargets {
    type Load = Load;

    async fn carry(&self, load: &Load, _attempt: u32) -> Result<(), Failure> {
        let target = &load.target;
        if let Some(reason) = &load.rejected {
            return Err(Failure::permanent("THIRD_ACCOUNT_HOP_DETECTED", reason));
        }
        if self.sqs.has_queue(target) {
            let (body, group_id) = (load.body.clone(), load.group_id.clone());
            let (attributes, deduplication_id) = (Vec::new(), None);
            let delivery = Delivery { body, attributes, group_id, deduplication_id };
            return Ok(self.sqs.deliver(target, delivery)?);
        }
        if self.sns.has_topic(target) {
            let publication = Publication::plain(load.body.clone());
            return Ok(self.sns.publish_to(target, publication, &self.url).map(drop)?);
        }
        let is_ours = ["sqs", "sns", "events"]
            .iter()
            .any(|service| self.account.name_in(service, target).is_some());
        Err(match is_ours {
            true => Failure::permanent("NO_RESOURCE", format!("there is no target {target}")),
            false => Failure::permanent(
                "NO_RESOURCE",
                format!("this endpoint delivers to queues, topics and buses, not to {target}"),
            ),
        })
    }

    fn pause(&self, _load: &Load, attempts: u32) -> Millis {
        let doubled = FIRST_PAUSE.checked_shl(attempts.saturating_sub(1).min(32));
        doubled.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
    }

    async fn give_up(&self, load: &Load, end: &End) -> Result<(), Failure> {
        let mut attributes = outcome(end);
        attributes.push(("RULE_ARN", load.rule.clone()));
        attributes.push(("TARGET_ARN", load.target.clone()));
        let letter = DeadLetter { body: load.event.clone(), attributes };
        bury(&self.sqs, load.dead_letters.as_deref(), letter)
    }
}
