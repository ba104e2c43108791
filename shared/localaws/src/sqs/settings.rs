//! Queue attributes that a caller sets: names, limits, defaults.
//!
//! Source: `SetQueueAttributes`, SQS API Reference.

use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{Code, SqsError};
use super::redrive_allow::RedriveAllow;

/// The attributes of a queue that can be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// `DelaySeconds`.
    pub(crate) delay: u32,
    /// `MaximumMessageSize`, in bytes.
    pub(crate) maximum_message_size: u32,
    /// `MessageRetentionPeriod`, in seconds.
    pub(crate) retention: u32,
    /// `ReceiveMessageWaitTimeSeconds`.
    pub(crate) receive_wait: u32,
    /// `VisibilityTimeout`, in seconds.
    pub(crate) visibility: u32,
    /// `Policy`, kept and not enforced.
    pub(crate) policy: Option<String>,
    /// `RedrivePolicy`, as it was given.
    pub(crate) redrive_policy: Option<String>,
    /// `RedriveAllowPolicy`, as it was given.
    pub(crate) redrive_allow_policy: Option<String>,
    /// `KmsMasterKeyId`, kept; nothing is encrypted here.
    pub(crate) kms_master_key_id: Option<String>,
    /// `KmsDataKeyReusePeriodSeconds`.
    pub(crate) kms_data_key_reuse: u32,
    /// `SqsManagedSseEnabled`, kept; nothing is encrypted here.
    pub(crate) managed_sse: bool,
    /// `FifoQueue`; said when the queue is created, never changed.
    pub(crate) fifo: bool,
    /// `ContentBasedDeduplication`, of FIFO queues.
    pub(crate) content_based_deduplication: bool,
    /// `DeduplicationScope`, of FIFO queues.
    pub(crate) deduplication_scope: DeduplicationScope,
    /// `FifoThroughputLimit`, of FIFO queues; kept, nothing is throttled here.
    pub(crate) throughput_limit: ThroughputLimit,
}

/// `DeduplicationScope`: within what a deduplication id stands for one message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum DeduplicationScope {
    /// The queue.
    #[default]
    Queue,
    /// A message group.
    MessageGroup,
}

/// `FifoThroughputLimit`: for what the quota of requests is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ThroughputLimit {
    /// The queue.
    #[default]
    PerQueue,
    /// Each message group.
    PerMessageGroupId,
}

/// When a message goes to the dead-letter queue, and to which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redrive {
    /// ARN of the dead-letter queue.
    pub(crate) target: String,
    /// A message received this often is moved instead of received again.
    pub(crate) max_receive_count: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            delay: 0,
            maximum_message_size: 1 << 20,
            retention: 4 * 24 * 3600,
            receive_wait: 0,
            visibility: 30,
            policy: None,
            redrive_policy: None,
            redrive_allow_policy: None,
            kms_master_key_id: None,
            kms_data_key_reuse: 300,
            managed_sse: true,
            fifo: false,
            content_based_deduplication: false,
            deduplication_scope: DeduplicationScope::default(),
            throughput_limit: ThroughputLimit::default(),
        }
    }
}

