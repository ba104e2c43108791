//! Going through a dead-letter queue: what the queue moved there by itself is
//! recorded, what was dealt with leaves, and the rest is given back as it was.
//!
//! A message that no worker lived to settle is moved by the queue's redrive policy,
//! without a reason and without a record. Messages that a worker sent are known by
//! their attributes, the others by their id, which SQS keeps when it moves them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use millrace_contract::BodyFacts;
use millrace_queue::{
    MAX_BATCH, MAX_BATCH_BYTES, Queue, QueueError, Receipt, Receive, Received, TRACE_ATTRIBUTE,
};
use millrace_retry::{Classify, FailureClass};
use thiserror::Error;

use crate::dead_letter::{CLASS_ATTRIBUTE, MESSAGE_ATTRIBUTE, REASON_ATTRIBUTE};
use crate::{
    DeadCopy, DeadLetter, Delivery, Failure, FailureLog, FailureLogError, Standing, Subject,
};

/// How long messages are held while the others are looked at.
const HOLD: Duration = Duration::from_secs(300);

/// A poll that waits asks all of the queue's servers ("Amazon SQS short and long
/// polling"), so that an empty answer means an empty queue.
const WAIT: Duration = Duration::from_secs(1);

/// What the id of a message takes beside its body, with some to spare.
const ROOM_FOR_ID: usize = 256;

/// A stage's dead-letter queue, and the log that knows what is in it.
pub struct DeadLetterQueue {
    /// The dead-letter queue.
    pub queue: Arc<dyn Queue>,
    /// Name of the stage.
    pub stage: String,
    /// Name of the queue that the messages came from.
    pub source: String,
    /// Receives a message gets there before the redrive policy moves it.
    pub max_receive_count: u32,
    /// Where dead letters are recorded.
    pub failures: Arc<dyn FailureLog>,
}

/// When to stop before the queue's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// After so many messages.
    pub messages: u64,
    /// When so many were removed.
    pub removed: u64,
}

impl Limit {
    /// Goes through all messages.
    pub const NONE: Self = Self { messages: u64::MAX, removed: u64::MAX };
}

/// What was done, in messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tended {
    /// Recorded as dead letters.
    pub adopted: u64,
    /// Deleted, since they were dealt with.
    pub removed: u64,
    /// Given back.
    pub kept: u64,
}

/// Why a dead-letter queue could not be gone through.
#[derive(Debug, Error)]
pub enum TendError {
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] FailureLogError),
}

impl TendError {
    /// Whether it may pass.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Queue(error) => error.class().is_retryable(),
            Self::Log(_) => true,
        }
    }
}

/// What is known in the middle of it.
#[derive(Default)]
struct Pass {
    seen: HashSet<String>,
    held: Vec<Receipt>,
    tended: Tended,
}

impl DeadLetterQueue {
    /// Goes through the queue once, as long as `go_on` says so, which is told after
    /// every ten messages what was done so far. Messages that stay are hidden until
    /// it ends.
    ///
    /// # Errors
    /// [`TendError`]; what is held is given back before.
    pub async fn tend(
        &self,
        limit: Limit,
        mut go_on: impl FnMut(&Tended) -> bool + Send,
    ) -> Result<Tended, TendError> {
        let mut pass = Pass::default();
        let ended = self.go_through(&mut pass, limit, &mut go_on).await;
        // A message that this fails for comes back when its visibility ends.
        let back: Vec<_> = pass.held.into_iter().map(|receipt| (receipt, Duration::ZERO)).collect();
        drop(self.queue.change_visibility(&back).await);
        ended.map(|()| pass.tended)
    }

