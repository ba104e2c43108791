//! Brings what a schedule sends to its target.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::random_id;
use crate::arn::Account;
use crate::clock::Millis;
use crate::courier::{Carrier, DeadLetter, End, Failure, bury, outcome};
use crate::deliveries::Deliveries;
use crate::time::rfc3339;

use super::state::Target;

/// The pause after the first failure, and the longest, in milliseconds.
const FIRST_PAUSE: Millis = 1_000;
const LONGEST_PAUSE: Millis = 600_000;

/// What is on this endpoint.
pub(super) struct ToTargets {
    pub(super) account: Arc<Account>,
    pub(super) targets: Arc<Deliveries>,
}

/// One firing of a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Load {
    /// ARN of the schedule.
    pub(super) schedule: String,
    /// What it invokes.
    pub(super) target: Target,
    /// When it was due.
    pub(super) scheduled_at: Millis,
    /// What this firing is known by.
    pub(super) execution_id: String,
}

impl ToTargets {
    /// What the target is sent: its input with the context attributes put in,
    /// or what Scheduler sends by itself.
    fn input(&self, load: &Load, attempt: u32) -> String {
        let time = rfc3339(load.scheduled_at);
        let Some(input) = &load.target.input else {
            return json!({
                "version": "0",
                "id": random_id(),
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "account": self.account.id,
                "time": time,
                "region": self.account.region,
                "resources": [load.schedule],
                "detail": "{}",
            })
            .to_string();
        };
        input
            .replace("<aws.scheduler.schedule-arn>", &load.schedule)
            .replace("<aws.scheduler.scheduled-time>", &time)
            .replace("<aws.scheduler.execution-id>", &load.execution_id)
            .replace("<aws.scheduler.attempt-number>", &attempt.to_string())
    }
}

#[async_trait]
impl Carrier for ToTargets {
    type Load = Load;

    async fn carry(&self, load: &Load, attempt: u32) -> Result<(), Failure> {
        let input = self.input(load, attempt);
        let invoked = self.invoke(load, input).await;
        // Scheduler tries everything again: a queue may be created meanwhile.
        invoked.map_err(|failure| Failure { may_pass: true, ..failure })
    }

    fn pause(&self, _load: &Load, attempts: u32) -> Millis {
        let doubled = FIRST_PAUSE.checked_shl(attempts.saturating_sub(1).min(32));
        doubled.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
    }

    async fn give_up(&self, load: &Load, end: &End) -> Result<(), Failure> {
        let mut attributes = outcome(end);
        attributes.extend([
            ("EXECUTION_ID", load.execution_id.clone()),
            ("IS_PAYLOAD_TRUNCATED", "false".to_owned()),
            ("SCHEDULED_TIME", rfc3339(load.scheduled_at)),
            ("SCHEDULE_ARN", load.schedule.clone()),
            ("TARGET_ARN", load.target.arn.clone()),
        ]);
        let letter = DeadLetter { body: self.input(load, end.retries + 1), attributes };
        let queue = load.target.dead_letter_config.as_ref();
        bury(&self.targets.sqs, queue.and_then(|queue| queue.arn.as_deref()), letter)
    }
}
