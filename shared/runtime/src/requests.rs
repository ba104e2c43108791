//! The requests that messages share: deletes, releases and sends.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use millrace_failpoint::{Point, reach};
use millrace_queue::{Entries, Outgoing, Queue, QueueError, Receipt};
use millrace_retry::{Attempts, Classify, retry};

use crate::batcher::Request;

/// How hard a delete is tried. A message that stays is delivered again and its
/// handler finds nothing left to do, but that costs more than trying.
const DELETE_ATTEMPTS: Attempts =
    Attempts { max: 4, first_pause: Duration::from_millis(200), max_pause: Duration::from_secs(2) };

/// Deletes messages whose effects are committed; the stage is named to failpoints.
pub(crate) struct Delete(pub(crate) Arc<dyn Queue>, pub(crate) String);

/// Sets how long messages stay hidden that are handed back.
pub(crate) struct Release(pub(crate) Arc<dyn Queue>);

/// Sends messages on.
pub(crate) struct Send(pub(crate) Arc<dyn Queue>);

#[async_trait]
impl Request for Delete {
    type Item = Receipt;

    async fn make(&self, receipts: Vec<Receipt>) -> Entries {
        let mut results = self.0.delete(&receipts).await;
        reach(&self.1, Point::AfterDelete);
        for (receipt, result) in receipts.iter().zip(&mut results) {
            if result.as_ref().is_err_and(|error| error.class().is_retryable()) {
                *result = self.again(receipt).await;
            }
            if let Err(error) = result {
                tracing::warn!(%error, "a message was handled but not deleted; it comes back");
            }
        }
        results
    }

    fn unanswered(&self) -> QueueError {
        unanswered("sqs:DeleteMessage", &self.0)
    }
}

impl Delete {
    async fn again(&self, receipt: &Receipt) -> Result<(), QueueError> {
        let delete = || async {
            let results = self.0.delete(std::slice::from_ref(receipt)).await;
            results.into_iter().next().unwrap_or_else(|| Err(self.unanswered()))
        };
        retry(DELETE_ATTEMPTS, tokio::time::sleep, delete).await
    }
}

#[async_trait]
impl Request for Release {
    type Item = (Receipt, Duration);

    async fn make(&self, changes: Vec<(Receipt, Duration)>) -> Entries {
        let results = self.0.change_visibility(&changes).await;
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            tracing::warn!(%error, "a message was not handed back; its visibility timeout does");
        }
        results
    }

    fn unanswered(&self) -> QueueError {
        unanswered("sqs:ChangeMessageVisibility", &self.0)
    }
}

#[async_trait]
impl Request for Send {
    type Item = Outgoing;

    async fn make(&self, messages: Vec<Outgoing>) -> Entries {
        self.0.send(&messages).await
    }

    fn unanswered(&self) -> QueueError {
        unanswered("sqs:SendMessage", &self.0)
    }

    fn bytes(message: &Outgoing) -> usize {
        message.bytes()
    }
}

fn unanswered(action: &'static str, queue: &Arc<dyn Queue>) -> QueueError {
    QueueError::unavailable(action, queue.name(), "the request was dropped")
}