    async fn go_through(
        &self,
        pass: &mut Pass,
        limit: Limit,
        go_on: &mut (impl FnMut(&Tended) -> bool + Send),
    ) -> Result<(), TendError> {
        let request = Receive { max: MAX_BATCH, wait: WAIT, visibility: HOLD };
        while (pass.seen.len() as u64) < limit.messages
            && pass.tended.removed < limit.removed
            && go_on(&pass.tended)
        {
            let batch = self.queue.receive(request).await?;
            let is_new = |message: &Received| pass.seen.insert(message.message_id.clone());
            // One that comes back has been held too long: the others do as well.
            let is_last = batch.is_empty() || !batch.iter().all(is_new);
            let receipts: Vec<_> = batch.iter().map(|message| message.receipt.clone()).collect();
            match self.judge(batch, &mut pass.tended).await {
                Ok(kept) => pass.held.extend(kept),
                Err(error) => {
                    pass.held.extend(receipts);
                    return Err(error);
                }
            }
            if is_last {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Does what is to be done about some messages; answers those that stay.
    async fn judge(
        &self,
        batch: Vec<Received>,
        tended: &mut Tended,
    ) -> Result<Vec<Receipt>, TendError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let copies: Vec<_> = batch.iter().map(copy).collect();
        let standings = self.failures.standing(&self.source, &copies).await?;
        let (mut over, mut kept) = (Vec::new(), Vec::new());
        for (message, standing) in batch.into_iter().zip(standings) {
            match standing {
                Standing::Over => over.push(message.receipt),
                Standing::Open => kept.push(message.receipt),
                Standing::Unknown => {
                    kept.extend(self.adopt(message).await?);
                    tended.adopted += 1;
                }
            }
        }
        tended.kept += kept.len() as u64;
        let deleted = self.queue.delete(&over).await;
        for (receipt, result) in over.into_iter().zip(deleted) {
            match result {
                Ok(()) => tended.removed += 1,
                Err(_) => kept.push(receipt),
            }
        }
        Ok(kept)
    }

    /// Records a message, then puts one with its facts in its place. Interrupted in
    /// between, it is known by its id the next time. Answers its receipt if it stays.
    async fn adopt(&self, message: Received) -> Result<Option<Receipt>, TendError> {
        let has_facts = message.attributes.contains_key(CLASS_ATTRIBUTE);
        let (letter, receipt) = self.letter(message);
        self.failures.adopt(&letter).await?;
        let outgoing = letter.to_outgoing();
        if has_facts || outgoing.attributes.is_empty() {
            return Ok(Some(receipt));
        }
        for sent in self.queue.send(&[outgoing]).await {
            sent?;
        }
        let deleted = self.queue.delete(std::slice::from_ref(&receipt)).await;
        Ok(deleted.iter().any(Result::is_err).then_some(receipt))
    }

    /// What is known of a message that is on no record.
    fn letter(&self, message: Received) -> (DeadLetter, Receipt) {
        let facts = BodyFacts::of(&message.body);
        let named = copy(&message).message_id;
        let told = |name: &str| message.attributes.get(name);
        let class = told(CLASS_ATTRIBUTE).and_then(|class| class.parse().ok());
        let reason = told(REASON_ATTRIBUTE).cloned().unwrap_or_else(|| self.never_settled());
        let is_traced = told(TRACE_ATTRIBUTE).is_some();
        let (mut delivery, receipt) = Delivery::split(message);
        delivery.message_id = named;
        delivery.receive_count = self.max_receive_count;
        delivery.first_received_at = delivery.sent_at;
        if let (false, Some(trace_id)) = (is_traced, facts.trace_id) {
            delivery.trace_id = trace_id;
        }
        let failure = Failure::new(class.unwrap_or(FailureClass::Poison), reason).about(Subject {
            dataset: facts.dataset,
            object: facts.object,
            file_id: facts.file_id.map(|file_id| file_id.to_string()),
        });
        (DeadLetter::new(&self.stage, &self.source, &delivery, failure), receipt)
    }

    fn never_settled(&self) -> String {
        let times = self.max_receive_count;
        format!(
            "received {times} times without ever being settled: each time the worker was killed \
             or cut off while it had the message (out of memory?), so the queue moved it by itself"
        )
    }
}

/// What a message is known by.
fn copy(message: &Received) -> DeadCopy {
    if let Some(message_id) = message.attributes.get(MESSAGE_ATTRIBUTE) {
        return DeadCopy { message_id: message_id.clone(), body: None };
    }
    // Messages of earlier versions have their facts and no id; those that leave no
    // room for an id, neither.
    let is_copy = message.attributes.contains_key(CLASS_ATTRIBUTE);
    let by_body = is_copy || message.body.len() + ROOM_FOR_ID > MAX_BATCH_BYTES;
    DeadCopy { message_id: message.message_id.clone(), body: by_body.then(|| message.body.clone()) }
}
