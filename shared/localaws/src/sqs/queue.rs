//! A queue: its messages behind one lock, and those who wait for some.
//!
//! The lock is held for memory and one write to the journal, never across an
//! await, and never together with another queue's. Whoever needs the description
//! as well takes that first.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::{fs, io};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::clock::Millis;

use super::description::{self, Description};
use super::error::{Code, SqsError};
use super::index::Counts;
use super::journal::Batch;
use super::message::{Message, Seq, State};
use super::messages::{Messages, Refusal};
use super::receipt::Receipt;

/// A queue is purged no more often than this.
const PURGE_INTERVAL: Millis = 60_000;
/// A queue.
#[derive(Debug)]
pub(crate) struct Queue {
    /// ARN.
    pub(crate) arn: String,
    /// Whether it is a FIFO queue; that never changes.
    pub(crate) is_fifo: bool,
    dir: PathBuf,
    description: RwLock<Arc<Description>>,
    messages: Mutex<Messages>,
    /// Woken when a message may have become ready, or will be sooner.
    pub(super) arrivals: Notify,
}

/// A message as its sender is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Message id.
    pub(crate) id: Uuid,
    /// Its place in the queue.
    pub(crate) seq: Seq,
}

/// The receipt handle of a message of a FIFO queue was not used in time: the
/// message can be received again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expired;

