//! Setting queues up: what `millrace dev` and the tests do, and Terraform does
//! in an account.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::Value;

use super::Sqs;
use super::fault::{fault, patiently};
use super::queue::SqsQueue;
use crate::{QueueError, QueueSpec};

const CREATE: &str = "sqs:CreateQueue";
const GET: &str = "sqs:GetQueueAttributes";
const SET: &str = "sqs:SetQueueAttributes";

pub(super) type Settings = HashMap<Name, String>;

impl Sqs {
    /// Creates the queue, or changes the settings of an existing one that
    /// differ. Doing it again changes nothing. Returns the queue's ARN.
    ///
    /// # Errors
    /// [Not found](QueueError::is_not_found) if the dead-letter queue does not exist; any
    /// other if the service refuses.
    pub async fn ensure_queue(&self, spec: &QueueSpec) -> Result<String, QueueError> {
        let wanted = self.settings(spec).await?;
        let queue = match self.find(&spec.name).await {
            Ok(queue) => queue,
            Err(error) if error.is_not_found() => self.create(&spec.name, &wanted).await?,
            Err(error) => return Err(error),
        };
        let actual = self.read(&spec.name, &queue).await?;
        let differs = |(name, value): &(Name, String)| {
            !actual.get(name).is_some_and(|actual| same(actual, value))
        };
        let different: Settings = wanted.into_iter().filter(differs).collect();
        if !different.is_empty() {
            self.write(&spec.name, &queue, different).await?;
        }
        Ok(actual.get(&Name::QueueArn).cloned().unwrap_or_default())
    }

    /// The ARN of a queue.
    ///
    /// # Errors
    /// [Not found](QueueError::is_not_found) if there is no such queue.
    pub async fn queue_arn(&self, name: &str) -> Result<String, QueueError> {
        let queue = self.find(name).await?;
        let mut settings = self.read(name, &queue).await?;
        Ok(settings.remove(&Name::QueueArn).unwrap_or_default())
    }

    /// Sets the queue's access policy, such as the one that lets S3 send to it.
    ///
    /// # Errors
    /// [`QueueError::Request`] if the service does not take `policy`.
    pub async fn set_policy(&self, name: &str, policy: &str) -> Result<(), QueueError> {
        let queue = self.find(name).await?;
        let settings = self.read(name, &queue).await?;
        if settings.get(&Name::Policy).is_some_and(|actual| same(actual, policy)) {
            return Ok(());
        }
        self.write(name, &queue, Settings::from([(Name::Policy, policy.to_owned())])).await
    }

    async fn settings(&self, spec: &QueueSpec) -> Result<Settings, QueueError> {
        let mut settings = Settings::from([
            (Name::VisibilityTimeout, spec.visibility.as_secs().to_string()),
            (Name::MessageRetentionPeriod, spec.retention.as_secs().to_string()),
            (Name::MaximumMessageSize, spec.max_message_size.to_string()),
        ]);
        if let Some(redrive) = &spec.redrive {
            let arn = self.queue_arn(&redrive.dead_letter_queue).await?;
            let policy = serde_json::json!({
                "deadLetterTargetArn": arn,
                "maxReceiveCount": redrive.max_receive_count,
            });
            settings.insert(Name::RedrivePolicy, policy.to_string());
        }
        Ok(settings)
    }

    async fn create(
        &self,
        name: &str,
        settings: &Settings,
    ) -> Result<std::sync::Arc<SqsQueue>, QueueError> {
        let request = self.client.create_queue().queue_name(name);
        let request = request.set_attributes(Some(settings.clone())).send();
        let output =
            patiently(CREATE, name, request).await?.map_err(|error| fault(CREATE, name, &error))?;
        Ok(self.remember(name, output.queue_url.unwrap_or_default()))
    }

    /// All attributes of a queue.
    pub(super) async fn read(&self, name: &str, queue: &SqsQueue) -> Result<Settings, QueueError> {
        let request = self.client.get_queue_attributes().queue_url(&queue.url);
        let request = request.attribute_names(Name::All).send();
        let output =
            patiently(GET, name, request).await?.map_err(|error| fault(GET, name, &error))?;
        Ok(output.attributes.unwrap_or_default())
    }

    async fn write(
        &self,
        name: &str,
        queue: &SqsQueue,
        settings: Settings,
    ) -> Result<(), QueueError> {
        let request = self.client.set_queue_attributes().queue_url(&queue.url);
        let request = request.set_attributes(Some(settings)).send();
        patiently(SET, name, request).await?.map_err(|error| fault(SET, name, &error))?;
        Ok(())
    }
}

/// Whether two settings are the same, written differently or not: JSON in any
/// order and with numbers as text.
fn same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let json = |text| serde_json::from_str::<Value>(text).ok().map(normal);
    matches!((json(one), json(other)), (Some(one), Some(other)) if one == other)
}

fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(items) => Value::Array(items.into_iter().map(normal).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, field)| (name, normal(field))).collect())
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_policy_is_the_same_in_any_order_and_with_the_count_as_text() {
        assert!(same(
            r#"{"maxReceiveCount":"5","deadLetterTargetArn":"a"}"#,
            r#"{"deadLetterTargetArn": "a", "maxReceiveCount": 5}"#,
        ));
        assert!(!same(r#"{"maxReceiveCount":5}"#, r#"{"maxReceiveCount":4}"#));
        assert!(!same("30", "31"));
    }
}
