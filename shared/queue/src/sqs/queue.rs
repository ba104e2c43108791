//! One SQS queue.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, QueueAttributeName,
};

use super::entries::{Answer, Batch, id};
use super::fault::{fault, patiently};
use super::wire::{SYSTEM_ATTRIBUTES, received, seconds, send_entry};
use crate::batch::{MAX_BATCH, MAX_BATCH_BYTES, by_bytes, by_count};
use crate::{Depth, Entries, Outgoing, Queue, QueueError, Receipt, Receive, Received};

const RECEIVE: &str = "sqs:ReceiveMessage";
const SEND: &str = "sqs:SendMessage";
const DELETE: &str = "sqs:DeleteMessage";
const CHANGE: &str = "sqs:ChangeMessageVisibility";
const ATTRIBUTES: &str = "sqs:GetQueueAttributes";

/// One queue, by its URL.
#[derive(Debug)]
pub(super) struct SqsQueue {
    client: Client,
    name: String,
    pub(super) url: String,
}

impl SqsQueue {
    pub(super) fn new(client: Client, name: String, url: String) -> Self {
        Self { client, name, url }
    }

    async fn send_batch(
        &self,
        messages: &[Outgoing],
        indices: Vec<usize>,
    ) -> Result<Answer, QueueError> {
        let entries: Vec<_> =
            indices.iter().filter_map(|&index| send_entry(index, &messages[index])).collect();
        let request =
            self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let output = request.send().await.map_err(|error| fault(SEND, &self.name, &error))?;
        let successful = output.successful.into_iter().map(|entry| entry.id).collect();
        Ok(Answer { successful, failed: output.failed })
    }

    async fn delete_batch(
        &self,
        receipts: &[Receipt],
        indices: Vec<usize>,
    ) -> Result<Answer, QueueError> {
        let entry = |&index: &usize| {
            let builder = DeleteMessageBatchRequestEntry::builder().id(id(index));
            builder.receipt_handle(receipts[index].as_str()).build().ok()
        };
        let entries = indices.iter().filter_map(entry).collect();
        let request =
            self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let output = request.send().await.map_err(|error| fault(DELETE, &self.name, &error))?;
        let successful = output.successful.into_iter().map(|entry| entry.id).collect();
        Ok(Answer { successful, failed: output.failed })
    }

    async fn change_batch(
        &self,
        changes: &[(Receipt, Duration)],
        indices: Vec<usize>,
    ) -> Result<Answer, QueueError> {
        let entry = |&index: &usize| {
            let (receipt, visibility) = &changes[index];
            let builder = ChangeMessageVisibilityBatchRequestEntry::builder().id(id(index));
            let builder = builder.receipt_handle(receipt.as_str());
            builder.visibility_timeout(seconds(*visibility)).build().ok()
        };
        let entries = indices.iter().filter_map(entry).collect();
        let request = self.client.change_message_visibility_batch();
        let request = request.queue_url(&self.url).set_entries(Some(entries));
        let output = request.send().await.map_err(|error| fault(CHANGE, &self.name, &error))?;
        let successful = output.successful.into_iter().map(|entry| entry.id).collect();
        Ok(Answer { successful, failed: output.failed })
    }
}

#[async_trait]
impl Queue for SqsQueue {
    fn name(&self) -> &str {
        &self.name
    }

    async fn receive(&self, request: Receive) -> Result<Vec<Received>, QueueError> {
        let max = i32::try_from(request.max.clamp(1, MAX_BATCH)).unwrap_or(1);
        let output = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(max)
            .wait_time_seconds(seconds(request.wait).min(20))
            .visibility_timeout(seconds(request.visibility))
            .set_message_system_attribute_names(Some(SYSTEM_ATTRIBUTES.to_vec()))
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| fault(RECEIVE, &self.name, &error))?;
        Ok(output.messages.unwrap_or_default().into_iter().map(received).collect())
    }

    async fn send(&self, messages: &[Outgoing]) -> Entries {
        let sizes: Vec<usize> = messages.iter().map(Outgoing::bytes).collect();
        let fits = |range: &std::ops::Range<usize>| sizes[range.start] <= MAX_BATCH_BYTES;
        let ranges = by_bytes(&sizes).into_iter().filter(fits);
        let batch = Batch { action: SEND, queue: &self.name };
        let mut results =
            batch.run(messages.len(), ranges, |indices| self.send_batch(messages, indices)).await;
        for (result, &bytes) in results.iter_mut().zip(&sizes) {
            if bytes > MAX_BATCH_BYTES {
                let queue = self.name.clone();
                *result = Err(QueueError::TooLarge { queue, bytes, limit: MAX_BATCH_BYTES });
            }
        }
        results
    }

    async fn delete(&self, receipts: &[Receipt]) -> Entries {
        let batch = Batch { action: DELETE, queue: &self.name };
        let request = |indices| self.delete_batch(receipts, indices);
        batch.run(receipts.len(), by_count(receipts.len()), request).await
    }

    async fn change_visibility(&self, changes: &[(Receipt, Duration)]) -> Entries {
        let batch = Batch { action: CHANGE, queue: &self.name };
        let request = |indices| self.change_batch(changes, indices);
        batch.run(changes.len(), by_count(changes.len()), request).await
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesDelayed as Delayed,
            ApproximateNumberOfMessagesNotVisible as InFlight,
        };
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let request = request.set_attribute_names(Some(vec![Visible, InFlight, Delayed]));
        let output = patiently(ATTRIBUTES, &self.name, request.send())
            .await?
            .map_err(|error| fault(ATTRIBUTES, &self.name, &error))?;
        let attributes = output.attributes.unwrap_or_default();
        let count =
            |name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or_default();
        Ok(Depth { visible: count(Visible), in_flight: count(InFlight), delayed: count(Delayed) })
    }
}
