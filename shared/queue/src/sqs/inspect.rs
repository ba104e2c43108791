//! Looking at a queue as it is set up, and trying what a worker will ask of it,
//! without touching a message: what `millrace doctor` does.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName as Name;
use millrace_retry::RequestError;
use serde_json::Value;

use super::Sqs;
use crate::{Outgoing, Queue, QueueError, Receipt, Receive};

/// A receipt that stands for no message.
const NO_RECEIPT: &str = "millrace-doctor";

/// A character that no message may hold, so that the request is refused by whoever
/// is allowed to make it. ("Message metadata" in the Amazon SQS Developer Guide.)
const REFUSED_BODY: &str = "\u{1}";

/// How a queue is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFacts {
    /// ARN.
    pub arn: String,
    /// Visibility timeout where a receive does not say.
    pub visibility: Duration,
    /// How long messages are kept.
    pub retention: Duration,
    /// ARN of the dead-letter queue and the receives a message gets before it is
    /// moved there; none without a redrive policy.
    pub redrive: Option<(String, u32)>,
    /// The KMS key that encrypts it, as it was set; none with SQS's own.
    pub key: Option<String>,
    /// The queue policy.
    pub policy: Option<Value>,
}

/// What a worker asks of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// `sqs:ReceiveMessage`
    Receive,
    /// `sqs:SendMessage`
    Send,
    /// `sqs:DeleteMessage`
    Delete,
    /// `sqs:ChangeMessageVisibility`
    ChangeVisibility,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Receive, Self::Send, Self::Delete, Self::ChangeVisibility];

    /// The action, as policies name it.
    pub fn action(self) -> &'static str {
        match self {
            Self::Receive => "sqs:ReceiveMessage",
            Self::Send => "sqs:SendMessage",
            Self::Delete => "sqs:DeleteMessage",
            Self::ChangeVisibility => "sqs:ChangeMessageVisibility",
        }
    }
}

impl Sqs {
    /// How a queue is set up.
    ///
    /// # Errors
    /// [Not found](QueueError::is_not_found) if there is no such queue.
    pub async fn inspect(&self, name: &str) -> Result<QueueFacts, QueueError> {
        let queue = self.find(name).await?;
        let settings = self.read(name, &queue).await?;
        let seconds = |name: &Name| {
            let seconds = settings.get(name).and_then(|text| text.parse().ok());
            Duration::from_secs(seconds.unwrap_or_default())
        };
        let json = |name: &Name| serde_json::from_str::<Value>(settings.get(name)?).ok();
        Ok(QueueFacts {
            arn: settings.get(&Name::QueueArn).cloned().unwrap_or_default(),
            visibility: seconds(&Name::VisibilityTimeout),
            retention: seconds(&Name::MessageRetentionPeriod),
            redrive: json(&Name::RedrivePolicy).and_then(|policy| redrive(&policy)),
            key: settings.get(&Name::KmsMasterKeyId).filter(|key| !key.is_empty()).cloned(),
            policy: json(&Name::Policy),
        })
    }

    /// Whether something is allowed, by asking for what changes nothing: receipts
    /// of no message, a body that is refused, and a receive where nothing waits.
    /// None if that can't be tried now, since messages wait.
    ///
    /// # Errors
    /// [`RequestError::Denied`] if it is not allowed; any other if that could not be
    /// found out.
    pub async fn may(&self, name: &str, permission: Permission) -> Result<Option<()>, QueueError> {
        let queue = self.find(name).await?;
        let receipt = Receipt::new(NO_RECEIPT);
        let entries = match permission {
            Permission::Receive => {
                if queue.depth().await?.visible > 0 {
                    return Ok(None);
                }
                let visibility = Duration::ZERO;
                let request = Receive { max: 1, wait: Duration::ZERO, visibility };
                return queue.receive(request).await.map(|_| Some(()));
            }
            Permission::Send => queue.send(&[Outgoing::new(REFUSED_BODY)]).await,
            Permission::Delete => queue.delete(&[receipt]).await,
            Permission::ChangeVisibility => {
                queue.change_visibility(&[(receipt, Duration::ZERO)]).await
            }
        };
        match entries.into_iter().next() {
            Some(
                Ok(())
                | Err(
                    QueueError::ReceiptExpired { .. }
                    | QueueError::Request(RequestError::Invalid { .. }),
                ),
            ) => Ok(Some(())),
            Some(Err(error)) => Err(error),
            None => Ok(None),
        }
    }
}

/// Dead-letter queue and receives of a redrive policy, whose count may be a text.
fn redrive(policy: &Value) -> Option<(String, u32)> {
    let count = policy.get("maxReceiveCount")?;
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    let target = policy.get("deadLetterTargetArn")?.as_str()?;
    Some((target.to_owned(), u32::try_from(count).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_policy_is_read_with_its_count_as_number_or_text() {
        for count in [serde_json::json!(5), serde_json::json!("5")] {
            let policy = serde_json::json!({
                "deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:d", "maxReceiveCount": count,
            });
            assert_eq!(redrive(&policy), Some(("arn:aws:sqs:us-east-1:1:d".to_owned(), 5)));
        }
        assert_eq!(redrive(&serde_json::json!({})), None);
    }
}
