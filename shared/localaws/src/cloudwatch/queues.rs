//! The metrics of the queues: depth and age as they are, traffic as what came
//! since the sample before.
//!
//! Source: "Available CloudWatch metrics for Amazon SQS", SQS Developer Guide.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::series::{Dimension, Metric, Point};
use super::store::Line;
use crate::clock::Millis;
use crate::sqs::{QueueMetrics, Sqs, Totals};

/// The namespace of queues.
pub(super) const NAMESPACE: &str = "AWS/SQS";

/// Takes samples of the queues.
#[derive(Debug)]
pub(super) struct Sampler {
    sqs: Arc<Sqs>,
    /// What passed until the last sample, of queues that had something then.
    before: Mutex<BTreeMap<String, Totals>>,
}

impl Sampler {
    /// A sampler of these queues.
    pub(super) fn new(sqs: Arc<Sqs>) -> Self {
        Self { sqs, before: Mutex::default() }
    }

    /// A sample of every queue that has messages, had some at the sample
    /// before, or had traffic since: CloudWatch hears of active queues only.
    pub(super) fn sample(&self, now: Millis) -> Vec<Line> {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = Vec::new();
        for queue in self.sqs.metrics() {
            let last = before.get(&queue.name).copied();
            let traffic = queue.totals != last.unwrap_or_default();
            if !traffic && !has_messages(&queue) {
                before.remove(&queue.name);
                continue;
            }
            lines.extend(
                values(&queue, last.unwrap_or_default())
                    .map(|(name, unit, value)| line(&queue.name, name, unit, value, now)),
            );
            before.insert(queue.name, queue.totals);
        }
        lines
    }

    /// Each queue as it is now: what the next sample would say.
    pub(super) fn live(&self, now: Millis) -> Vec<Line> {
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = Vec::new();
        for queue in self.sqs.metrics() {
            let last = before.get(&queue.name).copied().unwrap_or_default();
            let values = values(&queue, last);
            lines.extend(
                values.map(|(name, unit, value)| line(&queue.name, name, unit, value, now)),
            );
        }
        lines
    }
}

fn has_messages(queue: &QueueMetrics) -> bool {
    queue.visible + queue.not_visible + queue.delayed > 0
}

fn values(
    queue: &QueueMetrics,
    before: Totals,
) -> impl Iterator<Item = (&'static str, &'static str, u64)> + use<> {
    let since = |now: u64, before: u64| now.saturating_sub(before);
    let totals = queue.totals;
    [
        ("ApproximateNumberOfMessagesVisible", "Count", queue.visible),
        ("ApproximateNumberOfMessagesNotVisible", "Count", queue.not_visible),
        ("ApproximateNumberOfMessagesDelayed", "Count", queue.delayed),
        ("ApproximateAgeOfOldestMessage", "Seconds", queue.oldest_age_seconds),
        ("NumberOfMessagesSent", "Count", since(totals.sent, before.sent)),
        ("NumberOfMessagesReceived", "Count", since(totals.received, before.received)),
        ("NumberOfMessagesDeleted", "Count", since(totals.deleted, before.deleted)),
        ("NumberOfEmptyReceives", "Count", since(totals.empty_receives, before.empty_receives)),
        ("SentMessageSize", "Bytes", since(totals.sent_bytes, before.sent_bytes)),
    ]
    .into_iter()
}

fn line(queue: &str, name: &str, unit: &str, value: u64, at: Millis) -> Line {
    let dimension = Dimension { name: "QueueName".to_owned(), value: queue.to_owned() };
    let metric = Metric {
        namespace: NAMESPACE.to_owned(),
        metric_name: name.to_owned(),
        dimensions: vec![dimension],
    };
    Line { metric, at, point: Point::of(vec![(value as f64, 1.0)], unit.to_owned()) }
}