impl Settings {
    /// Sets one attribute. An empty policy removes it.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), SqsError> {
        match name {
            "DelaySeconds" => self.delay = number(name, value, 0..=900)?,
            "MaximumMessageSize" => {
                self.maximum_message_size = number(name, value, 1024..=1 << 20)?;
            }
            "MessageRetentionPeriod" => self.retention = number(name, value, 60..=1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => self.receive_wait = number(name, value, 0..=20)?,
            "VisibilityTimeout" => self.visibility = number(name, value, 0..=43_200)?,
            "KmsDataKeyReusePeriodSeconds" => {
                self.kms_data_key_reuse = number(name, value, 60..=86_400)?;
            }
            "Policy" => self.policy = policy(name, value)?,
            "RedriveAllowPolicy" => {
                self.redrive_allow_policy = policy(name, value)?;
                RedriveAllow::of(self)?;
            }
            "RedrivePolicy" => {
                self.redrive_policy = policy(name, value)?;
                self.redrive()?;
            }
            "KmsMasterKeyId" => {
                self.kms_master_key_id = (!value.is_empty()).then(|| value.to_owned());
                self.managed_sse = value.is_empty();
            }
            "SqsManagedSseEnabled" => self.managed_sse = boolean(name, value)?,
            _ if !self.fifo => return Err(unknown(name)),
            "FifoQueue" => {
                if !boolean(name, value)? {
                    return Err(invalid(
                        "FifoQueue. Reason: Modifying queue type is not supported",
                    ));
                }
            }
            "ContentBasedDeduplication" => self.content_based_deduplication = boolean(name, value)?,
            "DeduplicationScope" => self.deduplication_scope = word(name, value)?,
            "FifoThroughputLimit" => self.throughput_limit = word(name, value)?,
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    /// Every attribute that has a value, by its name.
    pub(crate) fn list(&self) -> Vec<(&'static str, String)> {
        let mut list = vec![
            ("DelaySeconds", self.delay.to_string()),
            ("MaximumMessageSize", self.maximum_message_size.to_string()),
            ("MessageRetentionPeriod", self.retention.to_string()),
            ("ReceiveMessageWaitTimeSeconds", self.receive_wait.to_string()),
            ("SqsManagedSseEnabled", self.managed_sse.to_string()),
            ("VisibilityTimeout", self.visibility.to_string()),
        ];
        let policies = [
            ("Policy", &self.policy),
            ("RedriveAllowPolicy", &self.redrive_allow_policy),
            ("RedrivePolicy", &self.redrive_policy),
            ("KmsMasterKeyId", &self.kms_master_key_id),
        ];
        list.extend(policies.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        if self.kms_master_key_id.is_some() {
            list.push(("KmsDataKeyReusePeriodSeconds", self.kms_data_key_reuse.to_string()));
        }
        if self.fifo {
            list.extend([
                ("FifoQueue", true.to_string()),
                ("ContentBasedDeduplication", self.content_based_deduplication.to_string()),
                ("DeduplicationScope", self.deduplication_scope.name().to_owned()),
                ("FifoThroughputLimit", self.throughput_limit.name().to_owned()),
            ]);
        }
        list
    }

    /// Checks what attributes have to do with each other.
    pub(crate) fn check(&self) -> Result<(), SqsError> {
        let by_group = self.throughput_limit == ThroughputLimit::PerMessageGroupId;
        if by_group && self.deduplication_scope == DeduplicationScope::Queue {
            return Err(invalid(
                "FifoThroughputLimit. Reason: perMessageGroupId is allowed only when \
                 DeduplicationScope is messageGroup",
            ));
        }
        Ok(())
    }

    /// The redrive policy, read.
    pub(crate) fn redrive(&self) -> Result<Option<Redrive>, SqsError> {
        let Some(text) = &self.redrive_policy else { return Ok(None) };
        let wrong = |reason: &str| SqsError::value(text, "RedrivePolicy", reason);
        let policy: Value = serde_json::from_str(text).map_err(|_| invalid("RedrivePolicy"))?;
        let target = policy["deadLetterTargetArn"].as_str().ok_or_else(|| {
            wrong("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
        })?;
        let count = match &policy["maxReceiveCount"] {
            Value::Null => {
                return Err(wrong(
                    "Redrive policy does not contain mandatory attribute: maxReceiveCount.",
                ));
            }
            Value::String(count) => count.parse().ok(),
            count => count.as_u64(),
        };
        let max_receive_count =
            count.filter(|count| (1..=1000).contains(count)).ok_or_else(|| {
                wrong("Invalid value for maxReceiveCount: it must be between 1 and 1000.")
            })?;
        Ok(Some(Redrive { target: target.to_owned(), max_receive_count: max_receive_count as u32 }))
    }
}

impl DeduplicationScope {
    fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::MessageGroup => "messageGroup",
        }
    }
}

impl ThroughputLimit {
    fn name(self) -> &'static str {
        match self {
            Self::PerQueue => "perQueue",
            Self::PerMessageGroupId => "perMessageGroupId",
        }
    }
}

/// The error for an attribute there is none of.
pub(crate) fn unknown(name: &str) -> SqsError {
    SqsError::new(Code::InvalidAttributeName, format!("Unknown Attribute {name}."))
}

fn invalid(name: &str) -> SqsError {
    let message = format!("Invalid value for the parameter {name}.");
    SqsError::new(Code::InvalidAttributeValue, message)
}

fn number(name: &str, value: &str, range: RangeInclusive<u32>) -> Result<u32, SqsError> {
    value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| invalid(name))
}

fn boolean(name: &str, value: &str) -> Result<bool, SqsError> {
    value.to_ascii_lowercase().parse().map_err(|_| invalid(name))
}

/// One of the words of an enumeration, as it is kept on disk.
fn word<T: DeserializeOwned>(name: &str, value: &str) -> Result<T, SqsError> {
    serde_json::from_value(value.into()).map_err(|_| invalid(name))
}

fn policy(name: &str, value: &str) -> Result<Option<String>, SqsError> {
    if value.is_empty() {
        return Ok(None);
    }
    match serde_json::from_str(value) {
        Ok(Value::Object(_)) => Ok(Some(value.to_owned())),
        _ => Err(invalid(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_held() {
        let mut settings = Settings::default();
        for (name, value) in [
            ("DelaySeconds", "901"),
            ("MaximumMessageSize", "1023"),
            ("MessageRetentionPeriod", "59"),
            ("ReceiveMessageWaitTimeSeconds", "21"),
            ("VisibilityTimeout", "43201"),
            ("VisibilityTimeout", "soon"),
            ("Policy", "no policy"),
        ] {
            let error = settings.set(name, value).expect_err(name);
            assert_eq!(error.code, Code::InvalidAttributeValue, "{name}");
        }
        let error = settings.set("Colour", "red").expect_err("no such attribute");
        assert_eq!(error.code, Code::InvalidAttributeName);
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn a_redrive_count_may_be_a_number_or_text() {
        for count in ["3", "\"3\""] {
            let mut settings = Settings::default();
            let policy = format!(r#"{{"deadLetterTargetArn":"arn:a","maxReceiveCount":{count}}}"#);
            settings.set("RedrivePolicy", &policy).expect("a policy");
            let redrive = Redrive { target: "arn:a".into(), max_receive_count: 3 };
            assert_eq!(settings.redrive(), Ok(Some(redrive)));
            settings.set("RedrivePolicy", "").expect("removes it");
            assert_eq!(settings.redrive(), Ok(None));
        }
    }

    #[test]
    fn a_redrive_policy_needs_both_parts() {
        for policy in [
            r#"{"maxReceiveCount":3}"#,
            r#"{"deadLetterTargetArn":"arn:a"}"#,
            r#"{"deadLetterTargetArn":"arn:a","maxReceiveCount":0}"#,
            r#"{"deadLetterTargetArn":"arn:a","maxReceiveCount":1001}"#,
        ] {
            let error = Settings::default().set("RedrivePolicy", policy).expect_err(policy);
            assert_eq!(error.code, Code::InvalidParameterValue, "{policy}");
        }
    }
}
