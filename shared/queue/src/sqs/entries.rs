//! One answer per entry: a batch request may succeed for some entries and fail
//! for others.

use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use aws_sdk_sqs::types::BatchResultErrorEntry;
use millrace_retry::Classify;

use super::fault::{entry_fault, patiently};
use crate::{Entries, QueueError};

/// Pauses before entries that failed for a passing reason are tried again.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(500)];

/// What a batch request answered.
pub(super) struct Answer {
    /// Ids of the entries that succeeded.
    pub(super) successful: Vec<String>,
    /// The entries that failed.
    pub(super) failed: Vec<BatchResultErrorEntry>,
}

/// The id of an entry within its request.
pub(super) fn id(index: usize) -> String {
    index.to_string()
}

/// A kind of batch request on one queue.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) action: &'static str,
    pub(super) queue: &'a str,
}

impl Batch<'_> {
    /// Makes a request per range, then tries the entries that failed for a
    /// passing reason again without the others.
    ///
    /// A request that fails as a whole is not repeated here: the SDK has done
    /// so.
    pub(super) async fn run<Request, Running>(
        self,
        total: usize,
        ranges: impl IntoIterator<Item = Range<usize>>,
        request: Request,
    ) -> Entries
    where
        Request: Fn(Vec<usize>) -> Running,
        Running: Future<Output = Result<Answer, QueueError>>,
    {
        let mut results: Entries = (0..total).map(|_| Err(self.unanswered())).collect();
        for range in ranges {
            let mut indices: Vec<usize> = range.collect();
            let mut pauses = PAUSES.into_iter();
            loop {
                indices = self.attempt(&mut results, indices, &request).await;
                match pauses.next() {
                    Some(pause) if !indices.is_empty() => tokio::time::sleep(pause).await,
                    _ => break,
                }
            }
        }
        results
    }

    /// Makes one request and returns the entries worth another try.
    async fn attempt<Request, Running>(
        self,
        results: &mut Entries,
        indices: Vec<usize>,
        request: &Request,
    ) -> Vec<usize>
    where
        Request: Fn(Vec<usize>) -> Running,
        Running: Future<Output = Result<Answer, QueueError>>,
    {
        let answered = patiently(self.action, self.queue, request(indices.clone())).await;
        let answer = match answered.and_then(|answer| answer) {
            Ok(answer) => answer,
            Err(error) => {
                for index in indices {
                    results[index] = Err(error.clone());
                }
                return Vec::new();
            }
        };
        for id in &answer.successful {
            self.set(results, id, Ok(()));
        }
        for entry in answer.failed {
            let fault = entry_fault(
                self.action,
                self.queue,
                &entry.code,
                entry.sender_fault,
                entry.message,
            );
            self.set(results, &entry.id, Err(fault));
        }
        indices.into_iter().filter(|&index| worth_another_try(&results[index])).collect()
    }

    fn set(self, results: &mut Entries, id: &str, result: Result<(), QueueError>) {
        if let Some(slot) = id.parse().ok().and_then(|index: usize| results.get_mut(index)) {
            *slot = result;
        }
    }

    fn unanswered(self) -> QueueError {
        let reason = "the answer did not mention this entry";
        QueueError::unavailable(self.action, self.queue, reason)
    }
}

fn worth_another_try(result: &Result<(), QueueError>) -> bool {
    match result {
        Ok(()) | Err(QueueError::ReceiptExpired { .. }) => false,
        Err(error) => error.class().is_retryable(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use millrace_retry::FailureClass;

    use super::*;

    const BATCH: Batch<'_> = Batch { action: "sqs:SendMessage", queue: "q" };

    fn failed(index: usize, code: &str, sender_fault: bool) -> BatchResultErrorEntry {
        BatchResultErrorEntry::builder()
            .id(id(index))
            .code(code)
            .sender_fault(sender_fault)
            .build()
            .expect("complete")
    }

    fn class(result: &Result<(), QueueError>) -> Option<FailureClass> {
        result.as_ref().err().map(Classify::class)
    }

    #[tokio::test(start_paused = true)]
    async fn only_entries_that_failed_for_a_passing_reason_are_tried_again() {
        let requests = RefCell::new(Vec::new());
        let results = BATCH
            .run(3, std::iter::once(0..3), |indices| {
                requests.borrow_mut().push(indices.clone());
                let first = requests.borrow().len() == 1;
                async move {
                    Ok(if first {
                        let poison = failed(1, "InvalidMessageContents", true);
                        let passing = failed(2, "InternalError", false);
                        Answer { successful: vec![id(0)], failed: vec![poison, passing] }
                    } else {
                        Answer { successful: indices.into_iter().map(id).collect(), failed: vec![] }
                    })
                }
            })
            .await;
        assert_eq!(*requests.borrow(), [vec![0, 1, 2], vec![2]]);
        assert!(results[0].is_ok() && results[2].is_ok());
        assert_eq!(class(&results[1]), Some(FailureClass::Poison), "{results:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_that_the_answer_forgot_is_not_taken_for_a_success() {
        let results = BATCH
            .run(1, std::iter::once(0..1), |_| async {
                Ok(Answer { successful: vec![], failed: vec![] })
            })
            .await;
        assert_eq!(class(&results[0]), Some(FailureClass::Transient), "{results:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_fails_as_a_whole_fails_its_entries_only() {
        let results = BATCH
            .run(3, [0..2, 2..3], |indices| async move {
                if indices.contains(&0) {
                    return Err(QueueError::not_found("q"));
                }
                Ok(Answer { successful: indices.into_iter().map(id).collect(), failed: vec![] })
            })
            .await;
        let ok: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(ok, [false, false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_an_answer_ends() {
        let results = BATCH
            .run(1, std::iter::once(0..1), |_| std::future::pending::<Result<Answer, QueueError>>())
            .await;
        assert_eq!(class(&results[0]), Some(FailureClass::Transient), "{results:?}");
    }
}
