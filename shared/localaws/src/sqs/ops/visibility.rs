//! `ChangeMessageVisibility` and `ChangeMessageVisibilityBatch`.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::Sqs;
use super::super::error::{Code, SqsError};
use super::super::messages::Refusal;
use super::super::queue::Queue;
use super::super::receipt::Receipt;
use super::batch::{BatchResult, Done, check_ids};
use super::delete::receipt;
use crate::clock::Millis;

/// Parameters of `ChangeMessageVisibility`, and of an entry of its batch.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct ChangeMessageVisibility<'a> {
    /// Of the single operation only.
    #[serde(borrow, default)]
    queue_url: Cow<'a, str>,
    /// Of an entry only.
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    receipt_handle: Cow<'a, str>,
    visibility_timeout: Option<i64>,
}

/// Parameters of `ChangeMessageVisibilityBatch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct ChangeMessageVisibilityBatch<'a> {
    #[serde(borrow, default)]
    queue_url: Cow<'a, str>,
    #[serde(borrow, default)]
    entries: Vec<ChangeMessageVisibility<'a>>,
}

impl Sqs {
    pub(in super::super) fn change_message_visibility(
        &self,
        request: &ChangeMessageVisibility<'_>,
    ) -> Result<(), SqsError> {
        let queue = self.queue(&request.queue_url)?;
        let answers = self.change(&queue, std::slice::from_ref(request))?;
        answers.into_iter().collect()
    }

    pub(in super::super) fn change_message_visibility_batch(
        &self,
        request: ChangeMessageVisibilityBatch<'_>,
    ) -> Result<BatchResult<Done>, SqsError> {
        let queue = self.queue(&request.queue_url)?;
        let entries = &request.entries;
        let ids = entries.iter().map(|entry| &entry.id);
        check_ids("ChangeMessageVisibilityBatchRequestEntry", ids)?;
        let mut result = BatchResult::new();
        for (entry, answer) in entries.iter().zip(self.change(&queue, entries)?) {
            result.push(&entry.id, answer.map(|()| Done { id: entry.id.to_string() }));
        }
        Ok(result)
    }

    /// Carries out all changes in one step; answers each in its place.
    fn change(
        &self,
        queue: &Queue,
        requests: &[ChangeMessageVisibility<'_>],
    ) -> Result<Vec<Result<(), SqsError>>, SqsError> {
        let number = queue.description().number;
        let checked: Vec<_> = requests.iter().map(|request| request.check(number)).collect();
        let changes: Vec<_> = checked.iter().flatten().copied().collect();
        let mut answers = queue.change_visibility(self.clock.now(), &changes)?.into_iter();
        let answer = |(request, checked): (&ChangeMessageVisibility<'_>, Result<_, _>)| {
            checked?;
            match answers.next() {
                Some(Err(refusal)) => Err(request.refuse(refusal)),
                Some(Ok(())) | None => Ok(()),
            }
        };
        Ok(requests.iter().zip(checked).map(answer).collect())
    }
}

impl ChangeMessageVisibility<'_> {
    fn check(&self, queue_number: u64) -> Result<(Receipt, Millis), SqsError> {
        let timeout =
            self.visibility_timeout.ok_or_else(|| SqsError::missing("VisibilityTimeout"))?;
        if !(0..=43_200).contains(&timeout) {
            let reason = "VisibilityTimeout must be an integer between 0 and 43200";
            return Err(SqsError::value(timeout, "VisibilityTimeout", reason));
        }
        Ok((receipt(&self.receipt_handle, queue_number)?, timeout as Millis * 1000))
    }

    fn refuse(&self, refusal: Refusal) -> SqsError {
        match refusal {
            Refusal::Deleted => SqsError::value(
                &self.receipt_handle,
                "ReceiptHandle",
                "Message does not exist or is not available for visibility timeout change.",
            ),
            Refusal::NotInFlight => {
                SqsError::new(Code::MessageNotInflight, "The message referred to isn't in flight.")
            }
            Refusal::TooLong => SqsError::value(
                self.visibility_timeout.unwrap_or_default(),
                "VisibilityTimeout",
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
            ),
        }
    }
}
