//! `DeleteMessage` and `DeleteMessageBatch`.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::Sqs;
use super::super::error::SqsError;
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
        queue.delete(&[receipt(&request.receipt_handle, queue.description().number)?])
    }

    pub(in super::super) fn delete_message_batch(
        &self,
        request: DeleteMessageBatch<'_>,
    ) -> Result<BatchResult<Done>, SqsError> {
        let queue = self.queue(&request.queue_url)?;
        let entries = &request.entries;
        check_ids("DeleteMessageBatchRequestEntry", entries.iter().map(|entry| &entry.id))?;
        let number = queue.description().number;
        let (mut result, mut receipts) = (BatchResult::new(), Vec::with_capacity(entries.len()));
        for entry in entries {
            let answer = receipt(&entry.receipt_handle, number).map(|receipt| {
                receipts.push(receipt);
                Done { id: entry.id.to_string() }
            });
            result.push(&entry.id, answer);
        }
        queue.delete(&receipts)?;
        Ok(result)
    }
}

/// Reads a handle that the queue of this number gave out.
pub(super) fn receipt(handle: &str, number: u64) -> Result<Receipt, SqsError> {
    Receipt::from_handle(handle, number).ok_or_else(|| SqsError::receipt_handle(handle))
}
