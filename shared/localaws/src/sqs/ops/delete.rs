//! `DeleteMessage` and `DeleteMessageBatch`.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::Sqs;
use super::super::error::SqsError;
use super::super::queue::Expired;
use super::super::receipt::Receipt;
use super::batch::{BatchResult, Done, check_ids};

/// Parameters of `DeleteMessage`, and of an entry of `DeleteMessageBatch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct DeleteMessage<'a> {
    /// Of `DeleteMessage` only.
    #[serde(borrow, default)]
    queue_url: Cow<'a, str>,
    /// Of an entry only.
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    receipt_handle: Cow<'a, str>,
}

/// Parameters of `DeleteMessageBatch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct DeleteMessageBatch<'a> {
    #[serde(borrow, default)]
    queue_url: Cow<'a, str>,
    #[serde(borrow, default)]
    entries: Vec<DeleteMessage<'a>>,
}

impl Sqs {
    pub(in super::super) fn delete_message(
        &self,
        request: &DeleteMessage<'_>,
    ) -> Result<(), SqsError> {
        let queue = self.queue(&request.queue_url)?;
        let receipt = receipt(&request.receipt_handle, queue.description().number)?;
        let answers = queue.delete(&[receipt], self.clock.now())?;
        answers.into_iter().collect::<Result<(), _>>().map_err(|Expired| request.expired())
    }

    pub(in super::super) fn delete_message_batch(
        &self,
        request: DeleteMessageBatch<'_>,
    ) -> Result<BatchResult<Done>, SqsError> {
        let queue = self.queue(&request.queue_url)?;
        let entries = &request.entries;
        check_ids("DeleteMessageBatchRequestEntry", entries.iter().map(|entry| &entry.id))?;
        let number = queue.description().number;
        let checked: Vec<_> =
            entries.iter().map(|entry| receipt(&entry.receipt_handle, number)).collect();
        let receipts: Vec<Receipt> = checked.iter().flatten().copied().collect();
        let mut answers = queue.delete(&receipts, self.clock.now())?.into_iter();
        let mut result = BatchResult::new();
        for (entry, checked) in entries.iter().zip(checked) {
            let answer = checked.and_then(|_| match answers.next() {
                Some(Err(Expired)) => Err(entry.expired()),
                Some(Ok(())) | None => Ok(Done { id: entry.id.to_string() }),
            });
            result.push(&entry.id, answer);
        }
        Ok(result)
    }
}

impl DeleteMessage<'_> {
    fn expired(&self) -> SqsError {
        let reason = "The receipt handle has expired.";
        SqsError::value(&self.receipt_handle, "ReceiptHandle", reason)
    }
}

/// Reads a handle that the queue of this number gave out.
pub(super) fn receipt(handle: &str, number: u64) -> Result<Receipt, SqsError> {
    Receipt::from_handle(handle, number).ok_or_else(|| SqsError::receipt_handle(handle))
}
