//! What CloudWatch shows of queues: depth, age and traffic.
//!
//! Source: "Available CloudWatch metrics for Amazon SQS", SQS Developer Guide.

use super::Sqs;
use super::error::SqsError;
use super::queue::Queue;
use crate::clock::Millis;

/// The metrics of one queue at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueueMetrics {
    /// Queue name, as in the dimension `QueueName`.
    pub(crate) name: String,
    /// `ApproximateNumberOfMessagesVisible`.
    pub(crate) visible: u64,
    /// `ApproximateNumberOfMessagesNotVisible`: in flight.
    pub(crate) not_visible: u64,
    /// `ApproximateNumberOfMessagesDelayed`.
    pub(crate) delayed: u64,
    /// `ApproximateAgeOfOldestMessage`, in seconds; 0 if there is none.
    pub(crate) oldest_age_seconds: u64,
    /// Traffic.
    pub(crate) totals: Totals,
}

/// What passed through a queue since the endpoint started. The numbers only
/// grow; a metric over a period is the difference of two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// `NumberOfMessagesSent`: messages stored for a sender. Dead letters and
    /// messages moved back do not count.
    pub(crate) sent: u64,
    /// Bytes of the bodies of those; `SentMessageSize` is about these.
    pub(crate) sent_bytes: u64,
    /// `NumberOfMessagesReceived`.
    pub(crate) received: u64,
    /// `NumberOfEmptyReceives`.
    pub(crate) empty_receives: u64,
    /// `NumberOfMessagesDeleted`.
    pub(crate) deleted: u64,
}

impl Sqs {
    /// The metrics of every queue, by ascending name.
    pub(crate) fn metrics(&self) -> Vec<QueueMetrics> {
        let now = self.clock.now();
        let queues = self.registry.list("", "").into_iter();
        // A queue that was deleted since it was listed has none.
        queues.filter_map(|(name, queue)| queue.metrics(name, now).ok()).collect()
    }
}

impl Queue {
    fn metrics(&self, name: String, now: Millis) -> Result<QueueMetrics, SqsError> {
        let counts = self.counts(now)?;
        let mut held = self.lock()?;
        let oldest = held.index.oldest_unprocessed();
        Ok(QueueMetrics {
            name,
            visible: counts.ready as u64,
            not_visible: counts.in_flight as u64,
            delayed: counts.delayed as u64,
            oldest_age_seconds: oldest.map_or(0, |since| now.saturating_sub(since) / 1000),
            totals: held.totals,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::super::calls::Calls;
    use super::*;

    #[tokio::test]
    async fn metrics_count_and_age_messages_by_the_clock() {
        let calls = Calls::new();
        let url = &calls.queue("orders", json!({})).await;
        calls.send(json!({"QueueUrl": url, "MessageBody": "poison"})).await;
        for _ in 0..3 {
            assert_eq!(calls.sqs.metrics()[0].not_visible, 0);
            assert_eq!(calls.receive(url).await.as_array().map(Vec::len), Some(1));
            calls.clock.advance(Duration::from_secs(30));
        }
        assert_eq!(calls.sqs.metrics()[0].oldest_age_seconds, 0, "received three times");
        calls.send(json!({"QueueUrl": url, "MessageBody": "held"})).await;
        calls.send(json!({"QueueUrl": url, "MessageBody": "late", "DelaySeconds": 900})).await;
        calls.clock.advance(Duration::from_secs(7));
        let received = calls.receive(url).await;
        let delete = json!({"QueueUrl": url, "ReceiptHandle": received[0]["ReceiptHandle"]});
        calls.call("DeleteMessage", delete).await;
        assert_eq!(calls.receive(url).await, Value::Null);
        let expected = QueueMetrics {
            name: "orders".into(),
            visible: 0,
            not_visible: 1,
            delayed: 1,
            oldest_age_seconds: 7,
            totals: Totals { sent: 3, sent_bytes: 14, received: 5, empty_receives: 1, deleted: 1 },
        };
        assert_eq!(calls.sqs.metrics(), [expected]);
    }

    #[tokio::test]
    async fn a_dead_letter_ages_from_its_move_on_and_was_not_sent() {
        let calls = Calls::new();
        calls.queue("dead", json!({})).await;
        let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":3}"#;
        let url = &calls.queue("orders", json!({"RedrivePolicy": policy})).await;
        calls.send(json!({"QueueUrl": url, "MessageBody": "poison"})).await;
        for _ in 0..4 {
            calls.receive(url).await;
            calls.clock.advance(Duration::from_secs(30));
        }
        let metrics = calls.sqs.metrics();
        assert_eq!((metrics[0].name.as_str(), metrics[0].visible), ("dead", 1));
        assert_eq!((metrics[0].oldest_age_seconds, metrics[0].totals.sent), (30, 0));
    }
}