impl Queue {
    /// Creates a queue in `dir`, which holds none.
    pub(super) fn create(
        dir: PathBuf,
        arn: String,
        mut description: Description,
    ) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        description.settle();
        let queue = Self::open(dir, arn, description)?;
        queue.description().save(&queue.dir)?;
        Ok(queue)
    }

    /// Opens the queue in `dir`.
    pub(super) fn open(dir: PathBuf, arn: String, description: Description) -> io::Result<Self> {
        Ok(Self {
            arn,
            is_fifo: description.settings.fifo,
            messages: Mutex::new(Messages::open(&dir, description.settings.fifo)?),
            dir,
            description: RwLock::new(Arc::new(description)),
            arrivals: Notify::new(),
        })
    }

    /// Settings and tags as they are now.
    pub(crate) fn description(&self) -> Arc<Description> {
        Arc::clone(&self.description.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes settings or tags; on an error they stay as they are.
    pub(crate) fn describe(
        &self,
        change: impl FnOnce(&mut Description) -> Result<(), SqsError>,
    ) -> Result<(), SqsError> {
        let mut current = self.description.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Description::clone(&current);
        change(&mut changed)?;
        changed.settle();
        drop(self.lock()?);
        changed.save(&self.dir)?;
        *current = Arc::new(changed);
        Ok(())
    }

    /// Adds what a sender sent; all messages are stored, or none. On a FIFO
    /// queue, what was sent before is accepted as what it was then.
    pub(crate) fn send(
        &self,
        messages: Vec<Message>,
        now: Millis,
    ) -> Result<Vec<Accepted>, SqsError> {
        let mut held = self.lock()?;
        let (fresh, accepted) = held.tell_apart(messages, now);
        let (count, bytes) = (fresh.len() as u64, fresh.iter().map(Message::size).sum::<u64>());
        held.add(fresh)?;
        held.totals.sent += count;
        held.totals.sent_bytes += bytes;
        drop(held);
        self.arrivals.notify_one();
        Ok(accepted)
    }

    /// Adds messages moved from another queue; all are stored, or none.
    pub(crate) fn add(&self, messages: Vec<Message>) -> Result<(), SqsError> {
        self.lock()?.add(messages)?;
        self.arrivals.notify_one();
        Ok(())
    }

    /// Deletes what the receipts name. On a standard queue a receipt that a
    /// later receive made stale deletes nothing; on a FIFO queue that, or a
    /// visibility timeout that ran out, is refused. The receipt of a deleted
    /// message is accepted on both.
    pub(crate) fn delete(
        &self,
        receipts: &[Receipt],
        now: Millis,
    ) -> Result<Vec<Result<(), Expired>>, SqsError> {
        let mut held = self.lock()?;
        held.index.promote(now);
        let is_expired = |receipt: &Receipt| self.is_fifo && held.is_expired(receipt);
        let answers: Vec<_> = receipts
            .iter()
            .map(|receipt| if is_expired(receipt) { Err(Expired) } else { Ok(()) })
            .collect();
        let accepted = receipts.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
        let current = accepted.filter(|(receipt, _)| held.is_current(receipt));
        let mut seqs: Vec<Seq> = current.map(|(receipt, _)| receipt.seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        held.delete(&seqs)?;
        held.totals.deleted += seqs.len() as u64;
        self.wake_next(held);
        Ok(answers)
    }

    /// Changes how long from `now` each receipt's message stays hidden.
    pub(crate) fn change_visibility(
        &self,
        now: Millis,
        changes: &[(Receipt, Millis)],
    ) -> Result<Vec<Result<(), Refusal>>, SqsError> {
        let mut held = self.lock()?;
        held.index.promote(now);
        let mut batch = Batch::default();
        let mut accepted = Vec::new();
        let mut answers = Vec::with_capacity(changes.len());
        for (receipt, timeout) in changes {
            let answer = held.check_hold(receipt, now, *timeout);
            if answer.is_ok() {
                let state = match timeout {
                    0 => State::Ready,
                    _ => State::InFlight(now + timeout),
                };
                batch.state(receipt.seq, state);
                accepted.push((receipt.seq, state));
            }
            answers.push(answer);
        }
        held.journal.write(&batch)?;
        for (seq, state) in accepted {
            held.index.set_state(seq, state);
        }
        held.clean();
        drop(held);
        self.arrivals.notify_one();
        Ok(answers)
    }

    /// Applies the delay of a FIFO queue's settings to the messages that are
    /// there. On a standard queue it is for messages sent later only.
    pub(crate) fn delay_anew(&self, now: Millis) -> Result<(), SqsError> {
        let delay = Millis::from(self.description().settings.delay) * 1000;
        self.lock()?.delay_anew(delay, now)?;
        self.arrivals.notify_one();
        Ok(())
    }

    /// Deletes all messages.
    pub(crate) fn purge(&self, now: Millis) -> Result<(), SqsError> {
        let description = self.description();
        let mut held = self.lock()?;
        if held.purged_at.is_some_and(|at| now < at + PURGE_INTERVAL) {
            let name = &description.name;
            let message =
                format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds.");
            return Err(SqsError::new(Code::PurgeQueueInProgress, message));
        }
        held.clear()?;
        held.purged_at = Some(now);
        Ok(())
    }

    /// Counts a receive that was answered without messages.
    pub(crate) fn count_empty_receive(&self) -> Result<(), SqsError> {
        self.lock()?.totals.empty_receives += 1;
        Ok(())
    }

    /// How many messages there are.
    pub(crate) fn counts(&self, now: Millis) -> Result<Counts, SqsError> {
        let retention = self.description().retention();
        let mut held = self.lock()?;
        held.sweep(now, retention)?;
        held.index.promote(now);
        Ok(held.index.counts())
    }

    /// Takes the queue off the disk. Whoever waits for its messages is told.
    pub(super) fn destroy(&self) -> io::Result<()> {
        let mut held = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        fs::remove_file(self.dir.join(description::FILE))?;
        held.gone = true;
        drop(held);
        self.arrivals.notify_waiters();
        fs::remove_dir_all(&self.dir)
    }

    /// Wakes a waiting receive if there is something for it.
    pub(super) fn wake_next(&self, held: MutexGuard<'_, Messages>) {
        let has_next = held.index.has_next();
        drop(held);
        if has_next {
            self.arrivals.notify_one();
        }
    }

    /// The messages, unless the queue was deleted.
    pub(super) fn lock(&self) -> Result<MutexGuard<'_, Messages>, SqsError> {
        let held = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        match held.gone {
            true => Err(SqsError::no_queue()),
            false => Ok(held),
        }
    }
}
